package dispatch

import (
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

func gapsOf(polls []time.Time) (out []time.Duration) {
	for i := 1; i < len(polls); i++ {
		out = append(out, polls[i].Sub(polls[i-1]))
	}
	return out
}

// TestJoinPolls over random polls of two runs: no gap is made up, and none that nobody saw counts.
func TestJoinPolls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
		draw := func(name string) (out []time.Time) {
			for _, gap := range rapid.SliceOfN(rapid.IntRange(1, 90), 0, maxPolls).Draw(t, name) {
				at = at.Add(time.Duration(gap) * time.Minute)
				out = append(out, at)
			}
			return out
		}
		earlier := draw("earlier")
		at = at.Add(100 * time.Hour) // the program did not run
		now := draw("now")
		got := JoinPolls(earlier, now)
		seen := append(gapsOf(earlier), gapsOf(now)...)
		for _, gap := range gapsOf(got) {
			if !slices.Contains(seen, gap) {
				t.Fatalf("a gap of %s was never seen: %v", gap, seen)
			}
		}
		if want := min(maxPolls-1, len(seen)); len(gapsOf(got)) != want {
			t.Fatalf("%d gaps of %d", len(gapsOf(got)), len(seen))
		}
		last := append(slices.Clone(earlier), now...)
		if len(last) > 0 && !got[len(got)-1].Equal(last[len(last)-1]) {
			t.Fatalf("the last poll is %s", got[len(got)-1])
		}
		if again := JoinPolls(got, now); !slices.EqualFunc(again, got, time.Time.Equal) {
			t.Fatalf("joined once more: %v, not %v", again, got)
		}
	})
}

// TestTheUsualGapOutlivesARun follows a command that waits, in one run that has heard of the machine four times. The next run
// knows the gap, and the journal did not grow at every look.
func TestTheUsualGapOutlivesARun(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 2)
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{}), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var polls []time.Time
		for i := range 4 {
			polls = append(polls, job.Started.Add(time.Duration(i-4)*20*time.Minute).Truncate(time.Second))
		}
		ledger := NewLedger(jobs.dir, l.binding())
		ledger.Hear(func(id unity.EndpointID) []time.Time {
			if id == refs[0].ID {
				return polls
			}
			return polls[:2] // too few to tell
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute) // in simulated time
		defer cancel()
		_ = jobs.With(ledger).Track(ctx, l.client, job, func(Tracked) {})
		next := NewLedger(jobs.dir, l.binding())
		if err := next.Read(); err != nil {
			t.Fatal(err)
		}
		if got := next.Polls(refs[0].ID); !slices.EqualFunc(got, polls, time.Time.Equal) {
			t.Errorf("the next run knows %v, not %v", got, polls)
		}
		if got := next.Polls(refs[1].ID); len(got) > 0 {
			t.Errorf("of the other one it knows %v", got)
		}
		records, err := jobs.dir.Read(job.ID)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range records {
			if r.Kind == recordPolls {
				n++
			}
		}
		if past, err := jobs.Load(job.ID); n != 1 || err != nil || past.State != JobDone {
			t.Errorf("%d records of polls, %v", n, err)
		}
	})
}
