package dispatch

import (
	"context"

	"github.com/unitty/unitty/unity"
)

// look reads once how far those sent commands are that were not seen at their end, so that a choice among them does not go by
// what an earlier run happened to see. A site that cannot be read is an error.
func (p *Past) look(ctx context.Context, c *unity.Client, ledger *Ledger) error {
	if err := ledger.Read(); err != nil {
		return err
	}
	open := map[unity.SiteID]map[unity.EndpointID]bool{}
	for i := range p.Results {
		if r := &p.Results[i]; r.State == Sent && p.follows(r.Ref.ID) {
			if open[r.Ref.Site] == nil {
				open[r.Ref.Site] = map[unity.EndpointID]bool{}
			}
			open[r.Ref.Site][r.Ref.ID] = true
		}
	}
	for site, ids := range open {
		q := unity.CommandQuery{Command: p.Operation.Command, Since: p.Started.Add(-trackBack)}
		commands, err := unity.Collect(c.SiteCommands(ctx, site, q))
		if err != nil {
			return err
		}
		follow(commands, &p.Job, p.before[site], ids, ledger.changes, func(t Tracked) { p.tracked[t.ID] = t.State })
	}
	return nil
}
