package fleet

import (
	"context"
	"sort"

	"github.com/unitty/unitty/unity"
)

// Hit is what a search found: a machine or a site.
type Hit struct {
	Machine *Machine
	Site    *unity.Site
	// Field names what matched: host, user, ip, mac, id, keycode, site.
	Field string
	Score int
}

// Find searches machines and sites by any of their names: host, user, addresses, ids, keycode, customer. Words are
// ANDed. Whole and partial matches come before fuzzy ones, names of machines and customers before what else is known of
// them, active machines before deactivated ones, of one name those seen last. At most limit hits are returned.
func (f *Fleet) Find(ctx context.Context, query string, limit int) []Hit {
	q := NewMatcher(query)
	if q == nil {
		return nil
	}
	var hits []Hit
	for i := range f.Sites {
		s := &f.Sites[i]
		if score, field := q.Score(SiteNames(s)); score > 0 {
			hits = append(hits, Hit{Site: s, Field: field, Score: score + SiteBonus})
		}
	}
	for i, m := range f.Machines {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil
		}
		names := []Named{{Field: "host", Folded: unity.Fold(m.HostName.Raw()), Fuzzy: true, Main: true},
			{Field: "user", Folded: unity.Fold(m.User()), Fuzzy: true}, {Field: "ip", Folded: unity.Fold(m.IPs())},
			{Field: "mac", Folded: unity.Fold(m.MAC()), Hardware: true}, {Field: "id", Folded: unity.Fold(string(m.ID))}}
		if len(q.Words()) > 1 {
			// With several words one may name the customer; a single one finds the customer itself, not all its machines.
			names = append(names, Named{Field: "site", Folded: unity.Fold(m.SiteName.Raw()), Fuzzy: true, Initials: true})
		}
		score, field := q.Score(names)
		if score > 0 {
			if !m.Deactivated.On {
				score += ActiveBonus
			}
			hits = append(hits, Hit{Machine: m, Field: field, Score: score})
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].before(hits[j]) })
	return hits[:min(max(limit, 0), len(hits))]
}

// SiteNames are the names by which a site is found.
func SiteNames(s *unity.Site) []Named {
	return []Named{{Field: "site", Folded: unity.Fold(s.Name.Raw()), Fuzzy: true, Main: true, Initials: true}, {Field: "keycode", Folded: unity.Fold(s.Keycode.String())},
		{Field: "keycode", Folded: unity.Fold(string(s.Keycode))}, {Field: "id", Folded: unity.Fold(string(s.ID))}}
}

// before puts sites first, and then goes by name; of records of one name it puts the one that was seen last first.
func (h Hit) before(o Hit) bool {
	switch {
	case h.Score != o.Score:
		return h.Score > o.Score
	case (h.Site != nil) != (o.Site != nil):
		return h.Site != nil
	}
	name, id := h.names()
	otherName, otherID := o.names()
	if name != otherName {
		return name < otherName
	}
	if h.Machine != nil && o.Machine != nil && !h.Machine.Seen().Equal(o.Machine.Seen()) {
		return h.Machine.Seen().After(o.Machine.Seen())
	}
	return id < otherID
}

func (h Hit) names() (folded, id string) {
	if h.Site != nil {
		return unity.Fold(h.Site.Name.Raw()), string(h.Site.ID)
	}
	return unity.Fold(h.Machine.HostName.Raw()), string(h.Machine.ID)
}
