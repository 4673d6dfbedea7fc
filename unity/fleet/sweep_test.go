package fleet

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// simulated runs a test in simulated time, in which waiting costs nothing.
func simulated(t *testing.T, o unitytest.Options, test func(*testing.T, *lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newLab(t, o)) })
}

// pathOf tells requests for a site's machines.
func pathOf(site string) string { return "/sites/" + site + "/endpoints" }

func TestAFailingSiteIsNamedAndTheOthersComplete(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 6, Endpoints: 150, Seed: 3}, func(t *testing.T, l *lab) {
		bad := l.sim.World().Sites[2]
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, pathOf(bad.ID)) {
				return status(http.StatusServiceUnavailable), nil
			}
			return nil, nil
		}
		f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Failed) != 1 || string(f.Failed[0].Site) != bad.ID || f.Failed[0].Name.Raw() != bad.Name || !errors.Is(f.Failed[0].Err, unity.ErrUnavailable) {
			t.Fatalf("Failed is %+v, want %s", f.Failed, bad.Name)
		}
		if f.Complete() || f.Done != 6 || f.Total != 6 {
			t.Errorf("%d of %d, complete: %v", f.Done, f.Total, f.Complete())
		}
		w := l.sim.World()
		w.Sites = append(w.Sites[:2:2], w.Sites[3:]...)
		checkJoin(t, f, w, unitytest.UserSuper, false)
	})
}

func TestASweepThroughFaultsIsCompleteOrSaysWhatIsMissing(t *testing.T) {
	for _, x := range []struct {
		fault    string
		rate     float64
		variants []string
	}{
		{"503", 0.2, nil}, {"504", 0.2, nil}, {"504", 0.2, []string{"page-size-clamp-50"}}, {"429-retry-after", 0.3, nil}, {"truncate", 0.15, nil},
		{"wrong-type", 0.3, nil}, {"reset-before", 0.2, nil}, {"reset-after", 0.2, nil}, {"500", 0.2, nil}, {"401-once", 1, nil},
		{"rows-inserted", 0.5, []string{"page-size-clamp-50"}}, {"503", 0, []string{"page-size-clamp-50", "status-with-ids"}},
	} {
		name := strings.Join(append([]string{x.fault}, x.variants...), "+")
		simulated(t, unitytest.Options{Sites: 20, Endpoints: 900, Seed: 11, Variants: x.variants}, func(t *testing.T, l *lab) {
			if _, err := l.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := l.sim.SetFault(x.fault, x.rate); err != nil {
				t.Fatal(err)
			}
			f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true})
			if err != nil {
				return // The list of sites did not come: nothing is shown as if it were everything.
			}
			failed := map[string]bool{}
			for _, s := range f.Failed {
				failed[string(s.Site)] = true
			}
			have := map[string]bool{}
			for _, m := range f.Machines {
				if have[string(m.ID)] {
					t.Errorf("%s: %s is there twice", name, m.ID)
				}
				have[string(m.ID)] = true
			}
			for _, e := range l.sim.World().Endpoints {
				// A machine that appeared during the walk need not be there.
				if !have[e.ID] && !failed[e.SiteID] && !strings.HasPrefix(e.HostName, "AAA-NEW-") {
					t.Errorf("%s: %q is missing, and its site is not named", name, e.HostName)
				}
			}
			if x.rate > 0 && l.sim.FaultCounts()[x.fault] == 0 {
				t.Errorf("%s: the fault never struck", name)
			}
			if x.fault == "401-once" && (!f.Complete() || f.StatusErr != nil) {
				t.Errorf("a refused token leaves %+v, status: %v", f.Failed, f.StatusErr)
			}
		})
	}
}

func TestADyingContinuationIsSaid(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 1300, Seed: 5}, func(t *testing.T, l *lab) {
		if err := l.sim.SetFault("continuation-dies", 1); err != nil {
			t.Fatal(err)
		}
		f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true})
		if err != nil {
			t.Fatal(err)
		}
		if !f.Complete() || len(f.Machines) != 1300 {
			t.Errorf("%d machines, complete: %v", len(f.Machines), f.Complete())
		}
		if f.StatusErr == nil || f.Unjoined != 1300 {
			t.Fatalf("half of the reports count as all: StatusErr %v, Unjoined %d", f.StatusErr, f.Unjoined)
		}
		for _, m := range f.Machines {
			if m.Status != nil || m.StatusNote != NoteNotLoaded {
				t.Fatalf("%s has status %v and says %q", m.ID, m.Status, m.StatusNote)
			}
		}
	})
}

