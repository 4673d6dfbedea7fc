package ui_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
)

// stands presses a key and looks where the cursor is then.
func stands(t *testing.T, d *uitest.Driver, key, want string) {
	t.Helper()
	d.Press(key)
	d.Settle()
	if l := selected(t, d); !strings.Contains(l, want) {
		t.Errorf("%s leads to %q, not to %s\n%s", key, l, want, d.Screen())
	}
}

func TestPagesAndHalvesInLists(t *testing.T) {
	d := newWorld(t, 100).start(100, 25) // 25 lines hold a page of 20 rows
	for _, step := range [][2]string{
		{"ctrl+f", "HOST-020"}, {"ctrl+d", "HOST-030"}, {"ctrl+u", "HOST-020"}, {"pgup", "HOST-000"}, {"ctrl+u", "HOST-000"}, {"G", "HOST-099"}, {"ctrl+d", "HOST-099"},
	} {
		stands(t, d, step[0], step[1])
	}
}

func TestPagesAndHalvesInTexts(t *testing.T) {
	d := newWorld(t, 1).start(100, 24)
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "line %03d\n", i)
	}
	d.Deliver(ui.Push(ui.NewText("Text", b.String()))())
	for _, step := range [][2]string{{"ctrl+f", "lines 20 to"}, {"ctrl+d", "lines 29 to"}, {"ctrl+u", "lines 20 to"}, {"g", "lines 1 to"}} {
		d.Press(step[0])
		want(t, d, step[1])
	}
}

// TestEndsPagesAndHalvesInTheJobsPanel works the same among the machines of a job and among all jobs.
func TestEndsPagesAndHalvesInTheJobsPanel(t *testing.T) {
	w := newWorld(t, 2)
	w.manyJobs(60)
	w.cfg.Jobs.Open = func(_ context.Context, id string) (ui.Job, error) {
		j := ui.Job{ID: id, Title: "scan"}
		for i := range 100 {
			j.Targets = append(j.Targets, ui.Target{Key: fmt.Sprint(i), Name: fmt.Sprintf("OF-%03d", i), Outcome: ui.Sent})
		}
		return j, nil
	}
	d := w.start(100, 30)
	d.Press("J")
	d.Settle()
	stands(t, d, "G", "OF-099")
	stands(t, d, "g", "OF-000")
	stands(t, d, "end", "OF-099")
	stands(t, d, "home", "OF-000")
	d.Press("ctrl+f")
	page := selected(t, d)
	stands(t, d, "pgup", "OF-000")
	d.Press("ctrl+d")
	half := selected(t, d)
	if page == half || strings.Contains(half, "OF-000") || half > page {
		t.Errorf("a page leads to %q, half of one to %q", page, half)
	}
	stands(t, d, "ctrl+u", "OF-000")
	d.Press("L")
	d.Settle()
	stands(t, d, "G", "scan 159 machines")
	stands(t, d, "g", "scan 100 machines")
	d.Press("ctrl+d")
	if l := selected(t, d); strings.Contains(l, "scan 100 machines") {
		t.Errorf("half a page leads to %q", l)
	}
	stands(t, d, "ctrl+u", "scan 100 machines")
}
