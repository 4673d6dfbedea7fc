package picture

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"unique"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// ErrEncoding means that Decode was given something that no Encoder wrote.
var ErrEncoding = errors.New("the columns are damaged")

// Part is a chunk as it was written, or the part of a large one.
type Part struct {
	Chunk *Chunk
	// Last tells that no further part of the site follows.
	Last bool
}

// Join puts the parts of one site together.
func Join(parts []Part) *Chunk {
	if len(parts) == 1 {
		return parts[0].Chunk
	}
	n := 0
	for _, p := range parts {
		n += p.Chunk.n
	}
	b := NewBuilder(parts[0].Chunk.site, n)
	for _, p := range parts {
		for i := range p.Chunk.n {
			b.Keep(p.Chunk.Row(i))
		}
	}
	return b.Chunk()
}

// Decode reads what Encoder.Take gave. Both slices may be used for something else afterwards. Whatever stands in them, the
// chunks that are given without an error can be asked anything.
func Decode(packable, noise []byte) ([]Part, error) {
	d := &decoder{nums: packable, noise: noise}
	d.readWords(min(d.count(), len(packable)))
	parts := make([]Part, 0, min(d.count(), len(packable)))
	rest := d.nums
	d.nums = d.take(&rest, d.count2(&rest))
	d.texts = string(rest)
	for range cap(parts) {
		p := d.part()
		if d.bad {
			return nil, ErrEncoding
		}
		parts = append(parts, p)
	}
	if d.bad || len(d.nums) > 0 || len(d.texts) > 0 || len(d.noise) > 0 {
		return nil, ErrEncoding
	}
	return parts, nil
}

// readWords reads the texts that rows share, all their lengths before the texts themselves.
func (d *decoder) readWords(n int) {
	d.words = make([]word, n)
	long := make([]int, n)
	for i := range long {
		long[i] = d.count()
	}
	d.texts = string(d.take(&d.nums, d.count()))
	for i := range long {
		d.words[i] = unique.Make(d.text(long[i])) // which keeps a copy of its own
	}
	if len(d.texts) > 0 {
		d.fail()
	}
}

// decoder reads what an Encoder wrote. After the first value that is not there, bad is set and everything is empty.
type decoder struct {
	nums, noise []byte
	texts       string
	words       []word
	// room is where texts are put together.
	room []byte
	bad  bool
}

func (d *decoder) fail() {
	d.bad, d.nums, d.noise, d.texts = true, nil, nil, ""
}

func (d *decoder) uint() uint64 {
	if len(d.nums) > 0 && d.nums[0] < 0x80 {
		n := d.nums[0]
		d.nums = d.nums[1:]
		return uint64(n)
	}
	v, n := binary.Uvarint(d.nums)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.nums = d.nums[n:]
	return v
}

// count reads a length, which is never more than there are bytes.
func (d *decoder) count() int { return d.count2(&d.nums) }

func (d *decoder) count2(from *[]byte) int {
	v, n := binary.Uvarint(*from)
	if n <= 0 || v > 1<<31 {
		d.fail()
		return 0
	}
	*from = (*from)[n:]
	return int(v)
}

func (d *decoder) take(from *[]byte, n int) []byte {
	if n > len(*from) {
		d.fail()
		return nil
	}
	out := (*from)[:n]
	*from = (*from)[n:]
	return out
}

func (d *decoder) text(n int) string {
	if n > len(d.texts) {
		d.fail()
		return ""
	}
	out := d.texts[:n]
	d.texts = d.texts[n:]
	return out
}

func (d *decoder) word() word {
	n := d.uint()
	if n >= uint64(len(d.words)) {
		d.fail()
		return unique.Make("")
	}
	return d.words[n]
}

func (d *decoder) part() Part {
	site := Site{ID: unity.SiteID(d.text(d.count())), Name: unity.NewText(d.text(d.count())), Key: unity.Keycode(d.text(d.count()))}
	last := d.uint() == 1
	n := d.count()
	flags := d.take(&d.nums, 2*n)
	if d.bad {
		return Part{}
	}
	c := newChunk(site, n)
	for i := range c.flags {
		c.flags[i] = flag(binary.LittleEndian.Uint16(flags[2*i:]))
	}
	d.machines(c)
	d.threats(c)
	for _, s := range []*stamps{&c.first, &c.last, &c.infectedAt, &c.read, &c.report, &c.scanned, &c.statusAt} {
		*s = d.stamps(n)
	}
	guids := d.column(n, &c.id) == formGUID
	for _, t := range []*texts{&c.host, &c.user, &c.ip, &c.mac} {
		d.column(n, t)
	}
	d.dictionaries(c)
	d.odd(c)
	if d.bad {
		return Part{}
	}
	c.isJoined = bitmapOf(n, func(i int) bool { return c.flags[i]&joined != 0 })
	c.settleOwn(guids)
	c.packFolded()
	return Part{Chunk: c, Last: last}
}

