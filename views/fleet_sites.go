package views

import (
	"context"
	"sync"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/live"
)

type siteResource = ui.Resource[unity.Site, unity.SiteID]

// siteFeed hands the sites of the console to a list: those of the picture, or those that the server gave before there was one.
type siteFeed struct {
	env  *Env
	keep func(*unity.Site) bool

	mu sync.Mutex
	// own are the sites that the server gave; given are the rows that were handed over last.
	own     []unity.Site
	ownAt   time.Time
	ownNote string
	given   map[unity.SiteID]*unity.Site
	givenAt time.Time
	some    bool
}

// sitesOf lists the sites that keep accepts, nil for all; it follows the picture. Reading it again reads what changed at the machines
// too, since their numbers stand beside it.
func (e *Env) sitesOf(title, path string, keep func(*unity.Site) bool) siteResource {
	r := e.Sites()
	r.Title, r.Path = title, path
	if e.Fleet == nil {
		return r
	}
	f := &siteFeed{env: e, keep: keep, given: map[unity.SiteID]*unity.Site{}}
	r.Load, r.Every = nil, 0
	r.Live = &ui.Live[unity.Site]{Read: f.read, Changed: e.Fleet.Changed, Refresh: e.rereadAll}
	return r
}

// readSites reads the list of sites from the server.
func (f *siteFeed) readSites(ctx context.Context) error {
	e := f.env
	if e.Client.Key() == "" {
		return unity.ErrUnauthenticated
	}
	list, err := e.Client.Sites(ctx)
	if list == nil {
		return err
	}
	e.keepSites(list.Sites)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.own, f.ownAt, f.ownNote = list.Sites, e.now(), ""
	if err != nil {
		f.ownNote = err.Error()
	}
	return nil
}

// diskFirst is how long the server is not asked for the first sites, since those of the picture on disk are there sooner.
const diskFirst = 30 * time.Millisecond

// first waits for the first sites, whether they come from the picture or from the server. Where the fleet is reading them already
// they are not asked for once more.
func (f *siteFeed) first(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answer := make(chan error, 1)
	asked := false
	late := time.NewTimer(diskFirst)
	defer late.Stop()
	waited := false
	for {
		more := f.env.Fleet.Changed() // before the look, so that nothing falls between the two
		if p := f.env.current(); p != nil && len(p.Sites) > 0 {
			return nil
		}
		if state := f.env.Fleet.State(); waited && !asked && state.Phase != live.PhaseSites {
			asked = true
			go func() { answer <- f.readSites(ctx) }()
		}
		select {
		case err := <-answer:
			return err
		case <-late.C:
			waited = true
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read gives the sites that differ. With no picture yet it waits for one or for the server, so that the file on disk or the first
// call brings the first rows, whichever is quicker.
func (f *siteFeed) read(ctx context.Context) (ui.Delta[unity.Site], error) {
	e := f.env
	p := e.current()
	f.mu.Lock()
	none := f.ownAt.IsZero()
	f.mu.Unlock()
	if none && (p == nil || len(p.Sites) == 0) {
		if err := f.first(ctx); err != nil {
			return ui.Delta[unity.Site]{}, err
		}
		p = e.current()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	list, at := f.own, f.ownAt
	d := ui.Delta[unity.Site]{Progress: e.progress()}
	if f.ownNote != "" {
		d.Problems = []string{f.ownNote}
	}
	if p != nil && p.SitesAt.After(at) {
		e.adopt(p)
		list, at, d.Source, d.Problems = p.Sites, p.SitesAt, e.source(p), nil
	}
	d.Age = e.here(at)
	if p != nil {
		problems, _ := e.missing(p) // notes are on machines, which are not listed here
		d.Problems = append(d.Problems, problems...)
	}
	d.Items, d.Gone = f.differing(list, at)
	d.Total = len(f.given)
	return d, nil
}

// differing gives all sites that are kept, if they were read since the last time, and those that are gone.
func (f *siteFeed) differing(list []unity.Site, at time.Time) (items, gone []*unity.Site) {
	if f.some && at.Equal(f.givenAt) {
		return nil, nil
	}
	f.some, f.givenAt = true, at
	next := make(map[unity.SiteID]*unity.Site, len(list))
	for i := range list {
		if s := &list[i]; f.keep == nil || f.keep(s) {
			next[s.ID] = s
			items = append(items, s)
		}
	}
	for id, s := range f.given {
		if next[id] == nil {
			gone = append(gone, s)
		}
	}
	f.given = next
	return items, gone
}
