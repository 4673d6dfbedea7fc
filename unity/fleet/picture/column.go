package picture

import (
	"math"
	"slices"
	"strings"
	"unique"
)

// u32 counts rows and bytes of one chunk, which is one site: it never has four billion of either.
func u32(n int) uint32 {
	if n > math.MaxUint32 {
		panic("picture: a site of four billion bytes")
	}
	return uint32(n) //nolint:gosec // checked above
}

// texts is a column of texts, one after the other, each followed by a line feed, so that a scan for text without one never
// matches across two rows. A column of empty texts only has neither arena nor ends.
type texts struct {
	arena string
	// end is where the text of each row ends; it begins after the separator of the row before. Columns share it where their
	// texts have the same lengths.
	end []uint32
	// mask is maskOf the whole; only columns that are scanned have one.
	mask uint64
}

// sep is the length of a separator.
const sep = 1

func packTexts(n int, of func(int) string) texts {
	size := 0
	for i := range n {
		size += len(of(i))
	}
	if size == 0 {
		return texts{}
	}
	t := texts{end: make([]uint32, n)}
	var b strings.Builder
	b.Grow(size + n*sep)
	for i := range n {
		b.WriteString(of(i))
		t.end[i] = u32(b.Len())
		b.WriteByte('\n')
	}
	t.arena = b.String()
	return t
}

// scanned is the column with what a scan needs.
func (t texts) scanned() texts {
	t.mask = maskOf(t.arena)
	return t
}

func (t *texts) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return t.end[i-1] + sep
}

func (t *texts) at(i int) string {
	if t.end == nil {
		return ""
	}
	return t.arena[t.start(i):t.end[i]]
}

// word is a text that many rows share, held once in the process.
type word = unique.Handle[string]

// codes are numbers of entries in a dictionary, one for each row. They are bytes while those do, and there are none where
// the dictionary has one entry.
type codes struct {
	narrow []uint8
	wide   []uint32
}

func (c *codes) at(i int) uint32 {
	switch {
	case c.narrow != nil:
		return uint32(c.narrow[i])
	case c.wide != nil:
		return c.wide[i]
	}
	return 0
}

// words is a column of texts that repeat.
type words struct {
	codes
	dict []word
}

func (w *words) at(i int) string { return w.handle(i).Value() }

func (w *words) handle(i int) word { return w.dict[w.codes.at(i)] }

// label is a group or a policy: its id, the name it is known by and the name the machine's own row has.
type label struct{ id, given, own word }

type labels struct {
	codes
	dict []label
}

func (l *labels) of(i int) label { return l.dict[l.codes.at(i)] }

// fewEntries is up to how many entries of a dictionary are looked at one by one.
const fewEntries = 12

// packWords gives each distinct value a code.
func packWords[T comparable](n int, of func(int) T) (out codes, dict []T) {
	var seen map[T]uint32
	for i := range n {
		v := of(i)
		code := slices.Index(dict[:min(len(dict), fewEntries)], v)
		if code < 0 && seen != nil {
			if at, ok := seen[v]; ok {
				code = int(at)
			}
		}
		if code < 0 {
			if code = len(dict); code >= fewEntries {
				if seen == nil {
					seen = map[T]uint32{}
				}
				seen[v] = u32(code)
			}
			dict = append(dict, v)
		}
		out.put(i, n, code)
	}
	return out, dict
}

// put sets the code of a row, after those of all rows before it.
func (c *codes) put(i, n, code int) {
	if code == 0 && c.narrow == nil && c.wide == nil {
		return
	}
	if code > math.MaxUint8 && c.wide == nil {
		c.wide = make([]uint32, n)
		for j, v := range c.narrow {
			c.wide[j] = uint32(v)
		}
		c.narrow = nil
	}
	if c.wide != nil {
		c.wide[i] = u32(code)
		return
	}
	if c.narrow == nil {
		c.narrow = make([]uint8, n)
	}
	c.narrow[i] = uint8(code) //nolint:gosec // looked at above
}

// stamps is a column of instants: one for all rows, or a dictionary with codes, or one for each row.
type stamps struct {
	one  ticks
	all  []ticks
	code []uint8
}

func (s *stamps) at(i int) ticks {
	switch {
	case s.code != nil:
		return s.all[s.code[i]]
	case s.all != nil:
		return s.all[i]
	}
	return s.one
}

// fewStamps is how many distinct instants a dictionary may have: they are looked at one by one.
const fewStamps = 48

func packStamps(n int, of func(int) ticks) stamps {
	var dict []ticks
	last := -1
	for i := range n {
		v := of(i)
		if last >= 0 && dict[last] == v {
			continue
		}
		if last = slices.Index(dict, v); last < 0 {
			last = len(dict)
			dict = append(dict, v)
			if last == fewStamps || last > n/2 && last > 0 {
				return eachStamp(n, of)
			}
		}
	}
	switch len(dict) {
	case 0:
		return stamps{}
	case 1:
		return stamps{one: dict[0]}
	}
	s := stamps{all: slices.Clip(dict), code: make([]uint8, n)}
	for i := range n {
		s.code[i] = uint8(slices.Index(dict, of(i))) //nolint:gosec // at most fewStamps
	}
	return s
}

func eachStamp(n int, of func(int) ticks) stamps {
	s := stamps{all: make([]ticks, n)}
	for i := range n {
		s.all[i] = of(i)
	}
	return s
}
