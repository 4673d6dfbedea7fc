package change_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// past plans a change, carries it out with a journal, and gives the folder's jobs and the job.
func (l *lab) past(o dispatch.RunOptions, p *change.Prepared, err error) *dispatch.Job {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
	plan, err := dispatch.MakeObject(l.Context(), l.c, p.ObjectChange, dispatch.PlanOptions{Binding: l.binding()})
	if err != nil {
		l.Fatal(err)
	}
	job, err := plan.Run(l.Context(), l.c, o)
	if err != nil {
		l.Fatal(err)
	}
	return job
}

func (l *lab) binding() dispatch.Binding {
	return dispatch.Binding{BaseURL: l.c.BaseURL(), Key: l.c.Key()}
}

func (l *lab) journal() (*dispatch.Jobs, dispatch.RunOptions) {
	dir := journal.At(filepath.Join(l.TempDir(), "jobs"))
	return dispatch.NewJobs(dir), dispatch.RunOptions{Journal: dir}
}

func TestAnEditIsTakenBackOnlyAsItWasLeft(t *testing.T) {
	l := newLab(t)
	jobs, o := l.journal()
	site := l.site()
	edited := func(id, text string) *dispatch.Job {
		t.Helper()
		s := l.read(string(site.ID))
		p, err := change.EditSite(t.Context(), l.c, s, edit.Values{id: text})
		return l.past(o, p, err)
	}
	seats := "Seats"
	was := site.DevicesAllowed.N
	first := edited(seats, "131")
	way, err := change.Revert(t.Context(), l.c, jobs, first.ID, l.binding(), dispatch.PlanOptions{})
	if plan := way.Plan; err != nil || way.Object == nil || plan.RevertOf != first.ID || plan.Object.Verb != "edit back" || len(plan.Object.Diff) != 1 || plan.Object.Diff[0].Before != "131" {
		t.Fatalf("%v: %+v", err, way)
	}
	edited(seats, "400") // by a colleague
	var state *change.StateError
	if _, err := change.Revert(t.Context(), l.c, jobs, first.ID, l.binding(), dispatch.PlanOptions{}); !errors.As(err, &state) || !strings.Contains(err.Error(), `"400" and not "131"`) {
		t.Errorf("the colleague's 400 is overwritten: %v", err)
	}
	edited("Comments", "another field does not matter")
	edited(seats, "131")
	if way, err = change.Revert(t.Context(), l.c, jobs, first.ID, l.binding(), dispatch.PlanOptions{}); err != nil {
		t.Fatal(err)
	}
	if job, err := way.Plan.Run(t.Context(), l.c, o); err != nil || job.Count(dispatch.Sent) != 1 {
		t.Fatal(err)
	}
	if out, err := way.Object.After(t.Context(), l.c); err != nil || len(out.Alarms) > 0 {
		t.Errorf("%v, %q", err, out.Alarms)
	}
	if now := l.read(string(site.ID)); now.DevicesAllowed.N != was {
		t.Errorf("%d seats instead of %d", now.DevicesAllowed.N, was)
	}
	if _, err := change.Revert(t.Context(), l.c, jobs, first.ID, l.binding(), dispatch.PlanOptions{}); !errors.As(err, &state) || !strings.Contains(err.Error(), "as it was before") {
		t.Errorf("a second time: %v", err)
	}
}

func TestASuspensionIsTakenBackAsTheSiteIsNow(t *testing.T) {
	l := newLab(t)
	jobs, o := l.journal()
	site := l.site()
	p, err := change.SiteState(t.Context(), l.c, site, unity.SiteSuspend)
	job := l.past(o, p, err)
	if _, err := l.sim.InsertEndpoint(string(site.ID), "NEWCOMER-01"); err != nil {
		t.Fatal(err)
	}
	way, err := change.Revert(t.Context(), l.c, jobs, job.ID, l.binding(), dispatch.PlanOptions{})
	plan := way.Plan
	if err != nil || plan.Operation.ID != "site.resume" {
		t.Fatalf("%v: %+v", err, plan)
	}
	if now := l.read(string(site.ID)); plan.Machines() != int(now.TotalEndpoints.N) || plan.Machines() == p.Touches {
		t.Errorf("it touches %d machines of %d; it was %d", plan.Machines(), now.TotalEndpoints.N, p.Touches)
	}
	if _, err := plan.Run(t.Context(), l.c, o); err != nil {
		t.Fatal(err)
	}
	var state *change.StateError
	if _, err := change.Revert(t.Context(), l.c, jobs, job.ID, l.binding(), dispatch.PlanOptions{}); !errors.As(err, &state) {
		t.Errorf("a site that is active is resumed: %v", err)
	}
}

