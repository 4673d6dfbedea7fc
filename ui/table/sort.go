package table

import (
	"cmp"
	"slices"
	"strings"
)

const (
	// handful is how many rows are sorted by plain comparison.
	handful = 24
	// window is how many bytes of a text make one key, and deepest how far into a text keys are made.
	window, deepest = 8, 64
)

// sheet holds what rows are sorted by, apart from the rows: it can be sorted while those change.
type sheet struct {
	// levels are the sort keys, the first one first; seq is the order of arrival, which decides in the end.
	levels []level
	seq    []uint32
}

// level is one sort key of all rows: texts, or numbers, or else a comparison of two rows by their places.
type level struct {
	texts []string
	ranks []int64
	less  func(a, b int32) int
	desc  bool
}

// ranked is the place of a row in the sheet with the part of its sort keys that is being looked at. Comparing these numbers, side by
// side in memory, is several times faster than following two pointers to two texts.
type ranked struct {
	key uint64
	at  int32
}

// sorted gives the places of all rows in the order of compare.
func (s *sheet) sorted() []ranked {
	all := make([]ranked, len(s.seq))
	for i := range all {
		all[i].at = int32(i)
	}
	s.sortFrom(all, 0, 0)
	return all
}

// compare is the order of two places.
func (s *sheet) compare(a, b ranked) int {
	for i := range s.levels {
		l := &s.levels[i]
		var c int
		switch {
		case l.texts != nil:
			c = strings.Compare(l.texts[a.at], l.texts[b.at])
		case l.ranks != nil:
			c = cmp.Compare(l.ranks[a.at], l.ranks[b.at])
		default:
			c = l.less(a.at, b.at)
		}
		if c != 0 {
			if l.desc {
				return -c
			}
			return c
		}
	}
	return cmp.Compare(s.seq[a.at], s.seq[b.at])
}

// sortFrom sorts rows that are alike in the first levels, and in the first depth bytes of the texts of level n.
func (s *sheet) sortFrom(all []ranked, n, depth int) {
	if len(all) <= handful || depth > deepest || (n < len(s.levels) && s.levels[n].less != nil) {
		slices.SortFunc(all, s.compare)
		return
	}
	s.rank(all, n, depth)
	if !inOrder(all) {
		slices.SortFunc(all, func(a, b ranked) int { return cmp.Compare(a.key, b.key) })
	}
	if n == len(s.levels) {
		return
	}
	for len(all) > 0 {
		same := 1
		for same < len(all) && all[same].key == all[0].key {
			same++
		}
		if same > 1 {
			s.sortAlike(all[:same], n, depth)
		}
		all = all[same:]
	}
}

// inOrder tells that there is nothing to sort, as with keys that all rows share or rows that stand as they came.
func inOrder(all []ranked) bool {
	return slices.IsSortedFunc(all, func(a, b ranked) int { return cmp.Compare(a.key, b.key) })
}

// sortAlike sorts rows with the same key: by the bytes that follow, or by the next level when the texts are at their end.
func (s *sheet) sortAlike(all []ranked, n, depth int) {
	if texts := s.levels[n].texts; texts != nil {
		// A text that ends looks like one that goes on with zero bytes, so only equal lengths are equal texts.
		size := len(texts[all[0].at])
		for _, x := range all {
			if n2 := len(texts[x.at]); n2 != size || n2 > depth+window {
				s.sortFrom(all, n, depth+window)
				return
			}
		}
	}
	s.sortFrom(all, n+1, 0)
}

// rank gives every row the key of a level; behind the last one it is the order of arrival.
func (s *sheet) rank(all []ranked, n, depth int) {
	if n == len(s.levels) {
		for i := range all {
			all[i].key = uint64(s.seq[all[i].at])
		}
		return
	}
	l := &s.levels[n]
	for i, x := range all {
		var key uint64
		if l.texts != nil {
			key = textKey(l.texts[x.at], depth)
		} else {
			// Turning the sign over makes negative numbers the smaller ones.
			key = uint64(l.ranks[x.at]) ^ 1<<63 //nolint:gosec // the bits are wanted, not the number
		}
		if l.desc {
			key = ^key
		}
		all[i].key = key
	}
}

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
