package dispatch

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

func isPost(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/commands")
}

func isList(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/commands")
}

// silent gives n machines of the first site whose agents fetch nothing, so that what they were given stays countable.
func (l *lab) silent(t *testing.T, n int) []fleet.Ref {
	t.Helper()
	refs := l.pick(t, 0, n)
	for _, r := range refs {
		if err := l.sim.StopPolling(string(r.ID)); err != nil {
			t.Fatal(err)
		}
	}
	return refs
}

// lag lets the list of commands show new ones late.
func (l *lab) lag(t *testing.T, d time.Duration) {
	t.Helper()
	l.sim.SetCommandLag(d)
	if err := l.sim.SetFault("command-lag", 1); err != nil {
		t.Fatal(err)
	}
}

// loseFirst loses the answer to the first command, which arrives; further looks at each request first.
func (l *lab) loseFirst(further func(*http.Request) *http.Response) {
	posts := 0
	l.intercept = func(r *http.Request) (*http.Response, error) {
		rate := 0.0
		if isPost(r) {
			if posts++; posts == 1 {
				rate = 1
			}
		}
		if further != nil {
			if answer := further(r); answer != nil {
				return answer, nil
			}
		}
		return nil, l.sim.SetFault("reset-after", rate)
	}
}

// calm ends all faults.
func (l *lab) calm(t *testing.T) {
	t.Helper()
	l.intercept = nil
	if err := l.sim.SetFault("reset-after", 0); err != nil {
		t.Fatal(err)
	}
}

// once checks that every machine got the command one time.
func (l *lab) once(t *testing.T, refs []fleet.Ref, name string, start time.Time) {
	t.Helper()
	for _, r := range refs {
		if n := l.given(r.ID, name, start); n != 1 {
			t.Errorf("%s got %s %d times", r.Name(), name, n)
		}
	}
}

// inFolder gives a folder for journals and what its only journal holds at the moment.
func inFolder(t *testing.T) (*journal.Dir, func() []byte) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "jobs")
	return journal.At(root), func() []byte {
		names, err := filepath.Glob(filepath.Join(root, "*.journal"))
		if err != nil || len(names) != 1 {
			t.Errorf("%d journals, %v", len(names), err)
			return nil
		}
		raw, err := os.ReadFile(names[0])
		if err != nil {
			t.Error(err)
		}
		return raw
	}
}

// rewind puts a journal back to what it was at a crash.
func rewind(t *testing.T, dir *journal.Dir, id string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir.Path(), id+".journal"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWhatMayHaveArrivedIsNeverCalledUnsent stops a job between the loss of an answer and the second request, in each way there
// is: nothing is sent twice, and no machine that has the command is taken for untouched by the resume.
func TestWhatMayHaveArrivedIsNeverCalledUnsent(t *testing.T) {
	for _, x := range []struct {
		name string
		stop time.Duration // when the person stops it
		code int           // how the second request is refused
	}{{"before the second", 20 * time.Second, 0}, {"no sign-in for the second", 0, 401}, {"the second is refused", 0, 403}} {
		t.Run(x.name, func(t *testing.T) {
			simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
				refs := l.silent(t, 2)
				start, p := time.Now(), l.plan(t, "restart", refs, PlanOptions{})
				l.lag(t, 5*time.Minute)
				posts := 0
				l.loseFirst(func(r *http.Request) *http.Response {
					if !isPost(r) {
						return nil
					}
					if posts++; posts == 1 || x.code == 0 {
						return nil
					}
					answer := status(x.code)
					answer.Body = readCloser(`{"statusCode":401,"requestId":"r","error":"invalid_token","error_description":"expired"}`)
					return answer
				})
				ctx := t.Context()
				if x.stop > 0 {
					stopped, cancel := context.WithTimeout(ctx, x.stop)
					defer cancel()
					ctx = stopped
				}
				dir, _ := inFolder(t)
				job, _ := p.Run(ctx, l.client, RunOptions{ResendUnknown: true, Journal: dir})
				past, err := NewJobs(dir).Load(job.ID)
				if err != nil || job.Count(Unknown) != 2 || past.Count(Unknown) != 2 || past.Unsent() != 0 {
					t.Fatalf("%s, the journal says %s, %v", job.Words(), past.Words(), err)
				}
				if x.code != 0 && posts < 2 {
					t.Errorf("%d requests: nothing was sent once more", posts)
				}
				l.calm(t)
				if job, err = NewJobs(dir).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Cancelled) != 0 {
					t.Errorf("%s, %v", job.Words(), err)
				}
				l.once(t, refs, "restart", start)
			})
		})
	}
}

