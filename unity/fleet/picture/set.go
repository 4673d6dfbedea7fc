package picture

import (
	"iter"
	"math/bits"
)

// Set is a choice among the machines of one picture. It is immutable.
type Set struct {
	// LeftOut is the number of machines left out only because nobody knows whether they belong in.
	LeftOut int

	p     *Picture
	words bitmap
	// first is where in words each chunk begins.
	first []int
	count int
}

func newSet(p *Picture) *Set {
	at := p.places()
	return &Set{p: p, first: at.first, words: make(bitmap, at.total)}
}

// of is the part of a chunk of the picture.
func (s *Set) of(c *Chunk) bitmap {
	at := s.p.placeOf(c)
	if at < 0 {
		return nil
	}
	return s.words[s.first[at]:][:wordsOf(c.n)]
}

// Has tells whether a row is in the set. A row of a chunk that the set's picture does not hold is not.
func (s *Set) Has(r Row) bool {
	in, _ := s.Ask(r)
	return in
}

// Ask is Has, and tells whether the set's picture holds the row's chunk at all: of others the set knows nothing.
func (s *Set) Ask(r Row) (in, known bool) {
	at := s.p.placeOf(r.c)
	if at < 0 {
		return false, false
	}
	return s.words[s.first[at]:].has(int(r.i)), true
}

// Len is the number of machines in the set.
func (s *Set) Len() int { return s.count }

// Picture is the picture whose machines the set chooses from.
func (s *Set) Picture() *Picture { return s.p }

// Rows are the machines in the set, in the order of the picture.
func (s *Set) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, c := range s.p.chunks {
			for w, word := range s.of(c) {
				for ; word != 0; word &= word - 1 {
					if !yield(c.Row(w*64 + bits.TrailingZeros64(word))) {
						return
					}
				}
			}
		}
	}
}

// places are where in the words of a set each chunk begins, in the order of chunks.
type places struct {
	first []int
	total int
}

func (p *Picture) places() *places {
	p.lazy.placed.Do(func() {
		at := places{first: make([]int, len(p.chunks))}
		for i, c := range p.chunks {
			at.first[i] = at.total
			at.total += wordsOf(c.n)
		}
		p.lazy.places = at
	})
	return &p.lazy.places
}

// placeOf is where among its chunks a picture holds a chunk, or -1. Mostly no map has to be asked, which counts when a list asks
// for each of its rows.
func (p *Picture) placeOf(c *Chunk) int {
	if c == nil {
		return -1 // that of the zero Row
	}
	if at := int(c.slot.Load()); at < len(p.chunks) && p.chunks[at] == c {
		return at
	}
	if at, ok := p.slot[c.site.ID]; ok && p.chunks[at] == c {
		return at
	}
	return -1
}
