package views

import (
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// explaining tells how the filter of a list came upon the chosen rows, or that it hides them. It is asked off the update loop,
// so the rows are copied here. Nil knows nothing: there is no filter, or its rows are not machines.
func explaining[T any](sel ui.Selection[T]) func(e *Env) map[unity.EndpointID]fleet.Found {
	if sel.Filter == "" {
		return nil
	}
	switch items := any(sel.Items).(type) {
	case []*picture.Row:
		rows := make([]picture.Row, len(items))
		for i, r := range items {
			rows[i] = *r
		}
		return func(e *Env) map[unity.EndpointID]fleet.Found {
			return foundBy(e.filters().Language, sel.Filter, rows, picture.Row.ID, e.now())
		}
	case []*fleet.Machine:
		rows := append([]*fleet.Machine(nil), items...)
		return func(e *Env) map[unity.EndpointID]fleet.Found {
			language := fleet.MachineLanguage(false, e.now, func(scope string) bool { return !e.hasScope(scope) })
			language.Views = e.expressions()
			return foundBy(language, sel.Filter, rows, func(m *fleet.Machine) unity.EndpointID { return m.ID }, e.now())
		}
	}
	return nil
}

// foundBy explains rows by a filter. One that cannot be read explains nothing: the list that shows it says what is wrong.
func foundBy[T any](l *selector.Language[T], filter string, rows []T, id func(T) unity.EndpointID, now time.Time) map[unity.EndpointID]fleet.Found {
	plan, err := l.Parse(filter)
	if err != nil {
		return nil
	}
	out := make(map[unity.EndpointID]fleet.Found, len(rows))
	for _, r := range rows {
		out[id(r)] = fleet.FoundBy(plan.Explain(r, now))
	}
	return out
}

// hiddenLines name the chosen machines that the list holds and does not show, with the fields by which its filter hides them
// where it is that.
func hiddenLines(hidden []string, refs []fleet.Ref) []string {
	by := make(map[string]fleet.Ref, len(refs))
	for _, r := range refs {
		by[string(r.ID)] = r
	}
	out := make([]string, 0, len(hidden))
	for _, key := range hidden {
		r, ok := by[key]
		if !ok {
			continue
		}
		line := dispatch.Named(r)
		if r.Found.HiddenBy != "" {
			line += ": " + r.Found.String()
		}
		out = append(out, line)
	}
	return out
}

// elsewhere names the marked machines that the list in front does not hold.
func (c choice) elsewhere(refs []fleet.Ref) []string {
	if !c.marked {
		return nil
	}
	held := make(map[unity.EndpointID]bool, len(c.refs))
	for _, r := range c.refs {
		held[r.ID] = true
	}
	var out []string
	for _, r := range refs {
		if !held[r.ID] {
			out = append(out, dispatch.Named(r))
		}
	}
	return out
}
