package live

import (
	"context"
	"errors"
	"maps"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// readSite reads the machines of a site. On an error it gives the rows it has, and the older ones that it did not come to
// see again; nil when there is nothing new. A machine that is gone leaves only with a nil error.
func (f *Fleet) readSite(ctx context.Context, site *unity.Site) (*picture.Chunk, error) {
	old, names := f.before(site.ID)
	b := picture.NewBuilder(picture.Site{ID: site.ID, Name: site.Name, Key: site.Keycode}, len(old))
	asked, err, ids, doubts := 0, error(nil), &idKeeper{}, doubts{}
	for page, perr := range f.client.Endpoints(ctx, site.ID, unity.EndpointQuery{PageSize: f.size(site.ID)}) {
		if perr != nil {
			err = perr
			break
		}
		asked = page.Asked
		at := f.client.Now()
		ids.add(page.Items)
		for i := range page.Items {
			e := &page.Items[i]
			group, policy := names.of(e)
			if row, ok := old[e.ID]; ok && e.ID != "" && !outlived(row, e) {
				doubts.add(b.AddOver(row, e, group, policy, at), row, e)
				delete(old, e.ID)
			} else {
				b.Add(e, group, policy, at)
			}
		}
	}
	if err == nil {
		f.learnSize(site.ID, asked)
		f.mu.Lock()
		f.ids[site.ID] = ids.alike
		byName := !f.idsGiven
		f.mu.Unlock()
		if byName {
			doubts.settle(b, ids.shared)
		}
		return b.Chunk(), nil
	}
	if b.Len() == 0 {
		return nil, err
	}
	for _, row := range old {
		b.Keep(row)
	}
	return b.Chunk(), err
}

// doubts are the machines of a site whose reports came after the site was last read. Reports without machine ids were told
// by what the machines were called then.
type doubts []doubt

type doubt struct {
	at      int // in what is being built
	host    string
	renamed bool
}

func (d *doubts) add(at int, row picture.Row, e *unity.Endpoint) {
	if row.Joined() && !row.Asked() && row.StatusAt().After(row.ReadAt()) {
		*d = append(*d, doubt{at, row.FoldedHost(), row.HostName() != e.HostName})
	}
}

// settle takes away the reports of machines whose names were not theirs alone all the time: another one that came meanwhile may
// have sent them.
func (d doubts) settle(b *picture.Builder, shared map[string]bool) {
	for _, x := range d {
		if x.renamed || shared[x.host] {
			b.Silence(x.at, fleet.NoteNotJoined)
		}
	}
}

// before gives a site's rows by id, and the names of groups and policies as far as they are known.
func (f *Fleet) before(site unity.SiteID) (map[unity.EndpointID]picture.Row, *names) {
	f.mu.Lock()
	chunk := f.chunks[site]
	n := &names{policies: f.policies, groups: maps.Clone(f.groups[site])}
	f.mu.Unlock()
	rows := make(map[unity.EndpointID]picture.Row, chunk.Len())
	for i := range chunk.Len() {
		r := chunk.Row(i)
		rows[r.ID()] = r
		if g := r.Group(); !g.Empty() {
			n.group(r.GroupID(), g)
		}
		if p := r.Policy(); !p.Empty() && n.policies[r.PolicyID()].Empty() {
			n.old(r.PolicyID(), p)
		}
	}
	return rows, n
}

// names give words to ids.
type names struct {
	policies, oldPolicies map[unity.PolicyID]unity.Text
	groups                map[unity.GroupID]unity.Text
}

func (n *names) group(id unity.GroupID, name unity.Text) {
	if n.groups == nil {
		n.groups = map[unity.GroupID]unity.Text{}
	}
	if _, ok := n.groups[id]; !ok {
		n.groups[id] = name
	}
}

func (n *names) old(id unity.PolicyID, name unity.Text) {
	if n.oldPolicies == nil {
		n.oldPolicies = map[unity.PolicyID]unity.Text{}
	}
	n.oldPolicies[id] = name
}

// of gives the names of an endpoint's group and policy, "" where the row has them itself or nobody knows.
func (n *names) of(e *unity.Endpoint) (group, policy unity.Text) {
	if e.GroupName.Empty() {
		group = n.groups[e.GroupID]
	}
	if e.PolicyName.Empty() {
		if policy = n.policies[e.PolicyID]; policy.Empty() {
			policy = n.oldPolicies[e.PolicyID]
		}
	}
	return group, policy
}

func (f *Fleet) size(site unity.SiteID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sizes[site]
}

// learnSize keeps the page size with which a site could be read, if it is smaller than what unitty asks for by itself.
func (f *Fleet) learnSize(site unity.SiteID, asked int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if asked > 0 && asked < unity.DefaultPageSize {
		f.sizes[site] = asked
	}
}

// put takes the result of one site over.
func (f *Fleet) put(site *unity.Site, chunk *picture.Chunk, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried[site.ID], f.answered[site.ID] = f.o.Now(), true
	if chunk != nil {
		chunk = chunk.Named(f.groups[site.ID]) // names that came while the site was read
		f.chunks[site.ID] = chunk
		if len(f.groups[site.ID]) > 0 && chunk.Nameless(f.groups[site.ID]) {
			delete(f.groups, site.ID) // a group is new
		}
		f.meta.ReadAt = f.client.Now()
	}
	f.meta.Failed = withoutSite(f.meta.Failed, site.ID)
	switch {
	case err != nil:
		f.meta.Failed = append(f.meta.Failed, fleet.SiteError{Site: site.ID, Name: site.Name, Err: err})
	default:
		f.counts[site.ID] = f.signature(site)
	}
	f.meta.Stale = false
	f.publish(false)
}

// withoutSite copies the list, which pictures share.
func withoutSite(failed []fleet.SiteError, site unity.SiteID) []fleet.SiteError {
	var out []fleet.SiteError
	for _, e := range failed {
		if e.Site != site {
			out = append(out, e)
		}
	}
	return out
}

// passing tells a failure that may be over when the site is asked again.
func passing(err error) bool {
	for _, kind := range []error{unity.ErrUnavailable, unity.ErrRateLimited, unity.ErrUnreachable, unity.ErrProtocol} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
