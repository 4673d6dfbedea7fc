package live

import (
	"context"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// mostSuspects bounds the sites, and the single machines, that are asked because of reports that nobody could be told.
const mostSuspects = 16

// joinSuspects asks for machines that a modified report may be of, where it says that one is infected of which that was not
// known, or is not any more: that must not wait for the sites' turn. Their machines are read with the reports, unless they
// have just been: a name may be another machine's by now, while the number of machines is the same.
func (f *Fleet) joinSuspects(ctx context.Context, r *reports, sites, due []*unity.Site) error {
	if r.Len() == 0 || !r.whole {
		return nil
	}
	ask := f.suspectSites(r)
	chosen := slices.DeleteFunc(slices.Clone(sites), func(s *unity.Site) bool { return !ask[s.ID] })
	if err := f.readAll(ctx, slices.DeleteFunc(slices.Clone(chosen), func(s *unity.Site) bool { return slices.Contains(due, s) })); err != nil {
		return err
	}
	return f.joinSites(ctx, r.at, nil, chosen)
}

// suspectSites gives the sites to be asked for their reports, and hurries machines that these cannot tell.
func (f *Fleet) suspectSites(r *reports) map[unity.SiteID]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	open := map[string][]picture.Row{} // modified reports that are nobody's, by folded host
	for row := range f.matched(r, f.chunkList()).Left() {
		if _, byID := row.MachineKey(); !byID {
			open[row.FoldedHost()] = append(open[row.FoldedHost()], row)
		}
	}
	if len(open) == 0 {
		return nil
	}
	bearers := map[string][]picture.Row{}
	for _, c := range f.chunks {
		for i := range c.Len() {
			if row := c.Row(i); open[row.FoldedHost()] != nil {
				bearers[row.FoldedHost()] = append(bearers[row.FoldedHost()], row)
			}
		}
	}
	suspects := map[picture.Row]bool{}
	for host, reports := range open {
		for _, report := range reports {
			for _, row := range suspected(report, bearers[host]) {
				suspects[row] = true
			}
		}
	}
	return f.sortSuspects(suspects)
}

// suspected are the machines, of those that bear its name, of which a report may tell something new about an infection. The
// hardware address tells which one to look at, but not that the report is its.
func suspected(report picture.Row, bearers []picture.Row) []picture.Row {
	var known []picture.Row
	for _, row := range bearers {
		if sameHardware(row, report) {
			known = append(known, row)
		}
	}
	if len(known) == 0 {
		if sick(report) {
			return bearers
		}
		return nil
	}
	return slices.DeleteFunc(known, func(row picture.Row) bool { return sick(row) == sick(report) })
}

// sortSuspects hurries those machines that share their name within their site, and gives the sites of the others. The lock must
// be held.
func (f *Fleet) sortSuspects(suspects map[picture.Row]bool) map[unity.SiteID]bool {
	ask := map[unity.SiteID]bool{}
	seen := map[*picture.Chunk]bool{}
	for row := range suspects {
		c := row.Chunk()
		if seen[c] {
			continue
		}
		seen[c] = true
		alone := map[picture.Row]bool{}
		for _, r := range alike(c) {
			if alone[r] = true; suspects[r] {
				f.hurry(c.Site().ID, r.ID())
			}
		}
		for i := range c.Len() {
			if r := c.Row(i); suspects[r] && !alone[r] && r.FoldedHost() != "" && len(ask) < mostSuspects {
				ask[c.Site().ID] = true
			}
		}
	}
	return ask
}

// sameHardware tells that a machine's last report came from the hardware that a report comes from.
func sameHardware(machine, report picture.Row) bool {
	mac := report.MAC()
	return machine.Joined() && strings.TrimSpace(mac) != "" && strings.EqualFold(mac, machine.MAC()) && machine.Type() == report.Type()
}
