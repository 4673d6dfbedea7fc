package views

import (
	"context"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity/fleet/live"
)

// changeKey identifies a change: the machine, what became of it, and when that was noticed.
type changeKey string

func keyOfChange(c *live.Change) changeKey {
	return changeKey(string(c.ID) + " " + string(c.Kind) + " " + c.At.UTC().Format(time.RFC3339Nano))
}

// changes lists what was noticed within the past 30 days, the latest first. Opening it counts as a look.
func (e *Env) changes() ui.Resource[live.Change, changeKey] {
	since := e.Book.Book().Looked
	f := &changeFeed{env: e}
	return ui.Resource[live.Change, changeKey]{
		Kind: "change", Title: "What changed", Path: "changes",
		Key:  keyOfChange,
		Name: func(c *live.Change) string { return c.Name },
		Columns: []table.Column[live.Change]{
			{ID: "noticed", Title: "Noticed", Min: 12, Text: func(c *live.Change) string { return ago(c.At, e.now()) },
				Data: func(c *live.Change) string { return stamp(c.At) },
				Less: byTime(func(c *live.Change) time.Time { return c.At })},
			{ID: "new", Title: "New", Min: 3, Max: 3, Priority: 2, Text: func(c *live.Change) string {
				if c.At.After(since) {
					return "new"
				}
				return ""
			}, Tone: func(*live.Change) theme.Tone { return theme.Accent }},
			{ID: "what", Title: "What", Min: 9, Max: 11, Text: func(c *live.Change) string { return string(c.Kind) },
				Tone: func(c *live.Change) theme.Tone { return changeTone(c.Kind) }},
			{ID: "host", Title: "Host", Min: 14, Max: 40, Flex: 2, Text: func(c *live.Change) string { return c.Name }},
			{ID: "site", Title: "Site", Min: 10, Max: 36, Flex: 2, Priority: 1, Text: func(c *live.Change) string { return c.SiteName.String() }},
			{ID: "since", Title: "Since", Min: 16, Priority: 3, Text: func(c *live.Change) string { return local(c.Fact) },
				Data: func(c *live.Change) string { return stamp(c.Fact) },
				Less: byTime(func(c *live.Change) time.Time { return c.Fact })},
		},
		Sort: []table.SortKey{{Column: "noticed", Desc: true}},
		Live: &ui.Live[live.Change]{Read: f.read, Changed: e.Fleet.Changed, Refresh: e.Fleet.Refresh},
		Enter: func(c *live.Change) tea.Cmd {
			return e.openMachine(c.ID, c.Name)
		},
		Detail: func(c *live.Change) []ui.Field {
			return (&fields{}).in("Change").add("Host", c.Name).add("Customer", c.SiteName.String()).toned("What", string(c.Kind), changeTone(c.Kind)).
				add("Noticed", local(c.At)).add("Since", local(c.Fact)).add("Id", string(c.ID)).out
		},
		Empty: "Nothing changed since unitty watches this console: infections, silent, new, deactivated and gone machines are noted here for 30 days.",
	}
}

func changeTone(k live.ChangeKind) theme.Tone {
	switch k {
	case live.ChangeInfected:
		return theme.Bad
	case live.ChangeStale, live.ChangeGone, live.ChangeDeactivated:
		return theme.Warn
	case live.ChangeRecovered:
		return theme.Good
	default:
		return theme.Info
	}
}

// changeFeed hands changes to a list; a change that was noted does not change any more.
type changeFeed struct {
	env   *Env
	given map[changeKey]*live.Change
}

func (f *changeFeed) read(context.Context) (ui.Delta[live.Change], error) {
	all := f.env.Fleet.Changes()
	next := make(map[changeKey]*live.Change, len(all))
	var d ui.Delta[live.Change]
	for i := range all {
		k := keyOfChange(&all[i])
		if old := f.given[k]; old != nil {
			next[k] = old
			continue
		}
		next[k] = &all[i]
		d.Items = append(d.Items, &all[i])
	}
	for k, c := range f.given {
		if next[k] == nil {
			d.Gone = append(d.Gone, c)
		}
	}
	f.given = next
	p := f.env.Fleet.Current()
	d.Total, d.Age, d.Progress, d.Source = len(next), f.env.here(f.env.checkedAt(p)), f.env.progress(), f.env.source(p)
	return d, nil
}

// openChanges shows what changed and notes that somebody looked.
func (e *Env) openChanges() tea.Cmd {
	screen := ui.NewList(e.changes())
	e.Book.Look(e.now())
	return ui.Push(screen)
}

// changesTile counts what changed since the last look.
func (e *Env) changesTile() ui.Tile {
	since := e.Book.Book().Looked
	n, bad := 0, 0
	for _, c := range e.Fleet.Changes() {
		if !c.At.After(since) {
			break // the latest come first
		}
		n++
		if c.Kind == live.ChangeInfected {
			bad++
		}
	}
	t := ui.Tile{Key: "changes", Name: "newly changed", Value: thousands(n), Tone: warnIf(n), Open: e.openChanges}
	if bad > 0 {
		t.Value, t.Tone = fmt.Sprintf("%d, %d infected", n, bad), theme.Bad
	}
	return t
}
