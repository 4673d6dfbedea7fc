package live

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// atOnce bounds the sites that are read at once; the client's own limit, which follows the server, is below or at it.
const atOnce = 16

// Sync reads the whole console now, before everything that is read in the background. It returns an error when the
// console could not be read; sites that could not be are named in the picture instead.
func (f *Fleet) Sync(ctx context.Context) error { return f.sync(ctx, false) }

func (f *Fleet) sync(ctx context.Context, background bool) error {
	ctx, done, err := f.take(ctx, background)
	if err != nil {
		return err
	}
	defer done()
	defer thrift()()
	before := f.mark()
	err = f.sweep(ctx)
	f.finish(ctx, before, err, wholeConsole)
	return err
}

// sweep reads everything: sites, machines and reports.
func (f *Fleet) sweep(ctx context.Context) error {
	f.note(func(s *State) { s.Phase, s.Done, s.Failed = PhaseSites, 0, 0 })
	var wg sync.WaitGroup
	wg.Go(func() { f.readPolicies(ctx) })
	wg.Go(func() { f.readConsole(ctx) })
	sites, err := f.readSites(ctx)
	wg.Wait()
	if err != nil {
		return err
	}
	f.note(func(s *State) { s.Phase, s.Total = PhaseMachines, len(sites) })
	var reports *reports
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() error { reports = f.walkReports(gctx); return nil })
	group.Go(func() error { return f.readAll(gctx, sites) })
	if err := group.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f.note(func(s *State) { s.Phase = PhaseReports })
	f.dropDoubles()
	since, open := f.joinAll(reports)
	return f.joinSites(ctx, since, open, sites, sites)
}

// joinAll joins a walk's reports, and gives what joinSites takes: how new reports should be, and the hosts of those that are
// nobody's, nil where the walk does not tell them all, or there were none.
func (f *Fleet) joinAll(r *reports) (since time.Time, open map[string]bool) {
	open = f.join(r)
	if !r.whole || r.Len() == 0 {
		open = nil
	}
	return f.expected(r), open
}

// expected is how new the reports of machines should be after a walk. One that could not tell machines by name, because it
// broke off or a site is missing, costs a call for each site; so reports that are less than an hour old do then.
func (f *Fleet) expected(r *reports) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.whole && f.wholeFleet() {
		return r.at
	}
	return r.at.Add(-fullAfter)
}

// readConsole reads the console's name; without it the keycode has to do, which is no failure.
func (f *Fleet) readConsole(ctx context.Context) {
	console, err := f.client.Console(ctx)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meta.Console = console.Name.String()
}

// readSites reads the list of sites, takes it over and gives those that the user may see, the largest first, so that no
// large one is left alone at the end.
func (f *Fleet) readSites(ctx context.Context) ([]*unity.Site, error) {
	list, err := f.client.Sites(ctx)
	var incomplete *unity.IncompleteError
	if err != nil && !errors.As(err, &incomplete) {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known := make(map[unity.SiteID]bool, len(list.Sites))
	for i := range list.Sites {
		known[list.Sites[i].ID] = true
	}
	sites := slices.Clone(list.Sites)
	f.meta.Failed = withoutSite(f.meta.Failed, "")
	if incomplete != nil {
		// What the list does not name may be there all the same.
		f.meta.Failed = append(f.meta.Failed, fleet.SiteError{Name: unity.NewText("(list of sites)"), Err: err})
		for i := range f.meta.Sites {
			if !known[f.meta.Sites[i].ID] {
				sites = append(sites, f.meta.Sites[i])
			}
		}
	} else {
		gone := func(id unity.SiteID) bool { return id != "" && !known[id] }
		maps.DeleteFunc(f.answered, func(id unity.SiteID, _ bool) bool { return gone(id) })
		maps.DeleteFunc(f.counts, func(id unity.SiteID, _ int64) bool { return gone(id) })
		for _, e := range f.meta.Failed {
			if gone(e.Site) {
				f.meta.Failed = withoutSite(f.meta.Failed, e.Site)
			}
		}
	}
	f.meta.Sites, f.meta.SitesAt = sites, f.client.Now()
	var out []*unity.Site
	for i := range sites {
		if sites[i].Visible() {
			out = append(out, &sites[i])
		}
	}
	f.keepVisible(out)
	f.state.Source = "server"
	f.publish(true)
	slices.SortStableFunc(out, func(a, b *unity.Site) int { return cmp.Compare(b.TotalEndpoints.Or(0), a.TotalEndpoints.Or(0)) })
	return out, nil
}

// keepVisible drops the machines of sites that are gone or hidden by now, and takes over names and keycodes that changed
// with the next reading. The lock must be held.
func (f *Fleet) keepVisible(visible []*unity.Site) {
	keep := make(map[unity.SiteID]bool, len(visible))
	for _, s := range visible {
		keep[s.ID] = true
	}
	for id := range f.chunks {
		if !keep[id] {
			delete(f.chunks, id)
			delete(f.counts, id)
			delete(f.answered, id)
			delete(f.groups, id)
			delete(f.refused, id)
			delete(f.tried, id)
			delete(f.ids, id)
			delete(f.settled, id)
			delete(f.owed, id)
		}
	}
}

// readAll reads sites, and those that failed for a reason that may pass once more at the end.
func (f *Fleet) readAll(ctx context.Context, sites []*unity.Site) error {
	var mu sync.Mutex
	var again []*unity.Site
	watch := &outage{}
	round := func(sites []*unity.Site, last bool) error {
		group, gctx := errgroup.WithContext(ctx)
		group.SetLimit(atOnce)
		for _, site := range sites {
			group.Go(func() error {
				if gctx.Err() != nil {
					return gctx.Err()
				}
				chunk, err := f.readSite(gctx, site)
				switch {
				case gctx.Err() != nil:
					return gctx.Err()
				case errors.Is(err, unity.ErrUnauthenticated):
					return err
				case watch.out(err):
					return err
				case err != nil && !last && passing(err):
					mu.Lock()
					defer mu.Unlock()
					again = append(again, site)
					return nil
				}
				f.put(site, chunk, err)
				f.note(func(s *State) {
					s.Done++
					if err != nil {
						s.Failed++
					}
				})
				return nil
			})
		}
		return group.Wait()
	}
	if err := round(sites, false); err != nil {
		return err
	}
	if len(again) == 0 {
		return nil
	}
	return round(slices.Clone(again), true)
}

// outage tells that the API is out of reach for good: it does not make sense to ask hundreds of sites then.
type outage struct {
	mu    sync.Mutex
	inRow int
}

// mostInRow is after how many calls in a row without an answer a sweep gives up.
const mostInRow = 6

func (o *outage) out(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	var e *unity.Error
	if !errors.As(err, &e) || !errors.Is(err, unity.ErrUnreachable) || e.Sent {
		o.inRow = 0
		return false
	}
	o.inRow++
	return o.inRow >= mostInRow
}
