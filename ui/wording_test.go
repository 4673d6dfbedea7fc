package ui_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
)

// asked has an action of its own ask about a plan.
func asked(w *world, p ui.Plan) {
	w.cfg.Commands = append(w.cfg.Commands, ui.Command{Spec: ui.Spec{ID: "go.ask", Title: "ask", Help: "Asks.", Keys: []string{"Q"}},
		Do: func() tea.Cmd {
			return ui.Propose(p.Title, func(context.Context) (ui.Plan, error) { return p, nil })
		}})
}

// TestWhatIsMarkedElsewhereIsAskedAboutInADialog, where one machine of the list would be a line in the footer.
func TestWhatIsMarkedElsewhereIsAskedAboutInADialog(t *testing.T) {
	for _, elsewhere := range [][]string{nil, {"TILL-01 · Valley Plumbing"}} {
		w := newWorld(t, 3)
		asked(w, ui.Plan{Title: "scan", Line: "scan TILL-01 · Valley Plumbing", Risk: ui.RiskChange, Machines: 1, Sites: 1, Elsewhere: elsewhere})
		d := w.start(100, 30)
		d.Press("Q")
		if elsewhere == nil {
			want(t, d, "y send, any other key cancels")
			continue
		}
		wantNot(t, d, "any other key cancels")
		want(t, d, "Marked on another screen, not in this list (1)", "TILL-01 - Valley Plumbing", "[ Send (y) ]")
	}
}

// TestAQuestionSaysAtItsHeadHowManyAreLeftOut.
func TestAQuestionSaysAtItsHeadHowManyAreLeftOut(t *testing.T) {
	w := newWorld(t, 3)
	asked(w, ui.Plan{Title: "restart", Line: "restart 29807 machines", Risk: ui.RiskDisrupt, Machines: 3, Sites: 2,
		Skipped: []string{"A · X: waits already", "B · X: waits already"}})
	d := w.start(100, 40)
	d.Press("Q")
	want(t, d, "left out 2 of the 5 machines that were chosen", "may interrupt somebody's work")
	w = newWorld(t, 3)
	asked(w, ui.Plan{Title: "restart", Risk: ui.RiskDisrupt, Blocked: "nothing is left to do", Skipped: []string{"A · X: waits already"}})
	d = w.start(100, 40)
	d.Press("Q")
	want(t, d, "left out the machine that was chosen, for the reason below")
}

// TestAQuestionSaysWhyTheRiskIsHigh: the number of machines, or that nothing takes it back, and never the one for the other.
func TestAQuestionSaysWhyTheRiskIsHigh(t *testing.T) {
	for want, p := range map[string]ui.Plan{
		"high: 690 machines; may interrupt":               {Title: "isolate", Risk: ui.RiskDestroy, Own: ui.RiskDisrupt, Machines: 690, Grave: "cannot be taken back"},
		"high: 641 machines ":                             {Title: "scan", Risk: ui.RiskDestroy, Own: ui.RiskChange, Machines: 641},
		"high: 26 machines ":                              {Title: "move", Risk: ui.RiskChange, Machines: 26},
		"high: cannot simply be taken back":               {Title: "uninstall", Risk: ui.RiskDestroy, Own: ui.RiskDestroy, Machines: 3},
		"high: takes something away until it is reverted": {Title: "suspend", Risk: ui.RiskDestroy, Machines: 3, Grave: "takes something away until it is reverted"},
	} {
		w := newWorld(t, 3)
		asked(w, p)
		d := w.start(100, 40)
		d.Press("Q")
		if !d.Has(want) {
			t.Errorf("%s: no %q\n%s", p.Title, want, d.Screen())
		}
	}
}

// TestAQuestionNamesAllCustomersFirst, counts the servers, and writes the number of requests where one stands for all.
func TestAQuestionNamesAllCustomersFirst(t *testing.T) {
	w := newWorld(t, 3)
	p := ui.Plan{Title: "isolate", Risk: ui.RiskDisrupt, Machines: 20, Sites: 14, Names: manyNames(20), Servers: []string{"SRV-01 · Harbour"}, Serving: "1 of them",
		Stale: []string{"OLD-1"}, Requests: []string{"POST /v1/commands {}"}, Calls: 17}
	for i := range 14 {
		p.Customers = append(p.Customers, "Customer "+string(rune('A'+i))+" · 2 machines")
	}
	asked(w, p)
	d := w.start(100, 70)
	d.Press("Q")
	want(t, d, "servers  1 of them", "Customer N - 2 machines", "Requests (17)")
	last := 0
	for _, part := range []string{"Customer A", "Customer N", "SRV-01", "OLD-1", "M-0", "POST /v1"} {
		at := strings.Index(d.Screen(), part)
		if at < last {
			t.Fatalf("%q stands before what is above it\n%s", part, d.Screen())
		}
		last = at
	}
}

