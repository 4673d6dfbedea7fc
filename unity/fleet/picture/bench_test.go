package picture_test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// scales are the sizes at which everything is measured; growth is to be linear from one to the next.
func scales(b *testing.B, run func(b *testing.B, p *picture.Picture)) {
	for _, n := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 100_000 && testing.Short() {
				b.Skip("a million rows are left out of a short run")
			}
			p := picturetest.Random(1, max(n/65, 1), n)
			b.ResetTimer()
			before := cpuTime(false)
			run(b, p)
			b.ReportMetric(float64(cpuTime(false)-before)/float64(b.N)/1e6, "cpu-ms/op")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
	}
}

func BenchmarkSelect(b *testing.B) {
	for _, expr := range []string{"7f3", "desk", "zzzz", "host:k2l", "!user:kim", "status:stale", "seen:>3d version:<9.0.36", "group:front policy:1", "type:mac status:infected|attention"} {
		b.Run(expr, func(b *testing.B) {
			scales(b, func(b *testing.B, p *picture.Picture) {
				q, err := picture.Language(false, 0, picturetest.Now, nil).Compile(expr)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					n = p.Select(b.Context(), q, picturetest.Now()).Len()
				}
				b.ReportMetric(float64(n), "hits")
			})
		})
	}
}

func BenchmarkFind(b *testing.B) {
	for _, query := range []string{"7f3k", "d7f3", "kim vance", "dskt7", "lindqvist 7f"} {
		b.Run(query, func(b *testing.B) {
			scales(b, func(b *testing.B, p *picture.Picture) {
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					n = len(p.Find(b.Context(), query, 100))
				}
				b.ReportMetric(float64(n), "hits")
			})
		})
	}
}

// BenchmarkMemory says what a machine takes in the heap once its chunk is made.
func BenchmarkMemory(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				p := picturetest.Random(1, max(n/65, 1), n)
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(p)
			}
			b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/float64(n), "B/machine")
		})
	}
}

// BenchmarkSort orders all rows by what people sort by.
func BenchmarkSort(b *testing.B) {
	for _, x := range []struct {
		name string
		by   func(a, b picture.Row) int
	}{
		{"host", func(a, b picture.Row) int { return cmp.Compare(a.FoldedHost(), b.FoldedHost()) }},
		{"seen", func(a, b picture.Row) int { return a.Seen().Compare(b.Seen()) }},
		{"user", func(a, b picture.Row) int { return cmp.Compare(a.User(), b.User()) }},
	} {
		b.Run(x.name, func(b *testing.B) {
			scales(b, func(b *testing.B, p *picture.Picture) {
				all := slices.Collect(p.Rows())
				rows := make([]picture.Row, len(all))
				for b.Loop() {
					copy(rows, all)
					slices.SortFunc(rows, x.by)
				}
			})
		})
	}
}

// BenchmarkClass chooses the machines of each class, and counts for a dashboard.
func BenchmarkClass(b *testing.B) {
	for _, class := range picture.Classes() {
		b.Run(string(class), func(b *testing.B) {
			scales(b, func(b *testing.B, p *picture.Picture) {
				for b.Loop() {
					p.Class(b.Context(), class, picturetest.Now(), 0)
				}
			})
		})
	}
	b.Run("counts", func(b *testing.B) {
		scales(b, func(b *testing.B, p *picture.Picture) {
			for b.Loop() {
				p.Counts(picturetest.Now(), 0)
			}
		})
	})
}
