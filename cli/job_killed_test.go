//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestAKilledJobIsListedAndResumed kills the program while it sends, one machine per request, and has it go on. A second
// program meanwhile is refused and told who runs the job.
func TestAKilledJobIsListedAndResumed(t *testing.T) {
	t.Parallel()
	if !long() {
		t.Skip("may take a minute: set UNITTY_TEST_LONG=1; unity/dispatch/killtest has the short form")
	}
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 120})
	p := tapped(t, sim, wiretapSlow())
	home := t.TempDir()
	unitty := func(ctx context.Context, args ...string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
		cmd := exec.CommandContext(ctx, "unitty", args...) //nolint:gosec // the test's own arguments
		cmd.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH"), "UNITTY_KEYRING=memory", "TERM=xterm", "TZ=UTC", locksIn(home), detector()}
		for _, kv := range signInVariables(p.URL().String(), sim.Credentials()) {
			cmd.Env = append(cmd.Env, kv[0]+"="+kv[1])
		}
		var out, errs bytes.Buffer
		cmd.Dir, cmd.Stdout, cmd.Stderr = home, &out, &errs
		return cmd, &out, &errs
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	args := []string{"command", "send", "scan", "--batch", "1", "--again", "--yes"}
	machines := 0
	for _, s := range plainSites(sim) {
		for _, m := range s.machines {
			if machines < 20 {
				machines++
				args = append(args, "--endpoint", m.ID)
			}
		}
	}
	cmd, _, errs := unitty(ctx, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(p.DeliveredIDs("scan")) < 2 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("nothing was sent: %s", errs)
		}
	}
	busy, _, said := unitty(ctx, "job", "resume", "last", "--yes")
	_ = busy.Run()
	if busy.ProcessState.ExitCode() != exitRefused || !bytes.Contains(said.Bytes(), []byte("process ")) {
		t.Errorf("a second program: exit code %d: %s", busy.ProcessState.ExitCode(), said)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	list, out, errs := unitty(ctx, "job", "list", "-o", "json")
	if err := list.Run(); err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	var jobs []struct {
		State   string
		Targets int
	}
	if err := json.Unmarshal(out.Bytes(), &jobs); err != nil || len(jobs) != 1 || jobs[0].State != "interrupted" || jobs[0].Targets != machines {
		t.Fatalf("%v, %+v", err, jobs)
	}
	resume, out, errs := unitty(ctx, "job", "resume", "last", "--yes", "-o", "json")
	_ = resume.Run()
	states := outcome{out: out.String(), errors: errs.String()}.states(t)
	delivered := p.DeliveredIDs("scan")
	if len(states) != machines {
		t.Errorf("%d of %d machines have an outcome", len(states), machines)
	}
	for id, state := range states {
		if n := delivered[id]; n > 1 || state == "sent" && n != 1 || n == 1 && state != "sent" && state != "unknown" {
			t.Errorf("%s is %s and was delivered %d times", id, state, n)
		}
	}
}
