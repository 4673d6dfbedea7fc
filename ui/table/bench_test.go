package table

import (
	"strings"
	"testing"
)

const benchRows = 100_000

func benchHosts(b *testing.B) *Rows[host, hostID] {
	b.Helper()
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(manyHosts(benchRows))
	if r.Len() != benchRows {
		b.Fatal("rows are missing")
	}
	return r
}

// BenchmarkMove is a key that moves the cursor, without drawing.
func BenchmarkMove(b *testing.B) {
	r := benchHosts(b)
	for i := range b.N {
		r.Move(1 - 2*(i/(benchRows-1)%2))
	}
}

// BenchmarkFilter is a key in the filter line, with a cheap predicate.
func BenchmarkFilter(b *testing.B) {
	r := benchHosts(b)
	parts := []string{"HOST-0", "HOST-09", "9", "1"}
	for i := range b.N {
		part := parts[i%len(parts)]
		r.SetFilter(func(h *host) bool { return strings.Contains(h.name, part) })
		if r.Len() == 0 {
			b.Fatal("nothing is left")
		}
	}
}

// BenchmarkSort is a change of the order of all rows.
func BenchmarkSort(b *testing.B) {
	r := benchHosts(b)
	for i := range b.N {
		r.SetSort([]SortKey{{Column: "name", Desc: i%2 == 0}})
		r.Len()
	}
}

// BenchmarkMergePage is a page of a thousand changed rows coming in while the list is shown.
func BenchmarkMergePage(b *testing.B) {
	r := benchHosts(b)
	all := manyHosts(benchRows)
	for i := range b.N {
		page := make([]*host, 0, 1000)
		for j := range 1000 {
			h := *all[(i*1000+j*97)%benchRows]
			h.n = i
			page = append(page, &h)
		}
		r.Merge(page)
		r.Len()
	}
}

// BenchmarkReload is a whole list coming in again of which nothing changed.
func BenchmarkReload(b *testing.B) {
	r := benchHosts(b)
	b.ReportAllocs()
	for range b.N {
		b.StopTimer()
		all := manyHosts(benchRows)
		b.StartTimer()
		r.Begin()
		r.Merge(all)
		r.Finish(true)
		r.Len()
	}
}

// BenchmarkRender is one frame of 50 lines.
func BenchmarkRender(b *testing.B) {
	r := benchHosts(b)
	th := plainTheme(b)
	var v View[host, hostID]
	bytes := 0
	for range b.N {
		r.Move(1)
		bytes = 0
		for _, line := range v.Render(r, th, 160, 50, true) {
			bytes += len(line)
		}
	}
	b.ReportMetric(float64(bytes), "bytes/frame")
}