// TestARemarkGoesWithTheNextKey, and by itself; what is worth keeping stays.
func TestARemarkGoesWithTheNextKey(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Commands = append(w.cfg.Commands, ui.Command{Spec: ui.Spec{ID: "go.warn", Title: "warn", Help: "Warns.", Keys: []string{"W"}},
		Do: func() tea.Cmd { return ui.Toast(ui.Warn, "a job was interrupted") }})
	d := w.start(100, 20)
	d.Press("u")
	want(t, d, "clear marks is not available: nothing is marked")
	wantNot(t, d, "dismiss)")
	d.Press("j")
	wantNot(t, d, "nothing is marked")
	d.Press("u")
	want(t, d, "nothing is marked")
	d.Advance(10 * time.Second)
	wantNot(t, d, "nothing is marked")
	d.Press("W", "j")
	d.Advance(time.Minute)
	want(t, d, "a job was interrupted (x dismiss)")
	d.Press("M")
	want(t, d, "nothing is marked")
}

// TestWarningsOfTheStartGoByThemselves, but not with a key.
func TestWarningsOfTheStartGoByThemselves(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Warnings = []string{"view bad: there is no such field"}
	d := w.start(100, 20)
	d.Press("j")
	want(t, d, "view bad")
	d.Advance(time.Minute)
	wantNot(t, d, "view bad")
}

// TestTheHelpHasHeadingsAndSaysWhereOneIs.
func TestTheHelpHasHeadingsAndSaysWhereOneIs(t *testing.T) {
	w := newWorld(t, 3)
	d := w.start(100, 20)
	d.Press("?")
	want(t, d, "On this screen", " 1 of ")
	seen := map[string]bool{}
	for range 100 {
		for _, heading := range []string{"On this screen", "In every list", "Everywhere"} {
			seen[heading] = seen[heading] || d.Has(heading)
		}
		d.Press("down")
	}
	if len(seen) != 3 || !seen["In every list"] || !seen["Everywhere"] {
		t.Errorf("headings: %v", seen)
	}
	if m := regexp.MustCompile(`(\d+) of (\d+)`).FindStringSubmatch(d.LineWith(" of ")); m == nil || m[1] != m[2] {
		t.Errorf("at the end it says %q", d.LineWith(" of "))
	}
	d.Type("uninst")
	wantNot(t, d, "On this screen", "Everywhere")
	want(t, d, "uninstall", " in all")
	d.Press("esc", ":")
	wantNot(t, d, "On this screen")
	want(t, d, "1 of ")
}

// TestTheCursorOfTheHelpIsAlwaysInView, whatever headings stand between.
func TestTheCursorOfTheHelpIsAlwaysInView(t *testing.T) {
	for height := 8; height < 30; height += 3 {
		w := newWorld(t, 3)
		d := w.start(90, height)
		d.Press("?")
		for range 40 {
			d.Press("down", "pgdown", "up")
		}
		for range 40 {
			d.Press("pgup", "up")
		}
		if !d.Has("scan") || height > 10 && !d.Has("On this screen") {
			t.Fatalf("at %d lines the first line is out of view:\n%s", height, d.Screen())
		}
	}
}

// TestTheFooterOfAFormSaysWhatItsKeysDo in each field.
func TestTheFooterOfAFormSaysWhatItsKeysDo(t *testing.T) {
	w := newWorld(t, 1)
	sent := ""
	w.cfg.Commands = append(w.cfg.Commands, ui.Command{Spec: ui.Spec{ID: "go.form", Title: "form", Help: "Asks.", Keys: []string{"Q"}}, Do: func() tea.Cmd {
		return ui.Ask("A form", []form.Field{{ID: "a", Label: "A"}, {ID: "b", Label: "B", Options: []string{"one", "two"}}, {ID: "c", Label: "C", Multiline: true}},
			func(v map[string]string) tea.Cmd { sent = v["a"] + " " + v["b"] + " " + v["c"]; return nil })
	}})
	w.cfg.Keys = map[string][]string{"form.next": {"tab", "f7"}}
	d := w.start(110, 24)
	d.Press("Q")
	want(t, d, "enter next field", "shift+tab field before", "esc close")
	wantNot(t, d, "next choice", "enter OK")
	d.Type("x")
	d.Press("enter")
	want(t, d, "right next choice", "left choice before")
	d.Press("right", "f7") // another key for the same
	want(t, d, "enter new line", "tab next field")
	d.Type("y")
	d.Press("tab")
	want(t, d, "enter OK")
	d.Press("enter")
	if sent != "x two y" {
		t.Errorf("sent %q", sent)
	}
}

