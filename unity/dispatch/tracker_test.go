package dispatch

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestSilentMachinesAreAskedAboutEverMoreRarely follows three jobs for the same machines of two sites, which never answer, for two
// days: one list of a site is read for all three, some dozens of times a day.
func TestSilentMachinesAreAskedAboutEverMoreRarely(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 5, Endpoints: 300, Seed: 4}, func(t *testing.T, l *lab) {
		refs := append(l.pick(t, 0, 3), l.pick(t, 1, 3)...)
		for _, r := range refs {
			if err := l.sim.StopPolling(string(r.ID)); err != nil {
				t.Fatal(err)
			}
		}
		dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
		for _, name := range []string{"scan", "cleanup", "restart"} {
			if job, err := l.plan(t, name, refs, PlanOptions{}).Run(t.Context(), l.client, RunOptions{Journal: dir}); err != nil || job.Count(Sent) != 6 {
				t.Fatal(job.Words(), err)
			}
		}
		var looks atomic.Int32
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/commands") {
				looks.Add(1)
			}
			return nil, nil
		}
		tracker := NewTracker(NewJobs(dir), l.client, l.binding())
		for day, most := range []int32{220, 100} {
			looks.Store(0)
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			tracker.FollowPast(ctx, l.binding())
			cancel()
			// Each day begins anew, as if the program had been started.
			if n := looks.Load(); n < 20 || n > most {
				t.Errorf("day %d: %d looks at the lists of two sites", day+1, n)
			}
		}
	})
}

// TestFollowingHoldsNoJournal has somebody else take a job over again and again while its commands are followed, and at last go on
// with it: it is never refused.
func TestFollowingHoldsNoJournal(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 60, Seed: 4}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 6)
		stop, cancelRun := context.WithCancel(t.Context())
		defer cancelRun()
		dir := journal.At(filepath.Join(t.TempDir(), "jobs"))
		job, err := l.plan(t, "scan", refs, PlanOptions{BatchSize: 1}).Run(stop, l.client, RunOptions{Journal: dir, Edge: stopInTheMiddle(cancelRun)})
		if err != nil || job.Count(Cancelled) == 0 || job.Count(Sent) == 0 {
			t.Fatal(job.Words(), err)
		}
		jobs := NewJobs(dir)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { NewTracker(jobs, l.client, l.binding()).FollowPast(ctx, l.binding()) })
		for range 50 {
			_ = wait(t.Context(), 700*time.Millisecond)
			log, _, err := dir.Hold(job.ID)
			if err := errors.Join(err, log.Close()); err != nil {
				t.Fatal(err)
			}
		}
		done, err := jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
		if err != nil || done.Count(Sent) != 6 {
			t.Fatal(done.Words(), err)
		}
		for _, r := range refs {
			if err := l.sim.Poll(string(r.ID)); err != nil {
				t.Fatal(err)
			}
		}
		_ = wait(t.Context(), 30*time.Minute)
		cancel()
		wg.Wait()
		d, err := jobs.Digest(job.ID)
		if err != nil || d.OpenCommands != 0 || d.Count(Sent) != 6 || d.State != JobDone {
			t.Errorf("%+v, %v", d, err)
		}
		if p, err := jobs.Load(job.ID); err != nil || p.OpenCommands() != 0 || p.Tracked(refs[5].ID) != unity.StateExecuted {
			t.Errorf("%v commands are open, %v", p.OpenCommands(), err)
		}
	})
}

// TestAnEstimateCountsThisRun goes on with a job a day later: the night is no part of its rate.
func TestAnEstimateCountsThisRun(t *testing.T) {
	at := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	j := Job{Started: at, Results: make([]Result, 100)}
	for i := range j.Results {
		j.Results[i].State = Waiting
		if i < 40 {
			j.Results[i].State = Sent
		}
	}
	day := at.Add(24 * time.Hour)
	j.goesOn(day)
	if p := j.Progress(day.Add(time.Minute)); p.PerSecond != 0 || p.Done != 40 {
		t.Errorf("before anything was sent: %s", p)
	}
	for i := range 20 {
		j.Results[40+i].State = Sent
	}
	j.rested = time.Hour
	if p := j.Progress(day.Add(time.Hour + 10*time.Second)); p.Done != 60 || p.PerSecond != 2 || p.Left != 20*time.Second {
		t.Errorf("%s", p)
	}
}
