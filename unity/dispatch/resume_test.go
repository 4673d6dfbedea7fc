package dispatch

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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
