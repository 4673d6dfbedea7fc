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
	if slices.Equal(kept, r.sortKeys) {
		return
	}
	r.sorters, r.sortKeys, r.folds = sorters, kept, folds
	r.resort, r.dirty = true, true
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
	if r.folds == 0 {
		x.folds = nil
		return
	}
	folds := make([]string, r.folds)
	for i := range r.sorters {
		if s := &r.sorters[i]; s.fold >= 0 {
			folds[s.fold] = fold(s.col.text(x.item))
		}
	}
	x.folds = folds
}

// compare is a total order: rows that the sort keys do not tell apart stand in order of arrival.
func (r *Rows[T, K]) compare(a, b *row[T, K]) int {
	for i := range r.sorters {
		s := &r.sorters[i]
		var c int
		if s.fold >= 0 {
			c = strings.Compare(a.folds[s.fold], b.folds[s.fold])
		} else {
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
	r.place()
	old := r.shown
	r.show()
	if !slices.Equal(old, r.shown) {
		r.version++
	}
	r.follow(old)
}

// place brings the rows into order: dead ones out, loose ones in. A page of k rows into n costs k·log n comparisons.
func (r *Rows[T, K]) place() {
	if r.dead {
		r.order = alive(r.order)
		r.loose = alive(r.loose)
		r.dead = false
	}
	for _, x := range r.loose {
		x.loose = false
	}
	if r.resort {
		all := slices.Concat(r.order, r.loose)
		for _, x := range all {
			r.foldRow(x)
		}
		slices.SortFunc(all, r.compare)
		r.order, r.resort = all, false
	} else if len(r.loose) > 0 {
		slices.SortFunc(r.loose, r.compare)
		r.order = r.mergeLoose()
	}
	r.loose = nil
}

// alive returns the rows that are not dead, in a slice of its own, because somebody may be iterating over the old one.
func alive[T any, K ~string](rows []*row[T, K]) []*row[T, K] {
	kept := make([]*row[T, K], 0, len(rows))
	for _, x := range rows {
		if x.dead {
			x.pos = -1
			continue
		}
		kept = append(kept, x)
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

// show rebuilds the shown rows.
func (r *Rows[T, K]) show() {
	shown := make([]*row[T, K], 0, max(len(r.shown), 16))
	for _, x := range r.order {
		if r.refilter {
			x.match = r.matches(x.item)
		}
		if !x.match || (r.markedOnly && !r.marks.Has(x.key)) {
			x.pos = -1
			continue
		}
		x.pos = len(shown)
		shown = append(shown, x)
	}
	r.shown, r.refilter = shown, false
}
