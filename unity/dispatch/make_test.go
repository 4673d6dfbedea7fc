package dispatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

// simulated runs a test in simulated time, in which waiting costs nothing.
func simulated(t *testing.T, o unitytest.Options, test func(*testing.T, *lab)) {
	t.Helper()
	if o.Sites == 0 {
		o.Sites, o.Endpoints, o.Seed = 3, 90, 9
	}
	synctest.Test(t, func(t *testing.T) { test(t, newLab(t, o)) })
}

func (l *lab) binding() Binding {
	return Binding{BaseURL: l.client.BaseURL(), Key: l.client.Key(), User: l.creds.Username}
}

func refOf(e unitytest.EndpointTruth, siteName string) fleet.Ref {
	return fleet.Ref{ID: unity.EndpointID(e.ID), Site: unity.SiteID(e.SiteID), SiteName: unity.NewText(siteName), HostName: unity.NewText(e.HostName),
		LastSeen: e.LastSeen, Inactive: e.Deactivated, Group: unity.GroupID(e.GroupID)}
}

// pick gives n active machines of a site, none with a waiting command; a negative n means all of them.
func (l *lab) pick(t *testing.T, site, n int) []fleet.Ref {
	t.Helper()
	w := l.sim.World()
	var out []fleet.Ref
	for _, e := range w.Endpoints {
		if e.SiteID == w.Sites[site].ID && !e.Deactivated && e.PendingJobs == 0 && len(out) != n {
			out = append(out, refOf(e, w.Sites[site].Name))
		}
	}
	if len(out) < n || len(out) == 0 {
		t.Fatalf("site %d has only %d such machines", site, len(out))
	}
	return out
}

func operation(t *testing.T, name string) Operation {
	t.Helper()
	op, err := OperationNamed(name, "")
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func (l *lab) plan(t *testing.T, name string, refs []fleet.Ref, o PlanOptions) *Plan {
	t.Helper()
	targets, err := Freeze(l.binding(), refs)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Make(t.Context(), l.client, operation(t, name), targets, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sent lists the command requests that the server saw.
func (l *lab) sent() (out []unitytest.Entry) {
	for _, e := range l.sim.Log() {
		if e.Method == "POST" && strings.HasSuffix(e.Path, "/commands") {
			out = append(out, e)
		}
	}
	return out
}

// given counts the commands of a name that a machine got since a moment, by the world.
func (l *lab) given(id unity.EndpointID, name string, since time.Time) (n int) {
	for _, c := range l.sim.World().Commands {
		if c.EndpointID == string(id) && c.Name == name && !c.Requested.Before(since) {
			n++
		}
	}
	return n
}

func says(list []string, part string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, part) })
}

func TestFreeze(t *testing.T) {
	b := Binding{BaseURL: "https://x", Key: "K"}
	id := func(n int) unity.EndpointID {
		return unity.EndpointID(fmt.Sprintf("%08d-aaaa-4bbb-8ccc-0123456789ab", n))
	}
	ref := func(n int) fleet.Ref { return fleet.Ref{ID: id(n), Site: unity.SiteID(id(100))} }
	upper := ref(1)
	upper.ID = unity.EndpointID(strings.ToUpper(string(upper.ID)))
	f, err := Freeze(b, []fleet.Ref{ref(1), ref(2), upper, ref(1)})
	if err != nil || f.Len() != 2 {
		t.Fatalf("twice named machines give %d targets, %v", f.Len(), err)
	}
	f.Refs()[0].ID = "changed"
	if f.Refs()[0].ID != id(1) {
		t.Error("a frozen list can be changed from outside")
	}
	for _, none := range [][]fleet.Ref{nil, {}} {
		if _, err := Freeze(b, none); !errors.Is(err, ErrNoTargets) {
			t.Errorf("nothing frozen gives %v", err)
		}
	}
	for _, bad := range []fleet.Ref{{}, {ID: id(1)}, {ID: "x", Site: "y"}, {ID: id(1) + ",", Site: unity.SiteID(id(2))}} {
		if _, err := Freeze(b, []fleet.Ref{ref(1), bad}); err == nil {
			t.Errorf("%+v is taken as a target", bad)
		}
	}
}

