package table

import (
	"cmp"
	"slices"
)

const (
	// handful is how many rows are sorted by plain comparison.
	handful = 24
	// window is how many bytes of a text make one key, and deepest how far into a text keys are made.
	window, deepest = 8, 64
)

// ranked is a row with the part of its sort keys that is being looked at. Comparing these numbers, side by side in memory, is
// several times faster than following two pointers to two texts.
type ranked[T any, K ~string] struct {
	key uint64
	row *row[T, K]
}

// sort brings rows into the order of compare.
func (r *Rows[T, K]) sort(rows []*row[T, K]) {
	if len(rows) <= handful {
		slices.SortFunc(rows, r.compare)
		return
	}
	all := make([]ranked[T, K], len(rows))
	for i, x := range rows {
		all[i].row = x
	}
	r.sortFrom(all, 0, 0)
	for i := range all {
		rows[i] = all[i].row
	}
}

// sortFrom sorts rows that are alike in the first sorters, and in the first depth bytes of the text of sorter level.
func (r *Rows[T, K]) sortFrom(all []ranked[T, K], level, depth int) {
	if len(all) <= handful || depth > deepest || (level < len(r.sorters) && r.sorters[level].opaque()) {
		slices.SortFunc(all, func(a, b ranked[T, K]) int { return r.compare(a.row, b.row) })
		return
	}
	r.rank(all, level, depth)
	slices.SortFunc(all, func(a, b ranked[T, K]) int { return cmp.Compare(a.key, b.key) })
	if level == len(r.sorters) {
		return
	}
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].key == all[0].key {
			n++
		}
		if n > 1 {
			r.sortAlike(all[:n], level, depth)
		}
		all = all[n:]
	}
}

// sortAlike sorts rows with the same key: by the bytes that follow, or by the next sorter when the texts are at their end.
func (r *Rows[T, K]) sortAlike(all []ranked[T, K], level, depth int) {
	s := &r.sorters[level]
	if s.fold >= 0 {
		// A text that ends looks like one that goes on with zero bytes, so only equal lengths are equal texts.
		size := len(all[0].row.folded(s.fold))
		for _, x := range all {
			if n := len(x.row.folded(s.fold)); n != size || n > depth+window {
				r.sortFrom(all, level, depth+window)
				return
			}
		}
	}
	r.sortFrom(all, level+1, 0)
}

// rank gives every row the key of a sorter; behind the last sorter it is the order of arrival.
func (r *Rows[T, K]) rank(all []ranked[T, K], level, depth int) {
	if level == len(r.sorters) {
		for i := range all {
			all[i].key = uint64(all[i].row.seq)
		}
		return
	}
	s := &r.sorters[level]
	for i, x := range all {
		var key uint64
		if s.fold >= 0 {
			key = textKey(x.row.folded(s.fold), depth)
		} else {
			// Turning the sign over makes negative numbers the smaller ones.
			key = uint64(s.col.Rank(x.row.item)) ^ 1<<63 //nolint:gosec // the bits are wanted, not the number
		}
		if s.desc {
			key = ^key
		}
		all[i].key = key
	}
}

// opaque reports whether a sorter can compare rows only.
func (s *sorter[T]) opaque() bool { return s.fold < 0 && s.col.Rank == nil }

// textKey is the number that sorts like the bytes of a text from depth on.
func textKey(text string, depth int) uint64 {
	var key uint64
	for i := range window {
		key <<= 8
		if depth+i < len(text) {
			key |= uint64(text[depth+i])
		}
	}
	return key
}
