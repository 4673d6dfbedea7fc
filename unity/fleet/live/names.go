package live

import (
	"context"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
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

// unnamed tells that a site has machines in groups without names, and was not asked for them, or not lately and in vain. The
// lock must be held.
func (f *Fleet) unnamed(site unity.SiteID) bool {
	_, asked := f.groups[site]
	return !asked && f.mayAsk(site) && f.chunks[site].Nameless(nil)
}

// refusal is a list of names that could not be read, and when that was tried.
type refusal struct {
	err error
	at  time.Time
}

// namesAgain is how long a list of names is not asked for again after it could not be read.
const namesAgain = 30 * time.Second

// mayAsk tells that the list of names of a site, or of the policies, was not asked for in vain a moment ago. The lock must be
// held.
func (f *Fleet) mayAsk(site unity.SiteID) bool {
	r, failed := f.refused[site]
	return !failed || passing(r.err) && f.o.Now().Sub(r.at) >= namesAgain
}

// namesIn is how long it is until a list of names that could not be read may be asked for again, at most so long.
func (f *Fleet) namesIn(wait time.Duration) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.refused {
		if passing(r.err) {
			wait = min(wait, max(namesAgain-f.o.Now().Sub(r.at), 0))
		}
	}
	return max(wait, touchAfter)
}

// heardNames notes how asking for a list of names went. The lock must be held.
func (f *Fleet) heardNames(site unity.SiteID, err error) {
	_, failed := f.refused[site]
	switch {
	case err != nil:
		f.refused[site] = refusal{err, f.o.Now()}
	case failed:
		delete(f.refused, site)
	default:
		return
	}
	f.state.Nameless = nil
	for _, id := range slices.Sorted(maps.Keys(f.refused)) {
		e := fleet.SiteError{Site: id, Name: unity.NewText("policies"), Err: f.refused[id].err}
		if at := slices.IndexFunc(f.meta.Sites, func(s unity.Site) bool { return s.ID == id }); at >= 0 {
			e.Name = f.meta.Sites[at].Name
		}
		f.state.Nameless = append(f.state.Nameless, e)
	}
	f.tell()
}

// forgive has lists of names that could not be read asked for at once: a person wants what is new.
func (f *Fleet) forgive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, r := range f.refused {
		r.at = time.Time{}
		f.refused[id] = r
	}
}

// readPolicies reads the console's policies, and gives those their names that had none. Without them ids are shown.
func (f *Fleet) readPolicies(ctx context.Context) {
	list, err := f.client.Policies(ctx)
	if ctx.Err() != nil {
		return
	}
	byID := make(map[unity.PolicyID]unity.Text, len(list))
	for i := range list {
		byID[list[i].ID] = list[i].Name
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heardNames("", err)
	if err != nil {
		return
	}
	f.policies, f.unnamable = byID, map[unity.PolicyID]bool{}
	changed := false
	for id, c := range f.chunks {
		fresh := c.PoliciesNamed(byID)
		changed = changed || fresh != c
		f.chunks[id] = fresh
		for _, policy := range fresh.NamelessPolicies() {
			f.unnamable[policy] = true
		}
	}
	if changed {
		f.publish(false)
	}
}

// policiesNext reads the policies again where they could not be read, or a machine has one that is new, and tells whether it did.
func (f *Fleet) policiesNext(ctx context.Context) bool {
	if !f.wantsPolicies() {
		return false
	}
	ctx, done, err := f.take(ctx, true)
	if err != nil {
		return false
	}
	defer done()
	f.readPolicies(ctx)
	return true
}

func (f *Fleet) wantsPolicies() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, failed := f.refused[""]; failed || f.policies == nil {
		return failed && f.mayAsk("")
	}
	for _, c := range f.chunks {
		if slices.ContainsFunc(c.NamelessPolicies(), func(id unity.PolicyID) bool { return !f.unnamable[id] }) {
			return true
		}
	}
	return false
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
	f.heardNames(site, err)
	if err != nil {
		return
	}
	named := map[unity.GroupID]unity.Text{}
	for i := range groups {
		named[groups[i].ID] = groups[i].Name
	}
	f.groups[site] = named
	if c := f.chunks[site]; c != nil && len(named) > 0 {
		f.chunks[site] = c.Named(named)
		f.publish(false)
	}
}
