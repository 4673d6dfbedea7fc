package picture

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Encoder writes chunks column by column, for a place from which Decode reads them again. The zero value is ready.
type Encoder struct {
	// nums has numbers, texts what is compressed with them, noise what cannot be compressed.
	nums, texts, noise []byte
	table              map[word]uint64
	words              []word
	parts              int
}

// mostRows is how many machines go into one part of a site.
const mostRows = 1 << 15

// Add writes a chunk, in parts of at most some ten thousand machines; full is called after each part, and may take what is
// there with Take.
func (e *Encoder) Add(c *Chunk, full func() error) error {
	for from := 0; from == 0 || from < c.n; from += mostRows {
		e.part(c, from, min(from+mostRows, c.n))
		if err := full(); err != nil {
			return err
		}
	}
	return nil
}

// Size is about how many bytes Take would give.
func (e *Encoder) Size() int { return len(e.nums) + len(e.texts) + len(e.noise) }

// Take gives what was written since the last time: what is worth compressing, and what is not. Both are good until the
// next call of Add.
func (e *Encoder) Take() (packable, noise []byte) {
	var head []byte
	head = binary.AppendUvarint(head, uint64(len(e.words)))
	long := 0
	for _, w := range e.words {
		long += len(w.Value())
		head = binary.AppendUvarint(head, uint64(len(w.Value())))
	}
	head = binary.AppendUvarint(head, uint64(long))
	for _, w := range e.words {
		head = append(head, w.Value()...)
	}
	head = binary.AppendUvarint(head, uint64(e.parts)) //nolint:gosec // never negative
	head = binary.AppendUvarint(head, uint64(len(e.nums)))
	packable, noise = slices.Concat(head, e.nums, e.texts), e.noise
	e.nums, e.texts, e.noise = e.nums[:0], e.texts[:0], nil
	e.table, e.words, e.parts = nil, nil, 0
	return packable, noise
}

func (e *Encoder) uint(n uint64) { e.nums = binary.AppendUvarint(e.nums, n) }

func (e *Encoder) count(n int) { e.uint(uint64(n)) } //nolint:gosec // lengths are not negative

func (e *Encoder) word(w word) {
	n, ok := e.table[w]
	if !ok {
		if e.table == nil {
			e.table = map[word]uint64{}
		}
		n = uint64(len(e.words))
		e.table[w] = n
		e.words = append(e.words, w)
	}
	e.uint(n)
}

// part writes the machines of a range.
func (e *Encoder) part(c *Chunk, from, to int) {
	e.parts++
	for _, text := range []string{string(c.site.ID), c.site.Name.Raw(), string(c.site.Key)} {
		e.count(len(text))
		e.texts = append(e.texts, text...)
	}
	last := uint64(0)
	if to == c.n {
		last = 1
	}
	e.uint(last)
	n := to - from
	e.count(n)
	for _, f := range c.flags[from:to] {
		e.nums = binary.LittleEndian.AppendUint16(e.nums, uint16(f))
	}
	e.machines(c, from, to)
	e.threats(c, from, to)
	for _, s := range []*stamps{&c.first, &c.last, &c.infectedAt, &c.read, &c.report, &c.scanned, &c.statusAt} {
		e.stamps(packStamps(n, func(i int) ticks { return s.at(from + i) }), n)
	}
	e.packedColumn(&c.id, from, to, formGUID)
	e.packedColumn(&c.host, from, to)
	e.packedColumn(&c.user, from, to)
	e.packedColumn(&c.ip, from, to, formIPv4)
	e.packedColumn(&c.mac, from, to, formMAC, formMAC+1, formMAC+2, formMAC+3)
	for _, l := range []*labels{&c.group, &c.policy} {
		codes, dict := packWords(n, func(i int) label { return l.of(from + i) })
		e.count(len(dict))
		for _, x := range dict {
			e.word(x.id)
			e.word(x.given)
			e.word(x.own)
		}
		e.codes(&codes, len(dict), n)
	}
	for _, w := range []*words{&c.agent, &c.client, &c.os, &c.device, &c.public, &c.note} {
		codes, dict := packWords(n, func(i int) word { return w.handle(from + i) })
		e.count(len(dict))
		for _, x := range dict {
			e.word(x)
		}
		e.codes(&codes, len(dict), n)
	}
	e.odd(c, from, to)
}

