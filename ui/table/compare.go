package table

import (
	"cmp"
	"strings"
)

// Comparing gives the order of two rows by sort keys, as a list with these columns has it; keys that name no column are left
// out. It is for the few rows of plain output: a list works out what it sorts by once for each row.
func Comparing[T any](cols []Column[T], keys []SortKey) func(a, b *T) int {
	sorters, _, _ := bindSort(cols, keys)
	return func(a, b *T) int {
		for i := range sorters {
			s := &sorters[i]
			c := 0
			switch {
			case s.fold >= 0:
				c = strings.Compare(fold(s.col.text(a)), fold(s.col.text(b)))
			case s.col.Rank != nil:
				c = cmp.Compare(s.col.Rank(a), s.col.Rank(b))
			default:
				c = s.col.Less(a, b)
			}
			switch {
			case c == 0:
			case s.desc:
				return -c
			default:
				return c
			}
		}
		return 0
	}
}
