//go:build unix

package cli

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
)

// built is the program, built once for all tests that need the real one: main, not the copy of the test binary, so that
// everything that happens before cli.Main happens here too. It lies beside that copy, in the folder that TestMain removes.
var built = sync.OnceValues(func() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	beside, err := exec.LookPath("unitty")
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(beside), "unitty-built")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "..").CombinedOutput(); err != nil { //nolint:gosec // a path of our own
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func program(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("building the program and driving a terminal takes longer than -short allows")
	}
	path, err := built()
	if err != nil {
		t.Fatalf("building the program: %v", err)
	}
	return path
}

// screenOn starts the program in a terminal, signed in at a simulator through the environment.
func screenOn(t *testing.T, s *testSim, o ptytest.Opt) *ptytest.Term {
	t.Helper()
	for _, kv := range s.environment(unitytest.UserSuper) {
		o.Env = append(o.Env, kv[0]+"="+kv[1])
	}
	o.Env = append(o.Env, "HOME="+t.TempDir(), "UNITTY_KEYRING=memory")
	return ptytest.Start(t, program(t), nil, o)
}

// demoOn starts the demo in a terminal.
func demoOn(t *testing.T, o ptytest.Opt, args ...string) *ptytest.Term {
	t.Helper()
	// Its folder lies in that of the test, since a program that is killed at the end leaves it behind.
	o.Env = append([]string{"HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir()}, o.Env...)
	return ptytest.Start(t, program(t), append([]string{"demo"}, args...), o)
}

// press presses a key until the screen is as wanted. Questions drop keys that come before anybody can have read them, and
// a dropped key does nothing, so pressing it again is what a person does; but not before the first had its time.
func press(t *testing.T, term *ptytest.Term, key string, done func(ptytest.Screen) bool) ptytest.Screen {
	t.Helper()
	for range 10 {
		term.Keys(key)
		for patience := time.Now().Add(2 * time.Second); time.Now().Before(patience); {
			if s := term.WaitIdle(); done(s) {
				return s
			}
		}
	}
	t.Fatalf("%s has no effect:\n%s", key, term.Screen())
	return ptytest.Screen{}
}

func gone(text string) func(ptytest.Screen) bool {
	return func(s ptytest.Screen) bool { return !s.Contains(text) }
}

// sane wants the output to leave the terminal as it was: every mode that was switched on is off again, the cursor is
// shown, the main screen is back.
func sane(t *testing.T, raw []byte) {
	t.Helper()
	modes, entered := map[string]bool{}, false
	for _, q := range ptytest.Scan(raw) {
		if q.Kind == ptytest.CSI && bytes.HasPrefix(q.Raw, []byte("\x1b[?")) && (q.Final == 'h' || q.Final == 'l') && q.Inter == "" {
			for _, m := range strings.Split(string(q.Raw[3:len(q.Raw)-1]), ";") {
				modes[m] = q.Final == 'h'
				entered = entered || m == "1049" && q.Final == 'h'
				if m == "1049" && q.Final == 'l' {
					modes["25"] = false // the shell's screen may have a cursor of its own
				}
			}
		}
	}
	if !entered {
		t.Errorf("the alternate screen was never entered")
	}
	for mode, on := range modes {
		// The cursor is visible and long lines wrap, as everywhere outside full-screen programs.
		if on != (mode == "25" || mode == "7") {
			t.Errorf("mode ?%s is left %v", mode, on)
		}
	}
}
