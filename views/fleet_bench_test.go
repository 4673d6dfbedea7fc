package views_test

import (
	"slices"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/uitest"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// BenchmarkKeyToFrame measures from a key to its frame in the list of all machines: a step, a page, a letter of the filter, a view.
// It reports the median and the worst.
func BenchmarkKeyToFrame(b *testing.B) {
	for _, size := range []struct {
		name     string
		machines int
	}{{"10k", 10_000}, {"100k", 100_000}} {
		p := picturetest.Random(1, size.machines/50, size.machines)
		for name, keys := range map[string][]string{
			"step":   {"j", "k"},
			"page":   {"pgdown", "pgdown", "pgup"},
			"bottom": {"G", "g"},
			"filter": {"/", "d", "e", "s", "k", "esc"},
			"status": {"/", "s", "t", "a", "t", "u", "s", ":", "s", "t", "a", "l", "e", "esc"},
			"view":   {"1", "0"},
			"invert": {"A"},
		} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				s := show(b, p, 160, 50)
				s.Press("0")
				var took []time.Duration
				for i := 0; b.Loop(); i++ {
					key := uitest.Key(keys[i%len(keys)])
					start := time.Now()
					s.Deliver(key)
					took = append(took, time.Since(start))
					b.StopTimer()
					s.Advance(time.Second)
					b.StartTimer()
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
				b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-worst")
			})
		}
	}
}
