package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// outcome is what one run of the program came to.
type outcome struct {
	code        int
	out, errors string
}

// runProgram runs the program in another process, signed in as a user of the simulator at that address.
func runProgram(t *testing.T, url string, c unitytest.Credentials, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, "unitty", args...) //nolint:gosec // the test's own arguments
	cmd.Env = []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH"), "UNITTY_KEYRING=memory", "TERM=xterm", "TZ=UTC", locksIn(home), detector()}
	for _, kv := range signInVariables(url, c) {
		cmd.Env = append(cmd.Env, kv[0]+"="+kv[1])
	}
	cmd.Dir = home
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("unitty %s: %v", strings.Join(args, " "), err)
	}
	o := outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	for name, text := range map[string]string{"standard output": o.out, "standard error": o.errors} {
		if bad := obeyed(text); bad != "" {
			t.Errorf("unitty %s: %s contains %s: %q", strings.Join(args, " "), name, bad, text)
		}
		if strings.Contains(text, c.Password) || strings.Contains(text, c.ClientSecret) {
			t.Errorf("unitty %s: %s contains a secret", strings.Join(args, " "), name)
		}
	}
	audit, err := os.ReadFile(filepath.Join(home, ".local/state/unitty/audit.jsonl")) //nolint:gosec // the test's own folder
	if err == nil && (bytes.Contains(audit, []byte(c.Password)) || bytes.Contains(audit, []byte(c.ClientSecret)) || bytes.Contains(audit, []byte("Bearer"))) {
		t.Errorf("unitty %s: the audit contains a secret", strings.Join(args, " "))
	}
	return o
}

// locksIn keeps the locks and the memory of refused passwords of a program under test in a folder of the test: addresses of
// simulators come again, and what is the user's own is none of a test's business.
func locksIn(dir string) string { return "UNITTY_TEST_LOCK_DIR=" + filepath.Join(dir, "locks") }

// states gives the outcome words of a sent command by endpoint id.
func (o outcome) states(t *testing.T) map[string]string {
	t.Helper()
	var doc struct {
		JobId   string
		Results []struct{ EndpointId, State, Reason string }
	}
	if err := json.Unmarshal([]byte(o.out), &doc); err != nil {
		t.Fatalf("no JSON: %v\n%s\n%s", err, o.out, o.errors)
	}
	if doc.JobId == "" {
		t.Error("no JobId")
	}
	states := map[string]string{}
	for _, r := range doc.Results {
		states[r.EndpointId] = r.State
		if r.State != "sent" && r.Reason == "" {
			t.Errorf("%s is %s without a reason", r.EndpointId, r.State)
		}
	}
	return states
}
