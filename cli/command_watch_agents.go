package cli

import (
	"context"
	"time"

	"github.com/unitty/unitty/unity"
)

const (
	// watchedSites is how many sites are read for what stands beside watched commands. Beyond that the watching itself is enough
	// to ask of the server, and the last poll is what the job noted.
	watchedSites = 16
	// watchedAge is how old the machines of a site may be before they are read again when a command has come to its end: all
	// that end in one look at the site share a reading.
	watchedAge = time.Second
)

// waiting tells whether the agent may still fetch the command.
func (r watchRow) waiting() bool { return r.state == 0 || r.state.Open() }

// readAgents reads the machines of the sites whose commands are watched. What cannot be read is said, and the watching goes on.
func (w *commandWatcher) readAgents(ctx context.Context) error {
	var sites []unity.SiteID
	seen := map[unity.SiteID]bool{}
	for _, r := range w.rows {
		if !seen[r.SiteID] {
			seen[r.SiteID] = true
			sites = append(sites, r.SiteID)
		}
	}
	if len(sites) == 0 || len(sites) > watchedSites {
		return nil
	}
	if err := w.agents.readSites(ctx, sites...); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.app.withoutReports(err)
	}
	return nil
}

// beside completes a row whose state is another one now. Once the agent has fetched the command, it has news too.
func (w *commandWatcher) beside(ctx context.Context, row watchRow) watchRow {
	if age, read := w.agents.age(row.SiteID); read && age > watchedAge && !row.waiting() {
		_ = w.agents.readSites(ctx, row.SiteID) // what was read before is as good as there is
	}
	row.agentJSON = w.agents.beside(row.EndpointID, row.waiting(), row.given)
	return row
}
