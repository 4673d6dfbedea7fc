package table

import (
	"iter"
	"slices"
)

// Marks is a set of ids in order of marking. It is shared by all lists of a kind, so it may hold ids that none of them holds
// at the moment; nothing but the user's own mark and unmark changes it. It must be used from one goroutine.
type Marks[K ~string] struct {
	set keySet[K]
	// version tells lists that show marked rows only that they have to look again.
	version uint64
}

// NewMarks returns an empty set.
func NewMarks[K ~string]() *Marks[K] { return &Marks[K]{set: newKeySet[K]()} }

// Has reports whether k is marked.
func (m *Marks[K]) Has(k K) bool { return m.set.has(k) }

// Set marks or unmarks k. Marking what is marked keeps its place in the order.
func (m *Marks[K]) Set(k K, on bool) {
	changed := false
	if on {
		changed = m.set.add(k)
	} else {
		changed = m.set.remove(k)
	}
	if changed {
		m.version++
	}
}

// add marks those of n ids that are not marked yet, in their order. They come some at a time.
func (m *Marks[K]) add(n int, keys iter.Seq[[]K]) {
	m.each(n, keys, (*keySet[K]).addHashed)
}

// flip changes the marks of n ids, each of which comes once, some at a time.
func (m *Marks[K]) flip(n int, keys iter.Seq[[]K]) {
	m.each(n, keys, (*keySet[K]).flipHashed)
}

func (m *Marks[K]) each(n int, keys iter.Seq[[]K], do func(*keySet[K], K, uint64) bool) {
	m.version++
	m.set.reserve(n)
	for some := range keys {
		m.set.each(some, do)
	}
}

// Toggle changes the mark of k and returns the new state.
func (m *Marks[K]) Toggle(k K) bool {
	m.version++
	return m.set.flip(k)
}

// Clear removes all marks.
func (m *Marks[K]) Clear() {
	if m.set.len() == 0 {
		return
	}
	m.set.clear()
	m.version++
}

// Len is the number of marks.
func (m *Marks[K]) Len() int { return m.set.len() }

// Version changes with every change of the set.
func (m *Marks[K]) Version() uint64 { return m.version }

// Keys returns the ids in order of marking.
func (m *Marks[K]) Keys() []K { return slices.AppendSeq(make([]K, 0, m.set.len()), m.set.all()) }
