package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Waits of the loop.
const (
	firstRetry = 30 * time.Second // after a failure, doubled up to the interval
	touchAfter = time.Second      // from a change to its reading, so that several changes are one reading
	namesEvery = 2 * time.Second  // from the names of a few sites to those of the next ones
)

// Run keeps the picture current until the context ends: the whole console when the picture is missing or old, then what
// changes, a few sites a day in turn, and sites that were touched. It gives way to whatever a person waits for, and returns
// the context's error.
func (f *Fleet) Run(ctx context.Context) error {
	var aside sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer aside.Wait()
	defer cancel()
	aside.Go(func() { f.nameWanted(ctx) })
	aside.Go(func() { f.identifyWanted(ctx) })
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
		if err := f.readTouched(ctx, touched); err != nil {
			f.again(touched)
			return l.failed(ctx, err)
		}
	}
	reread := f.takeReread()
	if wait := l.next.Sub(f.o.Now()); !reread && !l.next.IsZero() && wait > 0 {
		if f.askNext(ctx, true) || f.policiesNext(ctx) || f.nameNext(ctx) {
			return min(wait, namesEvery)
		}
		if f.askNext(ctx, false) {
			wait = min(wait, askEvery)
		}
		return f.namesIn(wait)
	}
	var err error
	switch {
	case reread:
		err = f.sync(ctx, false)
	case f.needsFull():
		err = f.sync(ctx, true)
	default:
		err = f.refresh(ctx, true)
	}
	if err != nil {
		return l.failed(ctx, err)
	}
	l.retry = 0
	l.next = f.o.Now().Add(f.spread())
	return namesEvery
}

// failed tells how long to wait after a reading that was not finished.
func (l *loop) failed(ctx context.Context, err error) time.Duration {
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		// A person's reading went first; what it left is looked at once it is done.
		return touchAfter
	}
	return l.backoff()
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
	age := f.o.Now().Sub(f.full)
	return f.full.IsZero() || f.state.Source != "server" && (age > fullAfter || age < -fullAfter) // a clock may have been wrong
}

// readTouched reads the list of sites, and a few of them and their reports anew. What was done at a site may show in the list only.
func (f *Fleet) readTouched(ctx context.Context, ids []unity.SiteID) error {
	ctx, done, err := f.take(ctx, true)
	if err != nil {
		return err
	}
	defer done()
	before := f.mark()
	sites, err := f.touchedSites(ctx, ids)
	if err == nil {
		err = f.readAll(ctx, sites)
	}
	if err == nil {
		f.dropDoubles()
		err = f.joinTouched(ctx, sites)
	}
	f.finish(ctx, before, err, someSites)
	return err
}

// touchedSites reads the list of sites and gives those that were touched, and those that are new in it.
func (f *Fleet) touchedSites(ctx context.Context, ids []unity.SiteID) ([]*unity.Site, error) {
	f.mu.Lock()
	old := make(map[unity.SiteID]bool, len(f.meta.Sites))
	for i := range f.meta.Sites {
		old[f.meta.Sites[i].ID] = true
	}
	f.mu.Unlock()
	sites, err := f.readSites(ctx)
	return slices.DeleteFunc(sites, func(s *unity.Site) bool { return old[s.ID] && !slices.Contains(ids, s.ID) }), err
}

// joinTouched reads the reports of sites as they are now, and leaves older ones where there is none.
func (f *Fleet) joinTouched(ctx context.Context, sites []*unity.Site) error {
	if !f.asksSites() {
		return nil
	}
	all := func(picture.Row) bool { return true }
	ask := slices.DeleteFunc(slices.Clone(sites), func(s *unity.Site) bool { return !f.couldTell(s.ID, all) })
	return f.askSites(ctx, ask, sites, time.Time{})
}
