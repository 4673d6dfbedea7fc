package dispatch

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// journalled runs a plan with a journal and gives the jobs of its folder.
func (l *lab) journalled(t *testing.T, p *Plan, o RunOptions) (*Job, *Jobs, error) {
	t.Helper()
	o.Journal = journal.At(filepath.Join(t.TempDir(), "jobs"))
	o.Profile = "main"
	job, err := p.Run(t.Context(), l.client, o)
	return job, NewJobs(o.Journal), err
}

func TestAJobIsReadAsItWas(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 5)
		if err := errors.Join(l.sim.StopPolling(string(refs[0].ID)), l.sim.AddCommand(string(refs[0].ID), "scan", "", time.Time{}), l.sim.RemoveEndpoint(string(refs[1].ID))); err != nil {
			t.Fatal(err)
		}
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{}), RunOptions{Note: "ticket 7"})
		if err != nil {
			t.Fatal(err)
		}
		list, bad, err := jobs.List()
		if err != nil || len(list) != 1 || len(bad) != 0 {
			t.Fatalf("%d jobs, %d unreadable, %v", len(list), len(bad), err)
		}
		p := list[0]
		if p.ID != job.ID || p.Words() != job.Words() || p.Words() != "3 sent, 1 failed, 1 skipped" || p.State != JobPartial || p.Remark != "ticket 7" || p.Profile != "main" ||
			p.Title() != "scan 4 machines" || p.Finished.IsZero() {
			t.Errorf("%+v: %s, %s", p.Job, p.Words(), p.State)
		}
		for _, r := range job.Results {
			found := false
			for _, q := range p.Results {
				if q.Ref.ID == r.Ref.ID {
					found = q.State == r.State && q.Reason == r.Reason && q.RequestID == r.RequestID && q.Ref.HostName == r.Ref.HostName && q.Ref.Site == r.Ref.Site
				}
			}
			if !found {
				t.Errorf("%s is read as something else", r.Ref.Name())
			}
		}
		if short, err := jobs.Load(p.ID[:6]); err != nil || short.ID != p.ID {
			t.Errorf("a shortened id gives %v", err)
		}
		if _, err := jobs.Load("nothing"); !errors.Is(err, journal.ErrNoJob) {
			t.Errorf("an unknown id gives %v", err)
		}
		again, err := jobs.Retry(t.Context(), l.client, p.ID, l.binding(), SomeFailed, PlanOptions{})
		if err != nil || len(again.Targets) != 1 || again.Targets[0].ID != refs[1].ID || again.RetryOf != p.ID {
			t.Errorf("the retry is %+v, %v", again, err)
		}
		if err := jobs.Tidy(p.Finished.Add(89 * 24 * time.Hour)); err != nil {
			t.Error(err)
		}
		if list, _, _ := jobs.List(); len(list) != 1 {
			t.Error("a job of 89 days is gone")
		}
		if err := jobs.Tidy(time.Now().Add(91 * 24 * time.Hour)); err != nil {
			t.Error(err)
		}
		if list, _, _ := jobs.List(); len(list) != 0 {
			t.Error("a job of 91 days is kept")
		}
	})
}

// TestCutJournalsAreResumedOrRefused cuts a finished job's journal at every byte. Whatever is left, a resume sends
// nothing to a machine for which an intent was written, and everything to the others.
func TestCutJournalsAreResumedOrRefused(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 4)
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{BatchSize: 2}), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(jobs.dir.Path(), job.ID+".journal")
		raw, err := os.ReadFile(path) //nolint:gosec // our own
		if err != nil {
			t.Fatal(err)
		}
		states := map[JobState]int{}
		for n := range len(raw) + 1 {
			if err := os.WriteFile(path, raw[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := jobs.Load(job.ID)
			if err != nil {
				if !errors.Is(err, journal.ErrNoBeginning) || strings.Count(string(raw[:n]), "\n") > 1 {
					t.Fatalf("cut at %d: %v", n, err)
				}
				continue
			}
			states[p.State]++
			if got := p.Count(Waiting) + p.Count(Unknown) + p.Count(Sent); got != 4 || p.State == JobDone && p.Count(Sent) != 4 {
				t.Fatalf("cut at %d: %s, %s", n, p.State, p.Words())
			}
			intents := strings.Count(string(raw[:strings.LastIndexByte(string(raw[:n]), '\n')+1]), `"kind":"intent"`)
			if p.Count(Unknown)+p.Count(Sent) != 2*intents {
				t.Fatalf("cut at %d: %d intents give %s", n, intents, p.Words())
			}
		}
		if states[JobInterrupted] == 0 || states[JobDone] == 0 {
			t.Errorf("the states met are %v", states)
		}
	})
}

