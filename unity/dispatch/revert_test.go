package dispatch

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

func TestAReleaseIsNotTakenBack(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		job, jobs, err := l.journalled(t, l.plan(t, "release", l.pick(t, 0, 3), PlanOptions{}), RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{}); !errors.Is(err, ErrNoInverse) {
			t.Errorf("machines that nobody had isolated would be: %v", err)
		}
	})
}

func TestOthersIsolationsStay(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 5)
		isolate := func(i int, param string) {
			t.Helper()
			if err := l.sim.AddCommand(string(refs[i].ID), "sysisolate", param, time.Time{}); err != nil {
				t.Fatal(err)
			}
			if err := l.sim.Poll(string(refs[i].ID)); err != nil {
				t.Fatal(err)
			}
		}
		isolate(0, "on") // by a colleague, before
		isolate(1, "on") // and released again before the job
		<-time.After(time.Hour)
		isolate(1, "off")
		<-time.After(60 * 24 * time.Hour)
		job, jobs, err := l.journalled(t, l.plan(t, "isolate", refs, PlanOptions{}), RunOptions{})
		if err != nil || job.Count(Sent) != 5 {
			t.Fatalf("%v, %s", err, job.Words())
		}
		for _, r := range refs {
			_ = l.sim.Poll(string(r.ID))
		}
		<-time.After(time.Hour)
		isolate(2, "on") // by a colleague, after
		back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		left := map[unity.EndpointID]string{}
		for _, s := range back.Skipped {
			left[s.Ref.ID] = s.Reason
		}
		if len(back.Targets) != 3 || !strings.Contains(left[refs[0].ID], "before the job") || !strings.Contains(left[refs[2].ID], "somebody else") {
			t.Errorf("%d targets, %v", len(back.Targets), left)
		}
		if !says(back.Warnings, "does not show which machines are isolated") {
			t.Errorf("%q", back.Warnings)
		}
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/commands") && r.Method == http.MethodGet {
				return status(403), nil
			}
			return nil, nil
		}
		if _, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{}); !errors.Is(err, ErrNoInverse) || !strings.Contains(err.Error(), "cannot be read") {
			t.Errorf("without the list nobody knows who was isolated: %v", err)
		}
	})
}

// TestAMoveBackGoesWhereEachWas takes back a move that gave its machines the policy of their new group: the second step gives each the
// one that it had.
func TestAMoveBackGoesWhereEachWas(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 60, Seed: 4}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 8)
		site := refs[0].Site
		to := l.groupWith(t, site, l.policyCalled(t, site, "silent audit"))
		was, before := map[unity.GroupID]bool{}, l.groupsOf(t, refs)
		for _, g := range before {
			was[g] = true
		}
		if len(was) < 2 {
			t.Fatal("the machines are of one group")
		}
		p, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, string(to)}, {ArgInheritance, "1"}}, refs, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil || job.Count(Sent) != 8 {
			t.Fatalf("%v, %s", err, job.Words())
		}
		back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if line := back.Line(); !strings.HasPrefix(line, "move to where each was (") || strings.Contains(line, "-") {
			t.Errorf("%q", line)
		}
		if says(back.Warnings, "another group now") {
			t.Errorf("%q", back.Warnings)
		}
		if past, err := jobs.Load(job.ID); err != nil || !past.GavePolicies() {
			t.Errorf("%v, the policies are thought to be as they were", err)
		}
		policies, err := jobs.PoliciesBack(t.Context(), l.client, job.ID, l.binding(), refs, PlanOptions{})
		if err != nil || len(policies.Targets) != 8 || policies.RevertOf != job.ID || policies.Operation.ID != "endpoint.set-policy" || says(policies.Warnings, "another policy now") {
			t.Fatalf("%v, %+v", err, policies)
		}
		// A colleague moves one of them once more.
		for g := range was {
			if g == before[refs[0].ID] {
				continue
			}
			if p, err = l.planOf(t, "endpoint.move", Args{{ArgGroup, string(g)}}, refs[:1], PlanOptions{}); err != nil {
				t.Fatal(err)
			}
			l.run(t, p)
			break
		}
		if back, err = jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{}); err != nil || !says(back.Warnings, refs[0].Name()+" is in another group now") {
			t.Errorf("%v, %q", err, back.Warnings)
		}
		again, jobs, err := l.journalled(t, back, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		past, err := jobs.Load(again.ID)
		if err != nil || !strings.HasPrefix(past.Title(), "move to where each was") {
			t.Errorf("%v, %q", err, past.Title())
		}
	})
}

func TestTheWayBackOfOneGroupHasItsName(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 1)
		was := l.groupsOf(t, refs)[refs[0].ID]
		groups, err := l.client.Groups(t.Context(), refs[0].Site)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		for i := range groups {
			if groups[i].ID == was {
				name = groups[i].Name.String()
			}
		}
		p, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, string(l.groupWith(t, refs[0].Site, l.policyCalled(t, refs[0].Site, "silent audit")))}}, refs, PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		job, jobs, err := l.journalled(t, p, RunOptions{})
		if err != nil {
			t.Fatal(err)
		}
		back, err := jobs.Revert(t.Context(), l.client, job.ID, l.binding(), PlanOptions{})
		if err != nil || name == "" || !strings.HasPrefix(back.Line(), "move to "+name+" ") {
			t.Errorf("%v: %q instead of %q", err, back.Line(), name)
		}
	})
}

func TestARetryIsMadeOnce(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 2)
		start := time.Now()
		fail := true
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/commands") && fail {
				return status(409), nil
			}
			return nil, nil
		}
		job, jobs, err := l.journalled(t, l.plan(t, "restart", refs, PlanOptions{}), RunOptions{})
		if err != nil || job.Count(Failed) != 2 {
			t.Fatalf("%v, %s", err, job.Words())
		}
		retry := func() *Plan {
			t.Helper()
			p, err := jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeFailed, PlanOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		// What failed in the second job, too, may be repeated from the first.
		if again, err := retry().Run(t.Context(), l.client, RunOptions{Journal: jobs.dir}); err != nil || again.Count(Failed) != 2 {
			t.Fatal(err)
		}
		fail = false
		first, second := retry(), retry() // both stand on screens
		again, err := first.Run(t.Context(), l.client, RunOptions{Journal: jobs.dir})
		if err != nil || again.Count(Sent) != 2 {
			t.Fatal(err)
		}
		for _, r := range refs {
			_ = l.sim.Poll(string(r.ID)) // the agents fetch it
		}
		<-time.After(time.Hour)
		if _, err := second.Run(t.Context(), l.client, RunOptions{Journal: jobs.dir}); !errors.Is(err, unity.ErrRefused) || !strings.Contains(err.Error(), again.ID) {
			t.Errorf("the second of two: %v", err)
		}
		if _, err := jobs.Retry(t.Context(), l.client, job.ID, l.binding(), SomeFailed, PlanOptions{}); !errors.Is(err, ErrNothingToDo) || !strings.Contains(err.Error(), again.ID) {
			t.Errorf("once more: %v", err)
		}
		for _, r := range refs {
			if n := l.given(r.ID, "restart", start); n != 1 {
				t.Errorf("%s got it %d times", r.Name(), n)
			}
		}
	})
}
