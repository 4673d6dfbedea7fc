package picture

import (
	"math"
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

// texts is a column of texts, one after the other. Where sep is set each is followed by a line feed, so that a scan for
// text without one never matches across two rows.
type texts struct {
	arena string
	// end is where the text of each row ends; it begins after the separator of the row before.
	end []uint32
	sep uint32
	// mask is maskOf the whole; only columns that are scanned have one.
	mask uint64
}

func packTexts(n int, sep bool, of func(int) string) texts {
	t := texts{end: make([]uint32, n)}
	size := 0
	for i := range n {
		size += len(of(i)) + 1
	}
	if sep {
		t.sep = 1
	} else {
		size -= n
	}
	var b strings.Builder
	b.Grow(size)
	for i := range n {
		b.WriteString(of(i))
		t.end[i] = u32(b.Len())
		if sep {
			b.WriteByte('\n')
		}
	}
	t.arena = b.String()
	if sep {
		t.mask = maskOf(t.arena)
	}
	return t
}

func (t *texts) start(i int) uint32 {
	if i == 0 {
		return 0
	}
	return t.end[i-1] + t.sep
}

func (t *texts) at(i int) string { return t.arena[t.start(i):t.end[i]] }

// word is a text that many rows share, held once in the process.
type word = unique.Handle[string]

// words is a column of texts that repeat.
type words struct {
	code []uint32
	dict []word
}

func (w *words) at(i int) string { return w.handle(i).Value() }

func (w *words) handle(i int) word { return w.dict[w.code[i]] }

// label is a group or a policy: its id, the name it is known by and the name the machine's own row has.
type label struct{ id, given, own word }

type labels struct {
	code []uint32
	dict []label
}

// packWords gives each distinct value a code.
func packWords[T comparable](n int, of func(int) T) (code []uint32, dict []T) {
	code = make([]uint32, n)
	seen := map[T]uint32{}
	for i := range n {
		v := of(i)
		c, ok := seen[v]
		if !ok {
			c = u32(len(dict))
			seen[v] = c
			dict = append(dict, v)
		}
		code[i] = c
	}
	return code, dict
}
