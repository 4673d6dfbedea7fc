package change_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

var errCrash = errors.New("the process ended")

// TestAChainIsGoneOnWithAfterACrash ends a combined action after its first step, and has the rest named by the journal and
// started for the machines that came through, once.
func TestAChainIsGoneOnWithAfterACrash(t *testing.T) {
	for _, kind := range []string{"offboard", "rebill"} {
		t.Run(kind, func(t *testing.T) {
			l := newLab(t)
			site := l.site()
			var refs []fleet.Ref
			for _, e := range l.sim.World().Endpoints {
				if e.SiteID == string(site.ID) && !e.Deactivated {
					refs = append(refs, fleet.Ref{ID: unity.EndpointID(e.ID), Site: site.ID, SiteName: site.Name, HostName: unity.NewText(e.HostName), Inactive: e.Deactivated})
				}
			}
			b := dispatch.Binding{BaseURL: l.c.BaseURL(), Key: l.c.Key()}
			plan := func() (*change.Chain, error) { return change.Offboard(t.Context(), l.c, b, site, refs) }
			if kind == "rebill" {
				plan = func() (*change.Chain, error) { return change.Rebill(t.Context(), l.c, b, nil, refs) }
				op, err := dispatch.OperationByID("endpoint.deactivate", nil)
				if err != nil {
					t.Fatal(err)
				}
				l.now(b, op, refs)
			}
			ch, err := plan()
			if err != nil {
				t.Fatal(err)
			}
			o := dispatch.RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs"))}
			jobs := dispatch.NewJobs(o.Journal)
			err = ch.Run(t.Context(), func(step int, plan *dispatch.Plan) (*dispatch.Job, error) {
				if step > 0 {
					t.Fatal("went on after the crash")
				}
				job, err := plan.Run(t.Context(), l.c, o)
				return job, errors.Join(err, errCrash)
			})
			if !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			past, err := jobs.Load("last")
			if err != nil || past.Link == nil || past.Link.Step != 1 || past.Link.Of != 2 {
				t.Fatalf("%v: %+v", err, past)
			}
			next, err := jobs.Unfinished(past)
			if err != nil || len(next) != 1 || next[0].Title == "" {
				t.Fatalf("the journal names %+v, %v", next, err)
			}
			rest, err := change.Continue(t.Context(), l.c, jobs, b, past)
			if err != nil {
				t.Fatal(err)
			}
			if risk := rest.First.Risk(); risk != dispatch.Destroy {
				t.Errorf("the rest is asked about as %s", risk)
			}
			err = rest.Run(t.Context(), func(_ int, plan *dispatch.Plan) (*dispatch.Job, error) { return plan.Run(t.Context(), l.c, o) })
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range l.sim.World().Endpoints {
				if e.SiteID == string(site.ID) && !e.Deactivated {
					t.Errorf("%s is active", e.HostName)
				}
			}
			if now := l.read(string(site.ID)); now.Suspended.On != (kind == "offboard") {
				t.Errorf("suspended: %v", now.Suspended.On)
			}
			if past, err = jobs.Load(past.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := change.Continue(t.Context(), l.c, jobs, b, past); !errors.Is(err, dispatch.ErrNothingToDo) {
				t.Errorf("the rest can be started twice: %v", err)
			}
		})
	}
}

// now carries an operation out.
func (l *lab) now(b dispatch.Binding, op dispatch.Operation, refs []fleet.Ref) {
	l.Helper()
	frozen, err := dispatch.Freeze(b, refs)
	if err != nil {
		l.Fatal(err)
	}
	plan, err := dispatch.Make(l.Context(), l.c, op, frozen, dispatch.PlanOptions{})
	if err != nil {
		l.Fatal(err)
	}
	if job, err := plan.Run(l.Context(), l.c, dispatch.RunOptions{}); err != nil || job.Count(dispatch.Sent) != len(refs) {
		l.Fatalf("%v, %v", job.Words(), err)
	}
}

// TestTheRestOfAChainIsRefused where the step before was not finished, or lost a machine that the rest needs.
func TestTheRestOfAChainIsRefused(t *testing.T) {
	l := newLab(t)
	site := l.site()
	var refs []fleet.Ref
	for _, e := range l.sim.World().Endpoints {
		if e.SiteID == string(site.ID) && !e.Deactivated {
			refs = append(refs, fleet.Ref{ID: unity.EndpointID(e.ID), Site: site.ID, HostName: unity.NewText(e.HostName)})
		}
	}
	b := dispatch.Binding{BaseURL: l.c.BaseURL(), Key: l.c.Key()}
	ch, err := change.Offboard(t.Context(), l.c, b, site, refs)
	if err != nil {
		t.Fatal(err)
	}
	o := dispatch.RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs"))}
	jobs := dispatch.NewJobs(o.Journal)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := ch.Run(t.Context(), func(_ int, plan *dispatch.Plan) (*dispatch.Job, error) {
		job, err := plan.Run(stopped, l.c, o)
		return job, errors.Join(err, errCrash)
	}); !errors.Is(err, errCrash) {
		t.Fatal(err)
	}
	past, err := jobs.Load("last")
	if err != nil {
		t.Fatal(err)
	}
	var state *change.StateError
	if _, err := change.Continue(t.Context(), l.c, jobs, b, past); !errors.As(err, &state) {
		t.Errorf("the rest is started although nothing was sent: %v", err)
	}
	if now := l.read(string(site.ID)); now.Suspended.On {
		t.Error("the site is suspended")
	}
}

// leftBeforeSuspend off-boards a site up to the suspension, and gives the job.
func (l *lab) leftBeforeSuspend(b dispatch.Binding, site *unity.Site, o dispatch.RunOptions) *dispatch.Past {
	l.Helper()
	var refs []fleet.Ref
	for _, e := range l.sim.World().Endpoints {
		if e.SiteID == string(site.ID) && !e.Deactivated {
			refs = append(refs, fleet.Ref{ID: unity.EndpointID(e.ID), Site: site.ID, HostName: unity.NewText(e.HostName)})
		}
	}
	ch, err := change.Offboard(l.Context(), l.c, b, site, refs)
	if err != nil {
		l.Fatal(err)
	}
	err = ch.Run(l.Context(), func(_ int, plan *dispatch.Plan) (*dispatch.Job, error) {
		job, err := plan.Run(l.Context(), l.c, o)
		return job, errors.Join(err, errCrash)
	})
	if !errors.Is(err, errCrash) {
		l.Fatal(err)
	}
	past, err := dispatch.NewJobs(o.Journal).Load("last")
	if err != nil {
		l.Fatal(err)
	}
	return past
}

func TestWhatWasTakenBackIsNotGoneOnWith(t *testing.T) {
	l := newLab(t)
	site, b := l.site(), dispatch.Binding{BaseURL: l.c.BaseURL(), Key: l.c.Key()}
	o := dispatch.RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs"))}
	jobs := dispatch.NewJobs(o.Journal)
	past := l.leftBeforeSuspend(b, site, o)
	early, err := change.Continue(t.Context(), l.c, jobs, b, past) // stands on a screen while somebody takes the job back
	if err != nil {
		t.Fatal(err)
	}
	back, err := jobs.Revert(t.Context(), l.c, past.ID, b, dispatch.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if job, err := back.Run(t.Context(), l.c, o); err != nil || job.Count(dispatch.Sent) == 0 {
		t.Fatal(err)
	}
	if next, err := jobs.Unfinished(past); err != nil || len(next) != 0 {
		t.Errorf("%+v is left, %v", next, err)
	}
	var state *change.StateError
	if _, err := change.Continue(t.Context(), l.c, jobs, b, past); !errors.As(err, &state) || !strings.Contains(err.Error(), "taken back by job") {
		t.Errorf("the suspension is planned: %v", err)
	}
	err = early.Run(t.Context(), func(_ int, plan *dispatch.Plan) (*dispatch.Job, error) { return plan.Run(t.Context(), l.c, o) })
	if !errors.Is(err, unity.ErrRefused) || l.read(string(site.ID)).Suspended.On {
		t.Errorf("the site is suspended: %v", err)
	}
}

func TestASiteWithActiveMachinesIsNotSuspended(t *testing.T) {
	l := newLab(t)
	site, b := l.site(), dispatch.Binding{BaseURL: l.c.BaseURL(), Key: l.c.Key()}
	o := dispatch.RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs"))}
	past := l.leftBeforeSuspend(b, site, o)
	if _, err := l.sim.InsertEndpoint(string(site.ID), "NEWCOMER-01"); err != nil {
		t.Fatal(err)
	}
	var state *change.StateError
	if _, err := change.Continue(t.Context(), l.c, dispatch.NewJobs(o.Journal), b, past); !errors.As(err, &state) || !strings.Contains(err.Error(), "NEWCOMER-01") {
		t.Errorf("a machine that came later loses its licence: %v", err)
	}
}

func TestTheNextStepIsBegunOnce(t *testing.T) {
	l := newLab(t)
	site, b := l.site(), dispatch.Binding{BaseURL: l.c.BaseURL(), Key: l.c.Key()}
	o := dispatch.RunOptions{Journal: journal.At(filepath.Join(t.TempDir(), "jobs"))}
	past := l.leftBeforeSuspend(b, site, o)
	var chains []*change.Chain
	for range 2 { // both were planned before either was begun
		ch, err := change.Continue(t.Context(), l.c, dispatch.NewJobs(o.Journal), b, past)
		if err != nil {
			t.Fatal(err)
		}
		chains = append(chains, ch)
	}
	for i, ch := range chains {
		err := ch.Run(t.Context(), func(_ int, plan *dispatch.Plan) (*dispatch.Job, error) { return plan.Run(t.Context(), l.c, o) })
		if (err == nil) != (i == 0) || i == 1 && !errors.Is(err, unity.ErrRefused) {
			t.Errorf("process %d: %v", i, err)
		}
	}
	n := 0
	for _, line := range l.changes() {
		if strings.HasPrefix(line, "POST suspend") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d suspensions", n)
	}
}