func TestAFailedChangeIsPreparedAnew(t *testing.T) {
	l := newLab(t)
	jobs, o := l.journal()
	site := l.site()
	suspend, err := change.SiteState(t.Context(), l.c, site, unity.SiteSuspend)
	l.run(change.SiteState(t.Context(), l.c, site, unity.SiteSuspend)) // a colleague is faster
	job := l.past(o, suspend, err)
	if job.Count(dispatch.Failed) != 1 {
		t.Fatal(job.Words())
	}
	retry := func() (*dispatch.Plan, error) {
		way, err := change.Retry(t.Context(), l.c, jobs, job.ID, l.binding(), dispatch.SomeFailed, dispatch.PlanOptions{})
		return way.Plan, err
	}
	var state *change.StateError
	if _, err := retry(); !errors.As(err, &state) {
		t.Errorf("what is so already is planned: %v", err)
	}
	l.run(change.SiteState(t.Context(), l.c, l.read(string(site.ID)), unity.SiteResume))
	if _, err := l.sim.InsertEndpoint(string(site.ID), "NEWCOMER-01"); err != nil {
		t.Fatal(err)
	}
	plan, err := retry()
	if err != nil || plan.RetryOf != job.ID || plan.Machines() != suspend.Touches+1 {
		t.Fatalf("%v: %+v", err, plan)
	}
	if again, err := plan.Run(t.Context(), l.c, o); err != nil || again.Count(dispatch.Sent) != 1 {
		t.Fatal(err)
	}
	if _, err := retry(); !errors.Is(err, dispatch.ErrNothingToDo) {
		t.Errorf("a second time: %v", err)
	}
}

func TestPoliciesThatRemoveProtectionAreNamed(t *testing.T) {
	l := newLab(t)
	site := l.site()
	policies, err := l.c.SitePolicies(t.Context(), site.ID)
	if err != nil {
		t.Fatal(err)
	}
	id := func(name string) string {
		t.Helper()
		i := slices.IndexFunc(policies, func(p unity.Policy) bool { return unity.Fold(p.Name.Raw()) == name })
		if i < 0 {
			t.Fatalf("no policy %s", name)
		}
		return string(policies[i].ID)
	}
	warns := func(p *change.Prepared) bool {
		return slices.ContainsFunc(p.Warnings, func(w string) bool { return strings.Contains(w, "Unmanaged leaves the protection") })
	}
	for _, name := range []string{"unmanaged", "silent audit"} {
		bad := name == "unmanaged"
		risk := map[bool]dispatch.Risk{true: dispatch.Destroy, false: dispatch.Disrupt}[bad]
		p, err := change.EditSite(t.Context(), l.c, site, edit.Values{"PolicyId": id(name)})
		if err != nil || p.Risk != risk || warns(p) != bad || unity.Fold(p.Diff[0].After) != name || unity.IsGUID(p.Diff[0].Before) {
			t.Errorf("site edit: %v, %s, %q, %+v", err, p.Risk, p.Warnings, p.Diff)
		}
		p, err = change.CreateGroup(t.Context(), l.c, site, edit.Values{"GroupName": "G " + name, "GroupDescription": "x", "PolicyId": id(name)})
		if err != nil || warns(p) != bad {
			t.Errorf("group create: %v, %q", err, p.Warnings)
		}
		group := l.run(p, nil).Group
		groups, err := l.c.Groups(t.Context(), site.ID)
		if err != nil || group == nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(groups, func(g unity.Group) bool { return g.ID != group.ID })
		if p, err = change.DeleteGroup(t.Context(), l.c, site, &groups[i], group); err != nil || warns(p) != bad {
			t.Errorf("group delete: %v, %q", err, p.Warnings)
		}
		if p, err = change.EditGroup(t.Context(), l.c, site, &groups[i], edit.Values{"PolicyId": id(name)}); err != nil || warns(p) != bad || (p.Risk == dispatch.Destroy) != bad {
			t.Errorf("group edit: %v, %q", err, p.Warnings)
		}
		l.run(p, err) // passes the gate, since it is counted
	}
}
