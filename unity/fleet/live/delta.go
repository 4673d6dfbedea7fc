package live

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Refresh reads what changed since the last reading, with as few calls as it takes: the reports that were modified since,
// the list of sites, and the sites whose number of machines is another. Without a picture it reads everything.
func (f *Fleet) Refresh(ctx context.Context) error { return f.refresh(ctx, false) }

func (f *Fleet) refresh(ctx context.Context, background bool) error {
	ctx, done, err := f.take(ctx, background)
	if err != nil {
		return err
	}
	defer done()
	before := f.mark()
	if f.blank() {
		err = f.sweep(ctx)
		f.finish(ctx, before, err, wholeConsole)
		return err
	}
	err = f.delta(ctx, background)
	f.finish(ctx, before, err, whatChanged)
	return err
}

// blank tells that nothing was read yet, not even from disk.
func (f *Fleet) blank() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.meta.SitesAt.IsZero()
}

// delta reads reports first and sites then: a machine that has a report among those is counted in the list of sites, so
// that it is there before a report is looked at by its name.
func (f *Fleet) delta(ctx context.Context, rotate bool) error {
	f.note(func(s *State) { s.Phase, s.Done, s.Total, s.Failed = PhaseDelta, 0, 0, 0 })
	if !rotate {
		f.forgive()
	}
	if f.wantsPolicies() {
		f.readPolicies(ctx)
	}
	r, partial := f.modified(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	sites, err := f.readSites(ctx)
	if err != nil {
		return err
	}
	due, odd := f.strangers(r, sites, f.dueSites(sites, rotate))
	due = f.misnamed(r, sites, due)
	told := f.statusAt()
	if err := f.takeIn(ctx, r, partial, sites, due, odd); err != nil {
		f.undone(due, told)
		return err
	}
	return nil
}

// takeIn reads the sites that are due, and joins reports: those that were modified, or, where partial is false, all there are.
func (f *Fleet) takeIn(ctx context.Context, r *reports, partial bool, sites, due []*unity.Site, odd map[fleet.MachineKey]string) error {
	if !partial && r.whole && r.Len() > 0 {
		due = sites // reports name hosts, and what was called so when a site was last read may be called otherwise by now
	}
	f.note(func(s *State) { s.Total = len(due) })
	if err := f.readAll(ctx, due); err != nil {
		return err
	}
	f.confirm(sites)
	f.read(odd)
	if len(due) > 0 {
		f.dropDoubles()
	}
	if partial {
		f.apply(r)
		if err := f.joinDue(ctx, due, sites); err != nil {
			return err
		}
		return f.joinSuspects(ctx, r, sites, due)
	}
	since, open := f.joinAll(r)
	return f.joinSites(ctx, since, open, sites, due)
}

// statusAt is when all reports that were modified before had been read.
func (f *Fleet) statusAt() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.meta.StatusAt
}

// undone has the next delta read again what one that was given up was about: its sites, of which some may have been read and
// not joined, and the reports since the one before, which may tell of machines that nobody was asked about.
func (f *Fleet) undone(due []*unity.Site, told time.Time) {
	ids := make([]unity.SiteID, len(due))
	for i, s := range due {
		ids[i] = s.ID
	}
	f.again(ids)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meta.StatusAt = told
}

// withOwed adds the sites that were asked for their reports in vain to those that are due.
func (f *Fleet) withOwed(due, sites []*unity.Site) []*unity.Site {
	f.mu.Lock()
	defer f.mu.Unlock()
	return including(due, sites, func(s *unity.Site) bool { return f.owed[s.ID] })
}

// modified reads the reports that changed since the last time; all of them, and partial is false, when there was none.
func (f *Fleet) modified(ctx context.Context) (r *reports, partial bool) {
	f.mu.Lock()
	since := f.meta.StatusAt
	f.mu.Unlock()
	if since.IsZero() || !f.withStatus() {
		return f.walkReports(ctx), false
	}
	r = &reports{at: f.client.Now()}
	r.err = f.walkOnce(ctx, r, unity.StatusQuery{Since: since.Add(-overlap)})
	r.whole = r.err == nil
	return r, true
}

