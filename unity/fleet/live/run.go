package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Waits of the loop.
const (
	firstRetry = 30 * time.Second // after a failure, doubled up to the interval
	touchAfter = time.Second      // from a change to its reading, so that several changes are one reading
	namesEvery = 2 * time.Second  // from one site's names to the next one's
)

// Run keeps the picture current until the context ends: the whole console when the picture is missing or old, then what
// changes, a few sites a day in turn, and sites that were touched. It gives way to whatever a person waits for, and returns
// the context's error.
func (f *Fleet) Run(ctx context.Context) error {
	l := &loop{f: f}
	for {
		wait := l.work(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		case <-f.wake:
			timer.Stop()
			if err := sleep(ctx, touchAfter); err != nil {
				return err
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loop is what Run remembers.
type loop struct {
	f *Fleet
	// next is when the next delta is due.
	next  time.Time
	retry time.Duration
}

// work does what is due and tells how long there is nothing to do.
func (l *loop) work(ctx context.Context) time.Duration {
	f := l.f
	if touched := f.takeTouched(); len(touched) > 0 {
		if f.readTouched(ctx, touched) != nil {
			f.Touch(touched...)
			return max(l.backoff(), touchAfter)
		}
	}
	if wait := l.next.Sub(f.o.Now()); !l.next.IsZero() && wait > 0 {
		if f.nameOne(ctx) {
			return min(wait, namesEvery)
		}
		return wait
	}
	var err error
	if f.needsFull() {
		err = f.sync(ctx, true)
	} else {
		err = f.refresh(ctx, true)
	}
	switch {
	case errors.Is(err, context.Canceled) && ctx.Err() == nil:
		// A person's reading went first; what it left is looked at once it is done.
		return touchAfter
	case err != nil:
		return l.backoff()
	}
	l.retry = 0
	l.next = f.o.Now().Add(f.spread())
	return namesEvery
}

// backoff doubles from firstRetry to the interval.
func (l *loop) backoff() time.Duration {
	l.retry = min(max(firstRetry, 2*l.retry), l.f.o.Every)
	return l.retry
}

// spread is the interval, a tenth more or less, so that many consoles do not ask at the same moment.
func (f *Fleet) spread() time.Duration {
	random := f.o.Random
	if random == nil {
		random = rand.Float64
	}
	return time.Duration(float64(f.o.Every) * (0.9 + 0.2*random()))
}

// needsFull tells that the picture is missing, or from disk and old.
func (f *Fleet) needsFull() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.full.IsZero() || f.state.Source != "server" && f.o.Now().Sub(f.full) > fullAfter
}

// readTouched reads a few sites and their reports anew.
func (f *Fleet) readTouched(ctx context.Context, ids []unity.SiteID) error {
	ctx, done, err := f.take(ctx, true)
	if err != nil {
		return err
	}
	defer done()
	before := f.mark()
	sites := f.sitesOf(ids)
	if err = f.readAll(ctx, sites); err == nil {
		f.dropDoubles()
		err = f.joinTouched(ctx, sites)
	}
	f.finish(ctx, before, err, false)
	return err
}

// joinTouched reads the reports of sites as they are now, and leaves older ones where there is none.
func (f *Fleet) joinTouched(ctx context.Context, sites []*unity.Site) error {
	if !f.asksSites() {
		return nil
	}
	for _, site := range sites {
		if !f.couldTell(site.ID, func(picture.Row) bool { return true }) {
			continue
		}
		if err := f.joinSite(ctx, site, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// sitesOf finds the sites that the user may see.
func (f *Fleet) sitesOf(ids []unity.SiteID) []*unity.Site {
	f.mu.Lock()
	defer f.mu.Unlock()
	wanted := make(map[unity.SiteID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	var out []*unity.Site
	for i := range f.meta.Sites {
		if s := &f.meta.Sites[i]; wanted[s.ID] && s.Visible() {
			out = append(out, s)
		}
	}
	return out
}

// nameOne reads the names of the groups of one site whose machines have ids only, and tells whether there was one. Names
// are read after everything else, once per site: they would double the calls of a sync.
func (f *Fleet) nameOne(ctx context.Context) bool {
	site, ok := f.nameless()
	if !ok {
		return false
	}
	ctx, done, err := f.take(ctx, true)
	if err != nil {
		return false
	}
	defer done()
	groups, err := f.client.Groups(ctx, site)
	if ctx.Err() != nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	named := map[unity.GroupID]unity.Text{}
	if err == nil {
		for i := range groups {
			named[groups[i].ID] = groups[i].Name
		}
	}
	f.groups[site] = named // also when they cannot be had: ids will do then
	if c := f.chunks[site]; c != nil && len(named) > 0 {
		f.chunks[site] = withNames(c, named)
		f.publish(false)
	}
	return true
}

// nameless finds a site with machines whose group has no name, and whose groups were not asked for.
func (f *Fleet) nameless() (unity.SiteID, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.meta.Sites {
		id := f.meta.Sites[i].ID
		if _, asked := f.groups[id]; !asked && nameless(f.chunks[id], nil) {
			return id, true
		}
	}
	return "", false
}

// withNames gives the rows of a chunk the names of their groups.
func withNames(c *picture.Chunk, groups map[unity.GroupID]unity.Text) *picture.Chunk {
	b := picture.NewBuilder(c.Site(), c.Len())
	for i := range c.Len() {
		row := c.Row(i)
		name, ok := groups[row.GroupID()]
		if !ok || !row.Group().Empty() {
			b.Keep(row)
			continue
		}
		m := row.Machine(0)
		at := b.AddOver(row, &m.Endpoint, name, m.Policy, row.ReadAt())
		if key, known := row.MachineKey(); known {
			b.SetMachineKey(at, key)
		}
	}
	return b.Chunk()
}
