package live

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// hostOf names a machine as reports without a machine id do; key is "" where the report names no site.
type hostOf struct {
	key  unity.Keycode
	host string
}

// pairs are the reports that fit exactly one machine each, by that machine.
type pairs map[picture.Row]picture.Row

// matches finds out which report is which machine's, by the rules of fleet.Join: by machine id where the report has one;
// else by keycode and host name, else by host name alone, where that is unique among both. What fits two fits none.
//
// whole tells that rows are all machines that the reports may be of; without that only machine ids count.
func matches(rows []picture.Row, r *reports, whole bool) pairs {
	byKey := make(map[fleet.MachineKey]int32, len(rows))
	byHost := make(map[hostOf]int32, len(rows))
	for i, row := range rows {
		if key, known := row.MachineKey(); known {
			claim(byKey, key, i)
		}
		if host := row.FoldedHost(); host != "" {
			claim(byHost, hostOf{"", host}, i)
			if row.SiteKey() != "" {
				claim(byHost, hostOf{row.SiteKey(), host}, i)
			}
		}
	}
	told := map[hostOf]int{}
	r.each(func(row picture.Row, key unity.Keycode) {
		if host := row.FoldedHost(); host != "" {
			told[hostOf{"", host}]++
			if key != "" {
				told[hostOf{key, host}]++
			}
		}
	})
	chosen := make(map[int32]picture.Row, r.n)
	clash := map[int32]bool{}
	r.each(func(row picture.Row, key unity.Keycode) {
		at, ok := int32(-1), false
		if id, known := row.MachineKey(); known {
			at, ok = byKey[id]
		} else if name := (hostOf{key, row.FoldedHost()}); whole && name.host != "" && told[name] == 1 {
			at, ok = byHost[name]
		}
		if !ok || at < 0 {
			return
		}
		if _, taken := chosen[at]; taken {
			clash[at] = true
		}
		chosen[at] = row
	})
	out := make(pairs, len(chosen))
	for at, row := range chosen {
		if !clash[at] {
			out[rows[at]] = row
		}
	}
	return out
}

// claim gives a name to a machine, and to none where two have it.
func claim[K comparable](m map[K]int32, k K, i int) {
	if _, taken := m[k]; taken {
		m[k] = -1
		return
	}
	m[k] = int32(i) //nolint:gosec // a console has no two billion machines
}

// withReports makes the chunk anew with reports. A row without one keeps what it has if that was read at or after since;
// else it has none, and the note says why. The same chunk comes back where nothing is new.
func withReports(c *picture.Chunk, found pairs, since time.Time, note string) *picture.Chunk {
	old := func(row picture.Row) bool { return row.Joined() && row.StatusAt().Before(since) }
	changed := false
	for i := range c.Len() {
		row := c.Row(i)
		if _, ok := found[row]; ok || old(row) || !row.Joined() && row.Note() != note {
			changed = true
			break
		}
	}
	if !changed {
		return c
	}
	b := picture.NewBuilder(c.Site(), c.Len())
	for i := range c.Len() {
		row := c.Row(i)
		report, ok := found[row]
		switch {
		case ok:
			b.Report(b.Keep(row), report.Machine(0).Status, report.StatusAt())
		case old(row):
			b.Note(strip(b, row), note)
		default:
			b.Note(b.Keep(row), note)
		}
	}
	return b.Chunk()
}

// strip adds a row without its report.
func strip(b *picture.Builder, row picture.Row) int {
	m := row.Machine(0)
	i := b.Add(&m.Endpoint, m.Group, m.Policy, row.ReadAt())
	if key, known := row.MachineKey(); known {
		b.SetMachineKey(i, key)
	}
	return i
}

// rowsOf lists the rows of chunks.
func rowsOf(chunks ...*picture.Chunk) []picture.Row {
	n := 0
	for _, c := range chunks {
		n += c.Len()
	}
	out := make([]picture.Row, 0, n)
	for _, c := range chunks {
		for i := range c.Len() {
			out = append(out, c.Row(i))
		}
	}
	return out
}

