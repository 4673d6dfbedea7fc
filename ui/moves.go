package ui

import tea "charm.land/bubbletea/v2"

// farthest is further than any list is long.
const farthest = 1 << 30

// moves are the keys that move in rows or lines, by the names of a scope. A page has as many of them as page says; move goes on by a
// number of them, as far as there are any.
func moves(e *env, scope string, page func() int, move func(n int) tea.Cmd) []Command {
	do := func(name string, n func() int) Command {
		return e.command(scope+"."+name, func() tea.Cmd { return move(n()) })
	}
	half := func() int { return max(page()/2, 1) }
	return []Command{
		do("up", func() int { return -1 }), do("down", func() int { return 1 }),
		do("page-up", func() int { return -page() }), do("page-down", page),
		do("half-up", func() int { return -half() }), do("half-down", half),
		do("top", func() int { return -farthest }), do("bottom", func() int { return farthest }),
	}
}
