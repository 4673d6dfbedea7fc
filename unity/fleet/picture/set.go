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
	count int
}

func newSet(p *Picture) *Set {
	return &Set{p: p, words: make(bitmap, p.places().total)}
}

// of is the part of a chunk of the picture.
func (s *Set) of(c *Chunk) bitmap {
	at, ok := s.p.places().first[c]
	if !ok {
		return nil
	}
	return s.words[at:][:wordsOf(c.n)]
}

// Has tells whether a row is in the set. A row of a chunk that the set's picture does not hold is not.
func (s *Set) Has(r Row) bool {
	b := s.of(r.c)
	return b != nil && b.has(int(r.i))
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

// places are where in the words of a set each chunk begins.
type places struct {
	first map[*Chunk]int
	total int
}

func (p *Picture) places() *places {
	p.lazy.placed.Do(func() {
		at := places{first: make(map[*Chunk]int, len(p.chunks))}
		for _, c := range p.chunks {
			at.first[c] = at.total
			at.total += wordsOf(c.n)
		}
		p.lazy.places = at
	})
	return &p.lazy.places
}
