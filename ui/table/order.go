package table

import (
	"cmp"
	"slices"
	"strings"
)

// SetFilter shows only rows that keep lets through; nil shows all. Marks are not touched. The filter is asked
// when it is set and when a row comes in or differs; one that looks at the clock has to be set again from time to time.
func (r *Rows[T, K]) SetFilter(keep func(*T) bool) {
	r.filter = keep
	r.narrowed()
}

// SetScope narrows the list before the filter, for a list that depends on the cursor of another one; nil removes the scope.
func (r *Rows[T, K]) SetScope(keep func(*T) bool) {
	r.scope = keep
	r.narrowed()
}

// SetMarkedOnly shows marked rows only.
func (r *Rows[T, K]) SetMarkedOnly(on bool) {
	if r.markedOnly == on {
		return
	}
	r.markedOnly = on
	r.dirty = true
	r.Range(false)
}

// MarkedOnly reports whether marked rows only are shown.
func (r *Rows[T, K]) MarkedOnly() bool { return r.markedOnly }

// SetSort orders by the keys, the first one first; rows that are equal in all of them stand in order of arrival.
// Keys that name no column are left out.
func (r *Rows[T, K]) SetSort(keys []SortKey) {
	sorters, kept, folds := bindSort(r.cols, keys)
	r.orders++
	if slices.Equal(kept, r.sortKeys) {
		return
	}
	if r.turnable(sorters) {
		r.turn()
	} else {
		// The same columns need no new texts.
		r.refold = r.refold || !slices.EqualFunc(sorters, r.sorters, func(a, b sorter[T]) bool { return a.col == b.col })
		r.resort = true
	}
	r.sorters, r.sortKeys, r.folds = sorters, kept, folds
	r.dirty = true
	r.Range(false)
}

// SortKeys returns the order in force.
func (r *Rows[T, K]) SortKeys() []SortKey { return slices.Clone(r.sortKeys) }

func (r *Rows[T, K]) narrowed() {
	r.refilter, r.dirty = true, true
	r.Range(false)
}

func (r *Rows[T, K]) matches(item *T) bool {
	return (r.scope == nil || r.scope(item)) && (r.filter == nil || r.filter(item))
}

// foldRow computes the folded texts of a row for the order in force.
func (r *Rows[T, K]) foldRow(x *row[T, K]) {
	x.fold, x.more = "", nil
	if r.folds == 0 {
		return
	}
	var more []string
	if r.folds > 1 {
		more = make([]string, r.folds-1)
		x.more = &more
	}
	for i := range r.sorters {
		switch s := &r.sorters[i]; {
		case s.fold == 0:
			x.fold = fold(s.col.text(x.item))
		case s.fold > 0:
			more[s.fold-1] = fold(s.col.text(x.item))
		}
	}
}

// folded is a folded text by its number.
func (x *row[T, K]) folded(i int) string {
	if i == 0 {
		return x.fold
	}
	return (*x.more)[i-1]
}

// compare is a total order: rows that the sort keys do not tell apart stand in order of arrival.
func (r *Rows[T, K]) compare(a, b *row[T, K]) int {
	for i := range r.sorters {
		s := &r.sorters[i]
		var c int
		switch {
		case s.fold >= 0:
			c = strings.Compare(a.folded(s.fold), b.folded(s.fold))
		case s.col.Rank != nil:
			c = cmp.Compare(s.col.Rank(a.item), s.col.Rank(b.item))
		default:
			c = s.col.Less(a.item, b.item)
		}
		if c != 0 {
			if s.desc {
				return -c
			}
			return c
		}
	}
	return cmp.Compare(a.seq, b.seq)
}

// settle works off what changed since the last question. It costs nothing when nothing did.
func (r *Rows[T, K]) settle() {
	if !r.dirty && (!r.markedOnly || r.marksSeen == r.marks.Version()) {
		return
	}
	r.dirty, r.marksSeen = false, r.marks.Version()
	r.arrange()
	old := r.shown
	r.show()
	if !slices.Equal(old, r.shown) {
		r.version++
	}
	r.follow(old)
}

// visible reports whether a placed row is among the shown ones, as of the last time that changes were worked off.
func (r *Rows[T, K]) visible(x *row[T, K]) bool {
	return x.match && (!r.markedOnly || r.marks.Has(x.key))
}

// place returns where a row is among the shown ones, or -1. Places are searched for, because writing them into every row would
// make each key in the filter line touch all of the memory.
func (r *Rows[T, K]) place(x *row[T, K]) int {
	if !r.visible(x) {
		return -1
	}
	if i, ok := slices.BinarySearchFunc(r.shown, x, r.compare); ok && r.shown[i] == x {
		return i
	}
	// The order of a column may depend on the clock, and what it says now need not be how the rows stand.
	return slices.Index(r.shown, x)
}

// arrange brings the rows into order: dead ones out, loose ones in. A page of k rows into n costs k·log n comparisons.
func (r *Rows[T, K]) arrange() {
	if r.dead {
		r.order = alive(r.order)
		r.loose = alive(r.loose)
		r.dead = false
	}
	for _, x := range r.loose {
		x.loose = false
	}
	switch {
	case r.resort:
		all := slices.Concat(r.order, r.loose)
		if r.refold {
			for _, x := range all {
				r.foldRow(x)
			}
		}
		r.sort(all)
		r.order, r.resort, r.refold = all, false, false
	case len(r.loose) > 0:
		r.sort(r.loose)
		r.order = r.mergeLoose()
	}
	r.loose = nil
}

// alive returns the rows that are not dead, in a slice of its own, because somebody may be iterating over the old one.
func alive[T any, K ~string](rows []*row[T, K]) []*row[T, K] {
	kept := make([]*row[T, K], 0, len(rows))
	for _, x := range rows {
		if !x.dead {
			kept = append(kept, x)
		}
	}
	return kept
}

// mergeLoose joins the two sorted lists into a new one.
func (r *Rows[T, K]) mergeLoose() []*row[T, K] {
	rest := r.order
	merged := make([]*row[T, K], 0, len(r.order)+len(r.loose))
	for _, x := range r.loose {
		i, _ := slices.BinarySearchFunc(rest, x, r.compare)
		merged = append(append(merged, rest[:i]...), x)
		rest = rest[i:]
	}
	return append(merged, rest...)
}

// ahead is how many rows are looked up before their items are asked about.
const ahead = 64

// show rebuilds the shown rows. The memory of a million rows is read faster when one row need not wait for the one before: so
// the items of some rows are looked up first, and then asked about.
func (r *Rows[T, K]) show() {
	shown := make([]*row[T, K], 0, r.room())
	var items [ahead]*T
	for rows := range slices.Chunk(r.order, ahead) {
		if r.refilter {
			for i, x := range rows {
				items[i] = x.item
			}
			for i, x := range rows {
				x.match = r.matches(items[i])
			}
		}
		for _, x := range rows {
			if r.visible(x) {
				shown = append(shown, x)
			}
		}
	}
	r.shown, r.refilter = shown, false
}

// room guesses how many rows will be shown, so that a long list is not copied while it grows.
func (r *Rows[T, K]) room() int {
	if r.filter == nil && r.scope == nil && !r.markedOnly {
		return len(r.order)
	}
	return max(min(len(r.shown), len(r.order)), 16)
}
