//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// sampleEvery is how often the program is asked how it is.
	sampleEvery = 500 * time.Millisecond
	// growthAllowed is what memory may have grown by between the second fifth of the time and the last one, and memorySlack what
	// does not count: the runtime takes memory by the megabyte.
	growthAllowed = 1.15
	memorySlack   = 6 << 20
	// goroutineSlack is how many more goroutines the program may have at rest in the end than in the beginning.
	goroutineSlack = 3
)

// sample is how the program was at a moment.
type sample struct {
	at         time.Time
	rss, heap  uint64
	goroutines int
}

// watch asks the program how it is.
type watch struct {
	socket string
	pid    int

	mu      sync.Mutex
	samples []sample
	peak    uint64
	// missed counts the questions that were not answered.
	missed int
}

// run asks until the context ends.
func (h *watch) run(ctx context.Context) error {
	for rest(ctx, sampleEvery) == nil {
		v, err := ask(ctx, h.socket, asItIs)
		h.mu.Lock()
		if err != nil {
			h.missed++
		} else {
			rss, peak := memoryOf(h.pid)
			if rss == 0 {
				rss = v.Runtime // where the system does not tell
			}
			h.peak = max(h.peak, peak)
			h.samples = append(h.samples, sample{at: time.Now(), rss: rss, heap: v.HeapLive, goroutines: v.count()})
		}
		h.mu.Unlock()
	}
	return nil
}

// memoryOf reads what the kernel says a process has in memory, and had at most; 0 where it says nothing.
func memoryOf(pid int) (rss, peak uint64) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range bytes.Lines(raw) {
		f := bytes.Fields(line)
		if len(f) != 3 {
			continue
		}
		kib, err := strconv.ParseUint(string(f[1]), 10, 64)
		switch {
		case err != nil:
		case string(f[0]) == "VmRSS:":
			rss = kib << 10
		case string(f[0]) == "VmHWM:":
			peak = kib << 10
		}
	}
	return rss, peak
}

// growth is the median of one kind of number in the second fifth of the samples and in the last one. The first fifth is left
// out, in which everything is opened for the first time.
type growth struct {
	Early float64 `json:"early"`
	Late  float64 `json:"late"`
	// Fifths are the medians of all fifths, which tell a rise from a screen that happened to be open.
	Fifths []float64 `json:"fifths"`
}

func growthOf(samples []sample, of func(sample) float64) growth {
	n := len(samples)
	if n < 5 {
		return growth{}
	}
	var all []float64
	for i := range 5 {
		all = append(all, medianOf(samples[i*n/5:(i+1)*n/5], of))
	}
	return growth{Early: all[1], Late: all[4], Fifths: all}
}

func medianOf(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, 0, len(samples))
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// grown tells that the late number is larger than the early one by more than the rest of a busy machine explains.
func (g growth) grown(slack float64) bool { return g.Late > growthAllowed*g.Early+slack }

// mebibytes writes the fifths.
func (g growth) mebibytes() string {
	var out []string
	for _, v := range g.Fifths {
		out = append(out, fmt.Sprintf("%.1f", v/(1<<20)))
	}
	return strings.Join(out, ", ") + " MiB"
}

// runOut is how long timers may still run that screens left behind which have been closed: an interval of lists, and more.
const runOut = 90 * time.Second

// atRest is the fewest goroutines that the program is seen with while nobody does anything. While there are more than enough, it
// goes on looking for as long as timers of closed screens may run.
func (s *seat) atRest(ctx context.Context, enough int) (vitals, error) {
	var least vitals
	began := time.Now()
	for i := 0; i < 8 || least.count() > enough && time.Since(began) < runOut; i++ {
		v, err := ask(ctx, s.socket, asItIs)
		if err != nil {
			return v, err
		}
		if i == 0 || v.count() < least.count() {
			least = v
		}
		if err := rest(ctx, 250*time.Millisecond); err != nil {
			return least, err
		}
	}
	return least, nil
}

// more lists the functions that more goroutines began with than before.
func (v vitals) more(before vitals) []string {
	var out []string
	for _, from := range slices.Sorted(maps.Keys(v.Goroutines)) {
		if n := v.Goroutines[from] - before.Goroutines[from]; n > 0 {
			out = append(out, fmt.Sprintf("%d more of %s", n, from))
		}
	}
	return out
}
