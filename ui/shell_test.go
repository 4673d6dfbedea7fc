package ui_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
)

func TestBackRestoresAndHistoryGoesForward(t *testing.T) {
	w := newWorld(t, 30)
	d := w.start(100, 12)
	d.Press("G", "k", "enter")
	want(t, d, "Machines > HOST-028")
	d.Press("[")
	if l := selected(t, d); !strings.Contains(l, "HOST-028") {
		t.Fatalf("back is on %q", l)
	}
	d.Press("]")
	want(t, d, "Machines > HOST-028")
	d.Press("q")
	wantNot(t, d, " > ")
	d.Press("q")
	if !d.Quit() {
		t.Fatal("q on the first screen does not quit")
	}
}

func TestPushClosesTheWayForward(t *testing.T) {
	w := newWorld(t, 3)
	p := &probe{id: ui.NewID()}
	d := w.start(100, 12)
	d.Deliver(ui.Push(p)())
	d.Press("q", "enter")
	if !p.closed {
		t.Fatal("a screen nobody can go forward to was not closed")
	}
	d.Press("]")
	want(t, d, "HOST-000")
}

func TestJobsTellTheTruth(t *testing.T) {
	for _, tc := range []struct {
		name    string
		outcome func(string) (ui.Outcome, string)
		want    string
	}{
		{"all sent", nil, "done: scan: 3 sent"},
		{"one failed", func(n string) (ui.Outcome, string) {
			if n == "HOST-001" {
				return ui.Failed, "403 not allowed"
			}
			return ui.Sent, ""
		}, "failed: scan: 2 sent, 1 failed: HOST-001: 403 not allowed"},
		{"one unknown", func(n string) (ui.Outcome, string) {
			if n == "HOST-002" {
				return ui.Unknown, "no answer"
			}
			return ui.Sent, ""
		}, "warning: scan: 2 sent, 1 unknown: HOST-002: no answer"},
		{"none has an outcome", func(string) (ui.Outcome, string) { return ui.Waiting, "" }, "warning: scan: 3 without an outcome"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, 3)
			w.outcome = tc.outcome
			d := w.start(120, 24)
			d.Press("a", "s", "y")
			d.Settle()
			want(t, d, tc.want)
			if w.loadCount() != 2 {
				t.Fatalf("%d loads: what the job touched was not read again", w.loadCount())
			}
			d.Press("J")
			want(t, d, "Jobs", "HOST-002", "RESULT")
		})
	}
}

func TestJobSurvivesScreensAndQuittingAsks(t *testing.T) {
	w := newWorld(t, 3)
	w.gate = make(chan struct{})
	d := w.start(100, 24)
	d.Press("s", "y", "enter")
	want(t, d, "1 job running")
	d.Press("q", "q")
	want(t, d, "Quit while a job runs?", "scan: ")
	d.Press("enter")
	if d.Quit() {
		t.Fatal("enter quit although cancel has the focus")
	}
	close(w.gate)
	d.Settle()
	want(t, d, "scan: 1 sent")
}

func TestCancelledJobSaysSo(t *testing.T) {
	w := newWorld(t, 3)
	w.gate = make(chan struct{})
	d := w.start(100, 24)
	d.Press("s", "y", "J")
	if !d.WaitFor("1 waiting") {
		t.Fatal(d.Screen())
	}
	d.Press("x")
	d.Settle()
	want(t, d, "1 cancelled", "cancelled after")
	if w.sentNames() != "" {
		t.Fatal("a cancelled job sent")
	}
}

func TestCtrlCTwiceQuits(t *testing.T) {
	d := newWorld(t, 3).start(80, 24)
	d.Press("ctrl+c")
	if d.Quit() {
		t.Fatal("once is enough to quit")
	}
	d.Advance(3 * time.Second)
	d.Press("ctrl+c")
	if d.Quit() {
		t.Fatal("two that are far apart quit")
	}
	d.Press("ctrl+c")
	if !d.Quit() {
		t.Fatal("twice does not quit")
	}
}

func TestPaletteRunsAndGivesReasons(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Catalog = append(w.cfg.Catalog, ui.Spec{ID: "site.suspend", Title: "suspend site", Keys: []string{"S"}})
	d := w.start(110, 30)
	d.Press(":")
	d.Type("never")
	want(t, d, "the moon is not full")
	d.Press("enter")
	want(t, d, "never is not available: the moon is not full")
	d.Press("esc", ":")
	d.Type("suspend site")
	want(t, d, "not on this screen")
	d.Press("esc", "?")
	d.Type("invert")
	d.Press("enter")
	want(t, d, "3 marked")
}

