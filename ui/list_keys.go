package ui

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui/table"
)

// Commands implements Actor: the resource's actions on the current selection, then what every list can do.
func (l *List[T, K]) Commands() []Command {
	if l.e == nil {
		return nil
	}
	if l.filtering {
		return l.filterCommands()
	}
	var out []Command
	seen := l.remembered()
	for _, a := range l.res.Actions {
		out = append(out, bind(a, seen, l.selection))
	}
	return append(out, append(l.moveCommands(), l.rowCommands()...)...)
}

// On makes a Command of an action on one row, wherever that is shown.
func On[T any](a Action[T], key string, row *T) Command {
	one := func(Arity) Selection[T] { return Selection[T]{Items: []*T{row}, Keys: []string{key}} }
	return bind(a, one, one)
}

// bind makes a Command of an action; the selection is taken when it is asked for, that is at the key. Whether the action is
// available is asked of seen.
func bind[T any](a Action[T], seen, selection func(Arity) Selection[T]) Command {
	return Command{Spec: a.Spec,
		Ready: func() string {
			sel := seen(a.Arity)
			if a.Arity != None && len(sel.Keys) == 0 {
				return "there is no row"
			}
			if a.Ready != nil {
				return a.Ready(sel)
			}
			return ""
		},
		Do: func() tea.Cmd { return a.Do(selection(a.Arity)) },
	}
}

// remembered is selection for several questions in a row, as the palette asks of all actions: with a hundred thousand marks one
// takes as long as a frame. It looks again when marks, rows or the cursor are others.
func (l *List[T, K]) remembered() func(Arity) Selection[T] {
	type state struct {
		marks, rows uint64
		cursor      K
		filter      string
	}
	var at state
	held := map[Arity]Selection[T]{}
	return func(arity Arity) Selection[T] {
		now := state{l.rows.Marks().Version(), l.rows.Version(), l.rows.CursorKey(), l.filter}
		sel, ok := held[arity]
		if now != at || !ok {
			if now != at {
				clear(held)
			}
			sel = l.selection(arity)
			at, held[arity] = now, sel
		}
		return sel
	}
}

// selection freezes what an action of that arity works on.
func (l *List[T, K]) selection(arity Arity) Selection[T] {
	sel := Selection[T]{Filter: l.filter}
	switch arity {
	case One:
		if row := l.rows.Cursor(); row != nil {
			sel.Items, sel.Keys = []*T{row}, []string{string(l.rows.CursorKey())}
		}
	case Many:
		items, hidden, keys, marked := l.rows.Chosen()
		sel.Items, sel.Marked = items, marked
		for _, k := range keys {
			sel.Keys = append(sel.Keys, string(k))
		}
		for _, row := range hidden {
			sel.Hidden, sel.HiddenKeys = append(sel.Hidden, l.name(row)), append(sel.HiddenKeys, string(l.res.Key(row)))
		}
	}
	return sel
}

func (l *List[T, K]) name(row *T) string {
	if l.res.Name != nil {
		return clean(l.res.Name(row))
	}
	return string(l.res.Key(row))
}

func (l *List[T, K]) filterCommands() []Command {
	move := func(n int) func() tea.Cmd { return func() tea.Cmd { l.rows.Move(n); return l.moved() } }
	return []Command{
		l.e.command("filter.accept", func() tea.Cmd { l.filtering = false; return nil }),
		l.e.command("filter.leave", func() tea.Cmd { l.clearFilter(); return l.moved() }),
		l.e.command("filter.complete", l.complete),
		l.e.command("filter.up", move(-1)), l.e.command("filter.down", move(1)),
	}
}

// complete takes the first proposal. A proposal is the whole filter text as it would be.
func (l *List[T, K]) complete() tea.Cmd {
	if l.res.Complete == nil {
		return nil
	}
	if all := l.res.Complete(l.in.String()); len(all) > 0 {
		l.in.set(all[0])
		l.applyFilter(all[0])
	}
	return l.moved()
}

func (l *List[T, K]) moveCommands() []Command {
	out := append([]Command{l.e.guarded("table.open", l.canOpen, l.open)},
		moves(l.e, "table", l.view.Page, func(n int) tea.Cmd { l.rows.Move(n); return l.moved() })...)
	return append(out, l.e.command("table.filter", func() tea.Cmd { l.filtering = true; return l.moved() }))
}

func (l *List[T, K]) canOpen() string {
	switch {
	case l.res.Enter == nil && l.res.Detail == nil:
		return "there is nothing below"
	case l.rows.Cursor() == nil:
		return "there is no row"
	}
	return ""
}

// open leads where the resource says, else to the row's details.
func (l *List[T, K]) open() tea.Cmd {
	if l.res.Enter != nil {
		return l.res.Enter(l.rows.Cursor())
	}
	return Push(NewDetail(l.res, l.rows.Cursor()))
}

