package ui_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
)

func TestChangeOnOneMachineAsksInFooter(t *testing.T) {
	w := newWorld(t, 5)
	d := w.start(100, 20)
	d.Press("s")
	want(t, d, "scan HOST-000 - Harbour -- y send, any other key cancels")
	d.Press("x")
	want(t, d, "scan was not sent")
	d.Press("s", "y")
	d.Settle()
	if got := w.sentNames(); got != "HOST-000" {
		t.Fatalf("sent %q", got)
	}
	want(t, d, "scan: 1 sent")
}

func TestConfirmationByRisk(t *testing.T) {
	for _, tc := range []struct {
		name string
		keys []string
		want string
	}{
		{"several: enter sends, OK has the focus", []string{"space", "space", "s", "enter"}, "HOST-000 HOST-001"},
		{"several: tab moves to cancel", []string{"space", "space", "s", "tab", "enter"}, ""},
		{"disrupt: enter cancels", []string{"R", "enter"}, ""},
		{"disrupt: y sends", []string{"R", "y"}, "HOST-000"},
		{"disrupt: n cancels", []string{"R", "n"}, ""},
		{"disrupt: tab and enter sends", []string{"R", "tab", "enter"}, "HOST-000"},
		{"destroy: y is text only", []string{"U", "y", "enter"}, ""},
		{"destroy: enter alone sends nothing", []string{"U", "enter"}, ""},
		{"destroy: typed", []string{"U", "H", "O", "S", "T", "-", "0", "0", "0", "enter"}, "HOST-000"},
		{"destroy: typed wrongly", []string{"U", "H", "O", "S", "T", "-", "0", "0", "1", "enter"}, ""},
		{"destroy: esc cancels", []string{"U", "H", "O", "S", "T", "-", "0", "0", "0", "esc", "enter"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, 5)
			d := w.start(100, 30)
			d.Press(tc.keys...)
			d.Settle()
			if got := w.sentNames(); got != tc.want {
				t.Fatalf("sent %q, want %q\n%s", got, tc.want, d.Screen())
			}
		})
	}
}

func TestMoreThan25MachinesAskForTheirNumber(t *testing.T) {
	w := newWorld(t, 30)
	d := w.start(100, 30)
	d.Press("a", "s")
	want(t, d, "type the number of machines to confirm: 30", "enter confirm  esc cancel")
	d.Press("enter", "y", "enter")
	if got := w.sentNames(); got != "" {
		t.Fatalf("sent %q", got)
	}
	d.Press("backspace")
	d.Type("30")
	d.Press("enter")
	d.Settle()
	if n := len(strings.Fields(w.sentNames())); n != 30 {
		t.Fatalf("sent to %d machines:\n%s", n, d.Screen())
	}
}

func TestPasteNeverConfirms(t *testing.T) {
	for _, key := range []string{"s", "R", "U"} {
		t.Run(key, func(t *testing.T) {
			w := newWorld(t, 3)
			d := w.start(100, 30)
			d.Press(key)
			d.Paste("y")
			d.Paste("HOST-000\n")
			d.Settle()
			if got := w.sentNames(); got != "" {
				t.Fatalf("a paste sent %q", got)
			}
		})
	}
	w := newWorld(t, 3)
	d := w.start(100, 30)
	d.Press("U")
	d.Paste("HOST-000") // what is to be typed does not count when it is pasted, also not with an Enter of one's own
	d.Press("enter")
	d.Settle()
	if got := w.sentNames(); got != "" {
		t.Fatalf("a pasted name sent %q", got)
	}
}

func TestKeysInFlightDoNotConfirm(t *testing.T) {
	for _, keys := range [][]string{{"R", "y"}, {"s", "y"}, {"R", "tab", "enter"}, {"R", "y", "y", "y"}, {"space", "space", "s", "enter"}} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			w := newWorld(t, 3)
			d := w.start(100, 30)
			d.Burst(keys...)
			d.Settle()
			if got := w.sentNames(); got != "" {
				t.Fatalf("keys without a pause sent %q", got)
			}
		})
	}
}

func TestBurstIntoArmedQuestionIsDropped(t *testing.T) {
	w := newWorld(t, 3)
	d := w.start(100, 30)
	d.Press("R")
	d.Advance(time.Second)
	d.Burst("y", "e", "s")
	d.Settle()
	if got := w.sentNames(); got != "" {
		t.Fatalf("a burst that begins with y sent %q", got)
	}
	want(t, d, "restart?")
	d.Press("y")
	d.Settle()
	if got := w.sentNames(); got != "HOST-000" {
		t.Fatalf("sent %q", got)
	}
}

func TestIdleLockAsksFirst(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.IdleLock = 15 * time.Minute
	d := w.start(100, 30)
	d.Advance(16 * time.Minute)
	d.Press("s")
	want(t, d, "y goes on working")
	d.Press("q")
	d.Press("j", "s")
	want(t, d, "y goes on working")
	d.Press("y")
	want(t, d, "scan HOST-001", "y send")
	d.Press("y")
	d.Settle()
	d.Press("s")
	wantNot(t, d, "goes on working")
}

func TestReadOnlyRefusesChanges(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Header = func() ui.Header { return ui.Header{Profile: "main", ReadOnly: true} }
	d := w.start(100, 30)
	want(t, d, "READ-ONLY")
	d.Press("s")
	want(t, d, "scan is not available: this profile is read-only")
	d.Press("y")
	d.Settle()
	if got := w.sentNames(); got != "" {
		t.Fatalf("sent %q", got)
	}
}

