package table

import "slices"

// ColumnWidth is a column as it is drawn.
type ColumnWidth struct {
	// ID names the column; X is its first cell and Width how many it has.
	ID       string
	X, Width int
}

// Bounds of the layout, in cells and rows.
const (
	// gutterWide holds the cursor sign, the mark and a blank; gutterThin does without the blank.
	gutterWide, gutterThin = 3, 2
	// thin is the width below which every cell counts.
	thin = 48
	// natural is the most that content alone makes a column.
	natural = 80
	// minimum is the least a column without a Min shrinks to before others are dropped.
	minimum = 6
	// sampled is how many rows are measured.
	sampled = 128
)

// content is how wide the cells of a column are: the widest, and nine in ten of those that are not empty. Both hold the heading.
type content struct{ widest, usual int }

// measure is what the layout knows of a chosen column.
type measure struct {
	// at is the place among all columns of the list.
	at int
	// least, want and most are the bounds of the width, most 0 for none; usual is what most rows want.
	least, usual, want, most int
	flex, priority           int
	width                    int
}

// gutterOf and gapOf are the widths of the margin on the left and of the space between columns.
func gutterOf(w int) int {
	if w < thin {
		return min(gutterThin, w)
	}
	return gutterWide
}

func gapOf(w int) int {
	if w < thin {
		return 1
	}
	return 2
}

// distribute gives every column its width, out of avail cells, and returns the columns that are left.
func distribute(cols []measure, avail, gap int) []measure {
	cols = dropColumns(slices.Clone(cols), avail, gap)
	spare := avail - gap*(len(cols)-1)
	for i := range cols {
		cols[i].width = max(0, min(cols[i].least, spare))
		spare -= cols[i].width
	}
	// A few long names do not take the room that all rows need elsewhere.
	spare = grow(cols, spare, func(m measure) int { return m.usual })
	spare = grow(cols, spare, func(m measure) int { return m.want })
	growByFlex(cols, spare)
	return slices.DeleteFunc(cols, func(m measure) bool { return m.width <= 0 })
}

// dropColumns takes out the columns of the highest priority number, the last one first, until the least widths fit.
func dropColumns(cols []measure, avail, gap int) []measure {
	for {
		need, worst := gap*(len(cols)-1), -1
		for i, m := range cols {
			need += m.least
			if m.priority > 0 && (worst < 0 || m.priority >= cols[worst].priority) {
				worst = i
			}
		}
		if need <= avail {
			return cols
		}
		if worst >= 0 {
			cols = slices.Delete(cols, worst, worst+1)
			continue
		}
		// Those that never drop share what there is; only where not even the gaps fit does the last one go.
		if len(cols) <= 1 || gap*(len(cols)-1)+len(cols) <= avail {
			return cols
		}
		cols = cols[:len(cols)-1]
	}
}

// grow widens columns to a wish, important ones first, and returns what is left.
func grow(cols []measure, spare int, wish func(measure) int) int {
	byPriority := make([]int, len(cols))
	for i := range cols {
		byPriority[i] = i
	}
	slices.SortStableFunc(byPriority, func(a, b int) int { return cols[a].priority - cols[b].priority })
	for _, i := range byPriority {
		if more := min(wish(cols[i])-cols[i].width, spare); more > 0 {
			cols[i].width += more
			spare -= more
		}
	}
	return spare
}

// growByFlex shares spare width by weight; a column at its maximum passes its share on.
func growByFlex(cols []measure, spare int) {
	for spare > 0 {
		weights := 0
		for _, m := range cols {
			if open(m) {
				weights += m.flex
			}
		}
		if weights == 0 {
			return
		}
		left := spare
		for i := range cols {
			m := &cols[i]
			if !open(*m) || left == 0 {
				continue
			}
			grow := min(max(1, spare*m.flex/weights), left)
			if m.most > 0 {
				grow = min(grow, m.most-m.width)
			}
			m.width += grow
			left -= grow
		}
		if left == spare {
			return
		}
		spare = left
	}
}

// open reports whether a column still takes spare width.
func open(m measure) bool { return m.flex > 0 && (m.most == 0 || m.width < m.most) }

// newMeasure bounds a column by the widths of its sampled cells and heading.
func newMeasure[T any](at int, c *Column[T], has content) measure {
	least, most := max(0, c.Min), max(0, c.Max)
	if most > 0 && least > most {
		least = most
	}
	want := max(least, min(has.widest, natural))
	if most > 0 {
		want = min(want, most)
	}
	if least == 0 {
		least = max(1, min(want, minimum))
		want = max(want, least)
	}
	if c.Right {
		least = want // a number that was cut is another one
	}
	usual := max(least, min(has.usual, want))
	return measure{at: at, least: least, usual: usual, want: want, most: most, flex: max(0, c.Flex), priority: max(0, c.Priority)}
}
