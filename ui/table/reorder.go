package table

import (
	"slices"
	"time"
)

// atOnce is how many rows are sorted so quickly that nobody notices.
const atOnce = 10_000

// Reorder is a new order of many rows that is worked out aside, while the old one stays in force and everything else goes on:
// Read as often as there is more to read, then Sort once, then Rows.Adopt.
type Reorder[T any, K ~string] struct {
	id      uint32
	keys    []SortKey
	sorters []sorter[T]
	folds   int

	rows  []*row[T, K]
	read  int
	sheet *sheet
	order []ranked
}

// Keys is the order that is being worked out.
func (o *Reorder[T, K]) Keys() []SortKey { return slices.Clone(o.keys) }

// Reorder begins a new order by keys, or puts it into force and returns nil where that is done at once: when there are few rows, or
// an order that is in force is turned round, or a column can only compare rows, which must not be asked aside. A Reorder that was
// begun before is void.
func (r *Rows[T, K]) Reorder(keys []SortKey) *Reorder[T, K] {
	sorters, kept, _ := bindSort(r.cols, keys)
	if r.live <= atOnce || r.turnable(sorters) || slices.ContainsFunc(sorters, func(s sorter[T]) bool { return s.opaque() }) || slices.Equal(kept, r.sortKeys) {
		r.SetSort(keys)
		return nil
	}
	return r.reorder(keys)
}

func (r *Rows[T, K]) reorder(keys []SortKey) *Reorder[T, K] {
	r.settle()
	r.orders++
	o := &Reorder[T, K]{id: r.orders, rows: r.order}
	o.sorters, o.keys, o.folds = bindSort(r.cols, keys)
	o.sheet = newSheet(o.sorters, len(o.rows))
	return o
}

// readAhead is how many rows are read between two looks at the clock.
const readAhead = 256

// Read takes what it sorts by from the rows, and returns true when the time came before the last row. It belongs where the rows
// are used.
func (o *Reorder[T, K]) Read(until time.Time) (more bool) {
	for o.some(readAhead) {
		if time.Now().After(until) {
			return true
		}
	}
	return false
}

// some reads the next n rows and reports whether there are more.
func (o *Reorder[T, K]) some(n int) (more bool) {
	for ; n > 0 && o.read < len(o.rows); n-- {
		o.take(o.read, o.rows[o.read])
		o.read++
	}
	return o.read < len(o.rows)
}

// take reads a row, which is marked as read until it gets another value.
func (o *Reorder[T, K]) take(i int, x *row[T, K]) {
	x.sorted = o.id
	o.sheet.seq[i] = x.seq
	for n := range o.sorters {
		if s := &o.sorters[n]; s.fold >= 0 {
			o.sheet.levels[n].texts[i] = fold(s.col.text(x.item))
		} else {
			o.sheet.levels[n].ranks[i] = s.col.Rank(x.item)
		}
	}
}

// Sort works the order out, without a look at the rows: it may run anywhere, at the same time as everything else.
func (o *Reorder[T, K]) Sort() { o.order = o.sheet.sorted() }

// Adopt puts an order into force and reports whether it did: another order of since makes it void. Rows that came or changed
// meanwhile are sorted in.
func (r *Rows[T, K]) Adopt(o *Reorder[T, K]) bool {
	if o.id != r.orders || o.order == nil {
		return false
	}
	r.settle()
	old := r.order
	r.sorters, r.sortKeys, r.folds = o.sorters, o.keys, o.folds
	all := make([]*row[T, K], 0, len(old))
	for _, at := range o.order {
		if x := o.rows[at.at]; !x.dead && x.sorted == o.id {
			o.foldInto(x, int(at.at))
			all = append(all, x)
		}
	}
	if len(all) < len(old) {
		for _, x := range old {
			if x.sorted != o.id {
				r.foldRow(x)
				x.loose = true
				r.loose = append(r.loose, x)
			}
		}
	}
	r.order, r.dirty = all, true
	r.orders++
	r.Range(false)
	return true
}

// foldInto gives a row its folded texts.
func (o *Reorder[T, K]) foldInto(x *row[T, K], at int) {
	x.fold, x.more = "", nil
	var more []string
	if o.folds > 1 {
		more = make([]string, o.folds-1)
		x.more = &more
	}
	for n := range o.sorters {
		switch f := o.sorters[n].fold; {
		case f == 0:
			x.fold = o.sheet.levels[n].texts[at]
		case f > 0:
			more[f-1] = o.sheet.levels[n].texts[at]
		}
	}
}

// newSheet makes room for what n rows are sorted by.
func newSheet[T any](sorters []sorter[T], n int) *sheet {
	s := &sheet{levels: make([]level, len(sorters)), seq: make([]uint32, n)}
	for i := range sorters {
		l := &s.levels[i]
		l.desc = sorters[i].desc
		switch {
		case sorters[i].fold >= 0:
			l.texts = make([]string, n)
		case !sorters[i].opaque():
			l.ranks = make([]int64, n)
		}
	}
	return s
}

// sort brings rows whose texts are folded into the order of compare.
func (r *Rows[T, K]) sort(rows []*row[T, K]) {
	if len(rows) <= handful {
		slices.SortFunc(rows, r.compare)
		return
	}
	sheet := newSheet(r.sorters, len(rows))
	for i, x := range rows {
		sheet.seq[i] = x.seq
	}
	from := slices.Clone(rows)
	for n := range r.sorters {
		l, s := &sheet.levels[n], &r.sorters[n]
		for i, x := range from {
			switch {
			case l.texts != nil:
				l.texts[i] = x.folded(s.fold)
			case l.ranks != nil:
				l.ranks[i] = s.col.Rank(x.item)
			}
		}
		if s.opaque() {
			l.less = func(a, b int32) int { return s.col.Less(from[a].item, from[b].item) }
		}
	}
	for i, x := range sheet.sorted() {
		rows[i] = from[x.at]
	}
}

// opaque reports whether a sorter can compare rows only.
func (s *sorter[T]) opaque() bool { return s.fold < 0 && s.col.Rank == nil }

// turnable reports whether a new order is the one in force with its first key the other way round. The texts of that key are those
// that the rows were sorted by; a number may depend on the clock and is asked for anew.
func (r *Rows[T, K]) turnable(sorters []sorter[T]) bool {
	if r.resort || len(sorters) == 0 || len(sorters) != len(r.sorters) || sorters[0].fold < 0 || sorters[0].desc == r.sorters[0].desc {
		return false
	}
	for i := range sorters {
		if sorters[i].col != r.sorters[i].col || i > 0 && sorters[i].desc != r.sorters[i].desc {
			return false
		}
	}
	return true
}

// turn turns the order round. Rows that are alike in the first key keep their order among themselves.
func (r *Rows[T, K]) turn() {
	r.settle()
	turned := make([]*row[T, K], 0, len(r.order))
	for end := len(r.order); end > 0; {
		begin := end - 1
		for text := r.order[begin].fold; begin > 0 && r.order[begin-1].fold == text; {
			begin--
		}
		turned = append(turned, r.order[begin:end]...)
		end = begin
	}
	r.order = turned
}
