package dispatch

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// mute lets all readings of a site's machines fail; "" ends it.
func (l *lab) mute(site unity.SiteID, code int) {
	l.intercept = func(r *http.Request) (*http.Response, error) {
		path := strings.ToLower(r.URL.Path)
		if site != "" && r.Method == http.MethodGet && strings.Contains(path, string(site)+"/endpoints") && !strings.HasSuffix(path, "/commands") {
			return status(code), nil
		}
		return nil, nil
	}
}

// ofAllSites gives n machines of each site.
func (l *lab) ofAllSites(t *testing.T, n int) []fleet.Ref {
	t.Helper()
	var refs []fleet.Ref
	for i := range l.sim.World().Sites {
		refs = append(refs, l.pick(t, i, n)...)
	}
	return refs
}

// TestASiteThatDoesNotAnswerIsLeftOutByName, however its machines are read, and the others go.
func TestASiteThatDoesNotAnswerIsLeftOutByName(t *testing.T) {
	for _, x := range []struct {
		name  string
		sites bool // the sites are known, so that a list is read
		code  int
	}{{"lists", true, http.StatusServiceUnavailable}, {"single machines", false, http.StatusForbidden}} {
		t.Run(x.name, func(t *testing.T) {
			simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
				refs, o := l.ofAllSites(t, 3), PlanOptions{Console: "x"}
				if x.sites {
					for _, s := range l.sim.World().Sites {
						o.Sites = append(o.Sites, siteOf(s))
					}
				}
				mute := refs[3].Site
				l.mute(mute, x.code)
				p := l.plan(t, "restart", refs, o)
				if len(p.Targets) != 6 || len(p.Unread) != 3 || len(p.Skipped) != 0 || len(p.Incomplete()) != 1 {
					t.Fatalf("%d targets, %d unread, %d skipped: %q", len(p.Targets), len(p.Unread), len(p.Skipped), p.Incomplete())
				}
				if line := p.Incomplete()[0]; !strings.HasPrefix(line, refs[3].SiteName.String()+": 3 machines left out: it cannot be read again") {
					t.Errorf("it says %q", line)
				}
				job, jobs, err := l.journalled(t, p, RunOptions{})
				if err != nil || job.Count(Sent) != 6 || job.Count(Failed) != 3 {
					t.Fatalf("%s, %v", job.Words(), err)
				}
				for _, e := range l.sent() {
					if strings.Contains(strings.ToLower(e.Path), string(mute)) {
						t.Error("the site got a command")
					}
				}
				past, err := jobs.Load(job.ID)
				if err != nil || past.State != JobPartial || past.Open() || !slices.EqualFunc(past.Results, job.Results, func(a, b Result) bool {
					return a.Ref.ID == b.Ref.ID && a.State == b.State && a.Reason == b.Reason
				}) {
					t.Fatalf("the journal says %s of %s, %v", past.State, past.Words(), err)
				}
				l.mute("", 0)
				again, err := jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeFailed, PlanOptions{})
				if err != nil || len(again.Targets) != 3 || again.Targets[0].Site != mute {
					t.Errorf("again: %v", err)
				}
			})
		})
	}
}

// TestWhereNothingCanBeReadThereIsNoPlan: every site fails, or the sign-in.
func TestWhereNothingCanBeReadThereIsNoPlan(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 1, 3)
		l.mute(refs[0].Site, http.StatusServiceUnavailable)
		frozen, err := Freeze(l.binding(), refs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Make(t.Context(), l.client, operation(t, "restart"), frozen, PlanOptions{}); !errors.Is(err, unity.ErrUnavailable) {
			t.Errorf("%v", err)
		}
		if frozen, err = Freeze(l.binding(), l.ofAllSites(t, 2)); err != nil {
			t.Fatal(err)
		}
		l.mute(refs[0].Site, http.StatusUnauthorized)
		if _, err := Make(t.Context(), l.client, operation(t, "restart"), frozen, PlanOptions{}); !errors.Is(err, unity.ErrUnauthenticated) {
			t.Errorf("%v", err)
		}
	})
}

// TestASiteThatFallsSilentLaterIsLeftForAResume: it answered when the plan was made, and not when it is sent.
func TestASiteThatFallsSilentLaterIsLeftForAResume(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.ofAllSites(t, 2)
		p := l.plan(t, "restart", refs, PlanOptions{})
		_ = wait(t.Context(), 2*time.Minute) // in simulated time
		l.mute(refs[2].Site, http.StatusServiceUnavailable)
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil || job.Count(Sent) != 4 || job.Count(Cancelled) != 2 {
			t.Fatalf("%s, %v", job.Words(), err)
		}
		if _, err := jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); !errors.Is(err, unity.ErrUnavailable) {
			t.Fatalf("resumed while nothing can be read: %v", err)
		}
		l.mute("", 0)
		if job, err = jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Count(Sent) != 6 {
			t.Fatalf("resumed: %v", err)
		}
		if n := len(l.sent()); n != 3 {
			t.Errorf("%d requests for 3 sites", n)
		}
	})
}

// TestAResumeLeavesOutWhatItCannotRead, and the next one sends it.
func TestAResumeLeavesOutWhatItCannotRead(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.ofAllSites(t, 2)
		p := l.plan(t, "restart", refs, PlanOptions{})
		dir := journal.At(t.TempDir())
		r := newRunner(p, l.client, RunOptions{Journal: dir})
		if err := r.begin(); err != nil { // and there the process ends
			t.Fatal(err)
		}
		if err := r.log.Close(); err != nil {
			t.Fatal(err)
		}
		jobs := NewJobs(dir)
		for _, x := range []struct {
			mute            unity.SiteID
			sent, cancelled int
		}{{refs[2].Site, 4, 2}, {"", 6, 0}} {
			l.mute(x.mute, http.StatusServiceUnavailable)
			job, err := jobs.Resume(t.Context(), l.client, r.job.ID, l.binding(), RunOptions{})
			if err != nil || job.Count(Sent) != x.sent || job.Count(Cancelled) != x.cancelled {
				t.Fatalf("%s, %v", job.Words(), err)
			}
		}
	})
}

// TestAPlanSaysHowItsMachinesWereFound, the few odd ones first, and its journal too.
func TestAPlanSaysHowItsMachinesWereFound(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 6)
		for i := range refs[:5] {
			refs[i].Found = fleet.Found{By: "host"}
		}
		refs[3].Found = fleet.Found{By: "user", Not: "host"}
		p := l.plan(t, "restart", refs, PlanOptions{})
		want := []string{"matched user, not host: 1 machine (" + Named(refs[3]) + ")",
			"matched host: 4 machines (" + Named(refs[0]) + ", " + Named(refs[1]) + ", " + Named(refs[2]) + ", …)"}
		if got := p.Found(); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		past, err := jobs.Load(job.ID)
		if err != nil || !slices.Equal(past.story.head.Found, want) {
			t.Errorf("the journal says %q, %v", past.story.head.Found, err)
		}
	})
}