func TestEverySpecIsInHelp(t *testing.T) {
	w := newWorld(t, 3)
	for _, s := range ui.Builtins() {
		if s.Title == "" || s.Help == "" || !strings.HasSuffix(s.Help, ".") {
			t.Errorf("%s has no title or no sentence", s.ID)
		}
	}
	d := w.start(140, 30)
	for _, s := range append(w.catalog(), ui.Builtins()...) {
		scope, _, _ := strings.Cut(s.ID, ".")
		if scope != "machine" && scope != "app" && scope != "table" {
			continue
		}
		d.Press("?")
		d.Type(s.Title)
		if !d.Has(strings.TrimSuffix(s.Help, ".")[:min(20, len(s.Help)-1)]) {
			t.Errorf("%s is not in help:\n%s", s.ID, d.Screen())
		}
		d.Press("esc")
	}
}

func TestRemappedKeys(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Keys = map[string][]string{"machine.scan": {"z"}, "app.help": {"f1"}}
	d := w.start(100, 20)
	want(t, d, "z scan", "f1 help")
	d.Press("s")
	wantNot(t, d, "y send")
	d.Press("z")
	want(t, d, "y send")
}

func TestMessagesFadeOrStay(t *testing.T) {
	d := newWorld(t, 3).start(100, 30)
	d.Deliver(ui.Toast(ui.Good, "all is well")())
	d.Deliver(ui.Toast(ui.Bad, "all is lost\x1b[2J")())
	want(t, d, "done: all is well", "failed: all is lost[2J")
	d.Settle()
	d.Advance(5 * time.Second)
	wantNot(t, d, "all is well")
	want(t, d, "all is lost")
	d.Press("x")
	wantNot(t, d, "all is lost")
	d.Press("M")
	want(t, d, "all is lost", "all is well")
}

func TestSizesNeverPanic(t *testing.T) {
	w := newWorld(t, 60)
	w.cfg.Tips = []string{"one", "two", "three"}
	d := w.start(80, 24)
	for _, keys := range [][]string{{}, {"/", "H"}, {"enter"}, {"?"}, {"esc", "R"}, {"esc", "U"}, {"esc", "a", "s"}, {"esc", "J"}, {"esc", "enter"}, {"o"}} {
		d.Press(keys...)
		for _, s := range [][2]int{{0, 0}, {1, 1}, {2, 3}, {20, 5}, {40, 10}, {80, 24}, {200, 60}, {500, 200}, {9999, -3}} {
			d.Resize(s[0], s[1])
			lines := strings.Split(d.Root.View().Content, "\n")
			for _, l := range lines {
				if s[0] > 0 && s[0] <= 500 && ansi.StringWidth(l) > s[0] {
					t.Fatalf("%v %v: a line has %d cells: %q", keys, s, ansi.StringWidth(l), l)
				}
			}
			if s[1] > 0 && len(lines) > s[1] {
				t.Fatalf("%v %v: %d lines", keys, s, len(lines))
			}
		}
	}
}

func TestFortyByTenIsUsable(t *testing.T) {
	w := newWorld(t, 60)
	w.cfg.Header = func() ui.Header {
		return ui.Header{Profile: "production", Console: "Acme Managed Services", User: "anna@example.com", ReadOnly: false, Demo: true}
	}
	d := w.start(40, 10)
	d.Press("space")
	want(t, d, "DEMO", "1 marked", "HOST-001", "60 rows", "? help")
	d.Press("n", "u", "s")
	want(t, d, "scan HOST-001 - Lakeside", "y send")
}

func TestSignInOpensFirstAndMarksFaults(t *testing.T) {
	w := newWorld(t, 3)
	auth := make(chan ui.Auth, 1)
	auth <- ui.Auth{State: "sign-in needed", Needed: true, Level: ui.Bad, Text: "no credentials are stored"}
	w.loadErr = errGateway
	w.cfg.Auth = auth
	w.cfg.SignIn = &ui.SignIn{Title: "Sign in", Fields: []form.Field{{ID: "user", Label: "User"}, {ID: "password", Label: "Password", Secret: true}},
		Run: func(_ context.Context, v map[string]string, step func([]ui.Step)) ([]string, error) {
			if v["password"] != "right" {
				step([]ui.Step{{Name: "reach", State: ui.StepDone}, {Name: "user", State: ui.StepFailed, Note: "refused"}})
				return []string{"password"}, errGateway
			}
			return nil, nil
		}}
	d := w.start(100, 30)
	if !d.WaitFor("Password") {
		t.Fatalf("no form:\n%s", d.Screen())
	}
	d.Type("anna")
	d.Press("enter")
	d.Type("wrong")
	d.Press("enter")
	want(t, d, "anna", "user: refused", "504 gateway time-out")
	wantNot(t, d, "wrong")
	w.mu.Lock()
	w.loadErr = nil
	w.mu.Unlock()
	d.Press("ctrl+u")
	d.Type("right")
	d.Press("enter")
	want(t, d, "signed in", "HOST-000")
	auth <- ui.Auth{State: "sign-in needed", Needed: true, Text: "the sign-in has expired"}
	if !d.WaitFor("f2 signs in: the sign-in has expired") {
		t.Fatalf("no banner:\n%s", d.Screen())
	}
	wantNot(t, d, "Password")
	d.Press("f2")
	want(t, d, "Password")
	d.Press("esc")
	want(t, d, "HOST-000")
}

