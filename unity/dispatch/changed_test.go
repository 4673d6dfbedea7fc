package dispatch

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestWhatChangedSinceIsLeftOut retries a job whose machines were renamed and deactivated meanwhile. The plan names them, and
// without them it reaches the others only, each once.
func TestWhatChangedSinceIsLeftOut(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs, start := l.silent(t, 5), time.Now()
		broken := true
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if broken && isPost(r) {
				return status(http.StatusForbidden), nil
			}
			return nil, nil
		}
		job, jobs, err := l.journalled(t, l.plan(t, "restart", refs, PlanOptions{}), RunOptions{})
		if err != nil || job.Count(Failed) != 5 {
			t.Fatalf("%s, %v", job.Words(), err)
		}
		broken = false
		if err := l.sim.RenameEndpoint(string(refs[1].ID), "CEO-LAPTOP"); err != nil {
			t.Fatal(err)
		}
		off, err := l.planOf(t, "endpoint.deactivate", nil, refs[3:4], PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l.run(t, off)
		p, err := jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeFailed, PlanOptions{})
		if err != nil || len(p.Targets) != 5 {
			t.Fatalf("%v, %d targets", err, len(p.Targets))
		}
		var why []string
		for _, s := range p.Changed() {
			why = append(why, string(s.Ref.ID)+" "+s.Reason)
		}
		if len(why) != 2 || !strings.HasPrefix(why[0], string(refs[1].ID)) || !says(why, "is now called CEO-LAPTOP") || !strings.HasPrefix(why[1], string(refs[3].ID)) ||
			!says(why, "has been deactivated since") {
			t.Errorf("%q", why)
		}
		if err := p.WithoutChanged(); err != nil || len(p.Targets) != 3 || len(p.LeftOut()) != 2 || len(p.Changed()) != 0 {
			t.Fatalf("%v, %d targets, %+v left out", err, len(p.Targets), p.LeftOut())
		}
		again, err := p.Run(t.Context(), l.client, RunOptions{Journal: jobs.dir})
		if err != nil || again.Words() != "3 sent, 2 skipped" || !says(again.Warnings, "is now called CEO-LAPTOP") {
			t.Errorf("%v, %s, %q", err, again.Words(), again.Warnings)
		}
		for i, r := range refs {
			if n := l.given(r.ID, "restart", start); n != map[bool]int{true: 1, false: 0}[i != 1 && i != 3] {
				t.Errorf("machine %d got it %d times", i, n)
			}
		}
		past, err := jobs.Load(again.ID)
		if err != nil || past.Count(Skipped) != 2 || !says(past.Warnings, "is now called CEO-LAPTOP") ||
			!slices.ContainsFunc(past.Results, func(r Result) bool { return strings.HasPrefix(r.Reason, notSent+": it was called ") }) {
			t.Errorf("the journal says %s, %q, %v", past.Words(), past.Warnings, err)
		}
	})
}

// TestAReactivationIsForTheDeactivated: what was deactivated after it was chosen is what a reactivation is meant for.
func TestAReactivationIsForTheDeactivated(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 2)
		off, err := l.planOf(t, "endpoint.deactivate", nil, refs, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l.run(t, off)
		p, err := l.planOf(t, "endpoint.reactivate", nil, refs, PlanOptions{})
		if err != nil || len(p.Targets) != 2 || len(p.Changed()) != 0 {
			t.Errorf("%v, %d targets, %+v changed", err, len(p.Targets), p.Changed())
		}
		if p, err = l.planOf(t, "endpoint.set-policy", Args{{ArgPolicy, string(l.policyCalled(t, refs[0].Site, "silent audit"))}}, refs, PlanOptions{}); err != nil || len(p.Changed()) != 2 {
			t.Errorf("%v, %+v changed", err, p.Changed())
		}
	})
}

// TestAMoveToAnotherGroupIsAChange moves machines, as a colleague would, after they were chosen by their group: before the plan, while it
// is looked at, and before what is left of the job is resumed or repeated.
func TestAMoveToAnotherGroupIsAChange(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 60, Seed: 4}, func(t *testing.T, l *lab) {
		refs, start := l.silent(t, 5), time.Now()
		groups, err := l.client.Groups(t.Context(), refs[0].Site)
		if err != nil {
			t.Fatal(err)
		}
		home, away := groups[0].ID, groups[1].ID
		move := func(to unity.GroupID, refs ...fleet.Ref) {
			t.Helper()
			p, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, string(to)}}, refs, PlanOptions{Again: true})
			if err != nil || l.run(t, p).Count(Sent) != len(refs) {
				t.Fatal(err)
			}
		}
		move(home, refs...)
		for i := range refs {
			refs[i].Group = home
		}
		move(away, refs[0])
		p := l.plan(t, "restart", refs, PlanOptions{})
		if got := p.Changed(); len(got) != 1 || got[0].Ref.ID != refs[0].ID || got[0].Reason != "it has been moved to another group since it was chosen" ||
			!says(p.Notices(), "has been moved to another group meanwhile") {
			t.Errorf("%+v, %q", got, p.Notices())
		}
		if err := p.WithoutChanged(); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Minute) // somebody looks at it
		move(away, refs[1])
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if isPost(r) {
				return status(http.StatusForbidden), nil
			}
			return nil, nil
		}
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil || job.Words() != "3 failed, 2 skipped" || !slices.ContainsFunc(job.Results, func(r Result) bool { return r.Reason == movedSince && r.Changed() }) {
			t.Fatalf("%v, %s: %+v", err, job.Words(), job.Results)
		}
		l.intercept = nil
		move(away, refs[2])
		p, err = jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeFailed, PlanOptions{})
		if err != nil || len(p.Targets) != 3 || len(p.Changed()) != 1 || p.Changed()[0].Ref.ID != refs[2].ID {
			t.Fatalf("%v, %+v changed", err, p.Changed())
		}
		if err := p.WithoutChanged(); err != nil {
			t.Fatal(err)
		}
		stop, cancel := context.WithCancel(t.Context())
		cancel()
		job, err = p.Run(stop, l.client, RunOptions{Journal: jobs.dir})
		if err != nil || job.Count(Cancelled) != 2 {
			t.Fatalf("%v, %s", err, job.Words())
		}
		move(away, refs[3])
		if job, err = jobs.Resume(t.Context(), l.client, job.ID, l.binding(), RunOptions{}); err != nil || job.Words() != "1 sent, 2 skipped" {
			t.Errorf("%v, %s", err, job.Words())
		}
		for i, r := range refs {
			if n := l.given(r.ID, "restart", start); n != map[bool]int{true: 1, false: 0}[i == 4] {
				t.Errorf("machine %d got it %d times", i, n)
			}
		}
	})
}

