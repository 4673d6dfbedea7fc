package table

import "slices"

// Fitted is a column that has room: its place among those that were given, and its width in cells.
type Fitted struct{ At, Width int }

// Fit lays out columns of plain output in w cells, with two between them, as a list is laid out: columns shrink before the
// least important ones are dropped. Widths gives those of all cells of a column, its heading included, and may be called in
// any order. No column is wider than its cells need, and numbers are not shrunk.
func Fit[T any](cols []Column[T], w int, widths func(at int) []int) []Fitted {
	measures := make([]measure, 0, len(cols))
	for i := range cols {
		has := spread(widths(i))
		m := newMeasure(i, &cols[i], has)
		m.flex = 0
		// A list keeps room for rows that may come; these are all.
		m.want = min(m.want, has.widest)
		m.usual, m.least = min(m.usual, m.want), min(m.least, m.want)
		if cols[i].Right { // a number that is cut is another number
			m.usual, m.least = m.want, m.want
		}
		measures = append(measures, m)
	}
	var out []Fitted
	for _, m := range distribute(measures, w, plainGap) {
		out = append(out, Fitted{m.at, m.width})
	}
	return out
}

// plainGap is the space between columns of plain output.
const plainGap = 2

// spread is how wide some cells are.
func spread(widths []int) content {
	if len(widths) == 0 {
		return content{}
	}
	filled := slices.DeleteFunc(slices.Clone(widths), func(n int) bool { return n <= 0 })
	if len(filled) == 0 {
		return content{}
	}
	slices.Sort(filled)
	return content{widest: filled[len(filled)-1], usual: filled[(len(filled)*9+9)/10-1]}
}
