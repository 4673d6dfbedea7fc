package table

import (
	"iter"
	"slices"
)

// cursor is where the user is: an id, with the place it was last seen at.
type cursor[K ~string] struct {
	key K
	// set is false until there was a row to stand on.
	set bool
	// at is the place among the shown rows, or -1 while none is shown. The id is kept then, so that the user is back on the
	// row when it returns.
	at int
}

// span is a range that is being marked.
type span[K ~string] struct {
	on     bool
	anchor K
	// added are the marks that the range made, so that shrinking it takes back no others.
	added map[K]struct{}
}

// follow puts the cursor where it belongs after the shown rows changed: on its id; when that is gone, on the next row of before
// that is still there, else on the one before it.
func (r *Rows[T, K]) follow(old []*row[T, K]) {
	if len(r.shown) == 0 {
		r.cursor.at = -1
		return
	}
	if !r.cursor.set {
		r.stand(0)
		return
	}
	if x, ok := r.byKey[r.cursor.key]; ok && r.visible(x) {
		r.cursor.at = r.place(x)
		return
	}
	r.stand(r.successor(old))
}

// successor finds the row that takes over from a cursor row that is not shown any more.
func (r *Rows[T, K]) successor(old []*row[T, K]) int {
	at := r.cursor.at
	if at < 0 || at >= len(old) {
		return 0
	}
	for _, x := range old[at+1:] {
		if now := r.current(x); now != nil && r.visible(now) {
			return r.place(now)
		}
	}
	for _, x := range slices.Backward(old[:at]) {
		if now := r.current(x); now != nil && r.visible(now) {
			return r.place(now)
		}
	}
	return 0
}

// current returns what now stands for a row of before, or nil when that is gone. Only a row that was taken out of its place has to
// be looked up.
func (r *Rows[T, K]) current(x *row[T, K]) *row[T, K] {
	if !x.dead {
		return x
	}
	return r.byKey[x.key]
}

func (r *Rows[T, K]) stand(i int) {
	r.cursor = cursor[K]{key: r.shown[i].key, set: true, at: i}
}

// Cursor returns the row under the cursor, or nil when no row is shown.
func (r *Rows[T, K]) Cursor() *T { return r.At(r.CursorIndex()) }

// CursorKey returns the id under the cursor, or "" when no row is shown.
func (r *Rows[T, K]) CursorKey() K { return r.KeyAt(r.CursorIndex()) }

// CursorIndex returns the place of the cursor among the shown rows, or -1 when there are none.
func (r *Rows[T, K]) CursorIndex() int {
	r.settle()
	if len(r.shown) == 0 {
		return -1
	}
	return r.cursor.at
}

// Move moves the cursor by rows, down when positive, and stops at the ends.
func (r *Rows[T, K]) Move(delta int) {
	at := r.CursorIndex()
	if at < 0 {
		return
	}
	// The bounds come first, since at+delta may overflow.
	delta = max(-at, min(delta, len(r.shown)-1-at))
	r.JumpTo(at + delta)
}

// MoveTo puts the cursor on an id and reports whether that is shown; else the cursor stays.
func (r *Rows[T, K]) MoveTo(k K) bool {
	i := r.Index(k)
	if i < 0 {
		return false
	}
	r.JumpTo(i)
	return true
}

// Top puts the cursor on the first row, Bottom on the last.
func (r *Rows[T, K]) Top() { r.JumpTo(0) }

// Bottom puts the cursor on the last row.
func (r *Rows[T, K]) Bottom() { r.JumpTo(r.Len() - 1) }

// JumpTo puts the cursor on the row at a place; beyond the ends it is the first or the last.
func (r *Rows[T, K]) JumpTo(i int) {
	from := r.CursorIndex()
	if from < 0 {
		return
	}
	to := max(0, min(i, len(r.shown)-1))
	r.stand(to)
	r.extend(from, to)
}

// Range starts marking a range at the cursor, or ends it. While it is on, moving the cursor marks the rows it passes, and
// moving back takes those marks back; marks of before are left alone. Ending keeps the marks. Narrowing or sorting ends it.
func (r *Rows[T, K]) Range(on bool) {
	r.span = span[K]{}
	if !on {
		return
	}
	at := r.CursorIndex()
	if at < 0 {
		return
	}
	r.span = span[K]{on: true, anchor: r.shown[at].key, added: make(map[K]struct{})}
	r.include(at)
}

