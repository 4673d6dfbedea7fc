package picture

import (
	"encoding/hex"
	"math/bits"
	"net/netip"
)

// packing is a form that texts of a column may have, in which a few bytes say all of a text. Bytes like these cannot be
// compressed further, and a text made of them is had sooner than one that was compressed.
type packing struct {
	// size is how many bytes stand for a text, long how long a text is at most.
	size, long int
	// pack appends those bytes; ok is false for a text that would not come back as it was. text makes the text again.
	pack func(to []byte, s string) (out []byte, ok bool)
	text func(to, packed []byte) []byte
}

// packings are the known forms, by the number that stands in what was written: GUIDs in lower case, IPv4 addresses, and
// MAC addresses with colons or dashes in either case.
func packings() [6]packing {
	return [6]packing{
		{16, 36, packGUID, appendGUID},
		{4, 15, packIPv4, appendIPv4},
		macPacking(':', hexUpper), macPacking('-', hexUpper), macPacking(':', hexLower), macPacking('-', hexLower),
	}
}

// Numbers of packings for the columns that try them.
const (
	formGUID = iota
	formIPv4
	formMAC
)

const (
	hexUpper = "0123456789ABCDEF"
	hexLower = "0123456789abcdef"
)

// packGUID is exact: what does not come back as it was is no GUID here.
func packGUID(to []byte, s string) ([]byte, bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return to, false
	}
	var plain [32]byte
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			plain[n] = c
			n++
		default:
			return to, false
		}
	}
	out, err := hex.AppendDecode(to, plain[:])
	return out, err == nil
}

func appendGUID(to, b []byte) []byte {
	for i, c := range b {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			to = append(to, '-')
		}
		to = append(to, hexLower[c>>4], hexLower[c&15])
	}
	return to
}

// packIPv4 takes addresses as they are written most plainly.
func packIPv4(to []byte, s string) ([]byte, bool) {
	at, err := netip.ParseAddr(s)
	if err != nil || !at.Is4() {
		return to, false // ParseAddr takes no leading zeros, so all others come back as they were
	}
	four := at.As4()
	return append(to, four[:]...), true
}

func appendIPv4(to, b []byte) []byte {
	for i, c := range b {
		if i > 0 {
			to = append(to, '.')
		}
		if c >= 100 {
			to = append(to, '0'+c/100)
		}
		if c >= 10 {
			to = append(to, '0'+c/10%10)
		}
		to = append(to, '0'+c%10)
	}
	return to
}

// macPacking is for six pairs of those digits with a sign between them.
func macPacking(between byte, digits string) packing {
	const pairs, long = 6, 17
	digit := func(c byte) int {
		for i := range len(digits) {
			if digits[i] == c {
				return i
			}
		}
		return -1
	}
	return packing{pairs, long, func(to []byte, s string) ([]byte, bool) {
		if len(s) != long {
			return to, false
		}
		for i := 0; i < long; i += 3 {
			high, low := digit(s[i]), digit(s[i+1])
			if high < 0 || low < 0 || i > 0 && s[i-1] != between {
				return to, false
			}
			to = append(to, byte(high<<4|low)) //nolint:gosec // two numbers below 16
		}
		return to, true
	}, func(to, b []byte) []byte {
		for i, c := range b {
			if i > 0 {
				to = append(to, between)
			}
			to = append(to, digits[c>>4], digits[c&15])
		}
		return to
	}}
}

// packedColumn writes a column in the first of the forms that all its texts have, else as text. Empty texts fit any form.
func (e *Encoder) packedColumn(t *texts, from, to int, forms ...int) {
	all := packings()
	before := len(e.noise)
	for _, form := range forms {
		ok, some := true, make([]byte, (to-from+7)/8)
		for i := 0; i < to-from && ok; i++ {
			if s := t.at(from + i); s != "" {
				some[i/8] |= 1 << (i % 8)
				e.noise, ok = all[form].pack(e.noise, s)
			}
		}
		if ok && len(e.noise) > before {
			e.uint(wayPacked)
			e.count(form)
			e.nums = append(e.nums, some...)
			return
		}
		e.noise = e.noise[:before]
	}
	e.column(packTexts(to-from, func(i int) string { return t.at(from + i) }), to-from)
}

// packedColumn reads a column whose way is known to be packed, and tells its form.
func (d *decoder) packedColumn(n int) (t texts, form int) {
	all := packings()
	form = d.count()
	some := d.take(&d.nums, (n+7)/8)
	if d.bad || form >= len(all) || n == 0 {
		d.fail()
		return texts{}, formGUID
	}
	set := 0
	for _, b := range some {
		set += bits.OnesCount8(b)
	}
	p := &all[form] //nolint:gosec // looked at above
	packed := d.take(&d.noise, p.size*set)
	if d.bad || n%8 != 0 && some[len(some)-1]>>(n%8) != 0 {
		d.fail()
		return texts{}, formGUID
	}
	t.end = make([]uint32, n)
	d.room = d.room[:0]
	for i := range t.end {
		if some[i/8]>>(i%8)&1 != 0 {
			d.room = p.text(d.room, packed[:p.size])
			packed = packed[p.size:]
		}
		t.end[i] = u32(len(d.room))
		d.room = append(d.room, '\n')
	}
	t.arena = string(d.room)
	return t, form
}
