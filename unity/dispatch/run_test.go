package dispatch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// run carries a plan out and checks what holds of every run: reports end with the final state, none is changed later.
func (l *lab) run(t *testing.T, p *Plan) *Job {
	t.Helper()
	var reports, copies []Job
	job, err := p.Run(t.Context(), l.client, RunOptions{Report: func(j Job) {
		reports = append(reports, j)
		j.Results = append([]Result(nil), j.Results...)
		copies = append(copies, j)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range reports {
		for k := range reports[i].Results {
			if reports[i].Results[k] != copies[i].Results[k] {
				t.Fatalf("report %d was changed after it was given", i)
			}
		}
	}
	last := reports[len(reports)-1]
	if last.Finished.IsZero() || last.Words() != job.Words() || last.Note != "" {
		t.Errorf("the last report is %+v", last)
	}
	if job.Count(Waiting)+job.Count(Running) != 0 || len(job.Results) != len(p.Targets)+len(p.Skipped) {
		t.Errorf("not every target has an outcome: %s", job.Words())
	}
	return job
}

func TestOutcomesAreTrueAndNothingIsSentTwice(t *testing.T) {
	for _, x := range []struct {
		fault   string
		want    State
		arrives bool
		tries   int
	}{
		{"reset-before", Unknown, false, 1}, {"500", Unknown, false, 1}, {"503", Unknown, false, 1}, {"504", Unknown, false, 1}, {"wrong-type", Unknown, false, 1},
		{"reset-after", Sent, true, 1}, {"504-after", Sent, true, 1}, {"429", Sent, true, 2}, {"429-retry-after", Sent, true, 2}, {"401-once", Sent, true, 2}, {"", Sent, true, 1},
	} {
		for _, n := range []int{1, 4} {
			simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
				refs := l.pick(t, 0, n)
				p := l.plan(t, "scan", refs, PlanOptions{})
				start := time.Now()
				tries := 0
				l.intercept = func(r *http.Request) (*http.Response, error) {
					if x.fault == "" {
						return nil, nil
					}
					rate := 0.0 // Reading works, and so does the second try.
					if r.Method == http.MethodPost {
						if tries++; tries == 1 {
							rate = 1
						}
					}
					return nil, l.sim.SetFault(x.fault, rate)
				}
				job := l.run(t, p)
				if job.Count(x.want) != n {
					t.Errorf("%s on %d: %s, %+v", x.fault, n, job.Words(), job.Results[0])
				}
				if got := len(l.sent()); got != x.tries {
					t.Errorf("%s on %d: %d requests, want %d", x.fault, n, got, x.tries)
				}
				for _, ref := range refs {
					if got := l.given(ref.ID, "scan", start); got > 1 || (got == 1) != x.arrives {
						t.Errorf("%s on %d: %s got it %d times", x.fault, n, ref.Name(), got)
					}
				}
			})
		}
	}
}

func TestATimeOutIsUnknown(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		p := l.plan(t, "scan", l.pick(t, 0, 2), PlanOptions{})
		posts := 0
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost {
				posts++
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return nil, nil
		}
		job := l.run(t, p)
		if job.Count(Unknown) != 2 || posts != 1 || !strings.HasPrefix(job.Results[0].Reason, notSeen) {
			t.Errorf("%s after %d requests: %s", job.Words(), posts, job.Results[0].Reason)
		}
	})
}

func TestOneBadIdDoesNotHoldUpTheOthers(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 9)
		p := l.plan(t, "scan", refs, PlanOptions{})
		if err := l.sim.RemoveEndpoint(string(refs[5].ID)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		job := l.run(t, p)
		if job.Count(Sent) != 8 || job.Count(Failed) != 1 {
			t.Errorf("%s", job.Words())
		}
		for i, r := range job.Results {
			if bad := i == 5; bad != (r.State == Failed) || bad && r.RequestID == "" {
				t.Errorf("target %d is %s (%s, request %q)", i, r.State, r.Reason, r.RequestID)
			}
			if i != 5 && l.given(r.Ref.ID, "scan", start) != 1 {
				t.Errorf("target %d got the command %d times", i, l.given(r.Ref.ID, "scan", start))
			}
		}
	})
}

func TestARefusalIsFailed(t *testing.T) {
	for _, code := range []int{http.StatusForbidden, http.StatusConflict, http.StatusUnauthorized} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			p := l.plan(t, "scan", l.pick(t, 0, 3), PlanOptions{})
			posts := 0
			l.intercept = func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/auth/") {
					posts++
					return status(code), nil
				}
				return nil, nil
			}
			if job := l.run(t, p); job.Count(Failed) != 3 || posts != 1 || job.Results[0].Reason == "" {
				t.Errorf("%d: %s after %d requests", code, job.Words(), posts)
			}
		})
	}
}

