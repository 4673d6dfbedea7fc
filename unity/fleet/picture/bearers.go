package picture

import (
	"runtime"
	"sort"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// workers is how many goroutines share the work on a number of rows: one where starting more would take longer.
func workers(rows int) int {
	const worthIt = 8192
	return max(1, min(runtime.GOMAXPROCS(0), rows/worthIt))
}

// machineBearers are the machines of some chunks, numbered through.
type machineBearers struct {
	chunks []*Chunk
	start  []int
	n      int
	// last is where the last one was found: they are asked in order.
	last int
}

func bearersOf(chunks []*Chunk) *machineBearers {
	b := &machineBearers{chunks: chunks, start: make([]int, len(chunks))}
	for i, c := range chunks {
		b.start[i] = b.n
		b.n += c.n
	}
	return b
}

func (b *machineBearers) row(i int) Row {
	if at := b.last; at >= len(b.start) || i < b.start[at] || i >= b.start[at]+b.chunks[at].n {
		// The last of those that begin at or before i; the ones without rows come first among equals.
		b.last = sort.SearchInts(b.start, i+1) - 1
	}
	return b.chunks[b.last].Row(i - b.start[b.last])
}

func (b *machineBearers) Len() int { return b.n }

func (b *machineBearers) MachineKey(i int) (fleet.MachineKey, bool) { return b.row(i).MachineKey() }

func (b *machineBearers) Keycode(i int) unity.Keycode { return b.row(i).SiteKey() }

func (b *machineBearers) FoldedHost(i int) string { return b.row(i).FoldedHost() }

// reportBearers are reports, numbered through.
type reportBearers struct {
	machineBearers
	keys []words
}

func (r *Reports) bearers() *reportBearers {
	return &reportBearers{machineBearers: machineBearers{chunks: r.batches, start: r.start, n: r.n}, keys: r.keys}
}

func (b *reportBearers) Keycode(i int) unity.Keycode {
	r := b.row(i)
	return unity.Keycode(b.keys[b.last].at(int(r.i)))
}

// row is a report by its number.
func (r *Reports) row(i int) Row {
	at := sort.SearchInts(r.start, i+1) - 1
	return r.batches[at].Row(i - r.start[at])
}
