package views

import (
	"context"
	"sync"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
)

type siteResource = ui.Resource[unity.Site, unity.SiteID]

// siteFeed hands the sites of the console to a list: those of the picture, or those read since by hand.
type siteFeed struct {
	env  *Env
	keep func(*unity.Site) bool

	mu sync.Mutex
	// own are the sites of the last read by hand, given the rows that were handed over last.
	own     []unity.Site
	ownAt   time.Time
	ownNote string
	given   map[unity.SiteID]*unity.Site
	givenAt time.Time
	some    bool
}

// sitesOf lists the sites that keep accepts, nil for all; it follows the picture.
func (e *Env) sitesOf(title, path string, keep func(*unity.Site) bool) siteResource {
	r := e.Sites()
	r.Title, r.Path = title, path
	if e.Fleet == nil {
		return r
	}
	f := &siteFeed{env: e, keep: keep, given: map[unity.SiteID]*unity.Site{}}
	r.Load, r.Every = nil, 0
	r.Live = &ui.Live[unity.Site]{Read: f.read, Changed: e.Fleet.Changed, Refresh: f.reread}
	return r
}

// reread reads the list of sites from the server.
func (f *siteFeed) reread(ctx context.Context) error {
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
	f.own, f.ownAt, f.ownNote = list.Sites, e.now(), ""
	if err != nil {
		f.ownNote = err.Error()
	}
	f.mu.Unlock()
	if _, err := e.Console(ctx); err != nil && ctx.Err() == nil {
		f.mu.Lock()
		f.ownNote = "console: " + err.Error()
		f.mu.Unlock()
	}
	return nil
}

// read gives the sites that differ. With no picture yet it reads them itself, so that the first call brings the first rows.
func (f *siteFeed) read(ctx context.Context) (ui.Delta[unity.Site], error) {
	e := f.env
	p := e.current()
	f.mu.Lock()
	none := f.ownAt.IsZero()
	f.mu.Unlock()
	if none && (p == nil || len(p.Sites) == 0) {
		if err := f.reread(ctx); err != nil {
			return ui.Delta[unity.Site]{}, err
		}
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
		list, at, d.Source, d.Problems = p.Sites, p.SitesAt, source(p), nil
	}
	d.Age = at
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
