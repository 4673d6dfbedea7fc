package table

import (
	"slices"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table/cells"
)

// View draws Rows and remembers how: the scroll position, the chosen columns and the measured widths. The zero View is
// ready. Drawing costs what is on the screen; content is measured on a bounded sample, and only when the shown rows changed.
type View[T any, K ~string] struct {
	// chosen are the IDs of the columns to show; nil means those that are not Hidden.
	chosen []string

	rows    *Rows[T, K]
	version uint64
	offset  int
	// line is the screen line of the cursor below the heading, or -1.
	line   int
	height int

	// contents are the widths of content by column ID. They only grow, so that columns keep still while pages come in.
	contents map[string]content
	measured bool
	// plan caches the layout of one width.
	plan      []ColumnWidth
	planCols  []int
	planWidth int
	planValid bool
	planSort  []SortKey
}

// Columns returns the IDs of the chosen columns, or nil when none were chosen and those that are not Hidden are shown.
func (v *View[T, K]) Columns() []string { return slices.Clone(v.chosen) }

// SetColumns chooses columns and their order; IDs that name no column are passed over, and nil goes back to the default.
func (v *View[T, K]) SetColumns(ids []string) {
	v.chosen = slices.Clone(ids)
	v.measured, v.planValid = false, false
}

// CursorLine returns the line of the last Render that the selected row is on, for the real cursor of the terminal.
func (v *View[T, K]) CursorLine() (line int, ok bool) {
	if v.rows == nil || v.line < 0 {
		return 0, false
	}
	return v.line + 1, true
}

// RowAt returns the place among the shown rows of a line of the last Render, for the mouse.
func (v *View[T, K]) RowAt(line int) (index int, ok bool) {
	i := v.offset + line - 1
	if v.rows == nil || line < 1 || line > v.height || i >= v.rows.Len() {
		return 0, false
	}
	return i, true
}

// Page is how many rows the last Render had room for, at least one.
func (v *View[T, K]) Page() int { return max(1, v.height) }

// Offset is the place among the shown rows of the first one on the screen.
func (v *View[T, K]) Offset() int { return v.offset }

// Layout returns the columns as they are drawn at a width, for the rows of the last Render; nil before the first.
func (v *View[T, K]) Layout(w int) []ColumnWidth {
	if v.rows == nil {
		return nil
	}
	plan, _ := v.layout(w)
	return slices.Clone(plan)
}

// adopt takes note of the rows to draw and of what changed in them since the last time.
func (v *View[T, K]) adopt(rows *Rows[T, K]) {
	if v.rows != rows {
		v.rows, v.offset, v.line = rows, 0, -1
		v.contents, v.measured, v.planValid = nil, false, false
	}
	if !slices.Equal(v.planSort, rows.sortKeys) {
		// The heading of a sorted column carries a sign.
		v.planSort, v.measured = rows.SortKeys(), false
	}
	if now := rows.Version(); now != v.version {
		v.version, v.measured = now, false
	}
	if !v.measured {
		v.sample()
	}
}

// picked returns the places of the columns to show, in their order.
func (v *View[T, K]) picked() []int {
	cols := v.rows.cols
	var picked []int
	for _, id := range v.chosen {
		i := slices.IndexFunc(cols, func(c Column[T]) bool { return c.ID == id })
		if i >= 0 && !slices.Contains(picked, i) {
			picked = append(picked, i)
		}
	}
	if len(picked) > 0 {
		return picked
	}
	for i := range cols {
		if !cols[i].Hidden {
			picked = append(picked, i)
		}
	}
	return picked
}

// sample measures headings and the cells of rows spread evenly over the list.
func (v *View[T, K]) sample() {
	v.measured = true
	if v.contents == nil {
		v.contents = make(map[string]content)
	}
	for _, at := range v.picked() {
		c := &v.rows.cols[at]
		if now := v.measure(c); now != v.contents[c.ID] {
			v.contents[c.ID], v.planValid = now, false
		}
	}
}

// measure gives the widths of a column, never less than before.
func (v *View[T, K]) measure(c *Column[T]) content {
	limit := natural
	if c.Max > 0 {
		limit = min(limit, c.Max)
	}
	_, heading, _ := cells.Clean(v.heading(c), natural)
	now := v.contents[c.ID]
	now.widest, now.usual = max(now.widest, heading), max(now.usual, heading)
	var many [natural + 1]int
	total, filled := v.rows.Len(), 0
	for i := 0; i < total; i += max(1, total/sampled) {
		if _, n, _ := cells.Clean(c.text(v.rows.shown[i].item), limit); n > 0 {
			now.widest = max(now.widest, n)
			many[min(n, natural)]++
			filled++
		}
	}
	for n, within := 0, 0; n <= natural && within*10 < filled*9; n++ {
		within += many[n]
		now.usual = max(now.usual, n)
	}
	return now
}

// heading is a column's title with room for the sign of its order.
func (v *View[T, K]) heading(c *Column[T]) string {
	for _, k := range v.planSort {
		if k.Column == c.ID {
			if len(v.planSort) > 1 {
				return c.Title + " ^1"
			}
			return c.Title + " ^"
		}
	}
	return c.Title
}

// layout returns the columns at a width and their places among all columns.
func (v *View[T, K]) layout(w int) ([]ColumnWidth, []int) {
	if v.planValid && v.planWidth == w {
		return v.plan, v.planCols
	}
	gutter, gap := gutterOf(w), gapOf(w)
	var cols []measure
	for _, at := range v.picked() {
		c := &v.rows.cols[at]
		cols = append(cols, newMeasure(at, c, v.contents[c.ID]))
	}
	cols = distribute(cols, max(0, w-gutter), gap)
	v.plan, v.planCols = make([]ColumnWidth, 0, len(cols)), make([]int, 0, len(cols))
	x := gutter
	for _, m := range cols {
		v.plan = append(v.plan, ColumnWidth{ID: v.rows.cols[m.at].ID, X: x, Width: m.width})
		v.planCols = append(v.planCols, m.at)
		x += m.width + gap
	}
	v.planWidth, v.planValid = w, true
	return v.plan, v.planCols
}

// scroll keeps the cursor on the screen. When rows come or go above it, it keeps its line, so that a list that is still being read
// does not move under the reader.
func (v *View[T, K]) scroll(height int, changed bool) {
	n, at := v.rows.Len(), v.rows.CursorIndex()
	if changed && v.line >= 0 && at >= 0 {
		v.offset = at - v.line
	}
	v.offset = max(0, min(v.offset, n-height))
	v.line = -1
	if at < 0 || height <= 0 {
		return
	}
	if at < v.offset {
		v.offset = at
	}
	if at >= v.offset+height {
		v.offset = at - height + 1
	}
	v.line = at - v.offset
}

// Render draws a heading and the rows in view: exactly h lines of at most w cells each. With focus the selected row is
// shown in the tone Selected, else in SelectedIdle.
func (v *View[T, K]) Render(rows *Rows[T, K], th theme.Theme, w, h int, focus bool) []string {
	w, h = max(0, w), max(0, h)
	changed := v.rows == rows && v.version != rows.Version()
	v.adopt(rows)
	v.height = max(0, h-1)
	v.scroll(v.height, changed)
	lines := make([]string, h)
	if w == 0 || h == 0 {
		return lines
	}
	d := v.newDrawer(th, w, focus)
	lines[0] = d.header()
	for i := range v.height {
		at := v.offset + i
		if at >= len(rows.shown) {
			break
		}
		lines[i+1] = d.row(rows.shown[at], i == v.line)
	}
	return lines
}
