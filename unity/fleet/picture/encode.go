package picture

import (
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/unitty/unitty/unity/fleet"
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
	for _, w := range e.words {
		head = binary.AppendUvarint(head, uint64(len(w.Value())))
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
	e.ids(c, from, to)
	for _, t := range []*texts{&c.host, &c.user, &c.ip, &c.mac} {
		e.column(packTexts(n, func(i int) string { return t.at(from + i) }), n)
	}
	for _, l := range []*labels{&c.group, &c.policy} {
		codes, dict := packWords(n, func(i int) label { return l.of(from + i) })
		e.count(len(dict))
		for _, x := range dict {
			e.word(x.id)
			e.word(x.given)
			e.word(x.own)
		}
		e.codes(&codes, n)
	}
	for _, w := range []*words{&c.agent, &c.client, &c.os, &c.device, &c.public, &c.note} {
		codes, dict := packWords(n, func(i int) word { return w.handle(from + i) })
		e.count(len(dict))
		for _, x := range dict {
			e.word(x)
		}
		e.codes(&codes, n)
	}
	e.odd(c, from, to)
}

func (e *Encoder) codes(c *codes, n int) {
	if c.narrow == nil && c.wide == nil {
		return // the length of the dictionary says so
	}
	for i := range n {
		e.uint(uint64(c.at(i)))
	}
}

// Ways to write a column.
const (
	wayNone = iota
	wayAll
	wayFew
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

// stamps writes instants in the coarsest unit that holds them, from the earliest on.
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
	e.count(u)
	e.uint(uint64(base))
	for _, t := range all {
		if t == 0 {
			e.uint(0)
			continue
		}
		e.uint((uint64(t)-uint64(base))/uint64(units()[u]) + 1) //nolint:gosec // not negative, base is the least
	}
}

// ids writes sixteen bytes for each id where all are GUIDs in lower case, as they should be.
func (e *Encoder) ids(c *Chunk, from, to int) {
	before := len(e.noise)
	for i := from; i < to; i++ {
		guid, ok := packGUID(c.id.at(i))
		if !ok {
			e.noise = e.noise[:before]
			e.uint(wayNone)
			e.column(packTexts(to-from, func(i int) string { return c.id.at(from + i) }), to-from)
			return
		}
		e.noise = append(e.noise, guid[:]...)
	}
	e.uint(wayAll)
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

// packGUID is exact: what does not come back as it was is no GUID here.
func packGUID(s string) (out fleet.MachineKey, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return out, false
	}
	plain := make([]byte, 0, 32)
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			plain = append(plain, c)
		default:
			return out, false
		}
	}
	_, err := hex.Decode(out[:], plain)
	return out, err == nil
}

func appendGUID(to, b []byte) []byte {
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:16]} {
		if i > 0 {
			to = append(to, '-')
		}
		to = hex.AppendEncode(to, part)
	}
	return to
}
