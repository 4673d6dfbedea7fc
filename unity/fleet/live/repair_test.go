package live

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/unitytest"
)

// bare counts the machines whose policy, or group, has no name.
func bare(p *picture.Picture) (policies, groups int) {
	for r := range p.Rows() {
		if r.PolicyID() != "" && r.Policy().Empty() {
			policies++
		}
		if r.GroupID() != "" && r.Group().Empty() {
			groups++
		}
	}
	return policies, groups
}

// TestNamesThatCouldNotBeRead are said to be missing, and come by themselves once the server gives them.
func TestNamesThatCouldNotBeRead(t *testing.T) {
	for _, part := range []struct {
		word  string
		count func(*picture.Picture) int
	}{
		{"/policies", func(p *picture.Picture) int { n, _ := bare(p); return n }},
		{"/groups", func(p *picture.Picture) int { _, n := bare(p); return n }},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 120, Seed: 3})
			l.when(part.word, http.StatusGatewayTimeout, -1)
			f := l.fleet(Options{})
			stop := start(t, f)
			defer stop()
			wait(3 * time.Minute)
			if n := part.count(f.Current()); n == 0 || !f.Current().Complete() {
				t.Fatalf("%s: %d machines have no name for it", part.word, n)
			}
			missing := f.State().Nameless
			if len(missing) == 0 || !errors.Is(missing[0].Err, unity.ErrUnavailable) || missing[0].Name.Empty() {
				t.Fatalf("%s: nothing is said to be missing: %v", part.word, missing)
			}
			l.clear()
			wait(4 * time.Minute)
			if n := part.count(f.Current()); n != 0 || len(f.State().Nameless) != 0 {
				t.Errorf("%s: %d machines have no name for it, missing is %v", part.word, n, f.State().Nameless)
			}
		})
	}
}

// TestNamesThatFailCostLittle: a list of names that fails is not asked for all the time.
func TestNamesThatFailCostLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 120, Seed: 3})
		l.when("/groups", http.StatusForbidden, -1)
		f := l.fleet(Options{})
		stop := start(t, f)
		defer stop()
		wait(time.Minute)
		l.forget()
		for range 20 { // somebody looks at the rows
			for _, c := range f.Current().Chunks() {
				f.Name(c.Site().ID)
			}
			wait(30 * time.Second)
		}
		if n := l.count("/groups"); n != 0 {
			t.Errorf("%d calls for names that are refused", n)
		}
		if n := len(f.State().Nameless); n == 0 {
			t.Error("nothing is said to be missing")
		}
	})
}

// TestRefreshReadsNamesAgain: whoever asks for what is new does not wait for the turn of names that failed.
func TestRefreshReadsNamesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 6, Endpoints: 120, Seed: 3, Variants: []string{"endpoint-names"}})
		l.when("/policies", http.StatusServiceUnavailable, -1)
		f := l.fleet(Options{})
		sync1(t, f)
		if len(f.State().Nameless) != 1 {
			t.Fatalf("%v", f.State().Nameless)
		}
		l.clear()
		l.forget()
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := l.count("/policies"); n != 1 || len(f.State().Nameless) != 0 {
			t.Errorf("%d calls, missing is %v", n, f.State().Nameless)
		}
	})
}

// TestSinceWhen: the time from which the server is out of reach is that of the first failure, until it is back.
func TestSinceWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 3, Endpoints: 30, Seed: 3})
		f := l.fleet(Options{})
		sync1(t, f)
		l.when("/service", http.StatusServiceUnavailable, -1)
		if f.Refresh(t.Context()) == nil {
			t.Fatal("the server is there")
		}
		first := f.State().Since
		wait(time.Hour)
		if f.Refresh(t.Context()) == nil || first.IsZero() || !f.State().Since.Equal(first) {
			t.Errorf("it failed at %v, and again since %v", first, f.State().Since)
		}
		l.clear()
		if err := f.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.when("/service", http.StatusServiceUnavailable, -1)
		wait(time.Hour)
		if f.Refresh(t.Context()) == nil || !f.State().Since.After(first) {
			t.Errorf("the second outage began at %v, the first at %v", f.State().Since, first)
		}
	})
}

// TestReportsThatDoNotFit: what a report with a machine id says otherwise than the console did has its sites read, once.
func TestReportsThatDoNotFit(t *testing.T) {
	changes := map[string]func(sim *unitytest.Server, e, other unitytest.EndpointTruth) error{
		"moved, and another one came": func(sim *unitytest.Server, e, other unitytest.EndpointTruth) error {
			return errors.Join(sim.MoveEndpoint(e.ID, other.SiteID), sim.MoveEndpoint(other.ID, e.SiteID))
		},
		"renamed": func(sim *unitytest.Server, e, _ unitytest.EndpointTruth) error {
			return sim.RenameEndpoint(e.ID, "RENAMED-9")
		},
		"replaced": func(sim *unitytest.Server, e, _ unitytest.EndpointTruth) error {
			_, err := sim.InsertEndpoint(e.SiteID, "DESKTOP-SWAPPED")
			return errors.Join(err, sim.RemoveEndpoint(e.ID))
		},
	}
	for name, change := range changes {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, unitytest.Options{Sites: 8, Endpoints: 200, Seed: 2, Variants: []string{"status-with-ids", "endpoint-names"}})
			f := l.fleet(Options{})
			sync1(t, f)
			wait(10 * time.Minute) // much less than an hour
			var e, other unitytest.EndpointTruth
			for _, x := range l.sim.World().Endpoints {
				switch {
				case x.Deactivated:
				case e.ID == "":
					e = x
				case other.ID == "" && x.SiteID != e.SiteID:
					other = x
				}
			}
			if err := change(l.sim, e, other); err != nil {
				t.Fatal(err)
			}
			wait(time.Hour) // the agents report once more
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			check(t, f.Current(), l, unitytest.UserSuper)
			l.forget()
			if err := f.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := l.count("/endpoints"); n != 0 {
				t.Errorf("%s: %d sites were read once more", name, n)
			}
		})
	}
}
