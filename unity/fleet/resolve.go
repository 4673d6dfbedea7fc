package fleet

import (
	"fmt"
	"sort"
	"strings"

	"github.com/unitty/unitty/unity"
)

// NotFoundError tells that nothing has the name.
type NotFoundError struct {
	Kind, Name string
	// Unsure names why it may be there all the same: sites that did not answer or may not be seen.
	Unsure string
}

// Error names what was looked for.
func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("no %s is called %q", e.Kind, unity.Clean(e.Name))
	if e.Unsure != "" {
		text += " (" + e.Unsure + ")"
	}
	return text
}

// Is makes it a unity.ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == unity.ErrNotFound }

// AmbiguousError tells that several objects have the name.
type AmbiguousError struct {
	Kind, Name string
	// Candidates describe them, one a line, each with its id.
	Candidates []string
	// Why is set when the name may be ambiguous because not all sites have answered.
	Why string
}

// Error lists the candidates.
func (e *AmbiguousError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("%s %q: %s", e.Kind, unity.Clean(e.Name), e.Why)
	}
	return fmt.Sprintf("%d %ss are called %q:\n  %s", len(e.Candidates), e.Kind, unity.Clean(e.Name), strings.Join(e.Candidates, "\n  "))
}

// FindSite resolves a site by id, keycode (dashes or not, any case) or whole name.
func FindSite(sites []unity.Site, name string) (*unity.Site, error) {
	var hits []*unity.Site
	key, keyErr := unity.ParseKeycode(name)
	id := strings.TrimSpace(name)
	for i := range sites {
		s := &sites[i]
		if id != "" && strings.EqualFold(string(s.ID), id) || keyErr == nil && s.Keycode == key {
			return s, nil
		}
		if sameName(s.Name, name) {
			hits = append(hits, s)
		}
	}
	return pick("site", name, hits, func(s *unity.Site) string {
		return fmt.Sprintf("%s  %s  %s", s.ID, s.Keycode, s.Name)
	})
}

// FindGroup resolves a group of a site by id or whole name.
func FindGroup(groups []unity.Group, name string) (*unity.Group, error) {
	var hits []*unity.Group
	for i := range groups {
		g := &groups[i]
		if string(g.ID) == strings.ToLower(strings.TrimSpace(name)) {
			return g, nil
		}
		if sameName(g.Name, name) {
			hits = append(hits, g)
		}
	}
	return pick("group", name, hits, func(g *unity.Group) string { return fmt.Sprintf("%s  %s", g.ID, g.Name) })
}

// FindPolicy resolves a policy by id or whole name.
func FindPolicy(policies []unity.Policy, name string) (*unity.Policy, error) {
	var hits []*unity.Policy
	for i := range policies {
		p := &policies[i]
		if string(p.ID) == strings.ToLower(strings.TrimSpace(name)) {
			return p, nil
		}
		if sameName(p.Name, name) {
			hits = append(hits, p)
		}
	}
	return pick("policy", name, hits, func(p *unity.Policy) string { return fmt.Sprintf("%s  %s", p.ID, p.Name) })
}

// sameName compares whole names, folded. What folds to nothing is no name: it would be the name of all nameless ones.
func sameName(has unity.Text, wanted string) bool {
	folded := unity.Fold(wanted)
	return folded != "" && unity.Fold(has.Raw()) == folded
}

func pick[T any](kind, name string, hits []*T, describe func(*T) string) (*T, error) {
	switch len(hits) {
	case 0:
		return nil, &NotFoundError{Kind: kind, Name: name}
	case 1:
		return hits[0], nil
	}
	e := &AmbiguousError{Kind: kind, Name: name}
	for _, h := range hits {
		e.Candidates = append(e.Candidates, describe(h))
	}
	return nil, e
}

// FindHost resolves a machine by id or whole host name. One active record of that name is the machine; of several,
// newest takes the one seen last. A host name counts as unique only when every site of the fleet has answered.
func (f *Fleet) FindHost(name string, newest bool) (*Machine, error) {
	var active, inactive []*Machine
	id := unity.EndpointID(strings.ToLower(strings.TrimSpace(name)))
	for _, m := range f.Machines {
		switch {
		case m.ID == id:
			return m, nil
		case !sameName(m.HostName, name):
		case m.Deactivated.On:
			inactive = append(inactive, m)
		default:
			active = append(active, m)
		}
	}
	unsure := f.missing()
	hits := active
	if len(hits) == 0 {
		hits = inactive
	}
	switch {
	case len(hits) == 0:
		return nil, &NotFoundError{Kind: "machine", Name: name, Unsure: unsure}
	case unsure != "" && !unity.IsGUID(name):
		return nil, &AmbiguousError{Kind: "machine", Name: name, Why: "other machines may have that name, since " + unsure + "; narrow with --site"}
	case len(hits) > 1 && newest:
		sort.SliceStable(hits, func(i, j int) bool { return hits[i].Seen().After(hits[j].Seen()) })
		return hits[0], nil
	}
	return pick("machine", name, hits, describeMachine)
}

func describeMachine(m *Machine) string {
	seen := "never seen"
	if at := m.Seen(); !at.IsZero() {
		seen = "seen " + at.UTC().Format("2006-01-02 15:04Z")
	}
	return fmt.Sprintf("%s  %s  %s  %s", m.ID, m.HostName, m.SiteName, seen)
}

// missing says which sites did not answer, or "".
func (f *Fleet) missing() string {
	if len(f.Failed) == 0 {
		if f.Done < f.Total {
			return fmt.Sprintf("only %d of %d sites have answered", f.Done, f.Total)
		}
		return ""
	}
	names := make([]string, 0, len(f.Failed))
	for _, s := range f.Failed {
		names = append(names, s.Name.String())
	}
	return strings.Join(names, ", ") + " did not answer"
}