// codes writes a byte for each row while those do.
func (e *Encoder) codes(c *codes, entries, n int) {
	switch {
	case entries <= 1:
		return // the length of the dictionary says so
	case entries <= math.MaxUint8+1:
		for i := range n {
			e.nums = append(e.nums, byte(c.at(i))) //nolint:gosec // less than entries
		}
	default:
		for i := range n {
			e.uint(uint64(c.at(i)))
		}
	}
}

// Ways to write a column.
const (
	wayNone = iota
	wayAll
	wayFew
	wayPacked
)

func (e *Encoder) machines(c *Chunk, from, to int) {
	if c.machine == nil {
		e.uint(wayNone)
		return
	}
	e.uint(wayAll)
	for i := from; i < to; i++ {
		e.noise = append(e.noise, c.machine[i][:]...)
	}
}

func (e *Encoder) threats(c *Chunk, from, to int) {
	if c.threats == nil {
		e.uint(wayNone)
		return
	}
	e.uint(wayAll)
	for _, n := range c.threats[from:to] {
		e.nums = binary.AppendVarint(e.nums, n)
	}
}

// stamps writes instants in the coarsest unit that holds them, from the earliest on, with as few bytes as the latest takes.
// Those of a machine are nobody else's, so there is nothing to compress.
func (e *Encoder) stamps(s stamps, n int) {
	switch {
	case s.code != nil:
		e.uint(wayFew)
		e.count(len(s.all))
		e.instants(s.all)
		e.nums = append(e.nums, s.code...)
	case s.all != nil:
		e.uint(wayAll)
		e.instants(s.all[:n])
	default:
		e.uint(wayNone)
		e.instants([]ticks{s.one})
	}
}

// units are the steps in which instants are written.
func units() [3]ticks { return [3]ticks{ticks(perSecond), ticks(perSecond / 1000), 1} }

func (e *Encoder) instants(all []ticks) {
	var base ticks
	fits := [3]bool{true, true, true}
	for _, t := range all {
		if t != 0 && (base == 0 || t < base) {
			base = t
		}
	}
	for _, t := range all {
		for u, unit := range units() {
			fits[u] = fits[u] && (t == 0 || (t-base)%unit == 0)
		}
	}
	u := slices.Index(fits[:], true)
	steps := func(t ticks) uint64 {
		if t == 0 {
			return 0
		}
		return (uint64(t)-uint64(base))/uint64(units()[u]) + 1 //nolint:gosec // not negative, base is the least
	}
	most := uint64(1)
	for _, t := range all {
		most = max(most, steps(t))
	}
	wide := (bits.Len64(most) + 7) / 8
	e.count(u)
	e.uint(uint64(base)) //nolint:gosec // the bits of an instant, read the same way
	e.count(wide)
	for _, t := range all {
		e.noise = binary.LittleEndian.AppendUint64(e.noise, steps(t))
		e.noise = e.noise[:len(e.noise)-8+wide]
	}
}

func (e *Encoder) column(t texts, n int) {
	if t.end == nil {
		e.uint(wayNone)
		return
	}
	e.uint(wayAll)
	for i := range n {
		e.count(int(t.end[i] - t.start(i)))
	}
	e.texts = append(e.texts, t.arena...)
}

func (e *Encoder) odd(c *Chunk, from, to int) {
	var keys []oddKey
	for key := range c.odd {
		if int(key.row) >= from && int(key.row) < to {
			keys = append(keys, key)
		}
	}
	e.count(len(keys))
	for _, key := range keys {
		e.uint(uint64(key.row) - uint64(from)) //nolint:gosec // not negative
		e.uint(uint64(key.which))
		e.count(len(c.odd[key]))
		e.texts = append(e.texts, c.odd[key]...)
	}
}
