package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// TestAForeignKeycodeIsAskedAbout: --yes and the right number answer the other questions, and not that machines leave the console.
func TestAForeignKeycodeIsAskedAbout(t *testing.T) {
	t.Parallel()
	plan := &dispatch.Plan{Operation: dispatch.Operation{ID: "endpoint.changekeycode", Name: "changekeycode", Risk: dispatch.Destroy},
		Targets: []fleet.Ref{{ID: "x", HostName: unity.NewText("FRONTDESK-02")}}, Foreign: "keycode AAAA is of no site\x1b[2J"}
	for _, x := range []struct {
		name, typed       string
		terminal, foreign bool
		goesOn, asks      bool
	}{
		{name: "nobody there"},
		{name: "nobody there, told", foreign: true, goesOn: true},
		{name: "no", typed: "n\n", terminal: true, asks: true},
		{name: "the end of the input", terminal: true, asks: true},
		{name: "yes", typed: "y\n", terminal: true, goesOn: true, asks: true},
		{name: "told", terminal: true, foreign: true, goesOn: true},
	} {
		var said bytes.Buffer
		a := &app{terminal: x.terminal, in: strings.NewReader(x.typed), err: &said}
		err := a.confirm(plan, sendFlags{yes: true, expect: 1, foreign: x.foreign})
		if (err == nil) != x.goesOn || strings.Contains(said.String(), "Go on? y/N") != x.asks || strings.Contains(said.String(), "\x1b") {
			t.Errorf("%s: %v, %q", x.name, err, said.String())
		}
		if err != nil && exitCode(err) != exitRefused {
			t.Errorf("%s: exit code %d", x.name, exitCode(err))
		}
	}
}
