package ui_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
)

// manyJobs is a console with the jobs of a week, the newest first.
func (w *world) manyJobs(n int) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	w.cfg.Jobs = &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) {
			var out []ui.PastJob
			for i := range n {
				title, state, counts := fmt.Sprintf("scan %d machines", 100+i), "done", map[ui.Outcome]int{ui.Sent: 100 + i}
				if i == 3 {
					title, state, counts = "restart 9 machines", "partial", map[ui.Outcome]int{ui.Sent: 4, ui.Failed: 2, ui.Unknown: 3}
				}
				out = append(out, ui.PastJob{Job: ui.Job{ID: fmt.Sprintf("job%03d", i), Title: title, Started: at.Add(-time.Duration(i) * time.Hour)}, State: state, Counts: counts})
			}
			return out, nil
		},
		Open: func(_ context.Context, id string) (ui.Job, error) {
			return ui.Job{ID: id, Targets: []ui.Target{{Key: "a", Name: "OF-" + strings.ToUpper(id), Outcome: ui.Unknown}}}, nil
		},
		Again: func(context.Context, string, ui.Again) (ui.Plan, error) { return ui.Plan{}, errGateway },
	}
}

// TestAllJobsAreListed, found by what they did and how they went, and opened.
func TestAllJobsAreListed(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {160, 50}, {40, 10}, {1, 1}} {
		w := newWorld(t, 2)
		w.manyJobs(40)
		d := w.start(size[0], size[1])
		d.Press("J")
		d.Settle()
		d.Press("L")
		d.Settle()
		if size[0] >= 80 {
			want(t, d, "40 jobs - 1 partial", "STARTED", "STATE", "WHAT", "RESULT", "2026-03-0", "scan 100 machines", "100 sent", "enter show", "? help")
			if first, second := strings.Index(d.Screen(), "scan 100 machines"), strings.Index(d.Screen(), "scan 101 machines"); first > second {
				t.Errorf("the newest does not stand first\n%s", d.Screen())
			}
		}
		d.Press("/")
		d.Type("partial unkn")
		d.Press("enter")
		if size[0] >= 80 {
			want(t, d, "1 of 40", "restart 9 machines", "4 sent, 2 failed")
			wantNot(t, d, "scan 100 machines")
		}
		d.Press("enter")
		d.Settle()
		if size[0] >= 80 {
			want(t, d, "restart 9 machines (job 37 of 40)", "OF-JOB003")
		}
		d.Press("L", "/")
		d.Type("nothing like it")
		d.Press("enter", "enter", "j", "k", "pgup", "pgdown", "esc") // nothing to open; esc clears the filter
		if size[0] >= 80 {
			want(t, d, "40 jobs", "restart 9 machines", "scan 104 machines")
		}
		d.Press("esc")
		d.Settle()
		if size[0] >= 80 {
			want(t, d, "restart 9 machines (job 37 of 40)")
		}
		d.Press("esc")
		if size[0] >= 80 {
			wantNot(t, d, "job 37 of 40")
		}
	}
}

// TestThePanelOffersWhatCanBeDoneWithItsJob: hints that would only say that they are not available stand nowhere, and help lists
// all keys of the panel.
func TestThePanelOffersWhatCanBeDoneWithItsJob(t *testing.T) {
	w := newWorld(t, 2)
	w.manyJobs(40)
	d := w.start(80, 24)
	d.Press("J")
	d.Settle()
	foot := d.Line(23)
	for _, hint := range []string{"u revert", "L all jobs", "/ filter", "esc close", "? help"} {
		if !strings.Contains(foot, hint) {
			t.Errorf("the footer lacks %q: %q", hint, foot)
		}
	}
	for _, hint := range []string{"x cancel", "r resume", "y copy poll", "f retry"} {
		if strings.Contains(foot, hint) {
			t.Errorf("the footer offers %q: %q", hint, foot)
		}
	}
	d.Press("?")
	want(t, d, "Help: what can be done with jobs", "all jobs", "revert")
	d.Type("export res")
	want(t, d, "export results")
	wantNot(t, d, "all jobs")
	d.Press("esc", "?")
	d.Type("all jobs")
	d.Press("enter")
	want(t, d, "40 jobs")
}

