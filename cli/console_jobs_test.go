//go:build unix

package cli

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestALeftJobIsNamedOnTheTerminalAndOnceAtTheNextStart quits while the server turns every change down for a while.
func TestALeftJobIsNamedOnTheTerminalAndOnceAtTheNextStart(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Seed: 11}), newHousehold(t)
	h.login(sim)
	sim.mu.Lock()
	sim.breaks, sim.brokenStatus = regexp.MustCompile(`^POST .*/endpoints/commands`), http.StatusTooManyRequests
	sim.mu.Unlock()
	start := func() *ptytest.Term {
		term := ptytest.Start(t, program(t), nil, ptytest.Opt{W: 120, H: 40, Env: h.env, Dir: h.dir})
		term.WaitText("Ashford Optometry")
		return term
	}
	term := start()
	machine := plainSites(sim)[0].machines[0]
	term.Keys("f")
	term.Keys(strings.Split(machine.ID, "")...)
	term.WaitText(machine.HostName[:min(len(machine.HostName), 12)])
	term.WaitIdle()
	term.Keys("enter")
	term.WaitText("Status ")
	term.WaitIdle()
	term.Keys("s")
	term.WaitText(" y send")
	press(t, term, "y", gone(" y send"))
	press(t, term, "q", func(s ptytest.Screen) bool { return s.Contains("Quit while a job runs?") })
	press(t, term, "y", gone("Quit while a job runs?"))
	if e := term.Exit(); e.Code != exitDone || !regexp.MustCompile(`unitty: scan 1 machine was stopped, 1 machine not sent to; go on with: unitty job resume last\r?\n`).Match(term.Raw()) {
		t.Fatalf("ended with %+v:\n%s", e, term.Screen())
	}
	for _, says := range []bool{true, false} {
		term := start()
		term.WaitIdle()
		term.Keys("M")
		term.WaitText("Messages")
		if got := strings.Contains(term.WaitIdle().Text(), "1 machine not sent to: go on under J"); got != says {
			t.Errorf("the start names the job: %v, want %v:\n%s", got, says, term.Screen())
		}
		press(t, term, "esc", gone("Messages"))
		term.Keys("ctrl+c")
		term.WaitIdle()
		term.Keys("ctrl+c")
		if e := term.Exit(); e.Code != exitDone || strings.Contains(string(term.Raw()), "job resume") {
			t.Errorf("ended with %+v:\n%s", e, term.Screen())
		}
	}
}
