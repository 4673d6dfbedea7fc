package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestAMarkOfAnotherScreenIsAskedAbout: a machine of one customer is marked, the cursor stands on one of another, and the key is
// asked about in a dialog that says which machine is meant, with its customer.
func TestAMarkOfAnotherScreenIsAskedAbout(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 300, Seed: 3})
	b := workbench(t, sim, 140, 50)
	w := sim.World()
	var marked, under unitytest.EndpointTruth
	for _, e := range w.Endpoints {
		switch {
		case e.Deactivated || e.LastSeen.IsZero() || w.Now.Sub(e.LastSeen) > 24*time.Hour:
		case marked.ID == "":
			marked = e
		case under.ID == "" && e.SiteID != marked.SiteID && e.HostName != marked.HostName:
			under = e
		}
	}
	b.env.Marks.Set(unity.EndpointID(marked.ID), true)
	for _, s := range w.Sites {
		if s.ID == under.SiteID {
			b.Press("esc", "esc", "/")
			b.Type(`"` + s.Name + `"`)
			b.Press("enter", "enter")
		}
	}
	b.Settle()
	b.Press("s")
	b.Settle()
	text := b.wholeQuestion()
	for _, part := range []string{"Marked on another screen, not in this list (1)", marked.HostName + " - ", "what is marked is on another screen; the machine under the cursor"} {
		if !strings.Contains(text, part) {
			t.Fatalf("%q is not in the question:\n%s", part, text)
		}
	}
	if strings.Contains(text, "any other key cancels") {
		t.Fatal("one key in the footer would do")
	}
}

// TestTheCommandsUnderWayAreListed: the number on the first screen opens them; `y` copies what hastens one, Enter opens its machine.
func TestTheCommandsUnderWayAreListed(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 300, Seed: 3})
	b := workbench(t, sim, 140, 50)
	var e unitytest.EndpointTruth
	w := sim.World()
	for _, x := range w.Endpoints {
		if !x.Deactivated && x.PendingJobs == 0 && !strings.Contains(x.OS, "mac") && !strings.Contains(x.HostName, "Mac") && w.Now.Sub(x.LastSeen) < 24*time.Hour {
			e = x
		}
	}
	if err := sim.StopPolling(e.ID); err != nil {
		t.Fatal(err)
	}
	b.atMachine(e.ID)
	b.Press("s")
	b.Settle()
	if !strings.Contains(b.wholeQuestion(), e.HostName) {
		t.Fatalf("another machine is asked about:\n%s", b.Screen())
	}
	b.Advance(time.Second)
	b.Press("y")
	b.Settle()
	b.Press(":")
	b.Type("go to commands under way")
	b.Press("enter")
	if !b.WaitFor("not yet received") {
		t.Fatalf("it is not listed:\n%s", b.Screen())
	}
	row := b.LineWith("not yet received")
	if !strings.Contains(row, e.HostName) || !strings.Contains(row, "scan") {
		t.Fatalf("the row is %q", row)
	}
	b.Press("y")
	b.Settle()
	if b.Clipboard() != "WRSA.exe -poll" {
		t.Errorf("copied %q", b.Clipboard())
	}
	b.Press("enter")
	b.Settle()
	if !strings.Contains(b.Line(1), e.HostName) {
		t.Errorf("it opens %q", b.Line(1))
	}
}