// dueSites lists the sites that have to be read: those that were asked for, that are not known, that failed or count another
// number of machines; and with rotate those that were not read for long, a few at a time.
func (f *Fleet) dueSites(sites []*unity.Site, rotate bool) []*unity.Site {
	wanted := f.takeTouched()
	f.mu.Lock()
	defer f.mu.Unlock()
	var out, old []*unity.Site
	for _, s := range sites {
		n, known := f.counts[s.ID]
		switch {
		case !known || n != f.signature(s) || f.failed(s.ID) || slices.Contains(wanted, s.ID):
			out = append(out, s)
		case rotate && f.o.Now().Sub(f.tried[s.ID]) >= rotation:
			old = append(old, s)
		}
	}
	slices.SortStableFunc(old, func(a, b *unity.Site) int { return f.tried[a.ID].Compare(f.tried[b.ID]) })
	// A sync reads all sites at about the same time; the next turns are spread over the day.
	perTurn := 1 + int(int64(len(sites))*int64(f.o.Every)/int64(rotation))
	return append(out, old[:min(len(old), perTurn)]...)
}

// strangers adds the sites of reports that do not fit what is known of them: from machines that nobody knows, or that are called
// otherwise by now, are at another site, or were switched on or off. The number of machines of a site does not tell. What such a
// report says is given too: once its sites were read because of it, it means nothing new before it says something else, or an
// hour has passed for a machine that nobody knows.
func (f *Fleet) strangers(r *reports, sites, due []*unity.Site) (all []*unity.Site, odd map[fleet.MachineKey]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.rowsByMachine()
	long := map[unity.Keycode]bool{} // sites that were not read within the last hour
	for _, s := range sites {
		long[s.Keycode] = f.o.Now().Sub(f.tried[s.ID]) > fullAfter
	}
	odd = map[fleet.MachineKey]string{}
	where := map[unity.Keycode]bool{}
	for report, site := range r.All() {
		key, ok := report.MachineKey()
		if !ok || key == (fleet.MachineKey{}) {
			continue
		}
		row, met := known[key]
		switch {
		case met && !row.Valid(): // a machine id of two machines tells nothing
			continue
		case met && fits(row, report, site):
			delete(f.odd, key) // what it said before means something again once it is said again
			continue
		}
		said := fmt.Sprint(site, " ", report.Deactivated(), " ", report.FoldedHost())
		if f.odd[key] == said && (met || !long[site]) {
			odd[key] = said
			continue
		}
		odd[key], where[site] = said, true
		if met {
			where[row.SiteKey()] = true
		}
	}
	return including(due, sites, func(s *unity.Site) bool { return s.Keycode != "" && where[s.Keycode] }), odd
}

// including gives due with those of the sites that are wanted and not there yet.
func including(due, sites []*unity.Site, wanted func(*unity.Site) bool) []*unity.Site {
	out := slices.Clone(due)
	for _, s := range sites {
		if wanted(s) && !slices.Contains(due, s) {
			out = append(out, s)
		}
	}
	return out
}

// rowsByMachine are the machines by their machine ids; an id that two of them have leads to the zero Row. The lock must be held.
func (f *Fleet) rowsByMachine() map[fleet.MachineKey]picture.Row {
	known := map[fleet.MachineKey]picture.Row{}
	for row := range f.rows() {
		key, ok := row.MachineKey()
		if !ok {
			continue
		}
		if _, taken := known[key]; taken {
			row = picture.Row{}
		}
		known[key] = row
	}
	return known
}

// fits tells that a report says of its machine's name, site and standing what the console said when it was read.
func fits(row, report picture.Row, site unity.Keycode) bool {
	return (site == "" || site == row.SiteKey()) && (report.FoldedHost() == "" || report.FoldedHost() == row.FoldedHost()) &&
		report.Deactivated() == row.Deactivated()
}