// join puts the console's reports to its machines. Reports that were joined before stay, with their age.
func (f *Fleet) join(r *reports) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meta.StatusErr = r.err
	if r.whole {
		f.meta.StatusAt = r.at
	}
	found := matches(rowsOf(f.chunkList()...), r, r.whole && f.wholeFleet())
	for id, c := range f.chunks {
		f.chunks[id] = withReports(c, found, time.Time{}, noteOf(r.err))
	}
	f.publish(false)
}

// chunkList lists the chunks. The lock must be held.
func (f *Fleet) chunkList() []*picture.Chunk { return slices.Collect(maps.Values(f.chunks)) }

// joinSites asks the sites whose machines have no report as new as since, and could get one that way. Where it is known
// afterwards that no report can be told to be a machine's, the older one that it had goes: what it said may be long over.
func (f *Fleet) joinSites(ctx context.Context, since time.Time, sites []*unity.Site) error {
	if !f.asksSites() {
		return nil
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, site := range sites {
		if f.couldTell(site.ID, func(row picture.Row) bool { return row.StatusAt().Before(since) }) {
			group.Go(func() error { return f.joinSite(gctx, site, since) })
		} else {
			f.dropOld(site.ID, since)
		}
	}
	return group.Wait()
}

// dropOld takes away reports that are older than since.
func (f *Fleet) dropOld(site unity.SiteID, since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.chunks[site]; c != nil && f.meta.StatusErr == nil && !f.failed(site) {
		f.chunks[site] = withReports(c, nil, since, fleet.NoteNotJoined)
	}
}

// asksSites tells whether reports are asked for site by site.
func (f *Fleet) asksSites() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.siteScope && f.withStatus() && !errors.Is(f.meta.StatusErr, unity.ErrScope)
}

// couldTell tells whether the reports of a site itself could give one to a machine that wants one: to an active one whose
// name is its own within the site. A site that was not read to the end cannot tell.
func (f *Fleet) couldTell(site unity.SiteID, wants func(picture.Row) bool) bool {
	f.mu.Lock()
	chunk, ok := f.chunks[site], !f.failed(site)
	f.mu.Unlock()
	if !ok {
		return false
	}
	names := map[string]int{}
	for i := range chunk.Len() {
		names[chunk.Row(i).FoldedHost()]++
	}
	for i := range chunk.Len() {
		row := chunk.Row(i)
		host := row.FoldedHost()
		if !row.Deactivated() && host != "" && names[host] == 1 && wants(row) {
			return true
		}
	}
	return false
}

// failed tells that a site could not be read to the end. The lock must be held.
func (f *Fleet) failed(site unity.SiteID) bool {
	for _, e := range f.meta.Failed {
		if e.Site == site {
			return true
		}
	}
	return false
}

// joinSite reads the reports of one site and joins them. A site that gives none leaves its machines as they are, which
// are counted.
func (f *Fleet) joinSite(ctx context.Context, site *unity.Site, since time.Time) error {
	r, err := f.siteReports(ctx, site)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, unity.ErrScope):
		f.mu.Lock()
		f.siteScope = false
		f.mu.Unlock()
		return nil
	case err != nil:
		return nil // those machines stay without a report, and are counted
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.chunks[site.ID]
	if c == nil {
		return nil
	}
	f.chunks[site.ID] = withReports(c, matches(rowsOf(c), r, true), since, fleet.NoteNotJoined)
	f.publish(false)
	return nil
}

// dropDoubles keeps of a machine that is in two sites, because it was moved while they were read, what was read last.
func (f *Fleet) dropDoubles() {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := map[unity.EndpointID]picture.Row{}
	double := map[unity.SiteID]bool{}
	for _, c := range f.chunks {
		for i := range c.Len() {
			row := c.Row(i)
			other, ok := last[row.ID()]
			switch {
			case row.ID() == "":
			case !ok:
				last[row.ID()] = row
			case row.ReadAt().After(other.ReadAt()):
				last[row.ID()] = row
				double[other.SiteID()] = true
			default:
				double[row.SiteID()] = true
			}
		}
	}
	for site := range double {
		c := f.chunks[site]
		b := picture.NewBuilder(c.Site(), c.Len())
		for i := range c.Len() {
			if row := c.Row(i); row.ID() == "" || last[row.ID()] == row {
				b.Keep(row)
			}
		}
		f.chunks[site] = b.Chunk()
	}
}
