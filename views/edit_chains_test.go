package views_test

import (
	"strings"
	"testing"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestCombinedActionsNameHiddenMachines marks three machines, of which the filter shows one: every question about them, combined
// actions included, names the other two.
func TestCombinedActionsNameHiddenMachines(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 300, Seed: 3})
	b := workbench(t, sim, 140, 50)
	var ids []string
	for _, e := range sim.World().Endpoints {
		if e.Deactivated && len(ids) < 3 {
			ids = append(ids, e.ID)
		}
	}
	for _, id := range ids {
		b.Press("esc", "esc")
		b.atMachine(id)
		b.Press("space")
		b.Settle()
	}
	for _, action := range []string{"reactivate and deactivate again", "deactivate"} {
		b.Press(":")
		b.Type(action)
		b.Settle()
		b.Press("enter")
		b.Settle()
		text := b.wholeQuestion()
		if !strings.Contains(text, "Hidden by the filter") || !strings.Contains(text, "2 of the machines are hidden by the filter") {
			t.Errorf("%s does not name the hidden machines:\n%s", action, text)
		}
		b.Press("esc")
		b.Settle()
	}
}