// TestAFirstStartSaysWhatToDoAndNoMore: nothing has failed, and nothing is offered that needs a console.
func TestAFirstStartSaysWhatToDoAndNoMore(t *testing.T) {
	w := newWorld(t, 3)
	w.loadErr = errGateway
	w.cfg.Explain = func(err error) ui.Problem { return ui.Problem{Title: "not signed in", Text: err.Error(), SignIn: true} }
	w.cfg.Commands = append(w.cfg.Commands, ui.Command{Spec: ui.Spec{ID: "go.sites", Title: "go to sites", Help: "Goes."}, Do: func() tea.Cmd { panic("nobody is signed in") }})
	auth := make(chan ui.Auth, 1)
	auth <- ui.Auth{State: "signed out", Needed: true, Level: ui.Warn, Text: "Sign in to read a console."}
	w.cfg.Auth = auth
	w.cfg.SignIn = &ui.SignIn{Title: "Sign in", Focus: "key", Fields: []form.Field{{ID: "url", Label: "Address"}, {ID: "key", Label: "Keycode"}},
		Run: func(context.Context, map[string]string, func([]ui.Step)) ([]string, error) { return nil, nil }}
	d := w.start(100, 24)
	if !d.WaitFor("> Keycode") {
		t.Fatal(d.Screen())
	}
	wantNot(t, d, "failed", "504")
	want(t, d, "enter sign in")
	d.Press("esc")
	wantNot(t, d, "failed", "504", "enter open", "s scan", "/ filter")
	want(t, d, "nothing is read yet: f2 signs in", "f2 sign in")
	d.Press("f")
	want(t, d, "find is not available: ")
	d.Press(":")
	d.Type("go to sites")
	want(t, d, "sign in first (f2)")
	d.Press("enter", "esc")
	w.mu.Lock()
	w.loadErr = nil
	w.mu.Unlock()
	d.Press("f2", "enter")
	want(t, d, "HOST-000", "enter open")
	wantNot(t, d, "nothing is read yet")
}

// TestThePanelOfJobsOffersNothingWithoutAJob.
func TestThePanelOfJobsOffersNothingWithoutAJob(t *testing.T) {
	d := newWorld(t, 1).start(120, 20)
	d.Press("J")
	want(t, d, "no change was sent", "esc close")
	wantNot(t, d, "cancel job", "next job", "resume")
}

// TestTheEndOfAJobSaysWhyAMachineWasLeftOut, and what failed before that.
func TestTheEndOfAJobSaysWhyAMachineWasLeftOut(t *testing.T) {
	for _, failed := range []bool{false, true} {
		w := newWorld(t, 2)
		w.outcome = func(name string) (ui.Outcome, string) {
			if failed && name == "HOST-001" {
				return ui.Failed, "the server refused it"
			}
			return ui.Skipped, "deactivated meanwhile"
		}
		d := w.start(120, 20)
		d.Press("a", "R", "y")
		d.Settle()
		if failed {
			want(t, d, "1 failed, 1 skipped: HOST-001: the server refused it")
			continue
		}
		want(t, d, "restart: 2 skipped: HOST-000: deactivated meanwhile")
	}
}

// TestAJobOfACustomerDoesNotCallItAMachine.
func TestAJobOfACustomerDoesNotCallItAMachine(t *testing.T) {
	w := newWorld(t, 1)
	asked(w, ui.Plan{Title: "suspend Harbour", Risk: ui.RiskRead, Run: func(_ context.Context, report func(ui.Job)) {
		report(ui.Job{ID: "j", Title: "suspend Harbour", Started: time.Now(), Finished: time.Now(), Targets: []ui.Target{{Name: "Harbour", Site: "Harbour", Outcome: ui.Sent}}})
	}})
	d := w.start(140, 24)
	d.Press("Q")
	d.Settle()
	d.Press("J")
	if !d.WaitFor("WHAT") {
		t.Fatal(d.Screen())
	}
	wantNot(t, d, "MACHINE", "CUSTOMER", "Harbour (Harbour)")
}
