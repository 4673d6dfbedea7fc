package ui_test

import (
	"context"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
)

// TestAnIncompletePlanIsAskedAboutFirst wants a question of its own before the one about the change, however small that is.
func TestAnIncompletePlanIsAskedAboutFirst(t *testing.T) {
	w := newWorld(t, 2)
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "app.release", Title: "release", Help: "Releases.", Keys: []string{"I"}}, Do: func() tea.Cmd {
		return ui.Propose("release", func(context.Context) (ui.Plan, error) {
			p := w.plan("machine.release", "release", ui.RiskChange, ui.Selection[machine]{Items: w.machines[:1]})
			p.Incomplete = []string{"Lakeside: 3 machines left out: it cannot be read again: busy"}
			p.Opposed = []string{"HOST-000: isolate is waiting for it"}
			p.Found = []string{"matched user, not host: 1 machine (HOST-000)"}
			return p, nil
		})
	}}}
	d := w.start(100, 40)
	d.Settle()
	for _, refused := range []string{"esc", "enter", "n"} {
		d.Press("I")
		d.Settle()
		want(t, d, "Not all machines could be read again", "Lakeside: 3 machines left out", "1 machine is left")
		d.Press(refused)
		d.Settle()
		if got := w.sentNames(); got != "" || d.Has("The opposite is under way") {
			t.Fatalf("%s: sent %q\n%s", refused, got, d.Screen())
		}
		d.Press("esc")
		d.Settle()
	}
	d.Press("I")
	d.Settle()
	for _, question := range [][]string{{"Not all machines could be read again"}, {"The opposite is under way"},
		{"Left out: could not be read again", "Lakeside", "Found by the filter", "matched user, not host"}} {
		want(t, d, question...)
		if got := w.sentNames(); got != "" {
			t.Fatalf("sent %q before the last question", got)
		}
		d.Press("y")
		d.Settle()
	}
	if got := w.sentNames(); got != "HOST-000" {
		t.Fatalf("sent %q\n%s", got, d.Screen())
	}
}
