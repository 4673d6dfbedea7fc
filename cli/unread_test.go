//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// runUnread runs a verb whose standard output nobody reads, and gives its exit code and what it says on standard error.
func runUnread(t *testing.T, sim *testSim, home string, args ...string) (code int, said string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer func() { _ = w.Close() }()
	return runInto(t, sim, home, w, args...)
}

// runInto runs a verb that prints into out.
func runInto(t *testing.T, sim *testSim, home string, out io.Writer, args ...string) (code int, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unitty", args...) //nolint:gosec // the test's own arguments
	cmd.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH"), "UNITTY_KEYRING=memory", "TZ=UTC", locksIn(home), detector()}
	for _, kv := range sim.environment(unitytest.UserSuper) {
		cmd.Env = append(cmd.Env, kv[0]+"="+kv[1])
	}
	var errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), errs.String()
}

// TestClosedPipe: a reader that has enough is no failure and no interruption, whatever the verb and the form of its output.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 3})
	home, site := t.TempDir(), plainSites(sim)[0].site.Name
	for _, verb := range [][]string{
		{"endpoint", "list"}, {"endpoint", "list", "-o", "ndjson"}, {"endpoint", "list", "-o", "json"}, {"endpoint", "list", "-o", "csv"}, {"endpoint", "list", "--jq", ".[].HostName"},
		{"site", "list"}, {"site", "show", site}, {"find", "a"}, {"usage"}, {"group", "list", "--site", site}, {"policy", "list"}, {"admin", "list"},
		{"command", "list", "--site", site}, {"threat", "list", "--site", site}, {"job", "list"}, {"api", "GET", "/service/api/health/version"},
		{"config"}, {"version"}, {"status"}, {"profile", "list"}, {"man"}, {"completion", "bash"}, {"--help"}, {"scan", "--all", "--site", site, "--dry-run"},
	} {
		wantCode, wantSaid := runInto(t, sim, home, io.Discard, verb...)
		code, said := runUnread(t, sim, home, verb...)
		if wantCode != exitDone || code != exitDone {
			t.Errorf("%v: exit code %d, with a reader %d", verb, code, wantCode)
		}
		if said != wantSaid && said != "" {
			t.Errorf("%v said %q, with a reader %q", verb, said, wantSaid)
		}
	}
}

// TestClosedPipeAfterAChange: what came of a change decides, whoever reads it.
func TestClosedPipeAfterAChange(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60, Seed: 3})
	home, machines := t.TempDir(), plainSites(sim)[0].machines
	if code, said := runUnread(t, sim, home, "scan", machines[0].HostName); code != exitDone || strings.Contains(said, "interrupted") {
		t.Errorf("exit code %d, %q", code, said)
	}
	if n := sim.count(`^POST .*/commands`); n != 1 {
		t.Errorf("%d commands were sent", n)
	}
	sim.mu.Lock()
	sim.breaks, sim.brokenStatus = regexp.MustCompile(`POST .*/commands`), 400
	sim.mu.Unlock()
	if code, said := runUnread(t, sim, home, "scan", machines[1].HostName); code != exitFailed || !strings.Contains(said, "nothing was sent") {
		t.Errorf("a refused one: exit code %d, %q", code, said)
	}
}