// TestNothingIsRepeatedOnAnEarlyLook has the list readable once, too early: what was not in it then may be in it now. A resume
// with a list that cannot be read does not go by the word of the run before.
func TestNothingIsRepeatedOnAnEarlyLook(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 2)
		start, p := time.Now(), l.plan(t, "restart", refs, PlanOptions{})
		l.lag(t, 8*time.Second)
		lists := 0
		l.loseFirst(func(r *http.Request) *http.Response {
			if isList(r) {
				if lists++; lists > 1 {
					return status(http.StatusForbidden)
				}
			}
			return nil
		})
		dir, _ := inFolder(t)
		job, err := p.Run(t.Context(), l.client, RunOptions{ResendUnknown: true, Journal: dir})
		if err != nil || job.Count(Unknown) != 2 || !strings.HasPrefix(job.Results[0].Reason, notSeen) {
			t.Fatalf("%s: %s, %v", job.Words(), job.Results[0].Reason, err)
		}
		if job, err = NewJobs(dir).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{ResendUnknown: true}); err != nil || job.Count(Unknown) != 2 {
			t.Errorf("%s, %v", job.Words(), err)
		}
		l.once(t, refs, "restart", start)
	})
}

// TestTheIntentIsWrittenWhenTheBytesLeave ends the process after a request that had to wait for its second try: the command is
// found by its time, and not sent again.
func TestTheIntentIsWrittenWhenTheBytesLeave(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 2)
		start, p := time.Now(), l.plan(t, "restart", refs, PlanOptions{})
		posts := 0
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if isPost(r) {
				if posts++; posts == 1 {
					answer := status(http.StatusTooManyRequests)
					answer.Header.Set("Retry-After", "10")
					return answer, nil
				}
			}
			return nil, nil
		}
		dir, now := inFolder(t)
		var crash []byte
		job, err := p.Run(t.Context(), l.client, RunOptions{Journal: dir, Edge: func(e Edge) {
			if e == EdgeAnswered {
				crash = now()
			}
		}})
		if err != nil || job.Count(Sent) != 2 || posts != 2 {
			t.Fatalf("%s after %d requests, %v", job.Words(), posts, err)
		}
		rewind(t, dir, job.ID, crash)
		_ = wait(t.Context(), time.Hour)
		job, err = NewJobs(dir).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{ResendUnknown: true})
		if err != nil || job.Count(Sent) != 2 {
			t.Errorf("%s: %s, %v", job.Words(), job.Results[0].Reason, err)
		}
		l.once(t, refs, "restart", start)
	})
}

// TestAClockThatIsSetMakesNothingAbsent sets the machine's clock by an hour while the answer is lost: no time fits any more, and
// the command that stands in the list forbids a second one.
func TestAClockThatIsSetMakesNothingAbsent(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		var off atomic.Int64
		c, err := unity.New(unity.Options{BaseURL: l.client.BaseURL(), GSMKey: l.client.Key(), Tokens: l, HTTP: &http.Client{Transport: l},
			Now: func() time.Time { return time.Now().Add(time.Duration(off.Load())) }})
		if err != nil {
			t.Fatal(err)
		}
		l.client = c
		refs := l.silent(t, 2)
		start, p := time.Now(), l.plan(t, "restart", refs, PlanOptions{})
		off.Store(int64(-time.Hour))
		l.loseFirst(nil)
		dir, _ := inFolder(t)
		job, err := p.Run(t.Context(), c, RunOptions{Journal: dir, ResendUnknown: true})
		if err != nil || job.Count(Unknown) != 2 || !strings.Contains(job.Results[0].Reason, "time does not fit") {
			t.Errorf("%s: %s, %v", job.Words(), job.Results[0].Reason, err)
		}
		l.once(t, refs, "restart", start)
	})
}

