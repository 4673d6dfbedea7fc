package views_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestNumbersOfALimitedUserAreAPart: the first screen says that sites are closed to the user, and no number of machines stands there
// as if it were all of them.
func TestNumbersOfALimitedUserAreAPart(t *testing.T) {
	p := sitesOf(4, 4, 4, true)
	closed := *p
	closed.Sites = append(slices.Clone(p.Sites), unity.Site{ID: "closed", Name: unity.NewText("Closed"), AccessLevel: unity.Int{N: unity.AccessNone, Known: true}})
	closed.Hidden = 1
	for _, w := range []int{80, 140} {
		s := show(t, &closed, w, 40)
		s.want("5 sites, 1 not readable for this user")
		for name, want := range map[string]string{"1 infected": "1+", "3 stale": "0+", "0 everything": "4+", "machines ok": "3+", "8 seats over": "0", "seats used": "4/20"} {
			if got := s.number(name); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
	}
	show(t, &closed, 140, 40).want("+ means at least")
}

// TestReadingAgainIsSaidOnEveryScreen: that what changed is being read, and then that it was read just now.
func TestReadingAgainIsSaidOnEveryScreen(t *testing.T) {
	now := picturetest.Now()
	for _, key := range []string{"", "0", "8"} {
		old := readAt(now.Add(-20 * time.Minute))
		s := show(t, old, 160, 40)
		if key != "" {
			s.Press(key)
		}
		s.want("20 min")
		s.Advance(time.Second)
		s.album.turn(func(a *album) { a.state.Phase = live.PhaseDelta })
		if !s.WaitFor("reading what changed") {
			t.Fatalf("%q: nothing says that it is read again:\n%s", key, s.Screen())
		}
		s.Advance(time.Second)
		s.album.turn(func(a *album) {
			next := *old
			next.SitesAt = now
			a.pic, a.state.Phase, a.state.LastDelta = &next, live.PhaseIdle, now
		})
		s.Advance(2 * time.Second)
		if !s.Until(func() bool { return !s.Has("reading what changed") && (s.Has("read just now") || s.Has("just read")) }) {
			t.Errorf("%q: nothing says that it was read just now:\n%s", key, s.Screen())
		}
	}
}

// TestAMachineIsOneThingOnAllScreens: where the fleet asked for a machine by itself its customer's own list says the same, and those
// that have no report are counted as on the first screen, and named.
func TestAMachineIsOneThingOnAllScreens(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Sites: 4, Endpoints: 160, Seed: 4})
	for i, m := range sim.World().Endpoints {
		if i%20 == 0 {
			if err := sim.RenameEndpoint(m.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := workbench(t, sim, 160, 120)
	nameless := func(p *picture.Picture) (rows []picture.Row) {
		for _, c := range p.Chunks() {
			for i := range c.Len() {
				if r := c.Row(i); r.HostName().Empty() && !r.Deactivated() {
					rows = append(rows, r)
				}
			}
		}
		return rows
	}
	before := nameless(b.env.Fleet.Current())
	if len(before) == 0 {
		t.Fatal("every machine has a name")
	}
	silent, at := 0, before[0].SiteID()
	for _, r := range b.rowsOf(at) {
		if !r.Deactivated() && !r.Joined() {
			silent++
		}
	}
	b.openSite(at)
	if n := strings.Count(b.Screen(), "not joined"); n < silent {
		t.Fatalf("%d of the site's machines are not joined, the list says so of %d:\n%s", silent, n, b.Screen())
	}
	b.want(" active machines have no agent status that is theirs for certain")
	b.Press("shift+tab") // to the groups, which lack nothing
	b.Press("!")
	b.want("What is missing", "(no name) "+string(before[0].ID()[:8]))
	b.env.Fleet.Identify()
	b.untilFleet(func(p *picture.Picture, _ live.State) bool {
		return !slices.ContainsFunc(nameless(p), func(r picture.Row) bool { return !r.Asked() })
	})
	b.Press("q", "q")
	b.openSite(at)
	for _, r := range nameless(b.env.Fleet.Current()) {
		if line := b.LineWith("(no name) " + string(r.ID()[:4])); r.SiteID() == at && r.Joined() && (line == "" || strings.Contains(line, "not joined")) {
			t.Errorf("the fleet has the report of %s: %q\n%s", r.ID(), line, b.Screen())
		}
	}
}

// rowsOf are the machines of a site in the picture.
func (c *console) rowsOf(site unity.SiteID) (rows []picture.Row) {
	chunk := c.env.Fleet.Current().Chunk(site)
	for i := range chunk.Len() {
		rows = append(rows, chunk.Row(i))
	}
	return rows
}

// openSite opens a customer and waits for its machines.
func (c *console) openSite(id unity.SiteID) {
	for i := range c.env.Fleet.Current().Sites {
		if s := &c.env.Fleet.Current().Sites[i]; s.ID == id {
			c.Deliver(ui.Push(c.env.SiteScreen(*s))())
		}
	}
	c.Settle()
}

// TestTheScreenOfAMachineKeepsUp: a machine that was seen since is said to have been, without a key.
func TestTheScreenOfAMachineKeepsUp(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Sites: 3, Endpoints: 60, Seed: 4})
	b := workbench(t, sim, 120, 90)
	_, m := b.machine()
	b.atMachine(m.ID)
	b.Press("enter")
	b.Settle()
	seen := func(e unitytest.EndpointTruth) string { return e.LastSeen.Local().Format("2006-01-02 15:04") }
	before := b.now(m.ID)
	if line := b.LineWith("Last seen"); !strings.Contains(line, seen(before)) {
		t.Fatalf("it was seen at %s: %q", seen(before), line)
	}
	sim.Advance(3 * time.Hour)
	if err := sim.Poll(m.ID); err != nil {
		t.Fatal(err)
	}
	b.Advance(b.env.Refresh + time.Second)
	b.Settle()
	if line := b.LineWith("Last seen"); !strings.Contains(line, seen(b.now(m.ID))) {
		t.Errorf("it was seen at %s since: %q\n%s", seen(b.now(m.ID)), line, b.Screen())
	}
}

// TestSitesAreChosenByName: in the order of the names, whatever order the server has.
func TestSitesAreChosenByName(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Sites: 12, Endpoints: 60, Seed: 4})
	b := workbench(t, sim, 120, 90)
	_, m := b.machine()
	b.atMachine(m.ID)
	b.Press("K")
	b.Settle()
	var shown []string
	for line := range strings.SplitSeq(b.Screen(), "\n") {
		for _, s := range sim.World().Sites {
			if strings.Contains(strings.ReplaceAll(line, "-", ""), s.Keycode) {
				shown = append(shown, unity.Fold(s.Name))
			}
		}
	}
	if len(shown) != len(sim.World().Sites) || !slices.IsSorted(shown) {
		t.Errorf("%d sites are listed as %q:\n%s", len(shown), shown, b.Screen())
	}
}