// read notes that sites were read because of reports that did not fit.
func (f *Fleet) read(odd map[fleet.MachineKey]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, said := range odd {
		if len(f.odd) < mostOdd || f.odd[key] != "" {
			f.odd[key] = said
		}
	}
}

// mostOdd bounds the reports that are remembered because they fit no machine.
const mostOdd = 10_000

// signature is what the list of sites says about a site's machines. Without the agents' reports the number of infected
// ones tells that something happened.
func (f *Fleet) signature(s *unity.Site) int64 {
	n := s.TotalEndpoints.Or(-1)
	if !f.withStatus() {
		n = n<<20 ^ s.PCsInfected24.Or(-1)
	}
	return n
}

// confirm notes that sites hold what they held when they were read, as far as their list tells.
func (f *Fleet) confirm(sites []*unity.Site) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range sites {
		if n, known := f.counts[s.ID]; known && n == f.signature(s) {
			f.answered[s.ID] = true
		}
	}
	f.meta.Stale = false
}

// apply puts modified reports to their machines. A report without a machine id names a host, and whether another machine
// has that name by now is not known for certain; so it counts only where the machine's last report came from the same
// hardware, which is that machine's alone: docking stations and network drivers give many the same address.
func (f *Fleet) apply(r *reports) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meta.StatusErr = r.err
	if r.err != nil {
		return // what was read is read again the next time
	}
	f.meta.StatusAt = r.at
	f.learnIDs(r)
	if r.Len() == 0 {
		return
	}
	chunks := f.chunkList()
	f.pair(f.matched(r, chunks), chunks, noteOf(r.err))
	f.publish(false)
}

// joinDue asks sites that were just read, and those that are owed, for their reports, where a machine has none, or the console
// has seen it since: such a report is one that deltas cannot tell to be the machine's.
func (f *Fleet) joinDue(ctx context.Context, due, sites []*unity.Site) error {
	if !f.asksSites() {
		return nil
	}
	ask := slices.DeleteFunc(f.withOwed(due, sites), func(s *unity.Site) bool { return !f.couldTell(s.ID, overtaken) })
	return f.askSites(ctx, ask, due, time.Time{})
}

// lag is by how much the console may have seen a machine later than its report says without that meaning anything.
const lag = time.Hour

// overtaken tells that a machine has no report, or one that is older than what the console knows.
func overtaken(row picture.Row) bool {
	if !row.Joined() {
		return true
	}
	return row.ConsoleSeen().Sub(row.Machine(0).Status.LastSeen.Time) > lag
}

// matched finds the machines of modified reports. The lock must be held.
func (f *Fleet) matched(r *reports, chunks []*picture.Chunk) *picture.Pairs {
	pairs := r.Match(chunks, f.wholeFleet())
	var bearers map[string]int
	pairs.Only(func(machine, report picture.Row) bool {
		if _, byID := report.MachineKey(); byID {
			return true
		}
		if bearers == nil {
			bearers = f.hardware(r)
		}
		others := bearers[address(report)]
		if !machine.Deactivated() {
			others--
		}
		return sameHardware(machine, report) && others == 0
	})
	return pairs
}

// hardware counts the active machines whose last report came from each of the hardware addresses of reports. The lock must be
// held.
func (f *Fleet) hardware(r *reports) map[string]int {
	bearers := map[string]int{}
	for report := range r.All() {
		bearers[address(report)] = 0
	}
	for row := range f.rows() {
		mac := address(row)
		if n, asked := bearers[mac]; asked && mac != "" && !row.Deactivated() {
			bearers[mac] = n + 1
		}
	}
	return bearers
}

// sick tells that the agent reported an infection.
func sick(row picture.Row) bool {
	on, _ := row.Infected()
	n, _ := row.ActiveThreats()
	return on || n > 0
}
