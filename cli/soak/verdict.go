//go:build unix

package main

import (
	"fmt"
	"runtime"

	"github.com/unitty/unitty/cli/driver"
)

// soaked is what came of a soak.
type soaked struct {
	Sites      int            `json:"sites"`
	Endpoints  int            `json:"endpoints"`
	Seed       uint64         `json:"seed"`
	Seconds    float64        `json:"seconds"`
	Samples    int            `json:"samples"`
	Missed     int            `json:"samples_missed"`
	RSS        growth         `json:"rss_bytes"`
	Peak       uint64         `json:"peak_bytes"`
	Heap       growth         `json:"live_heap_bytes"`
	Goroutines growth         `json:"goroutines"`
	RestBefore int            `json:"goroutines_at_rest_before"`
	RestAfter  int            `json:"goroutines_at_rest_after"`
	More       []string       `json:"goroutines_more,omitempty"`
	Keys       int            `json:"keys"`
	Habits     map[string]int `json:"habits"`
	Churn      map[string]int `json:"churn"`
	Faults     map[string]int `json:"faults"`
	Calls      int64          `json:"calls"`
	Refreshes  int            `json:"token_refreshes"`
	SignIns    int            `json:"sign_ins"`
	Dead       int            `json:"calls_with_expired_tokens"`
	Changes    int64          `json:"changes_sent"`
	Numbers    int            `json:"dashboard_numbers"`
	// AfterDelta are the numbers that were wrong once the changes had been read; what reads of changes cannot show waits for
	// the daily turn of its site.
	AfterDelta []string `json:"wrong_after_changes,omitempty"`
	Wrong      []string `json:"wrong_numbers,omitempty"`
	Rereads    int      `json:"readings"`
	LoadBefore string   `json:"load_before"`
	LoadAfter  string   `json:"load_after"`
}

// broken implements result.
func (r *soaked) broken() []string {
	var out []string
	say := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(r.RSS.grown(memorySlack), "memory grew: %s", r.RSS.mebibytes())
	say(r.Heap.grown(memorySlack), "the heap that is alive grew: %s", r.Heap.mebibytes())
	say(r.RestAfter > r.RestBefore+goroutineSlack, "%d goroutines at rest, then %d", r.RestBefore, r.RestAfter)
	say(r.Changes > 0, "%d changes were sent, though nobody gave a command", r.Changes)
	say(r.Samples < 10, "the program told %d times only how it was", r.Samples)
	for _, x := range r.Wrong {
		say(true, "%s", x)
	}
	say(r.Numbers < len(tiles())-1, "%d numbers were read off the dashboard", r.Numbers)
	return out
}

// rows implements result.
func (r *soaked) rows() [][2]string {
	row := func(name, format string, args ...any) [2]string { return [2]string{name, fmt.Sprintf(format, args...)} }
	out := [][2]string{
		row("world", "%d sites, %s endpoints, seed %d", r.Sites, grouped(r.Endpoints), r.Seed),
		row("machine", "%d processors, load %s before, %s after", runtime.NumCPU(), r.LoadBefore, r.LoadAfter),
		row("technician", "%.0f s, %s keys: %s", r.Seconds, grouped(r.Keys), driver.Counted(r.Habits)),
		row("churn", "%s", driver.Counted(r.Churn)),
		row("faults", "%s", driver.Counted(r.Faults)),
		row("calls", "%d; %d refreshes of the token, %d calls with one that had expired", r.Calls, r.Refreshes, r.Dead),
		row("changes sent", "%d", r.Changes),
		row("memory", "%s (medians of the fifths of %d samples), %.1f MiB at most", r.RSS.mebibytes(), r.Samples, float64(r.Peak)/(1<<20)),
		row("heap alive", "%s", r.Heap.mebibytes()),
		row("goroutines", "%d at rest, then %d; %.0f and %.0f while busy", r.RestBefore, r.RestAfter, r.Goroutines.Early, r.Goroutines.Late),
	}
	for _, x := range r.More {
		out = append(out, row("", "%s", x))
	}
	out = append(out, row("dashboard", "%d numbers; wrong after the changes were read: %d, after every site was: %d, at the %d. reading", r.Numbers, len(r.AfterDelta), len(r.Wrong), r.Rereads))
	for _, x := range r.AfterDelta {
		out = append(out, row("after changes", "%s", x))
	}
	return out
}