// RangeOn reports whether a range is being marked.
func (r *Rows[T, K]) RangeOn() bool { return r.span.on }

// extend follows a move of the cursor. Only rows that the cursor passed are touched: rows that a refresh put inside the range
// stay unmarked, because nobody has seen them there.
func (r *Rows[T, K]) extend(from, to int) {
	if !r.span.on || from == to {
		return
	}
	anchor, ok := r.byKey[r.span.anchor]
	if !ok || !r.visible(anchor) {
		r.Range(false)
		return
	}
	shown := r.shown
	a := r.place(anchor)
	oldLow, oldHigh := min(a, from), max(a, from)
	newLow, newHigh := min(a, to), max(a, to)
	for i := oldLow; i <= oldHigh; i++ {
		if i < newLow || i > newHigh {
			r.exclude(shown[i].key)
		} else if i >= newLow && i < newHigh {
			i = newHigh - 1 // what both ranges have in common is left alone
		}
	}
	for i := newLow; i <= newHigh; i++ {
		if i < oldLow || i > oldHigh {
			r.include(i)
		} else if i >= oldLow && i < oldHigh {
			i = oldHigh - 1
		}
	}
}

func (r *Rows[T, K]) include(i int) {
	k := r.shown[i].key
	if r.marks.Has(k) {
		return
	}
	r.marks.Set(k, true)
	r.span.added[k] = struct{}{}
}

func (r *Rows[T, K]) exclude(k K) {
	if _, ok := r.span.added[k]; ok {
		delete(r.span.added, k)
		r.marks.Set(k, false)
	}
}

// ToggleMark changes the mark of the row under the cursor.
func (r *Rows[T, K]) ToggleMark() {
	if at := r.CursorIndex(); at >= 0 {
		r.marks.Toggle(r.shown[at].key)
	}
}

// MarkShown marks all shown rows and no others.
func (r *Rows[T, K]) MarkShown() {
	r.settle()
	r.marks.add(len(r.shown), someKeys(r.shown))
}

// Invert changes the mark of every shown row; hidden rows keep theirs.
func (r *Rows[T, K]) Invert() {
	r.settle()
	r.marks.flip(len(r.shown), someKeys(r.shown))
}

// someKeys goes through the ids of rows, some at a time, for the reason that show gives. What it hands out is good until the next.
func someKeys[T any, K ~string](rows []*row[T, K]) iter.Seq[[]K] {
	return func(yield func([]K) bool) {
		var keys [ahead]K
		for some := range slices.Chunk(rows, ahead) {
			for i, x := range some {
				keys[i] = x.key
			}
			if !yield(keys[:len(some)]) {
				return
			}
		}
	}
}

// Chosen returns what an action works on. When there are marks: items are the marked rows that are held, in display order;
// hidden are those of them that are not shown; keys are all marked ids in order of marking, also those that another list
// holds. Without marks it is the row under the cursor.
func (r *Rows[T, K]) Chosen() (items, hidden []*T, keys []K, marked bool) {
	r.settle()
	if r.marks.Len() == 0 {
		at := r.CursorIndex()
		if at < 0 {
			return nil, nil, nil, false
		}
		x := r.shown[at]
		return []*T{x.item}, nil, []K{x.key}, false
	}
	keys = r.marks.Keys()
	held := r.held(keys)
	for _, x := range held {
		items = append(items, x.item)
		if !r.visible(x) {
			hidden = append(hidden, x.item)
		}
	}
	return items, hidden, keys, true
}

// few is the part of the rows, one in so many, up to which marked ones are looked up and sorted. Of more the whole order is gone
// through instead.
const few = 32

// held gives the rows of ids that are held, in display order.
func (r *Rows[T, K]) held(keys []K) []*row[T, K] {
	out := make([]*row[T, K], 0, min(len(keys), len(r.order)))
	if len(keys) > len(r.order)/few {
		for _, x := range r.order {
			if r.marks.Has(x.key) {
				out = append(out, x)
			}
		}
		return out
	}
	for _, k := range keys {
		if x, ok := r.byKey[k]; ok {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, r.compare)
	return out
}