func TestUnknownIsResolvedThroughLag(t *testing.T) {
	for _, x := range []struct {
		lag       time.Duration
		want      State
		colleague time.Duration // when, from the loss, somebody gives the same command; negative: never
		arrives   bool
	}{
		{0, Sent, -1, true}, {10 * time.Second, Sent, -1, true}, {120 * time.Second, Unknown, -1, true},
		{0, Unknown, 0, true},                // two at once: ours may be one of them
		{0, Sent, 8 * time.Second, true},     // the later one cannot be ours
		{0, Unknown, 8 * time.Second, false}, // nor can it stand for ours, which was lost
	} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			ref := l.silent(t, 1)[0]
			p := l.plan(t, "scan", []fleet.Ref{ref}, PlanOptions{})
			fault := map[bool]string{true: "reset-after", false: "reset-before"}[x.arrives]
			l.sim.SetCommandLag(x.lag)
			if err := l.sim.SetFault("command-lag", 1); err != nil {
				t.Fatal(err)
			}
			l.intercept = func(r *http.Request) (*http.Response, error) {
				rate := 0.0
				if r.Method == http.MethodPost {
					rate = 1
				}
				return nil, l.sim.SetFault(fault, rate)
			}
			give := func() {
				_ = wait(t.Context(), time.Second) // in simulated time: another instant than ours
				if err := l.sim.AddCommand(string(ref.ID), "scan", "", time.Time{}); err != nil {
					t.Error(err)
				}
			}
			slept := time.Duration(0)
			job, err := p.Run(t.Context(), l.client, RunOptions{Sleep: func(ctx context.Context, d time.Duration) error {
				if x.colleague >= 0 && x.colleague >= slept && x.colleague < slept+d {
					if err := wait(ctx, x.colleague-slept); err != nil {
						return err
					}
					give()
					d -= min(d, x.colleague-slept+time.Second)
					slept += x.colleague - slept + time.Second
				}
				slept += d
				return wait(ctx, d)
			}})
			if err != nil || job.Results[0].State != x.want {
				t.Errorf("%+v: %s (%s), %v", x, job.Results[0].State, job.Results[0].Reason, err)
			}
			if len(l.sent()) != 1 {
				t.Errorf("%+v: sent %d times", x, len(l.sent()))
			}
		})
	}
}

// TestEarlierCommandsAreNotOurs has like commands from right before the plan, in and out of the server's list.
func TestEarlierCommandsAreNotOurs(t *testing.T) {
	for _, arrives := range []bool{false, true} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			ref := l.pick(t, 0, 1)[0]
			add := func() {
				if err := l.sim.AddCommand(string(ref.ID), "scan", "", time.Time{}); err != nil {
					t.Fatal(err)
				}
			}
			add()
			_ = wait(t.Context(), 9*time.Minute+58*time.Second) // in simulated time
			add()
			_ = wait(t.Context(), 5*time.Second)
			p := l.plan(t, "scan", []fleet.Ref{ref}, PlanOptions{Again: true})
			fault := map[bool]string{true: "reset-after", false: "reset-before"}[arrives]
			l.intercept = func(r *http.Request) (*http.Response, error) {
				rate := 0.0
				if r.Method == http.MethodPost {
					rate = 1
				}
				return nil, l.sim.SetFault(fault, rate)
			}
			want := map[bool]State{true: Sent, false: Unknown}[arrives]
			if job := l.run(t, p); job.Results[0].State != want {
				t.Errorf("arrives %v: %s (%s)", arrives, job.Results[0].State, job.Results[0].Reason)
			}
		})
	}
}

func TestCancelStopsWhatIsNotSent(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 3, Endpoints: 200, Seed: 3, Latency: time.Second}, func(t *testing.T, l *lab) {
		refs := append(l.pick(t, 0, 12), l.pick(t, 1, 12)...)
		p := l.plan(t, "scan", refs, PlanOptions{BatchSize: 1})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		start := time.Now()
		job, err := p.Run(ctx, l.client, RunOptions{Report: func(j Job) {
			if j.Count(Sent) == 3 {
				cancel()
			}
		}})
		if err != nil || job.Count(Cancelled) == 0 || job.Count(Sent) < 3 || job.Count(Waiting)+job.Count(Running) != 0 {
			t.Fatalf("%v: %s", err, job.Words())
		}
		for _, r := range job.Results {
			n := l.given(r.Ref.ID, "scan", start)
			if r.State == Cancelled && n != 0 || r.State == Sent && n != 1 || n > 1 {
				t.Errorf("%s is %s and got the command %d times", r.Ref.Name(), r.State, n)
			}
		}
	})
}