func (l *List[T, K]) rowCommands() []Command {
	some := func() string {
		if l.rows.Len() == 0 {
			return "there is no row"
		}
		return ""
	}
	do := func(id string, f func()) Command {
		return l.e.guarded(id, some, func() tea.Cmd { f(); return l.moved() })
	}
	return []Command{
		do("table.mark", func() { l.rows.ToggleMark(); l.rows.Move(1) }),
		do("table.range", func() { l.rows.Range(!l.rows.RangeOn()) }),
		do("table.mark-shown", l.rows.MarkShown),
		do("table.invert", l.rows.Invert),
		l.e.command("table.marked-only", l.toggleMarkedOnly),
		l.e.guarded("table.unmark", func() string {
			if l.rows.Marks().Len() == 0 {
				return "nothing is marked"
			}
			return ""
		}, func() tea.Cmd { l.rows.Marks().Clear(); l.setMarkedOnly(false); return l.moved() }),
		l.e.command("table.sort", func() tea.Cmd { return send(openMsg{l.sortMenu()}) }),
		l.e.command("table.columns", func() tea.Cmd { return send(openMsg{l.columnMenu()}) }),
		l.e.guarded("table.copy", some, l.copy),
		l.e.guarded("table.export", some, func() tea.Cmd { return send(openMsg{l.exportMenu()}) }),
		l.e.guarded("table.raw", l.canRaw, l.raw),
		l.e.guarded("table.problems", func() string {
			if len(l.load.problems)+len(l.load.notes) == 0 {
				return "nothing is missing"
			}
			return ""
		}, func() tea.Cmd {
			return Push(NewText("What is missing", strings.Join(slices.Concat(l.load.problems, l.load.notes), "\n")))
		}),
	}
}

func (l *List[T, K]) toggleMarkedOnly() tea.Cmd {
	l.setMarkedOnly(!l.markedOnly)
	return l.moved()
}

func (l *List[T, K]) setMarkedOnly(on bool) {
	l.markedOnly = on
	l.rows.SetMarkedOnly(on)
}

func (l *List[T, K]) canRaw() string {
	switch {
	case l.res.Raw == nil:
		return "this list keeps no raw rows"
	case l.rows.Cursor() == nil:
		return "there is no row"
	}
	return ""
}

func (l *List[T, K]) raw() tea.Cmd {
	row := l.rows.Cursor()
	return Push(NewText(l.name(row)+" (raw)", indented(l.res.Raw(row))))
}

// indented makes JSON readable; what is not JSON is shown as it is, cleaned when drawn.
func indented(raw []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, raw, "", "  ") != nil {
		return string(raw)
	}
	return b.String()
}

func (l *List[T, K]) shownColumns() []string {
	if ids := l.view.Columns(); len(ids) > 0 {
		return ids
	}
	var ids []string
	for _, c := range l.res.Columns {
		if !c.Hidden {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (l *List[T, K]) columnMenu() overlay {
	var p *picker
	items := func() []item {
		var out []item
		on, drawn := l.shownColumns(), l.view.Layout(l.width)
		for _, c := range l.res.Columns {
			check, sub := "[ ]", ""
			if slices.Contains(on, c.ID) {
				check = "[x]"
				if len(drawn) > 0 && !slices.ContainsFunc(drawn, func(d table.ColumnWidth) bool { return d.ID == c.ID }) {
					check, sub = "[-]", "no room on this screen"
				}
			}
			out = append(out, item{id: c.ID, title: c.Title, sub: sub, check: check})
		}
		return out
	}
	p = newPicker(l.e, "Columns of "+l.res.Title, items(), func(it item) tea.Cmd {
		on := l.shownColumns()
		var next []string
		for _, c := range l.res.Columns {
			if slices.Contains(on, c.ID) != (c.ID == it.id) {
				next = append(next, c.ID)
			}
		}
		if len(next) > 0 {
			l.view.SetColumns(next)
			p.setItems(items())
		}
		return nil
	})
	p.keep = true
	return p
}

// copy copies what the resource names for the row, or asks.
func (l *List[T, K]) copy() tea.Cmd {
	if l.res.Copy != nil {
		if label, text := l.res.Copy(l.rows.Cursor()); text != "" {
			return Copy(label, text)
		}
	}
	return send(openMsg{l.copyMenu()})
}

func (l *List[T, K]) copyMenu() overlay {
	row := l.rows.Cursor()
	cells := l.cells(row)
	items := []item{
		{id: "name", title: "name", sub: l.name(row)},
		{id: "id", title: "id", sub: string(l.res.Key(row))},
		{id: "row", title: "row", sub: strings.Join(cells, "  ")},
	}
	texts := map[string]string{"name": l.name(row), "id": string(l.res.Key(row)), "row": strings.Join(cells, "\t")}
	for i, c := range l.res.Columns {
		id := "column " + c.ID
		items = append(items, item{id: id, title: c.Title, sub: cells[i]})
		texts[id] = cells[i]
	}
	if chosen, _, keys, marked := l.rows.Chosen(); marked {
		names := make([]string, 0, len(chosen))
		for _, r := range chosen {
			names = append(names, l.name(r))
		}
		ids := make([]string, 0, len(keys))
		for _, k := range keys {
			ids = append(ids, string(k))
		}
		items = append(items, item{id: "names", title: "names of all marked rows of this list", right: group(len(names))},
			item{id: "ids", title: "ids of all marked rows", right: group(len(ids))})
		texts["names"], texts["ids"] = strings.Join(names, "\n"), strings.Join(ids, "\n")
	}
	return newPicker(l.e, "Copy", items, func(it item) tea.Cmd { return Copy(it.title, texts[it.id]) })
}
