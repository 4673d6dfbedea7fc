package table

import (
	"cmp"
	"iter"
	"maps"
	"slices"
)

// Marks is a set of ids in order of marking. It is shared by all lists of a kind, so it may hold ids that none of them holds
// at the moment; nothing but the user's own mark and unmark changes it. It must be used from one goroutine.
type Marks[K ~string] struct {
	order map[K]uint64
	next  uint64
	// room is how many marks the map was made for.
	room int
	// version tells lists that show marked rows only that they have to look again.
	version uint64
}

// NewMarks returns an empty set.
func NewMarks[K ~string]() *Marks[K] {
	return &Marks[K]{order: make(map[K]uint64)}
}

// Has reports whether k is marked.
func (m *Marks[K]) Has(k K) bool {
	_, ok := m.order[k]
	return ok
}

// Set marks or unmarks k. Marking what is marked keeps its place in the order.
func (m *Marks[K]) Set(k K, on bool) {
	if m.Has(k) == on {
		return
	}
	m.version++
	if !on {
		delete(m.order, k)
		return
	}
	m.next++
	m.order[k] = m.next
}

// reserve makes room for n marks at once, which is several times faster than growing.
func (m *Marks[K]) reserve(n int) {
	if n <= m.room {
		return
	}
	all := make(map[K]uint64, n)
	maps.Copy(all, m.order)
	m.order, m.room = all, n
}

// add marks those of n ids that are not marked yet, in their order.
func (m *Marks[K]) add(n int, keys iter.Seq[K]) {
	if len(m.order) == 0 {
		m.fresh(n, keys)
		return
	}
	m.reserve(n)
	m.version++
	for k := range keys {
		if _, on := m.order[k]; !on {
			m.next++
			m.order[k] = m.next
		}
	}
}

// flip changes the marks of n ids, each of which comes once.
func (m *Marks[K]) flip(n int, keys iter.Seq[K]) {
	if len(m.order) == 0 {
		m.fresh(n, keys)
		return
	}
	m.reserve(n)
	m.version++
	for k := range keys {
		if _, on := m.order[k]; on {
			delete(m.order, k)
			continue
		}
		m.next++
		m.order[k] = m.next
	}
}

// fresh marks n ids while none is marked: then none has to be looked up, and there may be a hundred thousand.
func (m *Marks[K]) fresh(n int, keys iter.Seq[K]) {
	m.reserve(n)
	m.version++
	for k := range keys {
		m.next++
		m.order[k] = m.next
	}
}

// Toggle changes the mark of k and returns the new state.
func (m *Marks[K]) Toggle(k K) bool {
	on := !m.Has(k)
	m.Set(k, on)
	return on
}

// Clear removes all marks.
func (m *Marks[K]) Clear() {
	if len(m.order) == 0 {
		return
	}
	clear(m.order)
	m.version++
}

// Len is the number of marks.
func (m *Marks[K]) Len() int { return len(m.order) }

// Version changes with every change of the set.
func (m *Marks[K]) Version() uint64 { return m.version }

// Keys returns the ids in order of marking.
func (m *Marks[K]) Keys() []K {
	type marked struct {
		key K
		n   uint64
	}
	all := make([]marked, 0, len(m.order))
	for k, n := range m.order {
		all = append(all, marked{k, n})
	}
	slices.SortFunc(all, func(a, b marked) int { return cmp.Compare(a.n, b.n) })
	keys := make([]K, len(all))
	for i := range all {
		keys[i] = all[i].key
	}
	return keys
}
