//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/ui/terminal/ptytest" //nolint:depguard // this command is a rig itself
	"github.com/unitty/unitty/unity/unitytest"
)

const (
	// mostKeys is how many keys a scan of any machine may take, from the dashboard: one opens the search, three give the chosen line
	// the keys, scan it and say yes; the others are letters and steps down the list.
	mostKeys   = 10
	otherKeys  = 4
	mostLetter = mostKeys - otherKeys
	// shareOfWalk is the part of the time of the same calls one after another, at pages of 50, that a cold start may take.
	shareOfWalk = 1. / 8
	pageOfWalk  = 50
	// readingTime is how long a question stands before it is answered.
	readingTime = 300 * time.Millisecond
)

// startTimes are what a large console takes from the start of the program.
type startTimes struct {
	FirstRows float64 `json:"first_rows_seconds"`
	// FirstCalls is the number of calls to the service that had been answered when the first sites stood on the screen.
	FirstCalls int64   `json:"calls_before_first_rows"`
	Complete   float64 `json:"complete_seconds"`
	Calls      int64   `json:"calls"`
	WalkCalls  int     `json:"calls_one_after_another"`
	Budget     float64 `json:"budget_seconds"`
	// Warm is the time to the full numbers from the snapshot, WarmFind to a machine found, both with a server that says nothing.
	Warm     float64 `json:"warm_seconds"`
	WarmFind bool    `json:"warm_find"`
}

// reached is one machine that was looked for.
type reached struct {
	Seed   uint64 `json:"seed"`
	Host   string `json:"host"`
	Site   string `json:"site"`
	By     string `json:"by"`    // what was typed a part of: host, user, IP, MAC, host and customer; "" when it was not reached
	Typed  string `json:"typed"` // the letters
	Keys   int    `json:"keys"`
	Tries  int    `json:"tries"`
	Sent   bool   `json:"sent"` // the server got a scan of this machine and nothing else
	Reason string `json:"reason,omitempty"`
}

// keyed is what came of a run.
type keyed struct {
	Quick     bool       `json:"quick"`
	Sites     int        `json:"sites"`
	Endpoints int        `json:"endpoints"`
	Latency   float64    `json:"latency_ms"`
	Start     startTimes `json:"start"`
	Hosts     []reached  `json:"hosts"`
	Unnamed   int        `json:"left_out"` // machines without a name, records that a newer one of the name has replaced, and what reads like another line
	Load      string     `json:"load_before"`
}

// tenKeys starts the program on a large console, cold and warm, and has machines scanned there and in smaller ones.
func tenKeys(ctx context.Context, o options, say func(string, ...any)) (*keyed, error) {
	k := &keyed{Quick: o.quick, Sites: o.sites, Endpoints: o.endpoints, Latency: o.latency.Seconds() * 1000, Load: driver.LoadAverage()}
	if err := k.large(ctx, o, say); err != nil {
		return k, err
	}
	for i := range o.seeds {
		seed := o.seed + 1 + uint64(i)
		say("console of seed %d …", seed)
		w, err := newWorld(ctx, unitytest.Options{Sites: 40, Endpoints: 1000, Seed: seed, Latency: o.latency})
		if err != nil {
			return k, err
		}
		err = w.sit(ctx, "home", patience, func(s *seat) error {
			if err := s.settle(ctx, w, options{endpoints: 1000, calm: o.calm}); err != nil {
				return err
			}
			return k.reach(ctx, w, s, seed, max(o.hosts/5, 1))
		})
		if err = errors.Join(err, w.close()); err != nil {
			return k, err
		}
	}
	return k, nil
}

// large starts on the large console from nothing, and again with the snapshot, and has machines scanned.
func (k *keyed) large(ctx context.Context, o options, say func(string, ...any)) error {
	say("console of %s endpoints …", grouped(o.endpoints))
	w, err := newWorld(ctx, unitytest.Options{Sites: o.sites, Endpoints: o.endpoints, Seed: o.seed, Latency: o.latency})
	if err != nil {
		return err
	}
	world := w.sim.World()
	k.Start.WalkCalls = walkCalls(world)
	k.Start.Budget = shareOfWalk * float64(k.Start.WalkCalls) * o.latency.Seconds()
	say("cold start …")
	err = w.sit(ctx, "home", patience, func(s *seat) error { return k.cold(ctx, w, s, o) })
	if err == nil {
		say("start from the snapshot, and %d machines …", o.hosts)
		err = w.sit(ctx, "home", patience, func(s *seat) error { return k.warm(ctx, w, s, o) })
	}
	return errors.Join(err, w.close())
}

// walkCalls counts what a script sends: the sites, each site's machines by pages, and the reports of all.
func walkCalls(w unitytest.Snapshot) int {
	pages := func(n int) int { return max(1, (n+pageOfWalk-1)/pageOfWalk) }
	n := 1 + pages(len(w.Endpoints))
	for _, s := range w.Sites {
		n += pages(s.Endpoints)
	}
	return n
}

