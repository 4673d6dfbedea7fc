package live

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
)

// namesAtOnce is how many sites are asked for their groups at once.
const namesAtOnce = 4

// Name asks that the groups of these sites get their names before those of all others, as for rows that somebody looks at.
// It returns at once, and costs next to nothing for sites whose groups have names; Run reads them, one call a site.
func (f *Fleet) Name(sites ...unity.SiteID) {
	f.mu.Lock()
	added := false
	for _, s := range sites {
		if f.unnamed(s) && !f.wanted[s] {
			f.wanted[s], added = true, true
		}
	}
	f.mu.Unlock()
	if !added {
		return
	}
	select {
	case f.ask <- struct{}{}:
	default:
	}
}

// unnamed tells that a site has machines in groups without names, and was not asked for them. The lock must be held.
func (f *Fleet) unnamed(site unity.SiteID) bool {
	_, asked := f.groups[site]
	return !asked && f.chunks[site].Nameless(nil)
}

// nameWanted reads what Name asks for, until the context ends. It does not wait for a turn to read the console: somebody
// looks at the rows.
func (f *Fleet) nameWanted(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.ask:
			f.nameSites(ctx, f.takeWanted())
		}
	}
}

// takeWanted gives the sites that Name was called with, and forgets them.
func (f *Fleet) takeWanted() []unity.SiteID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []unity.SiteID
	for s := range f.wanted {
		if f.unnamed(s) {
			out = append(out, s)
		}
	}
	clear(f.wanted)
	return out
}

// nameNext reads the names of the groups of a few sites whose machines have ids only, and tells whether there were some.
// These are read after everything else, once per site: they would double the calls of a sync.
func (f *Fleet) nameNext(ctx context.Context) bool {
	f.mu.Lock()
	var sites []unity.SiteID
	for i := range f.meta.Sites {
		if id := f.meta.Sites[i].ID; len(sites) < namesAtOnce && f.unnamed(id) {
			sites = append(sites, id)
		}
	}
	f.mu.Unlock()
	if len(sites) == 0 {
		return false
	}
	ctx, done, err := f.take(ctx, true)
	if err != nil {
		return false
	}
	defer done()
	f.nameSites(ctx, sites)
	return true
}

func (f *Fleet) nameSites(ctx context.Context, sites []unity.SiteID) {
	var group errgroup.Group
	group.SetLimit(namesAtOnce)
	for _, s := range sites {
		group.Go(func() error { f.nameSite(ctx, s); return nil })
	}
	_ = group.Wait() // what cannot be had stays without names
}

// nameSite reads the names of a site's groups.
func (f *Fleet) nameSite(ctx context.Context, site unity.SiteID) {
	groups, err := f.client.Groups(unity.CountCalls(ctx, &f.calls), site)
	if ctx.Err() != nil {
		return
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
		f.chunks[site] = c.Named(named)
		f.publish(false)
	}
}
