package ui_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
)

// TestTheJobsPanelIsFiltered narrows the machines of jobs by name, customer, outcome and reason. The filter stays while other jobs
// are looked at, keys that act are text while it is typed, and Esc clears it before it closes the panel.
func TestTheJobsPanelIsFiltered(t *testing.T) {
	w := newWorld(t, 2)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	var asked []string
	book := w.book(&asked)
	job := func(id, site string) ui.PastJob {
		out := ui.PastJob{Job: ui.Job{ID: id, Title: "scan " + id, Started: at, Finished: at}, State: "partial"}
		for i := range 40 {
			target := ui.Target{Key: fmt.Sprint(id, i), Name: fmt.Sprintf("HOST-%03d", i), Site: site, Outcome: ui.Sent}
			if i == 7 {
				target.Outcome, target.Reason = ui.Failed, "the server refused it"
			}
			out.Targets = append(out.Targets, target)
		}
		return out
	}
	book.List = func(context.Context) ([]ui.PastJob, error) {
		return []ui.PastJob{job("second", "Quay Ltd"), job("first", "Harbour Dental")}, nil
	}
	w.cfg.Jobs = book
	d := w.start(120, 40)
	d.Settle()
	d.Press("J")
	d.Settle()
	gone := func(parts ...string) {
		t.Helper()
		for _, part := range parts {
			if strings.Contains(d.Screen(), part) {
				t.Fatalf("%q is shown\n%s", part, d.Screen())
			}
		}
	}
	want(t, d, "scan second", "HOST-007", "HOST-012")
	d.Press("/")
	d.Type("refused f") // f would make a new job of those that failed
	d.Settle()
	want(t, d, "/ refused f", "1 of 40", "HOST-007")
	gone("HOST-012")
	if len(asked) > 0 {
		t.Fatalf("typing has asked for %q", asked)
	}
	d.Press("enter")
	d.Press("tab")
	d.Settle()
	want(t, d, "scan first", "Harbour Dental", "1 of 40")
	gone("HOST-012")
	d.Press("/")
	d.Type(" nowhere")
	d.Settle()
	want(t, d, "0 of 40")
	d.Press("esc")
	d.Settle()
	want(t, d, "scan first", "HOST-007", "HOST-012")
	gone("of 40")
	d.Press("/")
	d.Type("-012")
	d.Press("enter")
	d.Settle()
	want(t, d, "1 of 40", "HOST-012")
	d.Press("esc")
	d.Settle()
	want(t, d, "HOST-013")
	d.Press("esc")
	d.Settle()
	gone("scan first")
}
