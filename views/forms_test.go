package views_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// changes are the changes the server got, as method, end of the path and body.
func (c *console) changes() []string {
	var out []string
	for _, e := range c.sim.Log() {
		if e.Method != http.MethodGet && strings.HasPrefix(e.Path, "/service/") {
			parts := strings.Split(e.Path, "/")
			out = append(out, e.Method+" "+parts[len(parts)-1]+" "+e.Body)
		}
	}
	return out
}

// answer types into a question that has been open for long enough to be read.
func (c *console) answer(text string) {
	c.Advance(time.Second)
	c.Type(text)
	c.Press("enter")
	c.Settle()
}

// last is the latest change.
func (c *console) last() string {
	all := c.changes()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// plainSite puts the cursor on a site on which everything can be done.
func (c *console) plainSite() unitytest.SiteTruth {
	c.t.Helper()
	for _, s := range c.sim.World().Sites {
		if !s.Deactivated && !s.Suspended && !s.Trial && s.Endpoints > 3 && s.AccessOf[unitytest.UserSuper] == 128 {
			c.Press("/")
			c.Type("id:" + s.ID)
			c.Press("enter")
			c.Settle()
			return s
		}
	}
	c.t.Fatal("no plain site")
	return unitytest.SiteTruth{}
}

func (c *console) site(id string) unitytest.SiteTruth {
	c.t.Helper()
	for _, s := range c.sim.World().Sites {
		if s.ID == id {
			return s
		}
	}
	c.t.Fatalf("no site %s", id)
	return unitytest.SiteTruth{}
}

func tall(t *testing.T) *console {
	return open(t, 120, 60, unitytest.Options{Seed: 2, Sites: 6, Endpoints: 90, User: unitytest.UserSuper})
}

// TestANewSiteShowsItsKeycode fills the form in, with a mistake on the way that is named while typing, and copies the keycode.
func TestANewSiteShowsItsKeycode(t *testing.T) {
	t.Parallel()
	c := tall(t)
	c.Press("n")
	c.Settle()
	c.want("New site", "Seats")
	c.Type("Quay & Sons")
	c.Press("tab")
	c.Type("x")
	c.want("whole number")
	c.Press("backspace")
	c.Type("12")
	c.Press("tab")
	c.Type("ticket 881")
	c.Press("tab")
	c.Type("a@b.example")
	c.Press("tab", "right", "right", "tab") // billed monthly, so the default date does not do
	c.Type("31")
	c.want("a day from 1 to 28")
	c.Press("backspace", "backspace")
	c.Type("7")
	for range 5 {
		c.Press("tab")
	}
	c.Press("tab", "enter") // the button
	c.Settle()
	c.want("POST", `"BillingDate":"7"`, "SiteName: - > Quay & Sons")
	if len(c.changes()) > 0 {
		t.Fatal("sent before anybody confirmed")
	}
	c.Press("y")
	c.Settle()
	want := `POST sites {"SiteName":"Quay & Sons","Seats":12,"Comments":"ticket 881","Emails":"a@b.example","BillingCycle":"Monthly","BillingDate":"7",` +
		`"GlobalPolicies":false,"GlobalOverrides":false,"Trial":false}`
	if got := c.last(); got != want {
		t.Fatalf("sent %s\nwant %s", got, want)
	}
	sites := c.sim.World().Sites
	made := sites[len(sites)-1]
	c.want("New site", "Keycode")
	c.Press("y")
	c.Settle()
	if got := strings.ReplaceAll(c.Clipboard(), "-", ""); got != made.Keycode {
		t.Fatalf("y copied %q, the keycode is %s\n%s", got, made.Keycode, c.Screen())
	}
	c.Press("esc")
	c.Settle()
	c.want("Quay & Sons")
}

// TestAnEditSendsWhatWasTyped opens a site, changes one field and sends only that one.
func TestAnEditSendsWhatWasTyped(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s := c.plainSite()
	c.Press("E")
	c.Settle()
	c.want("Edit " + s.Name)
	c.fillSeats(s, "777")
	c.want("Seats: " + strconv.Itoa(s.Seats) + " > 777")
	c.Press("y")
	c.Settle()
	if got, want := c.last(), "PUT "+s.ID+` {"Seats":777}`; got != want {
		t.Fatalf("sent %q, want %q\n%s", got, want, c.Screen())
	}
	if c.site(s.ID).Seats != 777 {
		t.Error("the server has other seats")
	}
}

// fillSeats puts another number of seats into the open form of a site and sends the form off.
func (c *console) fillSeats(s unitytest.SiteTruth, seats string) {
	c.Press("tab")
	for range strconv.Itoa(s.Seats) {
		c.Press("backspace")
	}
	c.Type(seats)
	for range 9 {
		c.Press("tab")
	}
	c.Press("enter")
	c.Settle()
}

// TestSuspendAndResume suspends only after the site's name was typed, and resumes with the same key.
func TestSuspendAndResume(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s := c.plainSite()
	c.Press("S")
	c.Settle()
	c.want("stop being protected", "name of the site")
	c.answer("y")
	if len(c.changes()) > 0 {
		t.Fatal("suspended without the name")
	}
	c.Press("backspace")
	c.answer(s.Name)
	if !c.site(s.ID).Suspended {
		t.Fatalf("not suspended:\n%s", c.Screen())
	}
	c.Settle()
	c.want("suspended")
	c.Press("S")
	c.Settle()
	c.want("resume")
	c.Press("y")
	c.Settle()
	if c.site(s.ID).Suspended {
		t.Fatalf("still suspended:\n%s", c.Screen())
	}
}

// machine opens the plain site and puts the cursor on one of its machines.
func (c *console) machine() (unitytest.SiteTruth, unitytest.EndpointTruth) {
	c.t.Helper()
	s := c.plainSite()
	c.Press("enter")
	c.Settle()
	for _, e := range c.sim.World().Endpoints {
		if e.SiteID == s.ID && !e.Deactivated && e.HostName != "" && !strings.ContainsFunc(e.HostName, func(r rune) bool { return r > 0x7e }) {
			c.Press("/")
			c.Type("id:" + e.ID)
			c.Press("enter")
			c.Settle()
			return s, e
		}
	}
	c.t.Fatal("no machine")
	return s, unitytest.EndpointTruth{}
}

func (c *console) now(id string) unitytest.EndpointTruth {
	for _, e := range c.sim.World().Endpoints {
		if e.ID == id {
			return e
		}
	}
	return unitytest.EndpointTruth{}
}

// TestMovePolicyAndKeycodeAreChosenByName uses the keys m, p, K, D and E on one machine.
func TestMovePolicyAndKeycodeAreChosenByName(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s, m := c.machine()
	to := s.Groups[len(s.Groups)-1]
	if to.ID == m.GroupID {
		to = s.Groups[0]
	}
	c.Press("m")
	c.Settle()
	c.want("Move to which group?", "default group")
	c.Type(to.Name)
	c.Press("enter", "enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	if c.now(m.ID).GroupID != to.ID {
		t.Fatalf("not moved: %s\n%s", c.last(), c.Screen())
	}
	c.Press("p")
	c.Settle()
	c.want("Which policy?")
	c.Type("Silent Audit")
	c.Press("enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	if !strings.Contains(c.last(), `PUT policy {"EndpointsList":"`+m.ID+`"`) {
		t.Fatalf("sent %s\n%s", c.last(), c.Screen())
	}
	c.Press("D")
	c.Settle()
	c.answer(m.HostName)
	if !c.now(m.ID).Deactivated {
		t.Fatalf("not deactivated: %s\n%s", c.last(), c.Screen())
	}
	c.Press("E")
	c.Settle()
	c.Press("y")
	c.Settle()
	if c.now(m.ID).Deactivated {
		t.Fatalf("still deactivated: %s\n%s", c.last(), c.Screen())
	}
	c.keycode(s, m)
}

func (c *console) keycode(s unitytest.SiteTruth, m unitytest.EndpointTruth) {
	c.t.Helper()
	var other unitytest.SiteTruth
	for _, x := range c.sim.World().Sites {
		if x.ID != s.ID && !x.Deactivated && !x.Suspended {
			other = x
		}
	}
	c.Press("K")
	c.Settle()
	c.want("To the keycode of which site?")
	c.Type(other.Name)
	c.Press("enter")
	c.Settle()
	c.answer(m.HostName)
	if got := strings.ReplaceAll(c.last(), "-", ""); !strings.Contains(got, other.Keycode) {
		c.t.Fatalf("sent %s, the keycode is %s\n%s", got, other.Keycode, c.Screen())
	}
}

// TestGroupsAreMadeChangedAndRemoved uses the keys n, E and D in the list of groups.
func TestGroupsAreMadeChangedAndRemoved(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s := c.plainSite()
	c.Press("enter")
	c.Settle()
	c.Press("tab") // to the groups
	c.Press("n")
	c.Settle()
	c.want("New group")
	c.Type("Tills")
	c.Press("tab")
	c.Type("front of house")
	c.Press("tab", "enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	groups := c.site(s.ID).Groups
	made := groups[len(groups)-1]
	if made.Name != "Tills" {
		t.Fatalf("no group: %s\n%s", c.last(), c.Screen())
	}
	c.Press("/")
	c.Type("Tills")
	c.Press("enter", "E")
	c.Settle()
	c.want("Edit Tills")
	c.Type(" 2")
	c.Press("tab", "tab", "tab", "enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	if got, want := c.last(), "PUT "+made.ID+` {"GroupName":"Tills 2"}`; got != want {
		t.Fatalf("sent %s, want %s\n%s", got, want, c.Screen())
	}
	c.Press("D")
	c.Settle()
	c.want("Where do the machines of")
	c.Press("enter")
	c.Settle()
	c.answer("Tills 2")
	if n := len(c.site(s.ID).Groups); n != len(groups)-1 {
		t.Fatalf("%d groups left: %s\n%s", n, c.last(), c.Screen())
	}
}

// TestAdminsAreMadeChangedAndRemoved uses the keys n, E, p and D in the list of the console's admins.
func TestAdminsAreMadeChangedAndRemoved(t *testing.T) {
	t.Parallel()
	c := tall(t)
	c.Press(":")
	c.Type("go to admins")
	c.Press("enter")
	c.Settle()
	c.Press("n")
	c.Settle()
	c.want("New admin of the console")
	c.Type("nia@acme.example")
	c.Press("tab")
	c.Type("N")
	c.want("2 to 30")
	c.Type("ia")
	c.Press("tab")
	c.Type("Okafor")
	c.Press("tab", "right", "enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	if got, want := c.last(), `POST admins {"EmailAddress":"nia@acme.example","FirstName":"Nia","LastName":"Okafor","AccessLevel":1}`; got != want {
		t.Fatalf("sent %s\n%s", got, c.Screen())
	}
	c.want("few minutes")
	c.Press("/")
	c.Type("nia@acme")
	c.Press("enter", "E")
	c.Settle()
	c.want("Edit Nia Okafor")
	c.Press("backspace")
	c.Type("na")
	c.Press("enter", "enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	if !strings.HasSuffix(c.last(), `{"FirstName":"Nina"}`) {
		t.Fatalf("sent %s\n%s", c.last(), c.Screen())
	}
	c.Press("p")
	c.Settle()
	var site unitytest.SiteTruth
	for _, s := range c.sim.World().Sites {
		if !s.Deactivated {
			site = s
		}
	}
	c.Type(site.Name)
	c.Press("enter", "enter")
	c.Settle()
	c.Press("y")
	c.Settle()
	if !strings.Contains(c.last(), `"AccessLevel":128`) {
		t.Fatalf("sent %s\n%s", c.last(), c.Screen())
	}
	c.Press("D")
	c.Settle()
	c.answer("nia@acme.example")
	if !strings.HasPrefix(c.last(), "DELETE") {
		t.Fatalf("sent %s\n%s", c.last(), c.Screen())
	}
}

// TestCombinedActionsAreOneQuestion off-boards a customer from the palette: one question, all machines, then the site.
func TestCombinedActionsAreOneQuestion(t *testing.T) {
	t.Parallel()
	c := tall(t)
	s := c.plainSite()
	active := len(machines(c.sim.World(), func(e unitytest.EndpointTruth) bool { return e.SiteID == s.ID && !e.Deactivated }))
	c.Press(":")
	c.Type("site.offboard")
	c.Press("enter")
	c.Settle()
	c.want("off-board", "step 2 of 2", "number of machines")
	if len(c.changes()) > 0 {
		t.Fatal("sent before anybody confirmed")
	}
	c.answer(strconv.Itoa(active))
	for _, e := range c.sim.World().Endpoints {
		if e.SiteID == s.ID && !e.Deactivated {
			t.Errorf("%s is still active\n%s", e.HostName, c.Screen())
		}
	}
	if !c.site(s.ID).Suspended {
		t.Errorf("not suspended: %s\n%s", c.last(), c.Screen())
	}
}