// TestWhereAMoveLeadsIsNoChange: a machine that is where the move would put it is as it was meant, and whatever takes the move back finds it
// there.
func TestWhereAMoveLeadsIsNoChange(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 60, Seed: 4}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 4)
		groups, err := l.client.Groups(t.Context(), refs[0].Site)
		if err != nil {
			t.Fatal(err)
		}
		to := groups[slices.IndexFunc(groups, func(g unity.Group) bool { return g.ID != refs[0].Group })].ID
		first, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, string(to)}}, refs, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		job, jobs, err := l.journalled(t, first, RunOptions{})
		if err != nil || job.Count(Sent) == 0 {
			t.Fatal(err, job.Words())
		}
		again, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, strings.ToUpper(string(to))}, {ArgInheritance, "1"}}, refs, PlanOptions{})
		if err != nil || len(again.Targets) != 4 || len(again.Changed()) != 0 {
			t.Errorf("%v, %+v changed", err, again.Changed())
		}
		back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
		if err != nil || len(back.Targets) != job.Count(Sent) || len(back.Changed()) != 0 {
			t.Errorf("%v, %+v changed", err, back.Changed())
		}
	})
}

// TestNoticesOfChangesNameBoth gives several renamed machines one line that says what each is called now.
func TestNoticesOfChangesNameBoth(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 3)
		for i, r := range refs[:2] {
			if err := l.sim.RenameEndpoint(string(r.ID), []string{"ALPHA", "BETA"}[i]); err != nil {
				t.Fatal(err)
			}
		}
		p := l.plan(t, "restart", refs, PlanOptions{})
		if got := p.Notices(); !says(got, "2 machines are called otherwise than when they were chosen: ") || !says(got, "is ALPHA") || !says(got, "is BETA") {
			t.Errorf("%q", got)
		}
	})
}

// TestAClockThatIsSetWhileSending sets this computer's clock while a request is on its way whose answer is lost: the server's list
// tells all the same that it arrived.
func TestAClockThatIsSetWhileSending(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour} {
		simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
			refs := l.silent(t, 3)
			var set atomic.Int64
			key, err := unity.ParseKeycode(l.creds.GSMKey)
			if err != nil {
				t.Fatal(err)
			}
			l.client, err = unity.New(unity.Options{BaseURL: l.client.BaseURL(), GSMKey: key, Tokens: l, HTTP: &http.Client{Transport: l},
				Now: func() time.Time { return time.Now().Round(0).Add(time.Duration(set.Load())) }})
			if err != nil {
				t.Fatal(err)
			}
			p := l.plan(t, "scan", refs, PlanOptions{})
			l.intercept = func(r *http.Request) (*http.Response, error) {
				if !isPost(r) {
					return nil, nil
				}
				<-time.After(4 * time.Second)
				l.sim.ServeHTTP(httptest.NewRecorder(), r)
				set.Store(int64(jump))
				return nil, errors.New("connection reset by peer")
			}
			job, err := p.Run(t.Context(), l.client, RunOptions{})
			if err != nil || job.Count(Sent) != 3 {
				t.Errorf("set by %s: %s, %v: %s", jump, job.Words(), err, job.Results[0].Reason)
			}
		})
	}
}

// TestALookAtASiteThatNobodyFollows: the last follower may go while it is waited for the time of the look.
func TestALookAtASiteThatNobodyFollows(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		tracker := NewTracker(nil, l.client, l.binding())
		site := l.pick(t, 0, 1)[0].Site
		tracker.sites[site] = &watched{pause: firstLook}
		before := len(l.sim.Log())
		if err := tracker.look(t.Context(), site); err != nil || len(tracker.sites) != 0 || len(l.sim.Log()) != before {
			t.Errorf("%v, %d sites, %d calls", err, len(tracker.sites), len(l.sim.Log())-before)
		}
	})
}