// stopInTheMiddle cancels a job of single requests when the first has an outcome and the third is about to leave.
func stopInTheMiddle(cancel func()) func(Edge) {
	var intents atomic.Int64
	first := make(chan struct{})
	var once sync.Once
	return func(e Edge) {
		switch {
		case e == EdgeOutcome:
			once.Do(func() { close(first) })
		case e == EdgeIntended && intents.Add(1) == 3:
			<-first
			cancel()
		}
	}
}

func TestResumeNeverRepeats(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 6)
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p := l.plan(t, "scan", refs, PlanOptions{BatchSize: 1})
		o := RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs")), Edge: stopInTheMiddle(cancel)}
		job, err := p.Run(ctx, l.client, o)
		if err != nil || job.Count(Cancelled) == 0 || job.Count(Sent) == 0 {
			t.Fatalf("%v, %s", err, job.Words())
		}
		jobs := NewJobs(o.Journal)
		other := l.binding()
		other.User = "somebody else"
		if _, err := jobs.Resume(t.Context(), l.client, job.ID, other, RunOptions{}); err == nil {
			t.Error("somebody else may resume the job")
		}
		log, _, err := o.Journal.Hold(job.ID)
		if err != nil {
			t.Fatal(err)
		}
		var busy *journal.BusyError
		if _, err := jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); !errors.As(err, &busy) || busy.Holder.PID != os.Getpid() {
			t.Errorf("a held job gives %v", err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		job, err = jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
		if err != nil || job.Count(Sent) != 6 {
			t.Fatalf("%v, %s", err, job.Words())
		}
		for _, r := range refs {
			if n := l.given(r.ID, "scan", start); n != 1 {
				t.Errorf("%s got it %d times", r.Name(), n)
			}
		}
		if p, err := jobs.Load(job.ID); err != nil || p.State != JobDone || p.Open() {
			t.Errorf("at the end it is %s, %v", p.State, err)
		}
	})
}

func TestALostSignInPauses(t *testing.T) {
	for _, back := range []bool{true, false} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.pick(t, 0, 6)
			p := l.plan(t, "scan", refs, PlanOptions{BatchSize: 2})
			start, pauses := time.Now(), 0
			var lost atomic.Bool
			lost.Store(true)
			l.intercept = func(r *http.Request) (*http.Response, error) {
				if lost.Load() && r.Method == http.MethodPost && !strings.HasPrefix(r.URL.Path, "/auth/") {
					answer := status(http.StatusUnauthorized)
					answer.Body = readCloser(`{"statusCode":401,"requestId":"r","error":"invalid_token","error_description":"expired"}`)
					return answer, nil
				}
				return nil, nil
			}
			o := RunOptions{}
			if back {
				o.Pause = func(context.Context, error) error { pauses++; lost.Store(false); return nil }
			}
			job, jobs, err := l.journalled(t, p, o)
			if back {
				if err != nil || job.Count(Sent) != 6 || pauses != 1 {
					t.Errorf("%v, %s after %d pauses", err, job.Words(), pauses)
				}
			} else {
				if !errors.Is(err, unity.ErrUnauthenticated) || job.Count(Cancelled) != 6 {
					t.Errorf("%v, %s", err, job.Words())
				}
				past, err := jobs.Load(job.ID)
				if err != nil || past.State != JobInterrupted || past.Unsent() != 6 {
					t.Fatalf("%v, %s with %d unsent", err, past.State, past.Unsent())
				}
				lost.Store(false)
				if job, err = jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Sent) != 6 {
					t.Errorf("resumed: %v, %s", err, job.Words())
				}
			}
			for _, r := range refs {
				if n := l.given(r.ID, "scan", start); n != 1 {
					t.Errorf("%s got it %d times", r.Name(), n)
				}
			}
		})
	}
}

func TestResendUnknown(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 2)
		posts := 0
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/commands") {
				if posts++; posts == 1 {
					return nil, errors.New("connection reset by peer")
				}
			}
			return nil, nil
		}
		job, _, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{}), RunOptions{ResendUnknown: true})
		if err != nil || job.Count(Sent) != 2 || posts != 2 {
			t.Errorf("%v, %s after %d requests", err, job.Words(), posts)
		}
	})
}

