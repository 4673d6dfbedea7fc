package dispatch

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestAfterALongPauseEverythingIsReadAgain loses the sign-in over night: what is another machine by then gets nothing, and the
// others are read once.
func TestAfterALongPauseEverythingIsReadAgain(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 4)
		start, p := time.Now(), l.plan(t, "uninstall", refs, PlanOptions{BatchSize: 2})
		var lost atomic.Bool
		var reads atomic.Int64
		lost.Store(true)
		l.intercept = func(r *http.Request) (*http.Response, error) {
			switch {
			case lost.Load() && isPost(r):
				answer := status(http.StatusUnauthorized)
				answer.Body = readCloser(`{"statusCode":401,"requestId":"r","error":"invalid_token","error_description":"expired"}`)
				return answer, nil
			case r.Method == http.MethodGet && !isList(r):
				reads.Add(1)
			}
			return nil, nil
		}
		job, jobs, err := l.journalled(t, p, RunOptions{Pause: func(ctx context.Context, _ error) error {
			defer lost.Store(false)
			return errors.Join(wait(ctx, 14*time.Hour), l.sim.RenameEndpoint(string(refs[0].ID), "CEO-LAPTOP"))
		}})
		if err != nil || job.Count(Sent) != 3 || job.Count(Skipped) != 1 || reads.Load() != 4 {
			t.Errorf("%s after %d reads, %v", job.Words(), reads.Load(), err)
		}
		for i, r := range refs {
			if n := l.given(r.ID, "uninstall", start); n != map[bool]int{true: 0, false: 1}[i == 0] {
				t.Errorf("machine %d got it %d times", i, n)
			}
		}
		past, err := jobs.Load(job.ID)
		if err != nil || past.Count(Skipped) != 1 || past.State != JobDone {
			t.Errorf("the journal says %s, %v", past.Words(), err)
		}
	})
}

// TestASlowJobReadsAgainAsItGoes has a job that takes minutes: what is renamed in its second minute is not sent to later, what
// cannot be read is left for a resume, and each machine is read once a minute at most.
func TestASlowJobReadsAgainAsItGoes(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 1, Endpoints: 120, Seed: 9}, func(t *testing.T, l *lab) {
		refs := l.silent(t, 50)
		start, p := time.Now(), l.plan(t, "restart", refs, PlanOptions{BatchSize: 1})
		reads, seen := 0, map[string]time.Time{}
		var mu sync.Mutex
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if isPost(r) {
				return nil, wait(r.Context(), 29*time.Second)
			}
			id := strings.ToLower(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
			if r.Method != http.MethodGet || !unity.IsGUID(id) {
				return nil, nil
			}
			mu.Lock()
			defer mu.Unlock()
			reads++
			if last, again := seen[id]; again && time.Since(last) <= time.Minute {
				t.Errorf("%s is read again after %s", id, time.Since(last))
			}
			seen[id] = time.Now()
			if id == string(refs[48].ID) {
				return status(http.StatusForbidden), nil
			}
			return nil, nil
		}
		renamed := false
		job, _, err := l.journalled(t, p, RunOptions{Report: func(j Job) {
			if !renamed && j.Count(Sent) == 2 {
				renamed = true
				if err := l.sim.RenameEndpoint(string(refs[49].ID), "CEO-LAPTOP"); err != nil {
					t.Error(err)
				}
			}
		}})
		took := time.Since(start)
		if err != nil || job.Count(Sent) != 48 || job.Count(Skipped) != 1 || job.Count(Cancelled) != 1 || reads == 0 {
			t.Errorf("%s after %d reads and %s, %v", job.Words(), reads, took, err)
		}
		if l.given(refs[49].ID, "restart", start) != 0 {
			t.Error("the renamed machine got it")
		}
	})
}

