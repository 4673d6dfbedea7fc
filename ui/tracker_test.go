package ui_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
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

// TestJobsOfThePastAreReadWhenTheyAreShown lists two jobs without their machines. Only those of the one that is shown are read, again
// when more is known of it; what hastens the one under the cursor is copied.
func TestJobsOfThePastAreReadWhenTheyAreShown(t *testing.T) {
	w := newWorld(t, 2)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job := ui.Job{ID: "old", Title: "scan 2 machines", Started: at, Finished: at, Next: "deactivate"}
	older := ui.Job{ID: "older", Title: "restart 1 machine", Started: at.Add(-time.Hour), Finished: at}
	machines := []ui.Target{{Key: "id-000", Name: "HOST-000", Site: "Harbour", Outcome: ui.Sent, Reason: "the answer was lost", Hint: "WRSA.exe -poll"},
		{Key: "id-001", Name: "HOST-001", Site: "Lakeside", Outcome: ui.Sent}}
	var asked []string
	var opened, follows, elapsed atomic.Int32
	w.cfg.Jobs = &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) {
			n := elapsed.Load()
			return []ui.PastJob{{Job: job, State: "done", Counts: map[ui.Outcome]int{ui.Sent: 2}, Version: strconv.Itoa(int(n)), Elapsed: int(n)},
				{Job: older, State: "done", Counts: map[ui.Outcome]int{ui.Sent: 1}}}, nil
		},
		Open: func(_ context.Context, id string) (ui.Job, error) {
			opened.Add(1)
			if id == "older" {
				return ui.Job{ID: id, Targets: []ui.Target{{Key: "id-009", Name: "HOST-009", Outcome: ui.Sent}}}, nil
			}
			out := job
			out.Targets = slices.Clone(machines)
			if elapsed.Load() > 0 {
				out.Targets[0].Agent, out.Targets[0].Tracking, out.Targets[0].Hint = ui.AgentElapsed, "elapsed", ""
			}
			return out, nil
		},
		Again: func(_ context.Context, id string, what ui.Again) (ui.Plan, error) {
			asked = append(asked, id+" "+string(what))
			return ui.Plan{}, errGateway
		},
		Follow: func(ctx context.Context) { follows.Add(1); <-ctx.Done() },
	}
	d := w.start(140, 30)
	d.Settle()
	if n := opened.Load(); n != 0 {
		t.Errorf("%d jobs were read before anybody looked", n)
	}
	d.Press("J")
	d.Settle()
	want(t, d, "not begun yet: deactivate", "HOST-000", "the answer was lost", "2 sent")
	if n := opened.Load(); n != 1 {
		t.Errorf("%d jobs were read for the one that is shown", n)
	}
	d.Press("y")
	d.Settle()
	if got := d.Clipboard(); got != "WRSA.exe -poll" {
		t.Errorf("copied %q\n%s", got, d.Screen())
	}
	d.Press("E")
	d.Settle()
	want(t, d, "no command has elapsed")
	elapsed.Store(1)
	d.Advance(4 * time.Second)
	d.Settle()
	want(t, d, "elapsed")
	wantNot(t, d, "the answer was lost")
	d.Press("E")
	d.Settle()
	d.Press("shift+tab")
	d.Settle()
	want(t, d, "restart 1 machine (job 1 of 2)", "HOST-009")
	wantNot(t, d, "HOST-001  Lakeside  sent")
	d.Press("tab", "n")
	d.Settle()
	if got := strings.Join(asked, ", "); got != "old send elapsed again, old next step" || follows.Load() != 1 {
		t.Errorf("asked %q, followed %d times", got, follows.Load())
	}
}

// TestAJobThatAnotherProcessFinishedIsShownSo cancels nothing of its own: what was written down of a job of this run tells more than
// its own last report.
func TestAJobThatAnotherProcessFinishedIsShownSo(t *testing.T) {
	w := newWorld(t, 2)
	var resumed atomic.Bool
	w.cfg.Jobs = &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) {
			if !resumed.Load() {
				return nil, nil
			}
			return []ui.PastJob{{Job: ui.Job{ID: "mine", Title: "scan 2 machines"}, State: "done", Counts: map[ui.Outcome]int{ui.Sent: 2}, Version: "2"}}, nil
		},
		Open: func(context.Context, string) (ui.Job, error) {
			return ui.Job{ID: "mine", Targets: []ui.Target{{Key: "a", Name: "AAA", Outcome: ui.Sent}, {Key: "b", Name: "BBB", Outcome: ui.Sent}}}, nil
		},
	}
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "app.go", Title: "go", Help: "Goes.", Keys: []string{"Z"}}, Do: func() tea.Cmd {
		return ui.Propose("go", func(context.Context) (ui.Plan, error) {
			return ui.Plan{Title: "scan", Line: "scan", Risk: ui.RiskDisrupt, Machines: 2, Run: func(_ context.Context, report func(ui.Job)) {
				report(ui.Job{ID: "mine", Title: "scan 2 machines", Targets: []ui.Target{{Key: "a", Name: "AAA", Outcome: ui.Sent}, {Key: "b", Name: "BBB", Outcome: ui.Cancelled}}})
			}}, nil
		})
	}}}
	d := w.start(140, 30)
	d.Settle()
	d.Press("Z")
	d.Settle()
	d.Press("y")
	d.Settle()
	d.Press("J")
	d.Settle()
	want(t, d, "1 sent, 1 cancelled")
	resumed.Store(true)
	d.Advance(4 * time.Second)
	d.Settle()
	want(t, d, "2 sent")
	wantNot(t, d, "1 cancelled -")
}