func TestMoveAndPutBack(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 60, Seed: 4}, func(t *testing.T, l *lab) {
		w := l.sim.World()
		site := unity.SiteID(w.Sites[0].ID)
		groups, err := l.client.Groups(t.Context(), site)
		if err != nil || len(groups) < 2 {
			t.Fatalf("%d groups, %v", len(groups), err)
		}
		refs := l.pick(t, 0, 8)
		op, err := OperationByID("endpoint.move", Args{{ArgGroup, string(groups[0].ID)}})
		if err != nil {
			t.Fatal(err)
		}
		before := l.groupsOf(t, refs)
		targets, err := Freeze(l.binding(), refs)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Make(t.Context(), l.client, op, targets, PlanOptions{})
		if err != nil || len(p.Targets) == 0 {
			t.Fatalf("%d targets, %v", len(p.Targets), err)
		}
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil || job.Count(Sent) != len(p.Targets) {
			t.Fatalf("%v, %s", err, job.Words())
		}
		for id, g := range l.groupsOf(t, refs) {
			if g != groups[0].ID {
				t.Errorf("%s is in group %s", id, g)
			}
		}
		back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
		if err != nil || back.RevertOf != job.ID {
			t.Fatal(err)
		}
		if job, err = back.Run(t.Context(), l.client, RunOptions{}); err != nil || job.Count(Sent) != len(p.Targets) {
			t.Fatalf("%v, %s", err, job.Words())
		}
		for id, g := range l.groupsOf(t, refs) {
			if g != before[id] {
				t.Errorf("%s is in group %s and was in %s", id, g, before[id])
			}
		}
		op.Args = Args{{ArgGroup, refsGUID}}
		if _, err := Make(t.Context(), l.client, op, targets, PlanOptions{}); err == nil {
			t.Error("a move to a group of nobody is planned")
		}
	})
}

const refsGUID = "00000000-1111-4222-8333-444444444444"

func (l *lab) groupsOf(t *testing.T, refs []fleet.Ref) map[unity.EndpointID]unity.GroupID {
	t.Helper()
	out := map[unity.EndpointID]unity.GroupID{}
	for _, r := range refs {
		e, err := l.client.Endpoint(t.Context(), r.Site, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		out[r.ID] = e.GroupID
	}
	return out
}

// TestRecordsAreResolvedByReading loses the answers of changes of endpoints' own records.
func TestRecordsAreResolvedByReading(t *testing.T) {
	for _, x := range []struct {
		fault string
		want  State
	}{{"reset-after", Sent}, {"reset-before", Unknown}} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			p := l.plan(t, "deactivate", l.pick(t, 0, 3), PlanOptions{})
			l.intercept = func(r *http.Request) (*http.Response, error) {
				rate := 0.0
				if r.Method == http.MethodPost {
					rate = 1
				}
				return nil, l.sim.SetFault(x.fault, rate)
			}
			job, jobs, err := l.journalled(t, p, RunOptions{})
			if err != nil || job.Count(x.want) != 3 {
				t.Errorf("%s: %v, %s (%s)", x.fault, err, job.Words(), job.Results[0].Reason)
			}
			l.intercept = nil
			_ = l.sim.SetFault(x.fault, 0) // it is known: it was set before
			back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if want := map[State]int{Sent: 3, Unknown: 0}[x.want]; len(back.Targets) != want || back.Operation.ID != "endpoint.reactivate" {
				t.Errorf("%s: the inverse has %d targets and %d skipped", x.fault, len(back.Targets), len(back.Skipped))
			}
		})
	}
}

// TestAJournalThatTakesNoMoreStopsTheJob has the disk fail in the middle: what cannot be written down first is not sent.
func TestAJournalThatTakesNoMoreStopsTheJob(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 4)
		start := time.Now()
		r := newRunner(l.plan(t, "scan", refs, PlanOptions{BatchSize: 2}), l.client, RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs"))})
		if err := r.begin(); err != nil {
			t.Fatal(err)
		}
		r.send(t.Context(), r.plan.Batches[0])
		if err := r.log.Close(); err != nil {
			t.Fatal(err)
		}
		job, err := r.carryOut(t.Context(), r.plan.Batches[1:])
		if err == nil || job.Count(Sent) != 2 || job.Count(Cancelled) != 2 {
			t.Errorf("%v, %s", err, job.Words())
		}
		for i, want := range []int{1, 1, 0, 0} {
			if n := l.given(refs[i].ID, "scan", start); n != want {
				t.Errorf("target %d got it %d times", i, n)
			}
		}
	})
}

// TestTrackingSurvives follows a job, ends, and reads how far its agents were.
func TestTrackingSurvives(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 2)
		job, jobs, err := l.journalled(t, l.plan(t, "scan", refs, PlanOptions{}), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.sim.Poll(string(refs[0].ID)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := jobs.Track(ctx, l.client, job, func(Tracked) {}); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		p, err := jobs.Load(job.ID)
		if err != nil || p.Tracked(refs[0].ID) != unity.StateExecuted || p.Tracked(refs[1].ID) != unity.StateNotYetReceived {
			t.Fatalf("%v, %s and %s", err, p.Tracked(refs[0].ID), p.Tracked(refs[1].ID))
		}
		l.sim.Advance(31 * 24 * time.Hour)
		if err := jobs.Track(t.Context(), l.client, &p.Job, func(Tracked) {}); err != nil {
			t.Fatal(err)
		}
		again, err := jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeElapsed, PlanOptions{})
		if err != nil || len(again.Targets) != 1 || again.Targets[0].ID != refs[1].ID {
			t.Errorf("the elapsed ones are %+v, %v", again, err)
		}
	})
}
