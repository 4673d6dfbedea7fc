package snapshot

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// sizes are what is measured; the largest takes half a minute to make.
func sizes(b *testing.B) []int {
	b.Helper()
	if testing.Short() {
		return []int{10_000}
	}
	return []int{1_000, 10_000, 100_000, 1_000_000}
}

func BenchmarkSave(b *testing.B) {
	for _, n := range sizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := testFile(b, testBinding, 1)
			p := picturetest.Random(1, n/50+1, n)
			for b.Loop() {
				if _, err := f.Save(b.Context(), contentOf(p, time.Now()), slices.Values(p.Chunks())); err != nil {
					b.Fatal(err)
				}
			}
			info, err := os.Stat(f.Path())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/float64(n), "bytes/machine")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/machine")
		})
	}
}

// BenchmarkLoad tells how long the first piece takes, how long all of them, and what is in memory afterwards.
func BenchmarkLoad(b *testing.B) {
	for _, n := range sizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := testFile(b, testBinding, 1)
			fill(b, f, n)
			var first, cpu time.Duration
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				began, used := time.Now(), cpuTime()
				var chunks []*picture.Chunk
				err := f.Load(b.Context(), func(*Content) error { first += time.Since(began); return nil },
					func(c *picture.Chunk) error { chunks = append(chunks, c); return nil })
				if err != nil {
					b.Fatal(err)
				}
				cpu += cpuTime() - used
				runtime.GC()
				runtime.ReadMemStats(&after)
				if rows := picture.New(chunks, picture.Picture{}).Len(); rows != n {
					b.Fatalf("%d machines", rows)
				}
			}
			b.ReportMetric(float64(first.Microseconds())/float64(b.N), "µs/first")
			b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/machine")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "heap-bytes/machine")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/machine")
		})
	}
}

// fill saves a random picture, which is garbage afterwards.
func fill(b *testing.B, f *File, n int) {
	b.Helper()
	p := picturetest.Random(1, n/50+1, n)
	if _, err := f.Save(b.Context(), contentOf(p, time.Now()), slices.Values(p.Chunks())); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead reads the same bytes as BenchmarkLoad and does nothing with them.
func BenchmarkRead(b *testing.B) {
	for _, n := range sizes(b) {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := testFile(b, testBinding, 1)
			fill(b, f, n)
			for b.Loop() {
				in, err := f.open()
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, in); err != nil {
					b.Fatal(err)
				}
				_ = in.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/machine")
		})
	}
}