func TestRunRefusesAnotherConsoleAndReadOnly(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		p := l.plan(t, "scan", l.pick(t, 0, 1), PlanOptions{})
		for _, o := range []unity.Options{{BaseURL: "https://other.example", GSMKey: l.client.Key()}, {BaseURL: l.client.BaseURL(), GSMKey: "OTHER"},
			{BaseURL: l.client.BaseURL(), GSMKey: l.client.Key(), ReadOnly: true}} {
			o.Tokens, o.HTTP = l, &http.Client{Transport: l}
			c, err := unity.New(o)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Run(t.Context(), c, RunOptions{}); err == nil || o.ReadOnly && !errors.Is(err, unity.ErrRefused) {
				t.Errorf("%s %s read-only %v: %v", o.BaseURL, o.GSMKey, o.ReadOnly, err)
			}
		}
		if len(l.sent()) != 0 {
			t.Error("something was sent")
		}
	})
}

func TestAnOldPlanIsReadAgain(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 4)
		p := l.plan(t, "restart", refs, PlanOptions{})
		_ = wait(t.Context(), 61*time.Second) // in simulated time: somebody reads the dialog
		w := l.sim.World()
		if err := errors.Join(l.sim.RenameEndpoint(string(refs[0].ID), "OTHER"), l.sim.MoveEndpoint(string(refs[1].ID), w.Sites[1].ID)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		job := l.run(t, p)
		for i, want := range []State{Skipped, Skipped, Sent, Sent} {
			if r := job.Results[i]; r.State != want || (want == Sent) != (l.given(r.Ref.ID, "restart", start) == 1) {
				t.Errorf("target %d is %s (%s)", i, r.State, r.Reason)
			}
		}
	})
}

func TestTrack(t *testing.T) {
	// At this speed the 30 days that an agent has to fetch a command are an hour.
	simulated(t, unitytest.Options{Sites: 3, Endpoints: 90, Seed: 9, Speed: 720}, func(t *testing.T, l *lab) {
		refs := append(l.pick(t, 0, 2), l.pick(t, 1, 1)...)
		for _, r := range refs {
			if err := l.sim.StopPolling(string(r.ID)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.sim.AddCommand(string(refs[0].ID), "scan", "", time.Time{}); err != nil {
			t.Fatal(err)
		}
		if err := l.sim.Poll(string(refs[0].ID)); err != nil { // an older like command that is done says nothing about ours
			t.Fatal(err)
		}
		if err := l.sim.StopPolling(string(refs[0].ID)); err != nil {
			t.Fatal(err)
		}
		_ = wait(t.Context(), time.Second)
		job := l.run(t, l.plan(t, "scan", refs, PlanOptions{Again: true}))
		l.sim.ResetLog()
		began := time.Now()
		told := map[unity.EndpointID][]unity.CommandState{}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		err := NewJobs(nil).Track(ctx, l.client, job, func(seen Tracked) {
			id, s := seen.ID, seen.State
			told[id] = append(told[id], s)
			if len(told) == 3 && len(told[refs[2].ID]) == 2 {
				if err := l.sim.Poll(string(refs[2].ID)); err != nil {
					t.Error(err)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		last := func(i int) unity.CommandState { s := told[refs[i].ID]; return s[len(s)-1] }
		if last(0) != unity.StateElapsed || last(1) != unity.StateElapsed || last(2) != unity.StateExecuted || told[refs[0].ID][0] != unity.StateNotYetReceived {
			t.Errorf("the ends are %v, %v, %v", last(0), last(1), last(2))
		}
		if d := time.Since(began); d < 59*time.Minute || d > 60*time.Minute+longLook+time.Minute {
			t.Errorf("elapsed commands were followed for %v", d)
		}
		log := l.sim.Log()
		second := 0
		for i, e := range log {
			if strings.Contains(e.Path, string(refs[2].Site)) {
				second++
			}
			if i > 2 && i < len(log)-1 && e.Time.Sub(log[i-1].Time) > longLook+time.Second {
				t.Fatalf("a pause of %v", e.Time.Sub(log[i-1].Time))
			}
		}
		if second > 4 {
			t.Errorf("a site without open commands was asked %d times", second)
		}
	})
}

func TestTrackEndsWithItsContext(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		ref := l.silent(t, 1)
		job := l.run(t, l.plan(t, "scan", ref, PlanOptions{}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := NewJobs(nil).Track(ctx, l.client, job, func(Tracked) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait ends with %v", err)
		}
	})
}
