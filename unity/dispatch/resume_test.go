package dispatch

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// broken gives an audit that can be opened and takes no line.
func broken(t *testing.T) *Audit {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	if err := os.WriteFile(path, make([]byte, auditSize), 0o600); err != nil {
		t.Fatal(err)
	}
	// It is full, and the oldest one cannot be replaced.
	if err := os.WriteFile(path+".4", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path+".5", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	return NewAudit(path, "main", true)
}

// left runs a plan of single requests that is stopped in the middle.
func (l *lab) left(t *testing.T, name string, refs []fleet.Ref) (*Job, RunOptions) {
	t.Helper()
	dir, _ := inFolder(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	job, err := l.plan(t, name, refs, PlanOptions{BatchSize: 1}).Run(ctx, l.client, RunOptions{Journal: dir, Edge: stopInTheMiddle(cancel)})
	if err != nil || job.Count(Cancelled) == 0 || job.Count(Sent) == 0 {
		t.Fatalf("%s, %v", job.Words(), err)
	}
	return job, RunOptions{Journal: dir}
}

// TestAnAuditThatFailsKeepsTheJournal resumes a job whose audit takes no line: nothing is sent, and the job is still there. A new
// job leaves nothing behind.
func TestAnAuditThatFailsKeepsTheJournal(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 6)
		start := time.Now()
		job, o := l.left(t, "scan", refs)
		jobs := NewJobs(o.Journal)
		was, err := jobs.Load(job.ID)
		if err != nil {
			t.Fatal(err)
		}
		l.sim.ResetLog()
		if _, err := jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{Audit: broken(t)}); err == nil {
			t.Error("a resume without an audit goes on")
		}
		is, err := jobs.Load(job.ID)
		if err != nil || is.Words() != was.Words() || is.Unsent() != was.Unsent() || len(l.sent()) != 0 {
			t.Fatalf("%d requests, and afterwards: %v", len(l.sent()), err)
		}
		if _, err := l.plan(t, "restart", refs, PlanOptions{}).Run(t.Context(), l.client, RunOptions{Journal: o.Journal, Audit: broken(t)}); err == nil {
			t.Error("a job without an audit begins")
		}
		if list, bad, err := jobs.List(); err != nil || len(list) != 1 || len(bad) != 0 {
			t.Errorf("%d jobs, %d unreadable, %v", len(list), len(bad), err)
		}
		if job, err = jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Sent) != 6 {
			t.Errorf("%s, %v", job.Words(), err)
		}
		l.once(t, refs, "scan", start)
	})
}

// TestAResumeDoesNotRepeatWhatOthersGave: what machines were given after the job was planned, by whomever, is not given again,
// whether it still waits or not.
func TestAResumeDoesNotRepeatWhatOthersGave(t *testing.T) {
	for _, fetched := range []bool{false, true} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.silent(t, 5)
			start := time.Now()
			job, o := l.left(t, "restart", refs)
			_ = wait(t.Context(), 24*time.Hour)
			if _, err := l.plan(t, "restart", refs, PlanOptions{}).Run(t.Context(), l.client, o); err != nil {
				t.Fatal(err)
			}
			if fetched {
				for _, r := range refs {
					if err := l.sim.Poll(string(r.ID)); err != nil {
						t.Fatal(err)
					}
				}
			}
			_ = wait(t.Context(), time.Hour)
			unsent := job.Count(Cancelled)
			job, err := NewJobs(o.Journal).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
			if err != nil || job.Count(Skipped) != unsent || job.Count(Cancelled) != 0 {
				t.Errorf("fetched %v: %s, %v", fetched, job.Words(), err)
			}
			for _, r := range job.Results {
				if r.State == Skipped && !strings.Contains(r.Reason, "the same command") {
					t.Errorf("%s: %s", r.Ref.Name(), r.Reason)
				}
			}
			l.once(t, refs, "restart", start)
		})
	}
}