func TestDialogShowsEverything(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Home = func() ui.Screen { return ui.NewText("Home", "text") }
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "go.plan", Title: "plan", Keys: []string{"1"}}, Do: proposePlan(ui.Plan{
		Title: "restart", Risk: ui.RiskDisrupt, Console: "Acme MSP", Machines: 12, Sites: 2,
		Customers: []string{"Harbour · 11 machines", "Lakeside · 1 machine"}, Names: manyNames(12), Stale: []string{"OLD-1"},
		Skipped: []string{"GONE-1: deactivated"}, Hidden: []string{"HIDDEN-1"}, Warnings: []string{"one machine is a server"},
		Requests: []string{"POST /v1/commands {\"x\":\x1b[31m1}"},
	})}}
	d := w.start(100, 60)
	d.Press("1")
	want(t, d, "Acme MSP", "12 machines of 2 customers", "Harbour - 11 machines", "OLD-1", "GONE-1: deactivated", "HIDDEN-1", "one machine is a server",
		"and 2 more", "POST /v1/commands", "[ Cancel ]")
	wantNot(t, d, "\x1b", "M-11")
}

func TestBlockedPlanSendsNothing(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "go.plan", Title: "plan", Keys: []string{"1"}}, Do: proposePlan(ui.Plan{
		Title: "scan", Risk: ui.RiskChange, Machines: 2, Blocked: "all machines are deactivated", Skipped: []string{"A", "B"},
	})}}
	d := w.start(100, 30)
	d.Press("1")
	want(t, d, "all machines are deactivated", "[ Close ]")
	d.Press("y")
	want(t, d, "[ Close ]")
	d.Press("enter")
	wantNot(t, d, "[ Close ]")
}

func TestHiddenMarksAreNamed(t *testing.T) {
	w := newWorld(t, 6)
	d := w.start(100, 40)
	d.Press("space", "space", "/")
	d.Type("HOST-000")
	d.Press("enter", "s")
	want(t, d, "Hidden by the filter, but marked (1)", "HOST-001", "2 machines")
}

// TestDigitsInOnePacket types a number over a slow line, which brings two keys at once: nothing is sent, and the dialog says why
// the number is not there.
func TestDigitsInOnePacket(t *testing.T) {
	w := newWorld(t, 40)
	d := w.start(100, 30)
	d.Press("a")
	d.Press("s")
	d.Advance(time.Second)
	d.Burst("4", "0")
	d.Settle()
	want(t, d, "once more, 40")
	d.Press("enter")
	d.Settle()
	if got := w.sentNames(); got != "" {
		t.Fatalf("half a number sent %q", got)
	}
	d.Press("4", "0", "enter")
	d.Settle()
	if n := len(strings.Fields(w.sentNames())); n != 40 {
		t.Fatalf("sent to %d machines:\n%s", n, d.Screen())
	}
}

// TestQuestionLapsesOverNight leaves a question open for hours: the key of whoever sits there then sends nothing.
func TestQuestionLapsesOverNight(t *testing.T) {
	for key, question := range map[string]string{"R": "restart?", "s": "y send"} {
		t.Run(key, func(t *testing.T) {
			w := newWorld(t, 3)
			w.cfg.IdleLock = 15 * time.Minute
			d := w.start(100, 30)
			d.Press(key)
			want(t, d, question)
			d.Advance(14 * time.Hour)
			d.Press("y")
			d.Settle()
			want(t, d, "no key for 14 h: the question was closed, nothing was sent")
			if got := w.sentNames(); got != "" {
				t.Fatalf("a question of yesterday sent %q", got)
			}
			d.Press(key)
			d.Settle()
			want(t, d, "goes on working")
		})
	}
}

// TestWhatIsTypedCanBeReadAtEveryWidth: a number or a name that has to be typed to the letter is never cut.
func TestWhatIsTypedCanBeReadAtEveryWidth(t *testing.T) {
	long := "Kindergarten und Tagesstätte am Alten Markt, Zweigstelle Nord-Ost 株式会社"
	for _, size := range [][2]int{{80, 24}, {60, 12}, {40, 10}, {30, 9}, {24, 12}} {
		for _, name := range []string{"HOST-000", long} {
			w := newWorld(t, 1)
			w.machines[0].name = name
			d := w.start(size[0], size[1])
			d.Press("g", "U")
			var shown strings.Builder
			for l := range strings.SplitSeq(d.Screen(), "\n") {
				if l = strings.TrimRight(strings.TrimSuffix(strings.TrimSpace(l), "|"), " "); strings.HasPrefix(l, "| ") {
					shown.WriteString(strings.TrimPrefix(l, "| "))
				}
			}
			if bare := strings.NewReplacer(" ", "").Replace; !strings.Contains(bare(shown.String()), bare(name)+">") {
				t.Errorf("at %v %q cannot be read:\n%s", size, name, d.Screen())
			}
			if _, y, ok := d.Cursor(); !ok || !strings.Contains(d.Line(y), "| >") {
				t.Errorf("at %v the cursor is not where one types:\n%s", size, d.Screen())
			}
			if name != long {
				d.Press("backspace") // the question takes no key in its first moment
				d.Type(name)
				d.Press("enter")
				d.Settle()
				if w.sentNames() != name {
					t.Errorf("at %v the name was typed and not sent", size)
				}
			}
		}
	}
}
