package live

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// mostSuspects bounds the sites, and the single machines, that are asked because of reports that nobody could be told.
const mostSuspects = 16

// joinSuspects asks for machines that a modified report may be of, where it says that one is infected of which that was not
// known, or is not any more: that must not wait for the sites' turn.
func (f *Fleet) joinSuspects(ctx context.Context, r *reports, sites, due []*unity.Site) error {
	if r.Len() == 0 || !r.whole {
		return nil
	}
	ask := f.suspectSites(r)
	chosen := slices.DeleteFunc(slices.Clone(sites), func(s *unity.Site) bool { return !ask[s.ID] })
	return f.joinSites(ctx, r.at, nil, chosen, due)
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
	for row := range f.rows() {
		if open[row.FoldedHost()] != nil {
			bearers[row.FoldedHost()] = append(bearers[row.FoldedHost()], row)
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

// misnamed adds the sites of machines that modified reports name otherwise than the console did when it was read, which the number
// of machines does not tell: one whose name two reports have, since another one has taken it, as where the old record of a machine
// was deactivated when it was installed anew; and one from whose hardware a name comes that no machine has, since it was renamed.
// A name has a site read once an hour at most.
func (f *Fleet) misnamed(r *reports, sites, due []*unity.Site) []*unity.Site {
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := map[string]int{} // reports by folded host
	for report := range r.All() {
		if _, byID := report.MachineKey(); !byID && report.FoldedHost() != "" {
			sent[report.FoldedHost()]++
		}
	}
	if len(sent) == 0 || !f.wholeFleet() {
		return due // names tell nothing then
	}
	now := f.o.Now()
	maps.DeleteFunc(f.misnames, func(_ string, at time.Time) bool { return now.Sub(at).Abs() >= fullAfter })
	where := map[unity.SiteID]bool{}
	for host, rows := range f.bearers(r, sent) {
		if _, lately := f.misnames[host]; len(rows) == 1 && !lately && (sent[host] > 1 || rows[0].FoldedHost() != host) {
			where[rows[0].SiteID()], f.misnames[strings.Clone(host)] = true, now
		}
	}
	return including(due, sites, func(s *unity.Site) bool { return where[s.ID] })
}

// bearers are the machines that have the names of reports or, where none has, the active ones whose hardware the name comes from;
// of many only two. The lock must be held.
func (f *Fleet) bearers(r *reports, sent map[string]int) map[string][]picture.Row {
	out := map[string][]picture.Row{}
	bear := func(host string, row picture.Row) {
		if len(out[host]) < 2 {
			out[host] = append(out[host], row)
		}
	}
	for row := range f.rows() {
		if host := row.FoldedHost(); sent[host] > 0 {
			bear(host, row)
		}
	}
	from := map[string]string{} // names that no machine has, by hardware address
	for report := range r.All() {
		if host, mac := report.FoldedHost(), address(report); sent[host] > 0 && out[host] == nil && mac != "" {
			from[mac] = host
		}
	}
	if len(from) == 0 {
		return out
	}
	for row := range f.rows() {
		if host, known := from[address(row)]; known && !row.Deactivated() {
			bear(host, row)
		}
	}
	return out
}

// sameHardware tells that a machine's last report came from the hardware that a report comes from.
func sameHardware(machine, report picture.Row) bool {
	mac := address(report)
	return machine.Joined() && mac != "" && mac == address(machine) && machine.Type() == report.Type()
}

// address is the hardware address that a machine's agent reported, "" for none.
func address(row picture.Row) string { return strings.ToLower(strings.TrimSpace(row.MAC())) }