func (d *decoder) machines(c *Chunk) {
	if d.uint() == wayNone {
		return
	}
	raw := d.take(&d.noise, len(fleet.MachineKey{})*c.n)
	if d.bad {
		return
	}
	c.machine = make([]fleet.MachineKey, c.n)
	for i := range c.machine {
		c.machine[i] = fleet.MachineKey(raw[i*len(c.machine[i]):])
	}
}

func (d *decoder) threats(c *Chunk) {
	if d.uint() == wayNone {
		return
	}
	c.threats = make([]int64, c.n)
	for i := range c.threats {
		v, n := binary.Varint(d.nums)
		if n <= 0 {
			d.fail()
			return
		}
		c.threats[i], d.nums = v, d.nums[n:]
	}
}

func (d *decoder) stamps(n int) (s stamps) {
	switch d.uint() {
	case wayNone:
		if one := d.instants(1); len(one) == 1 {
			s.one = one[0]
		}
	case wayAll:
		s.all = d.instants(n)
	case wayFew:
		s.all = d.instants(d.count())
		code := d.take(&d.nums, n)
		s.code = append(make([]uint8, 0, n), code...)
		for _, c := range code {
			if int(c) >= len(s.all) {
				d.fail()
			}
		}
	default:
		d.fail()
	}
	return s
}

func (d *decoder) instants(n int) []ticks {
	u, base, wide := d.uint(), d.uint(), d.count()
	steps := units()
	if u >= uint64(len(steps)) || wide < 1 || wide > 8 || n > len(d.noise)/wide {
		d.fail()
		return nil
	}
	unit := uint64(steps[u]) //nolint:gosec // a step is not negative
	raw := d.take(&d.noise, n*wide)
	out := make([]ticks, n)
	for i := range out {
		v := uint64(0)
		for k, b := range raw[i*wide : (i+1)*wide] {
			v |= uint64(b) << (8 * k)
		}
		if v > 0 {
			out[i] = ticks(base + (v-1)*unit) //nolint:gosec // the bits of an instant, written the same way
		}
	}
	return out
}

// formText is a column that was written as text.
const formText = -1

// column reads a column, and tells its form.
func (d *decoder) column(n int, t *texts) (form int) {
	switch d.uint() {
	case wayNone:
	case wayAll:
		*t = d.textColumn(n)
	case wayPacked:
		*t, form = d.packedColumn(n)
		return form
	default:
		d.fail()
	}
	return formText
}

func (d *decoder) textColumn(n int) (t texts) {
	if n > len(d.nums) {
		d.fail()
		return t
	}
	t.end = make([]uint32, n)
	at := 0
	for i := range t.end {
		at += int(min(d.uint(), uint64(len(d.texts)))) //nolint:gosec // at most a length
		if at+sep > len(d.texts) || d.texts[at] != '\n' {
			d.fail()
			return texts{}
		}
		t.end[i] = u32(at)
		at += sep
	}
	t.arena = d.text(at)
	return t
}

func (d *decoder) dictionaries(c *Chunk) {
	for _, l := range []*labels{&c.group, &c.policy} {
		l.dict = make([]label, min(d.count(), len(d.nums)))
		for i := range l.dict {
			l.dict[i] = label{d.word(), d.word(), d.word()}
		}
		l.codes = d.codes(c.n, len(l.dict))
	}
	for _, w := range []*words{&c.agent, &c.client, &c.os, &c.device, &c.public, &c.note} {
		w.dict = make([]word, min(d.count(), len(d.nums)))
		for i := range w.dict {
			w.dict[i] = d.word()
		}
		w.codes = d.codes(c.n, len(w.dict))
	}
}

func (d *decoder) codes(n, entries int) (out codes) {
	switch {
	case n > 0 && entries == 0, n > len(d.nums) && entries > 1:
		d.fail()
		return out
	case entries <= 1:
		return out
	case entries <= math.MaxUint8+1:
		out.narrow = append(make([]uint8, 0, n), d.take(&d.nums, n)...)
		if n > 0 && int(slices.Max(out.narrow)) >= entries {
			d.fail()
			return codes{}
		}
		return out
	}
	for i := range n {
		code := d.uint()
		if code >= uint64(entries) {
			d.fail()
			return codes{}
		}
		out.put(i, n, int(code)) //nolint:gosec // less than entries
	}
	return out
}

func (d *decoder) odd(c *Chunk) {
	for range d.count() {
		row, which := d.uint(), d.uint()
		text := d.text(d.count())
		if d.bad || row >= uint64(c.n) || which > uint64(lastScan) { //nolint:gosec // not negative
			d.fail()
			return
		}
		c.keepOdd(int(row), map[instant][]byte{instant(which): []byte(text)}) //nolint:gosec // bounded above
	}
}
