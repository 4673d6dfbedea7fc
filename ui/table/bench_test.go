package table

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// benchSizes are the sizes at which growth can be seen to be linear.
var benchSizes = []int{10_000, 100_000, 1_000_000}

// eachSize runs a benchmark once for every size. The largest one takes long to set up, so -short leaves it out.
func eachSize(b *testing.B, run func(b *testing.B, n int)) {
	b.Helper()
	for _, n := range benchSizes {
		if testing.Short() && n > 100_000 {
			continue
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) { run(b, n) })
	}
}

// machineHosts are rows whose names and ids look like those of a real fleet: many begin alike, and the order of arrival is not that
// of the names.
func machineHosts(n int) []*host {
	slab, all := make([]host, n), make([]*host, n)
	state := uint64(88172645463325252)
	for i := range all {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		name := fmt.Sprintf("DESKTOP-%07X", state>>36)
		if state%3 == 0 {
			name = fmt.Sprintf("ACCOUNTS-%d", state>>44)
		}
		slab[i] = host{id: hostID(fmt.Sprintf("%016x-4a7b-8c2d-%012x", state, i)), name: name, n: i % 7}
		all[i] = &slab[i]
	}
	return all
}

func benchHosts(b *testing.B, n int) *Rows[host, hostID] {
	b.Helper()
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(machineHosts(n))
	if r.Len() != n {
		b.Fatal("rows are missing")
	}
	return r
}

// BenchmarkMove is a key that moves the cursor, without drawing.
func BenchmarkMove(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		i := 0
		for b.Loop() {
			r.Move(1 - 2*(i/(n-1)%2))
			i++
		}
	})
}

// BenchmarkFilter is a key in the filter line, with a cheap predicate.
func BenchmarkFilter(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		parts := []string{"DESKTOP-0", "DESKTOP-09", "9", "1"}
		i := 0
		for b.Loop() {
			part := parts[i%len(parts)]
			r.SetFilter(func(h *host) bool { return strings.Contains(h.name, part) })
			if r.Len() == 0 {
				b.Fatal("nothing is left")
			}
			i++
		}
	})
}

// BenchmarkFilterFar is the worst case for the cursor: the filter hides it and leaves only a row far away.
func BenchmarkFilterFar(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		r.Bottom()
		last := r.CursorKey()
		for b.Loop() {
			r.SetFilter(nil)
			r.Top()
			r.SetFilter(func(h *host) bool { return h.id == last })
			if r.CursorKey() != last {
				b.Fatal("the cursor is elsewhere")
			}
		}
	})
}

// BenchmarkSort is a change of the order of all rows.
func BenchmarkSort(b *testing.B) {
	orders := map[string][2][]SortKey{
		"text":   {{{Column: "name"}}, {{Column: "name", Desc: true}}},
		"number": {{{Column: "n"}, {Column: "name"}}, {{Column: "n", Desc: true}, {Column: "name"}}},
		"other":  {{{Column: "name"}}, {{Column: "id"}}},
		"rank":   {{{Column: "rank"}, {Column: "name"}}, {{Column: "rank", Desc: true}, {Column: "name"}}},
		"less":   {{{Column: "less"}}, {{Column: "less", Desc: true}}},
	}
	for name, keys := range orders {
		b.Run(name, func(b *testing.B) {
			eachSize(b, func(b *testing.B, n int) {
				r := benchHosts(b, n)
				i := 0
				for b.Loop() {
					r.SetSort(keys[i%2])
					r.Len()
					i++
				}
			})
		})
	}
}

// BenchmarkMergePage is a page of a thousand changed rows coming in while the list is shown.
func BenchmarkMergePage(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		all := machineHosts(n)
		i := 0
		for b.Loop() {
			page := make([]*host, 0, 1000)
			for j := range 1000 {
				h := *all[(i*1000+j*97)%n]
				h.n = i
				page = append(page, &h)
			}
			r.Merge(page)
			r.Len()
			i++
		}
	})
}

// BenchmarkReload is a whole list coming in again of which nothing changed.
func BenchmarkReload(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		all := machineHosts(n)
		b.ReportAllocs()
		for b.Loop() {
			r.Begin()
			r.Merge(all)
			r.Finish(true)
			r.Len()
		}
	})
}

// BenchmarkMarkShown marks everything and clears it again.
func BenchmarkMarkShown(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		for b.Loop() {
			r.MarkShown()
			r.Marks().Clear()
		}
	})
}

// BenchmarkInvert marks everything, and then nothing.
func BenchmarkInvert(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		for b.Loop() {
			r.Invert()
		}
	})
}

// BenchmarkReorder is an order that is worked out aside: the longest that the update loop is busy with it.
func BenchmarkReorder(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		keys := [][]SortKey{{{Column: "name"}}, {{Column: "id"}}, {{Column: "rank"}, {Column: "name"}}}
		var read, adopt, aside time.Duration
		for i := 0; b.Loop(); i++ {
			began := time.Now()
			o := r.reorder(keys[i%len(keys)])
			for more := true; more; began = time.Now() {
				more = o.Read(time.Now().Add(4 * time.Millisecond))
				read = max(read, time.Since(began))
			}
			o.Sort()
			aside += time.Since(began)
			began = time.Now()
			if !r.Adopt(o) || r.Len() != n {
				b.Fatal("the order is void")
			}
			adopt = max(adopt, time.Since(began))
		}
		b.ReportMetric(float64(read.Microseconds())/1000, "ms-read-worst")
		b.ReportMetric(float64(adopt.Microseconds())/1000, "ms-adopt-worst")
		b.ReportMetric(float64(aside.Microseconds())/1000/float64(b.N), "ms-aside")
	})
}

// BenchmarkRender is one frame of 50 lines.
func BenchmarkRender(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		r := benchHosts(b, n)
		th := plainTheme(b)
		var v View[host, hostID]
		bytes := 0
		for b.Loop() {
			r.Move(1)
			bytes = 0
			for _, line := range v.Render(r, th, 160, 50, true) {
				bytes += len(line)
			}
		}
		b.ReportMetric(float64(bytes), "bytes/frame")
	})
}

// BenchmarkMemory is what the table itself holds for a row, without the row and its id.
func BenchmarkMemory(b *testing.B) {
	eachSize(b, func(b *testing.B, n int) {
		all := machineHosts(n)
		var before, after runtime.MemStats
		for b.Loop() {
			runtime.GC()
			runtime.ReadMemStats(&before)
			r := newHosts(nil)
			r.SetSort([]SortKey{{Column: "name"}})
			r.Merge(all)
			r.Len()
			runtime.GC()
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(r)
		}
		runtime.KeepAlive(all)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/row")
	})
}
