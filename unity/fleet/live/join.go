package live

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// join puts the console's reports to its machines, and gives the folded hosts of those that are nobody's: only their sites
// could tell whose they are. Reports that were joined before stay, with their age.
func (f *Fleet) join(r *reports) (open map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meta.StatusErr = r.err
	if r.whole {
		f.meta.StatusAt = r.at
	}
	f.learnIDs(r)
	chunks := f.chunkList()
	pairs := r.Match(chunks, r.whole && f.wholeFleet())
	f.pair(pairs, chunks, noteOf(r.err))
	if r.whole && !f.idsGiven {
		f.hurrySick(pairs)
	}
	f.publish(false)
	open = map[string]bool{}
	for row := range pairs.Left() {
		open[strings.Clone(row.FoldedHost())] = true
	}
	return open
}

// pair puts reports to the machines of chunks. The lock must be held.
func (f *Fleet) pair(pairs *picture.Pairs, chunks []*picture.Chunk, note string) {
	for i, c := range chunks {
		f.chunks[c.Site().ID] = pairs.Chunk(i, time.Time{}, note)
	}
}

// chunkList lists the chunks. The lock must be held.
func (f *Fleet) chunkList() []*picture.Chunk { return slices.Collect(maps.Values(f.chunks)) }

// rows are all machines. The lock must be held.
func (f *Fleet) rows() iter.Seq[picture.Row] {
	return func(yield func(picture.Row) bool) {
		for _, c := range f.chunks {
			for i := range c.Len() {
				if !yield(c.Row(i)) {
					return
				}
			}
		}
	}
}

// joinSites asks the sites whose machines have no report as new as since, and could get one that way: where open tells the
// hosts of all reports that are still nobody's, the others cannot. Where it is known afterwards that no report can be told to
// be a machine's, the older one that it had goes: what it said may be long over. The machines of the sites in read have just been
// read.
func (f *Fleet) joinSites(ctx context.Context, since time.Time, open map[string]bool, sites, read []*unity.Site) error {
	if !f.asksSites() {
		return nil
	}
	var ask []*unity.Site
	for _, site := range sites {
		if f.couldTell(site.ID, func(row picture.Row) bool {
			return row.StatusAt().Before(since) && (open == nil || open[row.FoldedHost()])
		}) {
			ask = append(ask, site)
		} else {
			f.dropOld(site.ID, since)
		}
	}
	return f.askSites(ctx, ask, read, since)
}

// askSites reads the reports of sites and joins them. What was called by a name when a site was last read may be called otherwise
// by now, while the number of its machines is the same; so the machines of sites that are not among those just read are read first.
func (f *Fleet) askSites(ctx context.Context, ask, read []*unity.Site, since time.Time) error {
	old := slices.DeleteFunc(slices.Clone(ask), func(s *unity.Site) bool { return slices.Contains(read, s) })
	if len(old) > 0 {
		f.note(func(s *State) { s.Total += len(old) })
		if err := f.readAll(ctx, old); err != nil {
			return err
		}
		f.dropDoubles()
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, site := range ask {
		group.Go(func() error { return f.joinSite(gctx, site, since) })
	}
	return group.Wait()
}

// dropOld takes away reports that are older than since.
func (f *Fleet) dropOld(site unity.SiteID, since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.chunks[site]; c != nil && f.meta.StatusErr == nil && !f.failed(site) {
		f.chunks[site] = c.Forget(since, fleet.NoteNotJoined)
	}
}

// asksSites tells whether reports are asked for site by site.
func (f *Fleet) asksSites() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.siteScope && f.withStatus() && !errors.Is(f.meta.StatusErr, unity.ErrScope)
}

// couldTell tells whether the reports of a site itself could give one to a machine that wants one: to an active one whose
// name is its own within the site, or any where reports carry machine ids. A site that was not read to the end cannot tell.
func (f *Fleet) couldTell(site unity.SiteID, wants func(picture.Row) bool) bool {
	f.mu.Lock()
	chunk, ok, ids := f.chunks[site], !f.failed(site), f.idsGiven
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
		_, key := row.MachineKey()
		if !row.Deactivated() && (ids && key || host != "" && names[host] == 1) && wants(row) {
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
		f.mu.Lock()
		f.owed[site.ID] = true
		f.mu.Unlock()
		return nil // those machines stay without a report, and are counted; the next delta asks again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.owed, site.ID)
	f.noteIDs(r)
	c := f.chunks[site.ID]
	if c == nil || f.failed(site.ID) {
		return nil
	}
	f.chunks[site.ID] = r.Match([]*picture.Chunk{c}, true).Chunk(0, since, fleet.NoteNotJoined)
	f.publish(false)
	return nil
}

// dropDoubles keeps of a machine that is in two sites, because it was moved while they were read, what was read last.
func (f *Fleet) dropDoubles() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.distinct() {
		return
	}
	last := map[unity.EndpointID]picture.Row{}
	double := map[unity.SiteID]bool{}
	for row := range f.rows() {
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

// distinct tells that no two machines have the same id, as is nearly always so, in less memory than it takes to find out
// which. The lock must be held.
func (f *Fleet) distinct() bool {
	seed := maphash.MakeSeed()
	var hashes []uint64
	for row := range f.rows() {
		if id := row.ID(); id != "" {
			hashes = append(hashes, maphash.String(seed, string(id)))
		}
	}
	slices.Sort(hashes)
	return len(slices.Compact(hashes)) == len(hashes)
}
