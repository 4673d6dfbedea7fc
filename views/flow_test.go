package views_test

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestScanThreeOfASite walks sites → a site → its endpoints → filter → three marks → scan → confirm → outcomes → the command
// list, in random worlds at all sizes, and holds the server's log against the machines that were meant.
func TestScanThreeOfASite(t *testing.T) {
	sizes := [][2]int{{80, 24}, {200, 60}, {40, 10}}
	seeds := 20
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		size := sizes[seed%len(sizes)]
		t.Run(fmt.Sprintf("seed %d %dx%d", seed, size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			o := unitytest.Options{Seed: uint64(seed), Sites: 12, Endpoints: 240, PollWithin: 15 * time.Second}
			switch {
			case seed%7 == 3:
				o.Latency = 80 * time.Millisecond
			case seed == 5:
				o.Latency = 400 * time.Millisecond
			}
			c := open(t, size[0], size[1], o)
			site, machines := busySite(c.sim.World(), rand.New(rand.NewPCG(uint64(seed), 7)))
			c.Press("/")
			c.Type("id:" + site.ID)
			c.Press("enter", "enter")
			c.want("Endpoints")
			ids := map[string]bool{}
			for i, m := range machines {
				c.Press("/")
				c.Type("id:" + m.ID)
				c.Press("enter", "space")
				if c.env.Marks.Len() != i+1 {
					t.Fatalf("%d marks after %d machines:\n%s", c.env.Marks.Len(), i+1, c.Screen())
				}
				c.Press("esc")
				ids[m.ID] = true
			}
			c.Press("s")
			c.Settle()
			c.want("scan 3 machines")
			c.Press("y")
			c.Settle()
			got := c.sent()
			if len(got) != 1 || got[0][0] != "scan" {
				t.Fatalf("the server got %v", got)
			}
			if !same(got[0][1:], ids) {
				t.Fatalf("the server got %v, meant was %v", got[0][1:], ids)
			}
			c.want("3 sent")
			c.Press("J")
			c.want("sent")
			c.Press("esc")
			agentsPickUp(t, c, ids)
		})
	}
}

// agentsPickUp looks at the site's command list before and after the machines polled.
func agentsPickUp(t *testing.T, c *console, ids map[string]bool) {
	t.Helper()
	states := func() map[int]int {
		out := map[int]int{}
		newest := map[string]unitytest.CommandTruth{}
		for _, cmd := range c.sim.World().Commands {
			if ids[cmd.EndpointID] && cmd.Name == "scan" && cmd.Requested.After(newest[cmd.EndpointID].Requested) {
				newest[cmd.EndpointID] = cmd
			}
		}
		for _, cmd := range newest {
			out[cmd.State]++
		}
		return out
	}
	c.Press("esc", "esc") // back to the sites, the cursor still on the site
	c.Press("c")
	c.Settle()
	c.want("Commands")
	c.sim.Advance(20 * time.Second)
	c.Press("r")
	c.Settle()
	if got := states(); got[int(unity.StateExecuted)] != len(ids) {
		t.Fatalf("after 20 s the commands have the states %v", got)
	}
	if n := strings.Count(c.Screen(), "sent to agent"); n == 0 {
		t.Fatalf("the list does not show it:\n%s", c.Screen())
	}
}

// busySite picks a site with three machines that can be acted on: the odd ones first, twins, nameless and CJK names included.
func busySite(w unitytest.Snapshot, r *rand.Rand) (unitytest.SiteTruth, []unitytest.EndpointTruth) {
	for _, i := range r.Perm(len(w.Sites)) {
		s := w.Sites[i]
		if s.Deactivated || s.Suspended {
			continue
		}
		var free []unitytest.EndpointTruth
		open := map[string]bool{}
		for _, cmd := range w.Commands {
			if cmd.Name == "scan" && (cmd.State == 2 || cmd.State == 4) {
				open[cmd.EndpointID] = true
			}
		}
		for _, e := range w.Endpoints {
			if e.SiteID == s.ID && !e.Deactivated && !open[e.ID] && !e.NextPoll.IsZero() {
				free = append(free, e)
			}
		}
		if len(free) < 4 {
			continue
		}
		r.Shuffle(len(free), func(a, b int) { free[a], free[b] = free[b], free[a] })
		sort.SliceStable(free, func(a, b int) bool { return odd(free[a].HostName) && !odd(free[b].HostName) })
		return s, free[:3]
	}
	return w.Sites[0], nil
}

func odd(host string) bool {
	return host == "" || unity.Clean(host) != host || strings.ToLower(host) != unity.Fold(host)
}

func same(got []string, want map[string]bool) bool {
	if len(got) != len(want) {
		return false
	}
	for _, id := range got {
		if !want[id] {
			return false
		}
	}
	return true
}

// TestNineKeysToAScan sends a scan to a known host: f, five letters of the name's tail, enter, s, y.
func TestNineKeysToAScan(t *testing.T) {
	for seed := range 5 {
		c := open(t, 80, 24, unitytest.Options{Seed: uint64(seed + 40), Sites: 20, Endpoints: 400})
		target, tail := uniqueTail(c.sim.World(), 5)
		if tail == "" {
			t.Fatal("the world has no machine with a tail of its own")
		}
		keys := 0
		press := func(k string) { keys++; c.Press(k); c.Settle() }
		press("f")
		for _, r := range tail {
			press(string(r))
		}
		press("enter")
		c.want(target.HostName)
		press("s")
		press("y")
		c.Settle()
		got := c.sent()
		if len(got) != 1 || len(got[0]) != 2 || got[0][1] != target.ID {
			t.Fatalf("meant was %s, the server got %v\n%s", target.ID, got, c.Screen())
		}
		if keys != 9 {
			t.Fatalf("it took %d keys", keys)
		}
		c.want("1 sent")
	}
}