// TestWhatFailedIsToldFromWhatIsUnknown: each has its key, and the one says of the other.
func TestWhatFailedIsToldFromWhatIsUnknown(t *testing.T) {
	w := newWorld(t, 2)
	var asked []string
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job := ui.Job{ID: "lost", Title: "isolate 2 machines", Started: at, Finished: at, Targets: []ui.Target{
		{Key: "a", Name: "AAA", Outcome: ui.Sent}, {Key: "b", Name: "BBB", Outcome: ui.Unknown}}}
	w.cfg.Jobs = &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) { return []ui.PastJob{{Job: job, State: "partial"}}, nil },
		Again: func(_ context.Context, id string, what ui.Again) (ui.Plan, error) {
			asked = append(asked, id+" "+string(what))
			return ui.Plan{}, errGateway
		},
	}
	d := w.start(80, 24)
	d.Press("J")
	d.Settle()
	want(t, d, "F resend unknown")
	d.Press("f")
	want(t, d, "nothing failed; F resends unknown")
	d.Press("F")
	d.Settle()
	if got := strings.Join(asked, ", "); got != "lost send unknown again" {
		t.Errorf("asked for %q\n%s", got, d.Screen())
	}
}

// TestAMessageIsDismissedInThePanel by the key that it names, also where the panel takes the whole height. While a job can be
// cancelled by that key, the message does not name it.
func TestAMessageIsDismissedInThePanel(t *testing.T) {
	w := newWorld(t, 40)
	w.manyJobs(1)
	d := w.start(80, 24)
	d.Press("J")
	d.Settle()
	d.Press("u")
	d.Settle()
	want(t, d, "504 gateway time-out", "(x dismiss, d details)", "scan 100 machines")
	d.Press("d")
	want(t, d, "Problem", "req-77")
	d.Press("esc", "x")
	wantNot(t, d, "504 gateway time-out")
	want(t, d, "scan 100 machines")

	w = newWorld(t, 3)
	w.gate = make(chan struct{})
	d = w.start(100, 40)
	d.Press("R", "y")
	w.mu.Lock()
	w.loadErr = errGateway
	w.mu.Unlock()
	d.Press("r")
	d.Settle()
	d.Press("J")
	d.Settle()
	want(t, d, "x cancel job")
	wantNot(t, d, "x dismiss")
	close(w.gate)
	d.Settle()
	wantNot(t, d, "x cancel job")
}

// TestAJobThatNothingTakesBackSaysSo without a plan, and without an error that stays.
func TestAJobThatNothingTakesBackSaysSo(t *testing.T) {
	w := newWorld(t, 2)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job := ui.Job{ID: "scan", Title: "scan 1 machine", Started: at, Finished: at, OneWay: true, Targets: []ui.Target{{Key: "a", Name: "AAA", Outcome: ui.Sent}}}
	w.cfg.Jobs = &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) { return []ui.PastJob{{Job: job, State: "done"}}, nil },
		Again: func(context.Context, string, ui.Again) (ui.Plan, error) {
			t.Error("planned")
			return ui.Plan{}, errGateway
		},
	}
	d := w.start(80, 24)
	d.Press("J")
	d.Settle()
	wantNot(t, d, "u revert")
	d.Press("u")
	d.Settle()
	want(t, d, "revert is not available: nothing takes this back")
	d.Press("j")
	wantNot(t, d, "nothing takes this back")
}

// TestThePanelSaysWhyAtEightyColumns, where machines have no names and no request has an id, and counts the agents.
func TestThePanelSaysWhyAtEightyColumns(t *testing.T) {
	w := newWorld(t, 2)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job := ui.Job{ID: "scan", Title: "scan 10 machines", Started: at, Finished: at}
	for i := range 10 {
		target := ui.Target{Key: fmt.Sprint(i), Name: fmt.Sprintf("9989a1b2-0000-4000-8000-%012d", i), Site: "Ironbridge Bakery", Outcome: ui.Sent, Agent: ui.AgentHas, Tracking: "sent to agent"}
		if i < 3 {
			target.Agent, target.Tracking = ui.AgentWaiting, "not yet received · expected"
		}
		job.Targets = append(job.Targets, target)
	}
	w.cfg.Jobs = &ui.JobBook{List: func(context.Context) ([]ui.PastJob, error) { return []ui.PastJob{{Job: job, State: "done"}}, nil }}
	narrow := w.start(40, 14)
	narrow.Press("J")
	narrow.Settle()
	want(t, narrow, "WHY", "not yet", "sent to agent")
	d := w.start(80, 24)
	d.Press("J")
	d.Settle()
	want(t, d, "not yet received", "sent to agent", "agents: 7 sent to agent, 3 not yet received")
	wantNot(t, d, "REQUEST ID")
	if row := d.LineWith("0003"); !strings.Contains(d.LineWith("WHY"), "MACHINE") || strings.Contains(row, "sent to a~") {
		t.Errorf("a row is %q", row)
	}
}