func TestAUserWithoutStatusScopeSeesTheRest(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 4, Endpoints: 80, Seed: 2, User: unitytest.UserDefault}, func(t *testing.T, l *lab) {
		for _, o := range []SweepOptions{{Status: true}, {Status: true, Sites: []unity.SiteID{unity.SiteID(l.sim.World().Sites[0].ID)}}} {
			f, err := Sweep(t.Context(), l.client, o)
			if err != nil || !f.Complete() || len(f.Machines) == 0 {
				t.Fatalf("%v, %d machines", err, len(f.Machines))
			}
			if !errors.Is(f.StatusErr, unity.ErrScope) || f.Unjoined != len(f.Machines) {
				t.Errorf("StatusErr is %v, Unjoined %d", f.StatusErr, f.Unjoined)
			}
			for _, m := range f.Machines {
				if m.StatusNote != NoteNoScope {
					t.Fatalf("%s says %q", m.ID, m.StatusNote)
				}
				if s, known := m.State(l.client.Now()); known && s != StateGone || !known && s != StateUnknown {
					t.Fatalf("the state of a machine without a report is %q, known: %v", s, known)
				}
			}
		}
	})
}

func TestNamesOfGroupsAndPolicies(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 3, Endpoints: 60, Seed: 4}, func(t *testing.T, l *lab) {
		w := l.sim.World()
		groups, policies := map[string]string{}, map[string]string{}
		for _, s := range w.Sites {
			for _, g := range s.Groups {
				groups[g.ID] = g.Name
			}
		}
		for _, p := range w.Policies {
			policies[p.ID] = p.Name
		}
		machines, _, _ := machinesOf(w, unitytest.UserSuper)
		f, err := Sweep(t.Context(), l.client, SweepOptions{Names: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.Machines {
			e := machines[string(m.ID)]
			if m.GroupLabel() != groups[e.GroupID] || m.PolicyLabel() != policies[e.PolicyID] {
				t.Fatalf("%s: group %q, policy %q, want %q and %q", m.ID, m.GroupLabel(), m.PolicyLabel(), groups[e.GroupID], policies[e.PolicyID])
			}
		}
	})
}

func TestCancellationEndsASweep(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 30, Endpoints: 300, Seed: 1, Latency: time.Second}, func(t *testing.T, l *lab) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f, err := Sweep(ctx, l.client, SweepOptions{Status: true, Progress: func(f *Fleet) {
			if f.Done == 5 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("a cancelled sweep ends with %v", err)
		}
		if f.Complete() || f.Done >= f.Total {
			t.Errorf("%d of %d sites after it was cancelled", f.Done, f.Total)
		}
		if _, err := f.FindHost("FRONTDESK-01", false); err == nil {
			t.Error("a name counts as unique though most sites have not answered")
		}
	})
}

func TestSignInLostEndsASweep(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 5, Endpoints: 50, Seed: 1}, func(t *testing.T, l *lab) {
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/endpoints") {
				return status(http.StatusUnauthorized), nil
			}
			return nil, nil
		}
		if _, err := Sweep(t.Context(), l.client, SweepOptions{}); !errors.Is(err, unity.ErrUnauthenticated) {
			t.Errorf("a lost sign-in ends with %v", err)
		}
	})
}

// TestMachinesThatWereShownDoNotChange is told of by the race detector as well.
func TestMachinesThatWereShownDoNotChange(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 12, Endpoints: 400, Seed: 6, Now: fixedClock})
	var readers sync.WaitGroup
	shown := map[*Machine]Machine{}
	last := 0
	f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true, Names: true, Progress: func(f *Fleet) {
		if f.Done != last+1 || f.Total != 12 {
			t.Errorf("progress is %d of %d after %d", f.Done, f.Total, last)
		}
		last = f.Done
		for _, m := range f.Machines {
			if _, old := shown[m]; !old {
				shown[m] = *m
			}
		}
		machines := append([]*Machine(nil), f.Machines...)
		readers.Go(func() {
			for _, m := range machines {
				_ = m.StatusNote + m.User() + m.GroupLabel()
			}
		})
	}})
	readers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	joined := 0
	for m, was := range shown {
		if m.Status != was.Status || m.StatusNote != was.StatusNote || m.Status != nil {
			t.Fatalf("%s was changed after it had been shown", m.ID)
		}
	}
	for _, m := range f.Machines {
		if m.Status != nil {
			joined++
		}
	}
	if len(shown) != 400 || joined == 0 {
		t.Errorf("%d machines were shown, %d joined", len(shown), joined)
	}
}
