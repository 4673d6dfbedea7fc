package table

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"reflect"
	"slices"
)

// row is one held item with what the table knows of it.
type row[T any, K ~string] struct {
	item *T
	key  K
	// before is the value at the begin of reload beforeOf, for whoever asks whether the row differs from it. Once that is known not to
	// be so, it is the item itself.
	before *T
	// fold is the folded text of the first sort column that has no order of its own, and more those of the others. Nearly every
	// order has one such column, and a slice for each of a million rows would be dear.
	fold string
	more *[]string
	// seq is the order of arrival; it decides between rows that sort alike, so every order is total and stable.
	seq uint32
	// seen and changed are the reloads in which the row was last merged and last found to differ.
	seen, changed, beforeOf uint32
	// sorted is the Reorder that has read this value.
	sorted uint32
	// match is whether scope and filter let the row through.
	match bool
	// loose rows wait to be placed, dead ones to be swept out.
	loose, dead bool
}

// Rows holds the rows of a list: all that were merged, the part that is shown, the cursor and the marks.
// Merged items must not be changed afterwards; a new value replaces them. Changes are gathered and worked off at the next
// question, so merging a page costs no more than the page until somebody looks. It must be used from one goroutine.
type Rows[T any, K ~string] struct {
	key   func(*T) K
	cols  []Column[T]
	marks *Marks[K]
	// plain is true when two items can be compared with ==, which spares asking for their texts.
	plain bool

	byKey map[K]*row[T, K]
	// order holds the placed rows in sort order; loose the rows that still have to be placed.
	order, loose, shown []*row[T, K]
	live                int
	seq, gen            uint32
	loading             bool

	sortKeys []SortKey
	sorters  []sorter[T]
	folds    int
	// orders counts the orders that were asked for; a Reorder of before is void.
	orders uint32

	filter, scope func(*T) bool
	markedOnly    bool
	marksSeen     uint64

	// What the next question has to work off.
	dirty, resort, refold, refilter, dead bool

	version uint64
	cursor  cursor[K]
	span    span[K]
}

// NewRows returns an empty holder. The key is the row's identity; marks may be shared with other lists, and nil makes a
// set of its own.
func NewRows[T any, K ~string](key func(*T) K, cols []Column[T], marks *Marks[K]) *Rows[T, K] {
	if marks == nil {
		marks = NewMarks[K]()
	}
	return &Rows[T, K]{
		key: key, cols: cols, marks: marks, plain: equatable(reflect.TypeFor[T]()),
		byKey: make(map[K]*row[T, K]), gen: 1,
	}
}

// Columns returns all columns, hidden ones included. The slice must not be changed.
func (r *Rows[T, K]) Columns() []Column[T] { return r.cols }

// Marks returns the set of marks.
func (r *Rows[T, K]) Marks() *Marks[K] { return r.marks }

// Begin starts a reload. Until Finish the rows of before stay; which rows changed is noted afresh.
func (r *Rows[T, K]) Begin() {
	r.gen++
	r.loading = true
}

// Merge adds rows and replaces those whose key is already held; of two with one key the later counts. New rows are
// sorted in, and the cursor stays on its id.
func (r *Rows[T, K]) Merge(items []*T) {
	for _, item := range items {
		if item != nil {
			r.merge(item)
		}
	}
}

func (r *Rows[T, K]) merge(item *T) {
	k := r.key(item)
	old, held := r.byKey[k]
	if !held {
		r.number()
		fresh := &row[T, K]{item: item, key: k, seq: r.seq, seen: r.gen, loose: true}
		r.prepare(fresh)
		r.byKey[k] = fresh
		r.loose = append(r.loose, fresh)
		r.live++
		r.dirty = true
		return
	}
	if old.seen != r.gen {
		old.before, old.beforeOf = old.item, r.gen
	}
	old.seen = r.gen
	if r.equal(old.item, item) {
		old.item = item
		return
	}
	old.changed = 0
	r.replace(old, item)
}

// number counts one arrival. After four thousand million of them the held rows are counted afresh, in the order they stand in.
func (r *Rows[T, K]) number() {
	if r.seq == math.MaxUint32 {
		r.seq = 0
		for _, x := range slices.SortedFunc(maps.Values(r.byKey), func(a, b *row[T, K]) int { return cmp.Compare(a.seq, b.seq) }) {
			r.seq++
			x.seq = r.seq
		}
	}
	r.seq++
}