// uniqueTail finds an active machine that is seen lately and whose last letters are in no other name, user or address.
func uniqueTail(w unitytest.Snapshot, n int) (unitytest.EndpointTruth, string) {
	waiting := map[string]bool{}
	for _, cmd := range w.Commands {
		if cmd.Name == "scan" && cmd.State == 2 {
			waiting[cmd.EndpointID] = true
		}
	}
	suspended := map[string]bool{}
	for _, s := range w.Sites {
		suspended[s.ID] = s.Suspended || s.Deactivated
	}
	for _, e := range w.Endpoints {
		if e.Deactivated || waiting[e.ID] || suspended[e.SiteID] || !strings.HasPrefix(e.HostName, "DESKTOP-") || w.Now.Sub(e.LastSeen) > 24*time.Hour {
			continue
		}
		tail := strings.ToLower(e.HostName[len(e.HostName)-n:])
		hits := 0
		for _, o := range w.Endpoints {
			if strings.Contains(strings.ToLower(o.HostName+" "+o.User+" "+o.ID), tail) {
				hits++
			}
		}
		if hits == 1 {
			return e, tail
		}
	}
	return unitytest.EndpointTruth{}, ""
}

// TestConsoleOnlyUser opens every screen as the user who has Console.GSM only, which is what GSM users have by default.
func TestConsoleOnlyUser(t *testing.T) {
	c := open(t, 120, 30, unitytest.Options{Seed: 5, Sites: 6, Endpoints: 90, User: unitytest.UserDefault})
	c.want("Sites")
	c.Press("enter")
	c.Settle()
	c.want("no scope")
	c.Press("!")
	c.want("ask your Webroot representative for SkyStatus.Site", "requestId")
	c.Press("esc")
	if strings.Contains(c.Screen(), " ok ") {
		t.Fatalf("a machine is called ok without its agent's report:\n%s", c.Screen())
	}
	c.Press("/")
	c.Type("status:ok")
	c.want("SkyStatus.GSM")
	c.Press("esc", "enter")
	c.Settle()
	c.want("Machine", "no scope")
	c.Press("I")
	c.Settle()
	c.Press("y")
	c.Settle()
	if got := c.sent(); len(got) != 1 {
		t.Fatalf("the server got %v\n%s", got, c.Screen())
	}
}

// TestRefusalsNameWhatIsMissing looks at sites as a limited admin and as a user without access.
func TestRefusalsNameWhatIsMissing(t *testing.T) {
	c := open(t, 120, 30, unitytest.Options{Seed: 5, Sites: 6, Endpoints: 90, User: unitytest.UserLimited})
	c.Press("/")
	var view unitytest.SiteTruth
	for _, s := range c.sim.World().Sites {
		if s.AccessOf[unitytest.UserLimited] == unity.AccessView && s.Endpoints > 0 {
			view = s
		}
	}
	c.Type("id:" + view.ID)
	c.Press("enter", "enter")
	c.Settle()
	c.Press("s")
	c.Settle()
	c.want("needs admin access")
	if got := c.sent(); len(got) != 0 {
		t.Fatalf("the server got %v", got)
	}
}

// TestMarksOfTwoSitesGoToTwoRequests marks machines of two sites and isolates them together.
func TestMarksOfTwoSitesGoToTwoRequests(t *testing.T) {
	c := open(t, 160, 50, unitytest.Options{Seed: 9, Sites: 6, Endpoints: 120})
	w := c.sim.World()
	want := map[string]bool{}
	for _, s := range w.Sites {
		if s.Suspended || s.Deactivated || len(want) == 2 {
			continue
		}
		for _, e := range w.Endpoints {
			if e.SiteID != s.ID || e.Deactivated || e.PendingJobs > 0 {
				continue
			}
			c.Press("/")
			c.Type("id:" + s.ID)
			c.Press("enter", "enter")
			c.Settle()
			c.Press("/")
			c.Type("id:" + e.ID)
			c.Press("enter", "space", "esc", "esc", "esc")
			want[e.ID] = true
			break
		}
	}
	c.Press("enter")
	c.Settle()
	c.Press("i")
	c.Settle()
	c.want("isolate", "2 machines")
	c.Press("y")
	c.Settle()
	got := map[string]bool{}
	for _, r := range c.sent() {
		for _, id := range r[1:] {
			got[id] = true
		}
	}
	if len(c.sent()) != 2 || len(got) != 2 {
		t.Fatalf("the server got %v\n%s", c.sent(), c.Screen())
	}
	for id := range want {
		if !got[id] {
			t.Fatalf("%s was marked and not isolated: %v", id, got)
		}
	}
}

// TestInsideASiteItsOwnActionsAreOffered edits a customer from among its machines, and reads on every screen of its whose it is.
func TestInsideASiteItsOwnActionsAreOffered(t *testing.T) {
	c := open(t, 120, 40, unitytest.Options{Seed: 5, Sites: 6, Endpoints: 90, User: unitytest.UserSuper})
	c.Press("enter")
	c.Settle()
	name := strings.TrimSpace(strings.TrimPrefix(c.Line(1), "Console >"))
	for action, sees := range map[string]string{"site.edit": "Edit " + name, "site.admins": "Admins of " + name, "site.policies": "Policies of " + name} {
		c.Press(":")
		c.Type(action)
		c.Settle()
		if c.Has("not on this screen") {
			t.Errorf("%s is not offered inside the site\n%s", action, c.Screen())
		}
		c.Press("enter")
		c.Settle()
		if !c.Has(sees) || name == "" {
			t.Errorf("%s does not show %q\n%s", action, sees, c.Screen())
		}
		c.Press("esc")
		c.Settle()
	}
}