// cold lets one call for the list of sites pass only, until they stand on the screen, and everything then.
func (k *keyed) cold(ctx context.Context, w *world, s *seat, o options) error {
	began, passed := time.Now(), 0
	w.gate.shut(func(r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/sites") {
			passed++
		}
		return strings.HasPrefix(r.URL.Path, "/auth/") || strings.HasSuffix(r.URL.Path, "/sites") && passed == 1
	})
	if !s.within(ctx, patience, siteRows) {
		return fmt.Errorf("no site stands on the screen after one call:\n%s", s.term.Screen())
	}
	k.Start.FirstRows, k.Start.FirstCalls = time.Since(began).Seconds(), w.gate.calls.Load()
	w.gate.release()
	began = time.Now()
	if err := s.settle(ctx, w, o); err != nil {
		return err
	}
	k.Start.Complete = k.Start.FirstRows + time.Unix(0, w.gate.last.Load()).Sub(began).Seconds()
	k.Start.Calls = w.gate.calls.Load()
	return s.saved(ctx, w)
}

// siteRows tells that the list of sites has rows.
func siteRows(s ptytest.Screen) bool {
	return s.Contains("Keycode") && s.Contains("Recommended Defaults")
}

// saved waits for the snapshot.
func (s *seat) saved(ctx context.Context, w *world) error {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		found, err := filepath.Glob(filepath.Join(w.dir, "home", "cache", "unitty", "*.snapshot"))
		if err != nil || len(found) > 0 {
			return err
		}
		if err := rest(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("there is no snapshot")
}

// warm starts with a server that says nothing, and has machines scanned once it does.
func (k *keyed) warm(ctx context.Context, w *world, s *seat, o options) error {
	began := time.Now()
	w.gate.shut(nil)
	want := grouped(o.endpoints)
	if !s.within(ctx, patience, func(x ptytest.Screen) bool { return readTiles(x)["everything"] == want }) {
		return fmt.Errorf("the snapshot is not shown:\n%s", s.term.Screen())
	}
	k.Start.Warm = time.Since(began).Seconds()
	r := rand.New(rand.NewPCG(o.seed, 7)) //nolint:gosec // a run that can be repeated
	targets, _ := choose(w.sim.World(), r, 1)
	for _, q := range targets[0].queries() {
		if at, err := s.search(ctx, q.text, &targets[0]); err != nil {
			return err
		} else if k.Start.WarmFind = at >= 0; k.Start.WarmFind {
			break
		}
	}
	w.gate.release()
	if err := w.gate.quiet(ctx, o.calm, calmLimit); err != nil {
		return err
	}
	return k.reach(ctx, w, s, o.seed, o.hosts)
}

// broken implements result.
func (k *keyed) broken() []string {
	var out []string
	say := func(bad bool, format string, args ...any) {
		if bad {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	say(k.Start.FirstCalls != 1, "%d calls were answered before the first rows stood on the screen", k.Start.FirstCalls)
	say(!k.Quick && k.Start.Complete > k.Start.Budget, "the console was complete after %.1f s; %.1f s is an eighth of %d calls one after another",
		k.Start.Complete, k.Start.Budget, k.Start.WalkCalls)
	say(!k.Start.WarmFind, "nothing is found in the snapshot while the server says nothing")
	say(len(k.Hosts) == 0, "no machine was looked for")
	for _, h := range k.Hosts {
		say(h.By == "", "%q at %q, seed %d, takes more than %d keys: %s", h.Host, h.Site, h.Seed, mostKeys, h.Reason)
		say(h.By != "" && !h.Sent, "%q at %q, seed %d: the server did not get a scan of that machine alone", h.Host, h.Site, h.Seed)
	}
	return out
}

// rows implements result.
func (k *keyed) rows() [][2]string {
	by, tries := map[string]int{}, map[string]int{}
	keys := []int{}
	for _, h := range k.Hosts {
		if h.By != "" {
			by[h.By]++
			tries[fmt.Sprintf("%d.", h.Tries)]++
			keys = append(keys, h.Keys)
		}
	}
	slices.Sort(keys)
	row := func(name, format string, args ...any) [2]string { return [2]string{name, fmt.Sprintf(format, args...)} }
	out := [][2]string{
		row("world", "%s sites, %s endpoints, %.0f ms a call", grouped(k.Sites), grouped(k.Endpoints), k.Latency),
		row("machine", "%d processors, load %s before", runtime.NumCPU(), k.Load),
		row("first rows", "%.1f s after the start of the program and %d call", k.Start.FirstRows, k.Start.FirstCalls),
		row("complete", "%.1f s, %d calls; %.1f s is an eighth of the %d calls one after another at pages of %d%s", k.Start.Complete, k.Start.Calls,
			k.Start.Budget, k.Start.WalkCalls, pageOfWalk, map[bool]string{true: ", not judged in the small form"}[k.Quick]),
		row("from the snapshot", "all numbers after %.1f s, with a server that says nothing; a machine found then: %t", k.Start.Warm, k.Start.WarmFind),
	}
	if len(keys) > 0 {
		out = append(out, row("scanned", "%d of %d machines within %d keys (median %d), each by a part of: %s", len(keys), len(k.Hosts), mostKeys, keys[len(keys)/2], driver.Counted(by)),
			row("", "at the try: %s; %d were left out: no name, replaced by a newer record, or a line like another one's", driver.Counted(tries), k.Unnamed))
	}
	return out
}
