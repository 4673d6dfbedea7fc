package change_test

import (
	"errors"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// of gives the active machines of a site, and where all machines are.
func (l *lab) of(site *unity.Site) (refs []fleet.Ref, at map[string][2]string) {
	at = map[string][2]string{}
	for _, e := range l.sim.World().Endpoints {
		at[e.ID] = [2]string{e.GroupID, e.PolicyID}
		if e.SiteID == string(site.ID) && !e.Deactivated {
			refs = append(refs, fleet.Ref{ID: unity.EndpointID(e.ID), Site: site.ID, SiteName: site.Name, HostName: unity.NewText(e.HostName)})
		}
	}
	return refs, at
}

// movedWithPolicy moves machines to another group, of another policy, and gives them that policy.
func (l *lab) movedWithPolicy(b dispatch.Binding, refs []fleet.Ref, o dispatch.RunOptions) *dispatch.Job {
	l.Helper()
	_, at := l.of(l.site())
	groups, err := l.c.Groups(l.Context(), refs[0].Site)
	if err != nil {
		l.Fatal(err)
	}
	for i := range groups {
		g, err := l.c.Group(l.Context(), refs[0].Site, groups[i].ID)
		if err != nil {
			l.Fatal(err)
		}
		if g.PolicyID == "" || string(g.PolicyID) == at[string(refs[0].ID)][1] || string(g.ID) == at[string(refs[0].ID)][0] {
			continue
		}
		op, err := dispatch.OperationByID("endpoint.move", dispatch.Args{{Name: dispatch.ArgGroup, Value: string(g.ID)}, {Name: dispatch.ArgInheritance, Value: "1"}})
		if err != nil {
			l.Fatal(err)
		}
		frozen, err := dispatch.Freeze(b, refs)
		if err != nil {
			l.Fatal(err)
		}
		plan, err := dispatch.Make(l.Context(), l.c, op, frozen, dispatch.PlanOptions{})
		if err != nil {
			l.Fatal(err)
		}
		job, err := plan.Run(l.Context(), l.c, o)
		if err != nil || job.Count(dispatch.Sent) != len(refs) {
			l.Fatalf("%v, %s", err, job.Words())
		}
		return job
	}
	l.Fatal("no group of the site has another policy")
	return nil
}

// TestAMoveThatGavePoliciesIsTakenBackWhole takes back a move that gave its machines the policy of their new group: at once, and
// broken off after its first step. All are where they were, with the policies that they had.
func TestAMoveThatGavePoliciesIsTakenBackWhole(t *testing.T) {
	for _, broken := range []bool{false, true} {
		l := newLab(t)
		jobs, o := l.journal()
		b := l.binding()
		refs, was := l.of(l.site())
		job := l.movedWithPolicy(b, refs, o)
		way, err := change.Revert(t.Context(), l.c, jobs, job.ID, b, dispatch.PlanOptions{})
		if err != nil || way.Chain == nil || len(way.Chain.Steps) != 2 || len(way.Chain.Later()) == 0 || way.Chain.First.RevertOf != job.ID {
			t.Fatalf("%v: %+v", err, way)
		}
		err = way.Chain.Run(t.Context(), func(step int, plan *dispatch.Plan) (*dispatch.Job, error) {
			job, err := plan.Run(t.Context(), l.c, o)
			if broken && step == 0 {
				err = errors.Join(err, errCrash)
			}
			return job, err
		})
		if broken {
			if !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			past, err := jobs.Load("last")
			if err != nil {
				t.Fatal(err)
			}
			rest, err := change.Continue(t.Context(), l.c, jobs, b, past)
			if err != nil {
				t.Fatal(err)
			}
			err = rest.Run(t.Context(), func(_ int, plan *dispatch.Plan) (*dispatch.Job, error) { return plan.Run(t.Context(), l.c, o) })
			if err != nil {
				t.Fatal(err)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		_, now := l.of(l.site())
		for _, r := range refs {
			if id := string(r.ID); now[id] != was[id] {
				t.Errorf("broken off %v: %s is at %v and was at %v", broken, r.Name(), now[id], was[id])
			}
		}
		// All is as it was: there is nothing more to take back.
		if way, err := change.Revert(t.Context(), l.c, jobs, job.ID, b, dispatch.PlanOptions{}); err != nil || way.Chain != nil || len(way.Plan.Targets) != 0 {
			t.Errorf("a second time: %v, %+v", err, way)
		}
	}
}

// TestALaterStepLeavesOutWhatChanged renames a machine between the steps of a combined action: nobody is asked about the second
// one, so the machine gets no part of it.
func TestALaterStepLeavesOutWhatChanged(t *testing.T) {
	l := newLab(t)
	b := l.binding()
	refs, _ := l.of(l.site())
	off, err := dispatch.OperationByID("endpoint.deactivate", nil)
	if err != nil {
		t.Fatal(err)
	}
	l.now(b, off, refs)
	for i := range refs {
		refs[i].Inactive = true
	}
	ch, err := change.Rebill(t.Context(), l.c, b, nil, refs)
	if err != nil {
		t.Fatal(err)
	}
	var last *dispatch.Job
	err = ch.Run(t.Context(), func(step int, plan *dispatch.Plan) (*dispatch.Job, error) {
		job, err := plan.Run(t.Context(), l.c, dispatch.RunOptions{})
		if step == 0 {
			err = errors.Join(err, l.sim.RenameEndpoint(string(refs[0].ID), "CEO-LAPTOP"))
		} else if len(plan.LeftOut()) != 1 || plan.LeftOut()[0].Ref.ID != refs[0].ID {
			t.Errorf("%+v is left out", plan.LeftOut())
		}
		last = job
		return job, err
	})
	if err != nil || last.Count(dispatch.Skipped) != 1 || last.Count(dispatch.Sent) != len(refs)-1 {
		t.Fatalf("%v, %s", err, last.Words())
	}
	for _, e := range l.sim.World().Endpoints {
		if e.SiteID == string(refs[0].Site) && e.Deactivated == (e.ID == string(refs[0].ID)) {
			t.Errorf("%s is deactivated: %v", e.HostName, e.Deactivated)
		}
	}
}