// TestAnObjectIsReadAgainBeforeAnOldChangeGoes suspends a site long after the question was put.
func TestAnObjectIsReadAgainBeforeAnOldChangeGoes(t *testing.T) {
	for _, x := range []struct {
		name  string
		again func(ObjectChange) (*ObjectChange, error) // nil: it cannot be made anew
		says  string                                    // "" goes
	}{
		{"as it was", func(ch ObjectChange) (*ObjectChange, error) { return &ch, nil }, ""},
		{"cannot be made anew", nil, "has to be planned anew"},
		{"more machines", func(ch ObjectChange) (*ObjectChange, error) { ch.Touches = 63; return &ch, nil }, "63 machines and concerned 3"},
		{"another value", func(ch ObjectChange) (*ObjectChange, error) {
			ch.Diff = []FieldChange{{"Suspended", "true", "true"}}
			return &ch, nil
		}, `Suspended is "true" and was "false"`},
		{"another name", func(ch ObjectChange) (*ObjectChange, error) { ch.Name = "Harbour"; return &ch, nil }, "it is called Harbour"},
		{"another request", func(ch ObjectChange) (*ObjectChange, error) { ch.Request.Body = []byte("{}"); return &ch, nil }, "something else"},
		{"graver", func(ch ObjectChange) (*ObjectChange, error) { ch.Risk = Destroy + 1; return &ch, nil }, "it is a"},
		{"a new warning", func(ch ObjectChange) (*ObjectChange, error) { ch.Warnings = []string{"beware"}; return &ch, nil }, "beware"},
		{"refused", func(ObjectChange) (*ObjectChange, error) { return nil, errors.New("it is suspended already") }, "suspended already"},
	} {
		t.Run(x.name, func(t *testing.T) {
			simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
				ch, asked := l.suspension(t), 0
				if was := ch; x.again != nil {
					ch.Again = func(context.Context, *unity.Client) (*ObjectChange, error) { asked++; return x.again(was) }
				}
				p, err := MakeObject(t.Context(), l.client, ch, PlanOptions{Binding: l.binding()})
				if err != nil {
					t.Fatal(err)
				}
				_ = wait(t.Context(), 10*time.Hour)
				dir, _ := inFolder(t)
				job, err := p.Run(t.Context(), l.client, RunOptions{Journal: dir})
				if x.says == "" {
					if err != nil || job.Count(Sent) != 1 || asked != 1 {
						t.Errorf("%v after %d questions", err, asked)
					}
					return
				}
				if !errors.Is(err, unity.ErrRefused) || !strings.Contains(err.Error(), x.says) || !strings.Contains(err.Error(), "10 h ago") {
					t.Errorf("%v", err)
				}
				if s, serr := l.client.Site(t.Context(), ch.Site); serr != nil || s.Suspended.On {
					t.Errorf("the site is suspended, %v", serr)
				}
				if list, _, lerr := NewJobs(dir).List(); lerr != nil || len(list) != 0 {
					t.Errorf("%d jobs were written down, %v", len(list), lerr)
				}
			})
		})
	}
}

// TestAnObjectIsReadAgainAfterAPause loses the sign-in before the change of an object, for a night.
func TestAnObjectIsReadAgainAfterAPause(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		ch := l.suspension(t)
		ch.Again = func(context.Context, *unity.Client) (*ObjectChange, error) {
			now := ch
			now.Touches++
			return &now, nil
		}
		p, err := MakeObject(t.Context(), l.client, ch, PlanOptions{Binding: l.binding()})
		if err != nil {
			t.Fatal(err)
		}
		posts := 0
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/suspend") {
				posts++
				answer := status(http.StatusUnauthorized)
				answer.Body = readCloser(`{"statusCode":401,"requestId":"r","error":"invalid_token","error_description":"expired"}`)
				return answer, nil
			}
			return nil, nil
		}
		job, _, err := l.journalled(t, p, RunOptions{Pause: func(ctx context.Context, _ error) error { l.intercept = nil; return wait(ctx, 9*time.Hour) }})
		if err != nil || job.Count(Failed) != 1 || !strings.Contains(job.Results[0].Reason, "concerned 3") || posts == 0 {
			t.Errorf("%s: %s, %v", job.Words(), job.Results[0].Reason, err)
		}
	})
}
