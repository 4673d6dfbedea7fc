// Package table holds the rows of a list and draws them. It knows nothing of keys or of the event loop: rows, marks and the
// cursor are identified by typed ids, never by an index, so that a refresh cannot put an action on another row.
package table

import (
	"strings"

	"github.com/unitty/unitty/theme"
)

// Column describes one column of a list. Widths are in terminal cells.
type Column[T any] struct {
	// ID names the column in configuration, sort keys and exports; Title is its heading.
	ID, Title string
	// Min and Max bound the width in cells. Min 0 lets the table choose; Max 0 means no limit.
	Min, Max int
	// Flex is the weight by which the column gets spare width; 0 takes none.
	Flex int
	// Priority decides what is dropped when the width does not suffice: 0 never drops, higher drops first.
	Priority int
	// Hidden keeps the column off until the user chooses it.
	Hidden bool
	// Right aligns to the right, for numbers.
	Right bool
	// Text is the cell. It should be sanitised already; the table replaces what a terminal would obey all the same.
	Text func(*T) string
	// Data is the cell in an exported file, where an age or two numbers in one cell are of no use; nil means Text. DataTitle is
	// the heading there, "" means Title.
	Data      func(*T) string
	DataTitle string
	// Less orders two rows: negative, zero or positive. Nil orders by Text without regard to case.
	Less func(a, b *T) int
	// Rank orders two rows by a number, which is asked for once per row and not once per comparison: a long list sorts several times
	// faster by it. It goes before Less.
	Rank func(*T) int64
	// Tone colours the cell; nil means plain.
	Tone func(*T) theme.Tone
}

// text is the cell's text, "" for a column without one.
func (c *Column[T]) text(item *T) string {
	if c.Text == nil {
		return ""
	}
	return c.Text(item)
}

// tone is the cell's tone.
func (c *Column[T]) tone(item *T) theme.Tone {
	if c.Tone == nil {
		return theme.Plain
	}
	return c.Tone(item)
}

// SortKey orders by one column.
type SortKey struct {
	// Column is the ID of the column.
	Column string
	// Desc reverses the order.
	Desc bool
}

// sorter is a sort key bound to its column.
type sorter[T any] struct {
	col  *Column[T]
	desc bool
	// fold is the place of the folded text in a row, or -1 when the column has an order of its own.
	fold int
}

// bindSort resolves sort keys; keys that name no column are left out.
func bindSort[T any](cols []Column[T], keys []SortKey) (bound []sorter[T], kept []SortKey, folds int) {
	for _, k := range keys {
		for i := range cols {
			if cols[i].ID != k.Column {
				continue
			}
			s := sorter[T]{col: &cols[i], desc: k.Desc, fold: -1}
			if s.col.Less == nil && s.col.Rank == nil {
				s.fold = folds
				folds++
			}
			bound, kept = append(bound, s), append(kept, k)
			break
		}
	}
	return bound, kept, folds
}

// fold makes texts comparable without regard to case.
func fold(s string) string { return strings.ToLower(s) }