// TestACommandOfSomebodyElseIsNotOurs loses a request for three machines before it arrives, while a colleague gives the same to
// one of them: without a crash, and however often the job is resumed, ours is not said to have arrived.
func TestACommandOfSomebodyElseIsNotOurs(t *testing.T) {
	for _, crash := range []bool{false, true} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.silent(t, 3)
			p := l.plan(t, "scan", refs, PlanOptions{})
			l.intercept = func(r *http.Request) (*http.Response, error) {
				if isPost(r) {
					return nil, errors.New("connection reset by peer")
				}
				return nil, nil
			}
			dir, now := inFolder(t)
			var raw []byte
			job, err := p.Run(t.Context(), l.client, RunOptions{Journal: dir, Edge: func(e Edge) {
				if e == EdgeIntended {
					raw = now()
					if err := l.sim.AddCommand(string(refs[1].ID), "scan", "", time.Time{}); err != nil {
						t.Error(err)
					}
				}
			}})
			if err != nil || job.Count(Unknown) != 3 {
				t.Errorf("crash %v: the run says %s, %v", crash, job.Words(), err)
			}
			if crash {
				rewind(t, dir, job.ID, raw)
			}
			l.intercept = nil
			for i := range 3 {
				job, err = NewJobs(dir).Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{})
				if err != nil || job.Count(Unknown) != 3 {
					t.Errorf("crash %v: resume %d says %s, %v", crash, i+1, job.Words(), err)
				}
			}
		})
	}
}

// TestARetryOfTheUnseenLooksFirst: what the server lists by now is noted as sent in the old job, and not sent again.
func TestARetryOfTheUnseenLooksFirst(t *testing.T) {
	for _, arrives := range []bool{true, false} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.silent(t, 2)
			start, p := time.Now(), l.plan(t, "restart", refs, PlanOptions{})
			l.lag(t, 2*time.Minute)
			l.loseFirst(func(r *http.Request) *http.Response {
				if arrives || !isPost(r) {
					return nil
				}
				return status(http.StatusInternalServerError)
			})
			job, jobs, err := l.journalled(t, p, RunOptions{})
			if err != nil || job.Count(Unknown) != 2 {
				t.Fatalf("%s, %v", job.Words(), err)
			}
			l.calm(t)
			_ = wait(t.Context(), 10*time.Minute)
			again, err := jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeUnseen, PlanOptions{})
			past, lerr := jobs.Load(job.ID)
			if lerr != nil {
				t.Fatal(lerr)
			}
			if arrives {
				if !errors.Is(err, ErrNothingToDo) || past.Count(Sent) != 2 {
					t.Errorf("arrived: %v, the old job says %s", err, past.Words())
				}
			} else {
				if err != nil || len(again.Targets) != 2 || past.Count(Unknown) != 2 {
					t.Fatalf("lost: %v, the old job says %s", err, past.Words())
				}
				if job, err = again.Run(t.Context(), l.client, RunOptions{Journal: jobs.dir}); err != nil || job.Count(Sent) != 2 {
					t.Errorf("lost: %s, %v", job.Words(), err)
				}
			}
			l.once(t, refs, "restart", start)
		})
	}
}

// TestAnErrorInASuccessIsNoYes answers with 200 and the API's error document, or with a body that a success may have.
func TestAnErrorInASuccessIsNoYes(t *testing.T) {
	for body, want := range map[string]State{
		`{"statusCode":400,"requestId":"r","error":"invalid_request","error_description":"EndpointsList is wrong"}`: Unknown,
		`{"error":"invalid_request","error_description":"EndpointsList is wrong"}`:                                  Unknown,
		`{"statusCode":200,"requestId":"r"}`:                                                                        Sent, `{}`: Sent, "": Sent, "not JSON": Unknown,
	} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			p := l.plan(t, "scan", l.pick(t, 0, 2), PlanOptions{})
			l.intercept = func(r *http.Request) (*http.Response, error) {
				if isPost(r) {
					answer := status(http.StatusOK)
					answer.Body = readCloser(body)
					return answer, nil
				}
				return nil, nil
			}
			if job := l.run(t, p); job.Count(want) != 2 {
				t.Errorf("%s: %s (%s)", body, job.Words(), job.Results[0].Reason)
			}
		})
	}
}