// TestAResumeDoesNotUndoWhatOthersGave has an isolation taken back before the rest of it is resumed.
func TestAResumeDoesNotUndoWhatOthersGave(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 5)
		start := time.Now()
		job, o := l.left(t, "isolate", refs)
		_ = wait(t.Context(), time.Minute)
		for _, r := range job.Results {
			if r.State != Cancelled {
				continue
			}
			if err := l.sim.AddCommand(string(r.Ref.ID), unity.CommandIsolate, "off", time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		unsent, sent := job.Count(Cancelled), job.Count(Sent)
		job, err := NewJobs(o.Journal).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
		if err != nil || job.Count(Skipped) != unsent || job.Count(Sent) != sent {
			t.Errorf("%s, %v", job.Words(), err)
		}
		for _, r := range job.Results {
			if r.State == Skipped && (!strings.Contains(r.Reason, "release, which does the opposite") || l.given(r.Ref.ID, unity.CommandIsolate, start) != 1) {
				t.Errorf("%s: %s", r.Ref.Name(), r.Reason)
			}
		}
	})
}

// TestAResumeNeedsTheListThatThePlanHad: while the commands under way cannot be read, the rest stays unsent and can be resumed.
func TestAResumeNeedsTheListThatThePlanHad(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 5)
		start := time.Now()
		job, o := l.left(t, "restart", refs)
		sent := job.Count(Sent)
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if isList(r) {
				return status(http.StatusForbidden), nil
			}
			return nil, nil
		}
		job, err := NewJobs(o.Journal).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
		if err != nil || job.Count(Sent) != sent || job.Count(Cancelled) != 5-sent {
			t.Errorf("%s, %v", job.Words(), err)
		}
		l.intercept = nil
		if job, err = NewJobs(o.Journal).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Sent) != 5 {
			t.Errorf("%s, %v", job.Words(), err)
		}
		l.once(t, refs, "restart", start)
	})
}

// TestAResumeThatReadsIsSeenByOthers looks at a cancelled job, as another process would, while a resume reads its machines: it is
// run, then cancelled again where somebody stops it, and interrupted where its process ends.
func TestAResumeThatReadsIsSeenByOthers(t *testing.T) {
	for _, killed := range []bool{false, true} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.silent(t, 6)
			job, o := l.left(t, "scan", refs)
			others := NewJobs(o.Journal)
			look := func(want JobState, unsent int) {
				t.Helper()
				d, err := others.Digest(job.ID)
				if err != nil || d.State != want || d.Unsent() != unsent || !d.Finished.IsZero() != (want == JobCancelled) {
					t.Errorf("the list says %s since %v with %d unsent, %v; want %s with %d", d.State, d.Finished, d.Unsent(), err, want, unsent)
				}
				p, err := NewJobs(o.Journal).Load(job.ID)
				if err != nil || p.State != want || p.Unsent() != unsent || p.Open() != (want != JobRunning) {
					t.Errorf("the job is %s with %d unsent, open %v, %v; want %s with %d", p.State, p.Unsent(), p.Open(), err, want, unsent)
				}
			}
			unsent := job.Count(Cancelled)
			look(JobCancelled, unsent)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var notes []string
			var reads atomic.Int32
			l.intercept = func(req *http.Request) (*http.Response, error) {
				if reads.Add(1) == 2 {
					look(JobRunning, unsent)
					if killed { // as far as the journal goes: nothing more is written
						raw, err := os.ReadFile(filepath.Join(o.Journal.Path(), job.ID+".journal"))
						if err == nil {
							err = os.WriteFile(filepath.Join(o.Journal.Path(), "copy"), raw, 0o600)
						}
						if err != nil {
							t.Error(err)
						}
					}
					cancel()
					return nil, req.Context().Err()
				}
				return nil, nil
			}
			l.sim.ResetLog()
			again, err := NewJobs(o.Journal).Resume(ctx, l.client, job.ID, l.binding(), RunOptions{Report: func(j Job) {
				if j.ReadsFirst() {
					notes = append(notes, j.Note)
				}
			}})
			l.intercept = nil
			if again == nil || again.Count(Cancelled) != unsent || len(l.sent()) != 0 {
				t.Fatalf("%+v, %v, %d requests", again, err, len(l.sent()))
			}
			if len(notes) == 0 || notes[0] != NoteReading(0, unsent) {
				t.Errorf("it said %q of its reading", notes)
			}
			if !killed {
				look(JobCancelled, unsent)
				return
			}
			if err := os.Rename(filepath.Join(o.Journal.Path(), "copy"), filepath.Join(o.Journal.Path(), job.ID+".journal")); err != nil {
				t.Fatal(err)
			}
			others = NewJobs(o.Journal)
			look(JobInterrupted, unsent)
			done, err := others.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
			if err != nil || done.Count(Sent) != 6 {
				t.Errorf("%s, %v", done.Words(), err)
			}
		})
	}
}