func TestFindKeepsTheCursorOnItsHit(t *testing.T) {
	w := newWorld(t, 3)
	more := make(chan struct{})
	w.cfg.Find = func(ctx context.Context, query string, emit func([]ui.Hit, string)) {
		a := ui.Hit{Key: "a", Title: "ALPHA " + query, Open: func() tea.Cmd { return ui.Push(ui.NewText("Alpha", "the alpha")) }}
		emit([]ui.Hit{a}, "searched 1 of 2 sites")
		select {
		case <-more:
			emit([]ui.Hit{{Key: "b", Title: "BEFORE"}, a}, "searched 2 of 2 sites")
		case <-ctx.Done():
		}
	}
	d := w.start(100, 24)
	d.Press("f")
	d.Deliver(tea.PasteMsg{Content: "xy"})
	if !d.Until(func() bool { d.Elapse(100 * time.Millisecond); return d.Has("ALPHA xy") }) {
		t.Fatal(d.Screen())
	}
	close(more)
	if !d.WaitFor("BEFORE") {
		t.Fatal(d.Screen())
	}
	d.Press("enter")
	want(t, d, "the alpha")
}

func TestProfileSwitchDropsTheOldAndKeepsJobs(t *testing.T) {
	w, other := newWorld(t, 3), newWorld(t, 1)
	other.cfg.Home = func() ui.Screen { return ui.NewText("Other", "the other console") }
	w.gate = make(chan struct{})
	w.cfg.Profiles = func() []ui.Profile { return []ui.Profile{{Name: "main", Current: true}, {Name: "second"}} }
	w.cfg.UseProfile = func(string) (*ui.Config, error) { return &other.cfg, nil }
	d := w.start(100, 24)
	d.Press("s", "y", "P", "down", "enter")
	want(t, d, "the other console", "1 job running")
	close(w.gate)
	d.Settle()
	want(t, d, "scan: 1 sent")
}

func TestSessionIsSavedAndRestored(t *testing.T) {
	w := newWorld(t, 9)
	w.cfg.Restore = func(path string) ui.Screen {
		if path == "/below" {
			return ui.NewPanes("Below", "/below", ui.NewList(w.resource()), ui.NewText("Notes", "notes"))
		}
		return nil
	}
	d := w.start(120, 20)
	d.Press("o", "enter", "/")
	d.Type("host")
	d.Press("enter", "j", "j")
	d.Deliver(ui.Push(w.cfg.Restore("/below"))())
	d.Press("tab", "ctrl+c", "ctrl+c")
	d.Settle()
	if got := strings.Join(w.saved.Stack, " "); got != "/machines /below" {
		t.Fatalf("saved stack %q", got)
	}
	kept, err := json.Marshal(w.saved)
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Session = ui.Session{}
	if err := json.Unmarshal(kept, &w.cfg.Session); err != nil {
		t.Fatal(err)
	}
	again := w.start(120, 20)
	want(t, again, "Machines > Below", "NAME v")
	again.Press("esc")
	want(t, again, "9 rows")
	wantNot(t, again, "/ host")
}

func TestTipsGoWithTheFirstKey(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Tips = []string{"press ? for help"}
	d := w.start(100, 24)
	want(t, d, "press ? for help")
	d.Press("j")
	wantNot(t, d, "press ? for help")
}

func TestMouseIsOffUnlessAsked(t *testing.T) {
	w := newWorld(t, 9)
	d := w.start(100, 24)
	click := tea.MouseClickMsg(tea.Mouse{X: 3, Y: 5, Button: tea.MouseLeft})
	d.Deliver(click)
	if l := selected(t, d); !strings.Contains(l, "HOST-000") {
		t.Fatalf("a click moved to %q", l)
	}
	w.cfg.Mouse = true
	d = w.start(100, 24)
	d.Deliver(click)
	if _, y, _ := d.Cursor(); y != 5 {
		t.Fatalf("a click on line 5 selected line %d", y)
	}
	d.Deliver(tea.MouseWheelMsg(tea.Mouse{Button: tea.MouseWheelDown}))
	if _, y, _ := d.Cursor(); y != 8 {
		t.Fatalf("the wheel went to line %d", y)
	}
}
