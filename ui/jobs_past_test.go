package ui_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
)

// book is a console on which one job was interrupted and another one failed in part.
func (w *world) book(asked *[]string) *ui.JobBook {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	return &ui.JobBook{
		List: func(context.Context) ([]ui.PastJob, error) {
			return []ui.PastJob{
				{Job: ui.Job{ID: "newer", Title: "scan 2 machines", Started: at, Targets: []ui.Target{{Key: "id-001", Name: "HOST-001", Outcome: ui.Sent},
					{Key: "id-002", Name: "=HOST-002", Outcome: ui.Waiting}}}, State: "interrupted", Interrupted: true, Resumable: true},
				{Job: ui.Job{ID: "older", Title: "restart 2 machines", Started: at.Add(-time.Hour), Finished: at, Targets: []ui.Target{
					{Key: "id-003", Name: "HOST-003", Outcome: ui.Failed, Reason: "no"}, {Key: "id-004", Name: "HOST-004", Outcome: ui.Sent, Agent: ui.AgentElapsed, Tracking: "elapsed"}}}, State: "partial"},
			}, nil
		},
		Again: func(_ context.Context, id string, what ui.Again) (ui.Plan, error) {
			*asked = append(*asked, id+" "+string(what))
			if what == ui.AgainRevert {
				return ui.Plan{}, errors.New("there is no way back")
			}
			return ui.Plan{Title: "scan", Line: "go on with: scan", Risk: ui.RiskDisrupt, Machines: 1, Run: func(_ context.Context, report func(ui.Job)) {
				report(ui.Job{ID: id, Title: "scan 2 machines", Started: at, Finished: at, Targets: []ui.Target{{Key: "id-001", Name: "HOST-001", Outcome: ui.Sent}}})
			}}, nil
		},
	}
}

func TestInterruptedJobsAreShownAndResumed(t *testing.T) {
	w := newWorld(t, 3)
	var asked []string
	w.cfg.Jobs = w.book(&asked)
	d := w.start(120, 30)
	d.Settle()
	want(t, d, "1 job was interrupted: J")
	d.Press("J")
	d.Settle()
	want(t, d, "scan 2 machines (job 2 of 2)", "interrupted", "HOST-001", "waiting")
	d.Press("f") // nothing failed in this one
	d.Settle()
	want(t, d, "nothing failed")
	d.Press("r")
	d.Settle()
	want(t, d, "go on with: scan")
	d.Press("y")
	d.Settle()
	if got := strings.Join(asked, ", "); got != "newer resume" {
		t.Fatalf("asked for %q\n%s", got, d.Screen())
	}
	want(t, d, "(job 2 of 2)", "1 sent") // the panel was open all the time, and the job that goes on took its place
}

func TestPastJobsAreRepeatedAndSaved(t *testing.T) {
	w := newWorld(t, 3)
	var asked []string
	w.cfg.Jobs = w.book(&asked)
	d := w.start(120, 30)
	d.Press("J")
	d.Settle()
	d.Press("shift+tab")
	want(t, d, "restart 2 machines (job 1 of 2)", "partial")
	for _, key := range []string{"f", "E"} {
		d.Press(key)
		d.Settle()
		d.Press("n")
		d.Settle()
	}
	d.Press("u")
	d.Settle()
	want(t, d, "there is no way back")
	if got := strings.Join(asked, ", "); got != "older retry failed, older send elapsed again, older revert" {
		t.Fatalf("asked for %q\n%s", got, d.Screen())
	}
	d.Press("w")
	d.Settle()
	want(t, d, "1 row written")
	d.Press("shift+tab")
	d.Press("e")
	d.Settle()
	want(t, d, "2 rows written")
	for name, part := range map[string]string{"unitty-failed-older.csv": "id-003,HOST-003,,failed,no", "unitty-job-newer.csv": "id-002,'=HOST-002,,waiting"} {
		raw, err := os.ReadFile(filepath.Join(w.cfg.ExportDir, name))
		if err != nil || !strings.HasPrefix(string(raw), "EndpointId,HostName,SiteName") || !strings.Contains(string(raw), part) {
			t.Errorf("%s: %q, %v", name, raw, err)
		}
	}
}

// TestFailedMachinesStandFirst opens a job that is over: whoever looks at it looks for what did not work.
func TestFailedMachinesStandFirst(t *testing.T) {
	w := newWorld(t, 2)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	job := ui.Job{ID: "old", Title: "scan 4 machines", Started: at, Finished: at, Targets: []ui.Target{
		{Key: "a", Name: "AAA", Outcome: ui.Sent}, {Key: "b", Name: "BBB", Outcome: ui.Skipped},
		{Key: "c", Name: "CCC", Outcome: ui.Unknown}, {Key: "d", Name: "DDD", Outcome: ui.Failed, Reason: "the server refused it", RequestID: "r-77"}}}
	w.cfg.Jobs = &ui.JobBook{List: func(context.Context) ([]ui.PastJob, error) { return []ui.PastJob{{Job: job, State: "done"}}, nil }}
	d := w.start(140, 30)
	d.Settle()
	d.Press("J")
	d.Settle()
	text, last := d.Screen(), 0
	for _, name := range []string{"DDD", "CCC", "BBB", "AAA"} {
		at := strings.Index(text, name)
		if at < last {
			t.Fatalf("%s stands before what is above it\n%s", name, text)
		}
		last = at
	}
	want(t, d, "DDD", "failed - the server refused it - request r-77")
}
