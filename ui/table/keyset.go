package table

import (
	"hash/maphash"
	"iter"
)

// keySet is a set of ids in the order in which they were added. A map would do, but a key that marks a hundred thousand rows
// would take longer than a frame with it: here an id costs its hash and one place in memory, and the order costs nothing.
type keySet[K ~string] struct {
	seed maphash.Seed
	// keys are all ids that were added since the last tidying, in that order; gone are those that were taken out since, by bits.
	keys []K
	gone []uint64
	live int
	// slots are a table of a power of two, and placeMask as many as it has: a slot holds the place of an id among keys plus one, and
	// in the bits above a part of its hash. A slot that is 0 ends the search; at least half of them are 0. Where an id was taken out
	// the place is 0 and the bits above are set.
	slots     []uint32
	placeMask uint32
	// touched keeps the compiler from leaving out what hashes reads ahead.
	touched uint32
}

// newKeySet returns an empty set.
func newKeySet[K ~string]() keySet[K] { return keySet[K]{seed: maphash.MakeSeed()} }

const (
	wordBits = 64
	// fewest is the smallest table.
	fewest = 64
)

func (s *keySet[K]) len() int { return s.live }

// hash is the hash of an id.
func (s *keySet[K]) hash(k K) uint64 { return maphash.String(s.seed, string(k)) }

// place gives the slot to begin with for a hash, and the part of it that slots hold.
func (s *keySet[K]) place(hash uint64) (slot, tag uint32) {
	return uint32(hash) & s.placeMask, uint32(hash>>32) &^ s.placeMask //nolint:gosec // halves of the hash
}

// find gives the slot of an id, or the one that it would take.
func (s *keySet[K]) find(k K, hash uint64) (slot, tag uint32, held bool) {
	slot, tag = s.place(hash)
	for ; s.slots[slot] != 0; slot = (slot + 1) & s.placeMask {
		if x := s.slots[slot]; x&^s.placeMask == tag && x&s.placeMask != 0 && s.keys[x&s.placeMask-1] == k {
			return slot, tag, true
		}
	}
	return slot, tag, false
}

func (s *keySet[K]) has(k K) bool {
	if s.live == 0 {
		return false
	}
	_, _, held := s.find(k, s.hash(k))
	return held
}

// add adds an id and reports whether it was not there.
func (s *keySet[K]) add(k K) bool {
	s.reserve(1)
	return s.addHashed(k, s.hash(k))
}

func (s *keySet[K]) addHashed(k K, hash uint64) bool {
	slot, tag, held := s.find(k, hash)
	if !held {
		s.append(slot, tag, k)
	}
	return !held
}

// each does addHashed or flipHashed with ids, at most ahead of them.
func (s *keySet[K]) each(keys []K, do func(*keySet[K], K, uint64) bool) {
	s.reserve(len(keys))
	hashes := s.hashes(keys)
	for i, k := range keys {
		do(s, k, hashes[i])
	}
}

// hashes gives the hashes of ids, at most ahead of them. The ids are read first, and their slots at last, for nothing but that they come
// closer: what is far away in memory comes several times faster when nothing waits for it.
func (s *keySet[K]) hashes(keys []K) (all [ahead]uint64) {
	var ends byte
	for _, k := range keys {
		if len(k) > 0 {
			ends |= k[0] | k[len(k)-1]
		}
	}
	for i, k := range keys {
		all[i] = s.hash(k)
	}
	s.touched = uint32(ends)
	for _, h := range all[:len(keys)] {
		slot, _ := s.place(h)
		s.touched |= s.slots[slot]
	}
	return all
}

// remove takes an id out and reports whether it was there.
func (s *keySet[K]) remove(k K) bool {
	if s.live == 0 {
		return false
	}
	slot, _, held := s.find(k, s.hash(k))
	if held {
		s.drop(slot)
	}
	return held
}

// flip adds an id that is not there, takes out one that is, and reports whether it is there now.
func (s *keySet[K]) flip(k K) bool {
	s.reserve(1)
	return s.flipHashed(k, s.hash(k))
}

func (s *keySet[K]) flipHashed(k K, hash uint64) bool {
	slot, tag, held := s.find(k, hash)
	if held {
		s.drop(slot)
	} else {
		s.append(slot, tag, k)
	}
	return !held
}

func (s *keySet[K]) append(slot, tag uint32, k K) {
	if len(s.keys)%wordBits == 0 {
		s.gone = append(s.gone, 0)
	}
	s.keys = append(s.keys, k)
	s.slots[slot] = tag | uint32(len(s.keys)) //nolint:gosec // at most half as many as slots
	s.live++
}

func (s *keySet[K]) drop(slot uint32) {
	at := s.slots[slot]&s.placeMask - 1
	s.gone[at/wordBits] |= 1 << (at % wordBits)
	s.slots[slot] = ^s.placeMask
	s.live--
	if s.live == 0 {
		s.clear()
	}
}

// clear takes all ids out.
func (s *keySet[K]) clear() {
	clear(s.keys)
	clear(s.slots)
	s.keys, s.gone, s.live = s.keys[:0], s.gone[:0], 0
}

// reserve makes room for n more ids. It is called before each addition, and with a number before many.
func (s *keySet[K]) reserve(n int) {
	if 2*(len(s.keys)+n) <= len(s.slots) {
		return
	}
	size := fewest
	for size < 2*(s.live+n) || size < 3*s.live {
		size *= 2
	}
	old := *s
	s.slots, s.placeMask = make([]uint32, size), uint32(size-1) //nolint:gosec // no list has a thousand million rows
	s.keys, s.gone, s.live = make([]K, 0, size/2), make([]uint64, 0, size/2/wordBits), 0
	for k := range old.all() {
		slot, tag := s.place(s.hash(k))
		for s.slots[slot] != 0 {
			slot = (slot + 1) & s.placeMask
		}
		s.append(slot, tag, k)
	}
}

// all goes through the ids in the order in which they were added. The set must not be changed meanwhile.
func (s *keySet[K]) all() iter.Seq[K] {
	return func(yield func(K) bool) {
		for i, k := range s.keys {
			if s.gone[i/wordBits]>>(i%wordBits)&1 == 0 && !yield(k) {
				return
			}
		}
	}
}