func TestAsksAndTyped(t *testing.T) {
	for _, x := range []struct {
		op   string
		n    int
		want Risk
	}{{"scan", 1, Change}, {"scan", 25, Change}, {"scan", 26, Destroy}, {"restart", 1, Disrupt}, {"restart", 25, Disrupt}, {"isolate", 26, Destroy}, {"release", 2, Change}} {
		if got := operation(t, x.op).Asks(x.n); got != x.want {
			t.Errorf("%s on %d asks as %v, want %v", x.op, x.n, got, x.want)
		}
		p := &Plan{Operation: operation(t, x.op), Targets: make([]fleet.Ref, x.n)}
		text, label := p.Typed()
		if x.want == Destroy && (text != fmt.Sprint(x.n) || label != "number of machines") || x.want != Destroy && text != "" {
			t.Errorf("%s on %d wants %q (%s) typed", x.op, x.n, text, label)
		}
	}
	one := &Plan{Operation: Operation{Risk: Destroy}, Targets: []fleet.Ref{{ID: "id-1"}}}
	if text, _ := one.Typed(); text != "id-1" {
		t.Errorf("a nameless machine is typed as %q", text)
	}
	for _, name := range []string{"changekeycode", "move", "set-policy", "format", ""} {
		if _, err := OperationNamed(name, ""); err == nil {
			t.Errorf("%q is offered", name)
		}
	}
}

func TestMakeRefusesAnotherConsole(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		for _, b := range []Binding{{BaseURL: "https://other.example", Key: l.client.Key()}, {BaseURL: l.client.BaseURL(), Key: "OTHER"}, {}} {
			f, err := Freeze(b, l.pick(t, 0, 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Make(t.Context(), l.client, operation(t, "scan"), f, PlanOptions{}); err == nil {
				t.Errorf("a plan for %+v is made on another console", b)
			}
		}
		if _, err := Make(t.Context(), l.client, operation(t, "scan"), Frozen{}, PlanOptions{}); !errors.Is(err, ErrNoTargets) {
			t.Errorf("a plan for nothing gives %v", err)
		}
		if len(l.sim.Log()) != 0 {
			t.Error("the other console was called")
		}
	})
}

func TestTargetsAreReadAgain(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 5)
		w := l.sim.World()
		steps := []error{l.sim.RenameEndpoint(string(refs[0].ID), "OTHER\x1b[2J"), l.sim.RemoveEndpoint(string(refs[2].ID)), l.sim.MoveEndpoint(string(refs[3].ID), w.Sites[1].ID)}
		if err := errors.Join(steps...); err != nil {
			t.Fatal(err)
		}
		inactive := refs[1]
		for _, e := range w.Endpoints {
			if e.Deactivated && e.SiteID == w.Sites[0].ID {
				inactive = refOf(e, "x")
				inactive.Inactive = false // as it was when it was chosen
			}
		}
		refs[1] = inactive
		p := l.plan(t, "restart", refs, PlanOptions{})
		var names []string
		for _, s := range p.Skipped {
			names = append(names, string(s.Ref.ID)+s.Reason)
		}
		if len(p.Targets) != 3 || len(p.Skipped) != 2 || !says(names, string(refs[2].ID)) || !says(names, string(refs[3].ID)) || !says(names, "no longer at this site") {
			t.Errorf("%d targets, skipped %q", len(p.Targets), names)
		}
		if !says(p.Warnings, "is now called OTHER^[[2J") || !says(p.Warnings, "has been deactivated meanwhile") {
			t.Errorf("warnings are %q", p.Warnings)
		}
		if p.Targets[0].HostName.Raw() != "OTHER\x1b[2J" || p.Targets[0].ReadAt.IsZero() {
			t.Errorf("the plan goes on with the old name: %+v", p.Targets[0])
		}
	})
}

