//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest"
)

// Times of a soak.
const (
	patience  = 30 * time.Second // for anything on the screen
	loadLimit = 5 * time.Minute  // for the whole console to be read
	calmLimit = 3 * time.Minute
	// boardLimit is how long the dashboard may take to show what the program knows, hurryLimit how long it is looked at before
	// every site was read anew.
	boardLimit = 25 * time.Second
	hurryLimit = 3 * time.Second
	// rereadings is how often the numbers are read until they agree: what failed last in the bad times is tried again after up
	// to half a minute.
	rereadings = 4
)

// soak lets the program live for the time of the run and judges what is left.
func soak(ctx context.Context, o options, say func(string, ...any)) (*soaked, error) {
	r := &soaked{Sites: o.sites, Endpoints: o.endpoints, Seed: o.seed, Seconds: o.duration.Seconds(), LoadBefore: driver.LoadAverage()}
	w, err := newWorld(ctx, unitytest.Options{Sites: o.sites, Endpoints: o.endpoints, Seed: o.seed, Latency: o.latency, AccessTTL: o.ttl, Variants: []string{reportsWithIDs}})
	if err != nil {
		return nil, err
	}
	tally := &tokens{}
	err = w.sit(ctx, "home", patience, func(s *seat) error {
		if err := s.settle(ctx, w, o); err != nil {
			return err
		}
		if _, err := ask(ctx, s.socket, tidyFirst); err != nil {
			return err
		}
		before, err := s.atRest(ctx, math.MaxInt)
		if err != nil {
			return err
		}
		say("everything is read; the technician works for %s …", o.duration)
		if err := w.live(ctx, o, s, r, tally); err != nil {
			return err
		}
		say("churn and faults have stopped; the dashboard is read …")
		if err := s.judge(ctx, w, o, r); err != nil {
			return err
		}
		after, err := s.atRest(ctx, before.count()+goroutineSlack)
		if err != nil {
			return err
		}
		r.RestBefore, r.RestAfter = before.count(), after.count()
		if r.RestAfter > r.RestBefore {
			r.More = after.more(before)
		}
		r.Keys = s.keys
		return nil
	})
	tally.add(w.sim)
	r.Faults, r.Calls, r.Changes = w.sim.FaultCounts(), w.gate.calls.Load(), w.gate.changes.Load()
	r.Refreshes, r.SignIns, r.Dead = tally.refreshes, tally.signIns, tally.dead
	r.LoadAfter = driver.LoadAverage()
	return r, errors.Join(err, w.close())
}

// settle waits until the whole console is read and the program is at rest.
func (s *seat) settle(ctx context.Context, w *world, o options) error {
	want := grouped(o.endpoints)
	for end := time.Now().Add(loadLimit); readTiles(s.term.Screen())["everything"] != want; {
		if time.Now().After(end) {
			return fmt.Errorf("the console is not read after %s:\n%s", loadLimit, s.term.Screen())
		}
		if err := rest(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return w.gate.quiet(ctx, o.calm, calmLimit)
}

// live runs everything that disturbs, the technician, and who watches, for the time of the run.
func (w *world) live(ctx context.Context, o options, s *seat, r *soaked, tally *tokens) error {
	ctx, cancel := context.WithTimeout(ctx, o.duration)
	defer cancel()
	health := &watch{socket: s.socket, pid: s.term.Pid()}
	machines := newChurn(w, o.seed)
	person := newTechnician(s, o.seed)
	sites := map[string]int{}
	random := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(o.seed, n)) } //nolint:gosec // a run that can be repeated
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, f := range []func(context.Context) error{
		health.run, machines.machines, tally.run(w.sim),
		func(ctx context.Context) error { return w.customers(ctx, random(3), sites) },
		func(ctx context.Context) error { return w.misfortune(ctx, random(4)) },
	} {
		all.Go(func() {
			if err := f(ctx); err != nil {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
				cancel()
			}
		})
	}
	// The keys belong to the goroutine of the terminal.
	err := person.work(ctx)
	cancel()
	all.Wait()
	r.Habits, r.Churn = person.done, machines.done
	for what, n := range sites {
		r.Churn[what] += n
	}
	r.Samples, r.Missed, r.Peak = len(health.samples), health.missed, health.peak
	r.RSS = growthOf(health.samples, func(x sample) float64 { return float64(x.rss) })
	r.Heap = growthOf(health.samples, func(x sample) float64 { return float64(x.heap) })
	r.Goroutines = growthOf(health.samples, func(x sample) float64 { return float64(x.goroutines) })
	return errors.Join(err, failed)
}

// judge reads the dashboard off the screen and compares it with the world, which stands still. At first only what changed is
// read; then a machine has appeared at every site, so that each is read anew.
func (s *seat) judge(ctx context.Context, w *world, o options, r *soaked) error {
	w.freeze()
	var err error
	if o.brief {
		err = s.reread(ctx, w, o)
	} else {
		r.AfterDelta, err = s.compare(ctx, w, o, r, hurryLimit)
	}
	if err != nil {
		return err
	}
	for r.Rereads = 1; ; r.Rereads++ {
		w.freeze()
		// Another machine each time: one that had left a site unnoticed would make up for the first.
		for i, site := range w.sim.World().Sites {
			if _, err := w.sim.InsertEndpoint(site.ID, fmt.Sprintf("LAST-%d-%04d", r.Rereads, i)); err != nil {
				return err
			}
		}
		if r.Wrong, err = s.compare(ctx, w, o, r, boardLimit); err != nil || len(r.Wrong) == 0 || r.Rereads == rereadings {
			return err
		}
	}
}

// reread has what changed read.
func (s *seat) reread(ctx context.Context, w *world, o options) error {
	if err := s.goHome(ctx); err != nil {
		return err
	}
	s.press("r")
	if err := rest(ctx, o.calm); err != nil {
		return err
	}
	return w.gate.quiet(ctx, o.calm, calmLimit)
}

// compare has what changed read and gives the numbers of the dashboard that are wrong then.
func (s *seat) compare(ctx context.Context, w *world, o options, r *soaked, limit time.Duration) ([]string, error) {
	if err := s.reread(ctx, w, o); err != nil {
		return nil, err
	}
	if err := s.lookAtChanges(ctx); err != nil {
		return nil, err
	}
	before := truth(w.sim.World(), time.Now())
	var wrong []string
	for end := time.Now().Add(limit); ; {
		shown := readTiles(s.term.Screen())
		r.Numbers = len(shown)
		wrong = differences(shown, before, truth(w.sim.World(), time.Now()))
		if len(wrong) == 0 || time.Now().After(end) {
			return wrong, nil
		}
		if err := rest(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// tokens counts what the server saw of sign-in. Its log is emptied on the way: it keeps a bounded number of calls.
type tokens struct{ refreshes, signIns, dead int }

func (t *tokens) run(sim *unitytest.Server) func(context.Context) error {
	return func(ctx context.Context) error {
		for rest(ctx, 5*time.Second) == nil {
			t.add(sim)
		}
		return nil
	}
}

func (t *tokens) add(sim *unitytest.Server) {
	log := sim.Log()
	sim.ResetLog()
	for i := range log {
		e := &log[i]
		switch {
		case e.Grant == "refresh_token" && e.Committed:
			t.refreshes++
		case e.Grant == "password" && e.Committed && e.User == unitytest.UserSuper:
			t.signIns++
		case strings.HasPrefix(e.Path, "/service/") && (e.TokenState == "expired" || e.TokenState == "revoked"):
			t.dead++
		}
	}
}