// replace puts a new value into a placed row, and out of its place when it sorts elsewhere now.
func (r *Rows[T, K]) replace(old *row[T, K], item *T) {
	next := *old
	next.item, next.sorted = item, 0
	r.prepare(&next)
	same := next.match == old.match
	if old.loose || r.resort {
		// It has no place yet, or all places are about to be given anew.
		*old = next
		r.dirty = true
		return
	}
	if r.compare(old, &next) == 0 {
		*old = next
		r.dirty = r.dirty || !same
		return
	}
	// The placed row stays behind as a dead one, because order must stay sorted until it is swept.
	next.loose = true
	moved := &next
	old.dead = true
	r.byKey[old.key] = moved
	r.loose = append(r.loose, moved)
	r.dirty, r.dead = true, true
}

// equatable reports whether == on values of a type cannot panic. An interface inside could hold anything, so it rules that
// out.
func equatable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Array:
		return equatable(t.Elem())
	case reflect.Struct:
		for f := range t.Fields() {
			if !equatable(f.Type) {
				return false
			}
		}
		return true
	default:
		return t.Comparable()
	}
}

// equal reports whether two items are the same in all their fields, as far as that is cheap to tell.
func (r *Rows[T, K]) equal(a, b *T) bool { return a == b || (r.plain && any(*a) == any(*b)) }

// differs reports whether a person would see a difference.
func (r *Rows[T, K]) differs(a, b *T) bool {
	for i := range r.cols {
		if r.cols[i].text(a) != r.cols[i].text(b) {
			return true
		}
	}
	return false
}

// prepare computes what sorting and filtering need of a row.
func (r *Rows[T, K]) prepare(x *row[T, K]) {
	r.foldRow(x)
	x.match = r.matches(x.item)
}

// Finish ends a reload. When it was complete, rows that were not merged since Begin are gone; else they are kept. Marks stay in
// either case, since they may belong to another screen. Without Begin it does nothing.
func (r *Rows[T, K]) Finish(complete bool) {
	if !r.loading {
		return
	}
	r.loading = false
	if !complete {
		return
	}
	for _, x := range r.byKey {
		if x.seen != r.gen {
			r.drop(x)
		}
	}
}

// Remove takes a row out; its mark stays.
func (r *Rows[T, K]) Remove(k K) {
	if x, ok := r.byKey[k]; ok {
		r.drop(x)
	}
}

func (r *Rows[T, K]) drop(x *row[T, K]) {
	x.dead = true
	delete(r.byKey, x.key)
	r.live--
	r.dirty, r.dead = true, true
}

// Changed reports whether the row differs, as a person sees it, from what it was before the last Begin.
func (r *Rows[T, K]) Changed(k K) bool {
	x, ok := r.byKey[k]
	return ok && r.changed(x)
}

// changed finds out whether a row differs when somebody looks: to compare the texts of all rows that a reload brings would take longer
// than everything else, and few are on the screen.
func (r *Rows[T, K]) changed(x *row[T, K]) bool {
	switch {
	case x.beforeOf != r.gen || x.before == x.item: // it is new in this reload, or the same
		return false
	case x.changed == r.gen:
		return true
	case r.differs(x.before, x.item):
		x.changed = r.gen
		return true
	}
	x.before = x.item
	return false
}

// Len is the number of shown rows.
func (r *Rows[T, K]) Len() int {
	r.settle()
	return len(r.shown)
}

// Total is the number of held rows, hidden ones included.
func (r *Rows[T, K]) Total() int { return r.live }

// At returns the shown row at a place, or nil.
func (r *Rows[T, K]) At(i int) *T {
	r.settle()
	if i < 0 || i >= len(r.shown) {
		return nil
	}
	return r.shown[i].item
}

// KeyAt returns the id of the shown row at a place, or "".
func (r *Rows[T, K]) KeyAt(i int) K {
	r.settle()
	if i < 0 || i >= len(r.shown) {
		return ""
	}
	return r.shown[i].key
}

// Index returns the place of an id among the shown rows, or -1.
func (r *Rows[T, K]) Index(k K) int {
	r.settle()
	if x, ok := r.byKey[k]; ok {
		return r.place(x)
	}
	return -1
}

// Get returns the held row of an id, shown or not, or nil.
func (r *Rows[T, K]) Get(k K) *T {
	if x, ok := r.byKey[k]; ok {
		return x.item
	}
	return nil
}

// All goes through the held rows in order, hidden ones included. What is merged meanwhile is not seen.
func (r *Rows[T, K]) All() iter.Seq[*T] {
	r.settle()
	return each(r.order)
}

// Shown goes through the shown rows in order. What is merged meanwhile is not seen.
func (r *Rows[T, K]) Shown() iter.Seq[*T] {
	r.settle()
	return each(r.shown)
}

func each[T any, K ~string](rows []*row[T, K]) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, x := range rows {
			if !yield(x.item) {
				return
			}
		}
	}
}

// Version changes whenever the set or the order of the shown rows does.
func (r *Rows[T, K]) Version() uint64 {
	r.settle()
	return r.version
}
