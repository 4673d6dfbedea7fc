package picture

import (
	"math/bits"
	"sort"
	"strings"
)

// needle is a folded text that is looked for, which is not empty.
type needle struct {
	text string
	mask uint64
	// rare and next are where in text the bytes stand that a scan looks for, first and second a word full of each.
	rare, next    int
	first, second uint64
	// head has the first eight bytes of text, or all, and within those bits of a word that kept has.
	head, kept uint64
}

func newNeedle(text string) needle {
	n := needle{text: text, mask: maskOf(text)}
	n.rare, n.next = rarest(text)
	n.first, n.second = lows*uint64(text[n.rare]), lows*uint64(text[n.next])
	for i := range min(len(text), wordLen) {
		n.head |= uint64(text[i]) << (8 * i)
		n.kept |= 0xff << (8 * i)
	}
	return n
}

// index is strings.Index from an offset on. It looks for one rare byte, as fast as memory delivers, and where that byte
// turns out to be common for two bytes at once.
func (n *needle) index(s string, from int) int {
	b, at := n.text[n.rare], from
	for misses := 0; ; misses++ {
		if misses > 4+(at-from)>>6 {
			return n.pairs(s, at)
		}
		hit := strings.IndexByte(s[min(at+n.rare, len(s)):], b)
		if hit < 0 {
			return -1
		}
		if at += hit; n.isAt(s, at) {
			return at
		}
		at++
	}
}

// isAt compares the first eight bytes at once.
func (n *needle) isAt(s string, at int) bool {
	if at+wordLen > len(s) {
		return at+len(n.text) <= len(s) && s[at:at+len(n.text)] == n.text
	}
	return load(s[at:])&n.kept == n.head && (len(n.text) <= wordLen || n.restAt(s, at))
}

func (n *needle) restAt(s string, at int) bool {
	return at+len(n.text) <= len(s) && s[at+wordLen:at+len(n.text)] == n.text[wordLen:]
}

// wordLen is the length of a word in bytes.
const wordLen = 8

// The low and the high bit of each byte of a word.
const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// pairs looks at eight places at a time for the two rare bytes.
func (n *needle) pairs(s string, at int) int {
	first, second := n.first, n.second
	for reach := max(n.rare, n.next) + wordLen; at+reach <= len(s); at += 8 {
		// A byte of x is 0 where both bytes are right. The expression finds the lowest such byte for certain; what it says
		// of higher ones is looked at below.
		x := (load(s[at+n.rare:]) ^ first) | (load(s[at+n.next:]) ^ second)
		for hits := (x - lows) &^ x & highs; hits != 0; hits &= hits - 1 {
			if place := at + bits.TrailingZeros64(hits)>>3; n.isAt(s, place) {
				return place
			}
		}
	}
	if hit := strings.Index(s[min(at, len(s)):], n.text); hit >= 0 {
		return at + hit
	}
	return -1
}

// load reads eight bytes, the first one lowest.
func load(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// rowAt is the row that the byte at an offset belongs to, at or after row from. A separator belongs to the row before it.
func (t *texts) rowAt(offset, from int) int {
	end := t.end[from:]
	want := u32(offset)
	// Most hits are near; else halve.
	for i := range min(8, len(end)) {
		if end[i]+sep > want {
			return from + i
		}
	}
	return from + sort.Search(len(end), func(i int) bool { return end[i]+sep > want })
}

// next is the first row at or after row from whose text has the needle, or -1.
func (t *texts) next(n *needle, from int) int {
	if n.mask&^t.mask != 0 || from >= len(t.end) {
		return -1
	}
	at := int(t.start(from))
	for {
		at = n.index(t.arena, at)
		if at < 0 {
			return -1
		}
		row := t.rowAt(at, from)
		if at+len(n.text) <= int(t.end[row]) {
			return row
		}
		at++ // it reaches into the next row
		from = row
	}
}

// mark sets the rows whose text has the needle as a part, or is the whole of it. Of a row only the first place counts.
func (t *texts) mark(n *needle, exact bool, hits bitmap) {
	if n.mask&^t.mask != 0 {
		return
	}
	for row, at := 0, 0; row < len(t.end); {
		if at = n.index(t.arena, at); at < 0 {
			return
		}
		row = t.rowAt(at, row)
		if at+len(n.text) > int(t.end[row]) {
			at++ // it reaches into the next row
			continue
		}
		row = t.markRun(n, row, at-int(t.start(row)), exact, hits)
		if row < len(t.end) {
			at = int(t.start(row))
		}
	}
}

// mostMisses is after how many rows without the needle it is looked for in all that follows, and no more row by row.
const mostMisses = 8

// markRun goes row by row, from one that has the needle at an offset, while many rows have it, and gives the row after. Names
// are alike: where one row has it, the next ones often have it in the same place.
func (t *texts) markRun(n *needle, row, offset int, exact bool, hits bitmap) int {
	size, start := len(n.text), int(t.start(row))
	for misses := 0; row < len(t.end) && misses < mostMisses; row++ {
		end := int(t.end[row])
		at := start + offset
		if at+size > end || !n.isAt(t.arena, at) {
			at = n.within(t.arena, start, end)
		}
		if at < 0 {
			misses++
		} else {
			misses, offset = 0, at-start
			if !exact || end-start == size {
				hits.set(row)
			}
		}
		start = end + sep
	}
	return row
}

// within is the first place of the needle between two offsets, or -1; it looks at eight places at a time.
func (n *needle) within(s string, from, to int) int {
	first, second := n.first, n.second
	reach := max(n.rare, n.next) + wordLen
	for at := from; at+len(n.text) <= to; at += 8 {
		if at+reach > len(s) {
			if hit := strings.Index(s[at:to], n.text); hit >= 0 {
				return at + hit
			}
			return -1
		}
		x := (load(s[at+n.rare:]) ^ first) | (load(s[at+n.next:]) ^ second)
		for hits := (x - lows) &^ x & highs; hits != 0; hits &= hits - 1 {
			if place := at + bits.TrailingZeros64(hits)>>3; place+len(n.text) <= to && n.isAt(s, place) {
				return place
			}
		}
	}
	return -1
}
