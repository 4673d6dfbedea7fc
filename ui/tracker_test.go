package ui_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
)

// TestTheOppositeIsAskedAboutFirst wants a question of its own before the one about the change, and nothing sent by the first.
func TestTheOppositeIsAskedAboutFirst(t *testing.T) {
	w := newWorld(t, 2)
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "app.release", Title: "release", Help: "Releases.", Keys: []string{"I"}}, Do: func() tea.Cmd {
		return ui.Propose("release", func(context.Context) (ui.Plan, error) {
			p := w.plan("machine.release", "release", ui.RiskChange, ui.Selection[machine]{Items: w.machines[:1]})
			p.Opposed = []string{"HOST-000: isolate is waiting for it"}
			return p, nil
		})
	}}}
	d := w.start(100, 30)
	d.Settle()
	for _, refused := range []string{"esc", "enter", "n"} {
		d.Press("I")
		d.Settle()
		want(t, d, "The opposite is under way", "isolate is waiting")
		d.Press(refused)
		d.Settle()
		if got := w.sentNames(); got != "" || d.Has("any other key cancels") {
			t.Fatalf("%s: sent %q\n%s", refused, got, d.Screen())
		}
	}
	d.Press("I")
	d.Settle()
	d.Press("y")
	d.Settle()
	want(t, d, "any other key cancels")
	if got := w.sentNames(); got != "" {
		t.Fatalf("the first question sent %q", got)
	}
	d.Press("y")
	d.Settle()
	if got := w.sentNames(); got != "HOST-000" {
		t.Fatalf("sent %q\n%s", got, d.Screen())
	}
}

// TestACancelledPlanLeadsBackToItsForm keeps what was typed, but not secrets.
func TestACancelledPlanLeadsBackToItsForm(t *testing.T) {
	w := newWorld(t, 2)
	var fails atomic.Bool
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "app.name", Title: "name", Help: "Names.", Keys: []string{"Z"}}, Do: func() tea.Cmd {
		fields := []form.Field{{ID: "name", Label: "Name", Required: true}, {ID: "key", Label: "Key", Secret: true}}
		return ui.Ask("Name it", fields, func(v map[string]string) tea.Cmd {
			return ui.Propose("name", func(context.Context) (ui.Plan, error) {
				if fails.Load() {
					return ui.Plan{}, errGateway
				}
				p := w.plan("machine.name", "name "+v["name"], ui.RiskDisrupt, ui.Selection[machine]{Items: w.machines[:1]})
				return p, nil
			})
		})
	}}}
	d := w.start(100, 30)
	d.Settle()
	fill := func(name string) {
		d.Type(name)
		d.Press("tab")
		d.Type("hunter2")
		d.Press("enter")
		d.Settle()
	}
	d.Press("Z")
	d.Settle()
	fill("Quay")
	want(t, d, "name Quay?")
	d.Press("esc")
	d.Settle()
	want(t, d, "Name it", "Quay")
	fails.Store(true)
	fill(" & Sons")
	want(t, d, "Name it", "Quay & Sons")
	fails.Store(false)
	d.Press("tab", "enter")
	d.Settle()
	want(t, d, "name Quay & Sons?")
	d.Press("y")
	d.Settle()
	wantNot(t, d, "Name it")
	if got := w.sentNames(); got != "HOST-000" {
		t.Fatalf("sent %q\n%s", got, d.Screen())
	}
}

// TestCommandsOfEarlierRunsAreFollowed starts with a job whose commands wait, hears that one was fetched, and copies what
// hastens the other.
func TestCommandsOfEarlierRunsAreFollowed(t *testing.T) {
	w := newWorld(t, 2)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job := ui.Job{ID: "old", Title: "scan 2 machines", Started: at, Finished: at, Next: "deactivate", Targets: []ui.Target{
		{Key: "id-000", Name: "HOST-000", Site: "Harbour", Outcome: ui.Sent, Tracking: "not yet received", Hint: "WRSA.exe -poll"},
		{Key: "id-001", Name: "HOST-001", Site: "Lakeside", Outcome: ui.Sent}}}
	var asked []string
	var follows atomic.Int32
	w.cfg.Jobs = &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) {
			return []ui.PastJob{{Job: job, State: "done", Open: true}}, nil
		},
		Again: func(_ context.Context, id string, what ui.Again) (ui.Plan, error) {
			asked = append(asked, id+" "+string(what))
			return ui.Plan{}, errGateway
		},
		Follow: func(ctx context.Context, finished ui.Job, report func(ui.Job)) {
			follows.Add(1)
			next := finished
			next.Targets = append([]ui.Target(nil), finished.Targets...)
			next.Targets[1].Tracking = "sent to agent · scanned just now"
			report(next)
			<-ctx.Done()
		},
	}
	d := w.start(140, 30)
	d.Settle()
	d.Press("J")
	if !d.WaitFor("sent to agent · scanned just now") { // what follows a job reports whenever it knows something
		t.Fatalf("no news of the second machine\n%s", d.Screen())
	}
	want(t, d, "not begun yet: deactivate")
	d.Press("y")
	d.Settle()
	if got := d.Clipboard(); got != "WRSA.exe -poll" {
		t.Errorf("copied %q\n%s", got, d.Screen())
	}
	d.Press("down", "y")
	d.Settle()
	want(t, d, "nothing hastens this machine")
	d.Press("n")
	d.Settle()
	d.Press("esc", "J")
	d.Settle()
	if follows.Load() != 1 || len(asked) != 1 || asked[0] != "old next step" {
		t.Errorf("followed %d times, asked %q", follows.Load(), asked)
	}
}