func TestOpenCommands(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 4)
		for i, x := range []struct{ name, parameters string }{{"sysisolate", "ON"}, {"sysisolate", "off"}, {"scan", ""}} {
			if err := errors.Join(l.sim.StopPolling(string(refs[i].ID)), l.sim.AddCommand(string(refs[i].ID), x.name, x.parameters, time.Time{})); err != nil {
				t.Fatal(err)
			}
		}
		p := l.plan(t, "isolate", refs, PlanOptions{})
		if len(p.Skipped) != 1 || p.Skipped[0].Ref.ID != refs[0].ID || len(p.Targets) != 3 {
			t.Errorf("%d targets, skipped %+v", len(p.Targets), p.Skipped)
		}
		if n := strings.Count(strings.Join(p.Warnings, "\n"), "does the opposite"); n != 1 || !says(p.Warnings, refs[1].Name()) {
			t.Errorf("warnings are %q", p.Warnings)
		}
		if p := l.plan(t, "isolate", refs, PlanOptions{Again: true}); len(p.Targets) != 4 || len(p.Skipped) != 0 {
			t.Errorf("again: %d targets, skipped %+v", len(p.Targets), p.Skipped)
		}
		if p := l.plan(t, "scan", refs[2:3], PlanOptions{}); len(p.Batches) != 0 || len(p.Skipped) != 1 {
			t.Errorf("one machine's own list is not looked at: %+v", p.Skipped)
		}
	})
}

func TestWarningsAboutSitesAndSilence(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 3, Endpoints: 90, Seed: 9, User: unitytest.UserLimited}, func(t *testing.T, l *lab) {
		refs := append(l.pick(t, 0, 2), l.pick(t, 1, 1)...)
		refs[0].LastSeen, refs[1].LastSeen, refs[2].LastSeen = time.Time{}, time.Now().Add(-40*24*time.Hour), time.Now()
		known := unity.Site{ID: refs[0].Site, Name: unity.NewText("Suspended Ltd"), Suspended: unity.Bool{On: true, Known: true}}
		p := l.plan(t, "scan", refs, PlanOptions{Sites: []unity.Site{known}})
		if !says(p.Warnings, "licence of Suspended Ltd is suspended") || !says(p.Warnings, "the server will probably refuse") {
			t.Errorf("warnings are %q", p.Warnings)
		}
		if len(p.Stale) != 2 || !says(p.Stale, "never seen") || !says(p.Stale, "not seen for 40 days") {
			t.Errorf("stale are %q", p.Stale)
		}
		if p.Console == "" || p.Sites() != 2 || len(p.Customers()) != 2 || !strings.HasSuffix(p.Customers()[0], "2 machines") {
			t.Errorf("console %q, %d sites, customers %q", p.Console, p.Sites(), p.Customers())
		}
	})
}

// TestWhatIsPlannedIsWhatIsSent compares the requests of the plan with those in the server's log, byte by byte.
func TestWhatIsPlannedIsWhatIsSent(t *testing.T) {
	simulated(t, unitytest.Options{Sites: 2, Endpoints: 520, Seed: 3}, func(t *testing.T, l *lab) {
		refs := append(l.pick(t, 0, -1), l.pick(t, 1, -1)...)
		want := 0
		for _, n := range []int{len(l.pick(t, 0, -1)), len(l.pick(t, 1, -1))} {
			want += (n + 99) / 100
		}
		p := l.plan(t, "release", refs, PlanOptions{})
		if len(p.Batches) != want || want < 4 {
			t.Fatalf("%d batches, want %d", len(p.Batches), want)
		}
		job, err := p.Run(t.Context(), l.client, RunOptions{})
		if err != nil || job.Count(Sent) != len(refs) {
			t.Fatalf("%v, %s", err, job.Words())
		}
		planned := map[string]int{}
		for _, b := range p.Batches {
			planned[b.Request.Method+" "+b.Request.Path+" "+string(b.Request.Body)]++
			var body struct{ EndpointsList, Command, Parameters string }
			if err := json.Unmarshal(b.Request.Body, &body); err != nil || body.Command != "sysisolate" || body.Parameters != "off" ||
				len(strings.Split(body.EndpointsList, ",")) != len(b.Refs) || len(b.Refs) > 100 {
				t.Errorf("a batch of %d is %s", len(b.Refs), b.Request.Body)
			}
		}
		for _, e := range l.sent() {
			planned[e.Method+" "+e.Path+" "+e.Body]--
		}
		for request, n := range planned {
			if n != 0 {
				t.Errorf("%+d × %.120s", n, request)
			}
		}
		if _, err := p.Run(t.Context(), l.client, RunOptions{}); err == nil || len(l.sent()) != want {
			t.Errorf("a plan that was carried out is carried out again (%v)", err)
		}
	})
}
