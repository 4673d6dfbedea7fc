package views

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// SavedView is a view from the configuration: a selector with an order, under a name.
type SavedView struct {
	Name string
	// Where is in the selector language of endpoints, or of sites when it is not in the former.
	Where string
	// Sort are columns separated by blanks or commas, with "-" before descending ones.
	Sort string
}

// CheckViews finds what is wrong with saved views: one line for each, naming the view and the column of the mistake.
func CheckViews(saved []SavedView) []string {
	e := NewEnv(nil, "")
	var out []string
	for _, v := range saved {
		if _, _, err := e.meaning(v); err != nil {
			out = append(out, fmt.Sprintf("view %q: where: %v", unity.Clean(v.Name), err))
			continue
		}
		for _, k := range v.SortKeys() {
			if !e.sortable(v, k.Column) {
				out = append(out, fmt.Sprintf("view %q: sort: there is no column %q", unity.Clean(v.Name), unity.Clean(k.Column)))
			}
		}
	}
	return out
}

// expressions are the selectors of the saved views by name, for which view:NAME stands in filters; never nil.
func (e *Env) expressions() map[string]string {
	out := make(map[string]string, len(e.Saved))
	for _, v := range e.Saved {
		out[v.Name] = v.Where
	}
	return out
}

// filters is the language of filters over the rows of the picture: the grammar, with the saved views.
func (e *Env) filters() *picture.Grammar {
	g := e.grammar()
	g.Views = e.expressions()
	return g
}

// meaning compiles the selector of a view: for machines, else for sites. The error is that of machines, which views are mostly of.
func (e *Env) meaning(v SavedView) (q *picture.Query, sites func(*unity.Site) bool, err error) {
	q, err = e.grammar().Compile(v.Where)
	if err == nil {
		return q, nil, nil
	}
	plan, other := fleet.SiteLanguage().Parse(v.Where)
	if other != nil {
		return nil, nil, err
	}
	return nil, func(s *unity.Site) bool { return plan.Match(s, e.now()) }, nil
}

func (e *Env) sortable(v SavedView, column string) bool {
	if q, _, _ := e.meaning(v); q == nil {
		for _, c := range e.siteColumns() {
			if c.ID == column {
				return true
			}
		}
		return false
	}
	for _, c := range e.rowColumns() {
		if c.ID == column {
			return true
		}
	}
	return false
}

// SortKeys is the order of the view, nil where it has none.
func (v SavedView) SortKeys() []table.SortKey {
	var out []table.SortKey
	for _, w := range strings.FieldsFunc(v.Sort, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		id := strings.TrimPrefix(w, "-")
		out = append(out, table.SortKey{Column: id, Desc: id != w})
	}
	return out
}

// savedCommands are the saved views in the palette.
func (e *Env) savedCommands() []ui.Command {
	var out []ui.Command
	for _, v := range e.Saved {
		out = append(out, ui.Command{
			Spec: ui.Spec{ID: "view." + v.Name, Title: "view " + unity.Clean(v.Name), Help: "Lists what matches " + unity.Clean(v.Where) + "."},
			Ready: func() string {
				if reason := e.needsFleet(); reason != "" {
					return reason
				}
				if _, _, err := e.meaning(v); err != nil {
					return "its selector is wrong: " + unity.Clean(err.Error())
				}
				return ""
			},
			Do: func() tea.Cmd { return ui.PushLike("view/", e.savedScreen(v)) },
		})
	}
	return out
}

// savedScreen makes the screen of a saved view, nil when its selector is wrong.
func (e *Env) savedScreen(v SavedView) ui.Screen {
	q, sites, err := e.meaning(v)
	title, path := unity.Clean(v.Name)+": "+unity.Clean(v.Where), "view/"+v.Name
	if v.Where == "status:"+v.Name {
		title = "Machines that are " + v.Name // a number of the first screen, which nobody has saved
	}
	empty := "Nothing matches " + unity.Clean(v.Where) + "."
	switch {
	case err != nil:
		return nil
	case sites != nil:
		r := e.sitesOf(title, path, sites)
		r.Empty = empty
		if keys := v.SortKeys(); len(keys) > 0 {
			r.Sort = keys
		}
		return ui.NewList(r)
	}
	r := e.rows(title, path, &feed{empty: empty, leftOut: func(n int) string { return leftOut(n) + unknownOf(q.Plan().Fields()) },
		choose: func(ctx context.Context, p *picture.Picture, now time.Time) members { return p.Select(ctx, q, now) }})
	r.Empty = empty
	if keys := v.SortKeys(); len(keys) > 0 {
		r.Sort = keys
	}
	return ui.NewList(r)
}
