package views_test

import (
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestWhatIsUnknownIsSentAgainOnlyOnAWord: a scan whose request never arrived stays unknown, `f` says which key sends it again, and
// that key asks like a disrupt, with what may come twice.
func TestWhatIsUnknownIsSentAgainOnlyOnAWord(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Seed: 11, Sites: 4, Endpoints: 60, PollWithin: time.Hour, AccessTTL: 24 * time.Hour})
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	b := workbench(t, sim, 120, 40)
	fault := func(rate float64) {
		t.Helper()
		if err := sim.SetFault("reset-before", rate); err != nil {
			t.Fatal(err)
		}
	}
	m, tail := b.tailed()
	b.Press("f")
	b.Type(tail)
	b.Press("enter", "s")
	b.Settle()
	b.want("y send")
	fault(1)
	b.Press("y")
	b.Press("J")
	if !b.WaitFor("reading again to find out") {
		t.Fatal(b.Screen())
	}
	b.Press("x")
	b.Settle()
	b.want("1 unknown")
	fault(0)
	sim.ResetLog()
	sim.Advance(5 * time.Minute)
	b.Press("f")
	b.want("nothing failed; F resends unknown")
	b.Press("F")
	b.Settle()
	b.want("1 of these may get it twice", "[ Cancel ]")
	b.Press("enter")
	b.Settle()
	if got := b.delivered("scan"); len(got) != 0 {
		t.Fatalf("the key that cancels has sent to %v", got)
	}
	b.Press("F")
	b.Settle()
	b.Press("y")
	b.Settle()
	b.only("scan", m.ID)
	b.want("1 sent")
	b.Press("u")
	b.want("nothing takes this back")
}

// TestWhatIsTakenBackIsReadAgain and shows in its list, as any other change of a site does.
func TestWhatIsTakenBackIsReadAgain(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Seed: 12, Sites: 4, Endpoints: 60, PollWithin: time.Hour, AccessTTL: 24 * time.Hour})
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	b := workbench(t, sim, 160, 50)
	s := b.plainSite()
	row := func() string { return b.LineWith(s.Name) }
	b.press("S")
	b.named(s.Name)
	b.press("enter")
	if !strings.Contains(row(), "suspended") {
		t.Fatalf("the list does not show the suspension:\n%s", b.Screen())
	}
	b.press("J", "u")
	b.want("resume "+s.Name, "[ Cancel ]")
	b.press("y")
	if !b.WaitFor("state active") { // it is read again and said, as after any change of a site
		t.Fatal(b.Screen())
	}
	b.press("esc")
	shown := b.Until(func() bool { return strings.Contains(row(), "active") })
	if b.site(s.ID).Suspended || !shown {
		t.Fatalf("suspended: %v, and the list shows %q\n%s", b.site(s.ID).Suspended, row(), b.Screen())
	}
}

// TestTheQuestionTellsWhyItIsGrave: what a revert brings back, and what not.
func TestTheQuestionTellsWhyItIsGrave(t *testing.T) {
	t.Parallel()
	sim := unitytest.New(unitytest.Options{Seed: 13, Sites: 4, Endpoints: 60, PollWithin: time.Hour, AccessTTL: 24 * time.Hour})
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	b := workbench(t, sim, 120, 40)
	b.plainSite()
	b.press("S")
	b.want("high: takes something away until it is reverted")
	b.press("esc")
	m, _ := b.tailed()
	b.atMachine(m.ID)
	b.press("D")
	b.want("high: a revert brings back the record, not an uninstalled agent")
	b.press("esc", "U")
	b.want("high: cannot simply be taken back")
	b.press("esc")
	if got := b.sent(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}
