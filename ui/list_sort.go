package ui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui/table"
)

// orderMsg carries an order of a long list on its way: it is read a part at a time, so that no key waits for it, and sorted aside.
type orderMsg[T any, K ~string] struct {
	order  *table.Reorder[T, K]
	sorted bool
}

// orderSlice is how long reading for a new order may keep the update loop at a time.
const orderSlice = 4 * time.Millisecond

// sort puts an order into force, a moment later when the list is long.
func (l *List[T, K]) sort(keys []table.SortKey) tea.Cmd {
	l.sorting = l.rows.Reorder(keys)
	if l.sorting == nil {
		return nil
	}
	// The reading starts after a frame that says so.
	return send(To{Screen: l.id, Msg: orderMsg[T, K]{order: l.sorting}})
}

// ordered takes an order one step further. One that is not the latest is dropped.
func (l *List[T, K]) ordered(m orderMsg[T, K]) tea.Cmd {
	if m.order != l.sorting {
		return nil
	}
	switch to := l.id; {
	case m.sorted:
		l.sorting = nil
		l.rows.Adopt(m.order)
		return l.moved()
	case m.order.Read(time.Now().Add(orderSlice)):
		return send(To{Screen: to, Msg: m})
	default:
		return func() tea.Msg {
			m.order.Sort()
			m.sorted = true
			return To{Screen: to, Msg: m}
		}
	}
}

// sortKeys is the order in force, or the one that is being worked out.
func (l *List[T, K]) sortKeys() []table.SortKey {
	if l.sorting != nil {
		return l.sorting.Keys()
	}
	return l.rows.SortKeys()
}

func (l *List[T, K]) sortMenu() overlay {
	var items []item
	keys := l.sortKeys()
	for _, c := range l.res.Columns {
		it := item{id: c.ID, title: c.Title}
		if i := slices.IndexFunc(keys, func(k table.SortKey) bool { return k.Column == c.ID }); i >= 0 {
			it.right = "key " + itoa(i+1) + ", ascending"
			if keys[i].Desc {
				it.right = "key " + itoa(i+1) + ", descending"
			}
		}
		items = append(items, it)
	}
	const usual = "\x00default"
	items = append(items, item{id: usual, title: "order as at first"})
	return newPicker(l.e, "Sort "+l.res.Title+" by", items, func(it item) tea.Cmd {
		if it.id == usual {
			return l.sort(l.res.Sort)
		}
		return l.sort(sortBy(l.sortKeys(), it.id))
	})
}

// sortDepth is how many columns an order remembers.
const sortDepth = 3

// sortBy makes the column the first key; when it is that already, its direction turns round.
func sortBy(keys []table.SortKey, id string) []table.SortKey {
	first := table.SortKey{Column: id}
	var rest []table.SortKey
	for i, k := range keys {
		switch {
		case k.Column != id:
			rest = append(rest, k)
		case i == 0:
			first.Desc = !k.Desc
		default:
			first.Desc = k.Desc
		}
	}
	out := append([]table.SortKey{first}, rest...)
	return out[:min(len(out), sortDepth)]
}

func formatSort(keys []table.SortKey) []string {
	var out []string
	for _, k := range keys {
		if k.Desc {
			out = append(out, "-"+k.Column)
		} else {
			out = append(out, k.Column)
		}
	}
	return out
}

func parseSort[T any](in []string, cols []table.Column[T]) []table.SortKey {
	var out []table.SortKey
	for _, s := range in {
		id := strings.TrimPrefix(s, "-")
		if slices.ContainsFunc(cols, func(c table.Column[T]) bool { return c.ID == id }) {
			out = append(out, table.SortKey{Column: id, Desc: s != id})
		}
	}
	return out
}
