package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realTask is the variable that tells a child process what to do. Its tests are
// skipped without it.
const realTask = "UNITTY_TEST_REAL"

// childEnd is what a child prints when it came to its end; nothing else counts as
// success, since a child that never ran its test exits with 0 too.
const childEnd = "REAL CHILD DONE"

// isChild skips a test that belongs to a child process doing this task.
func isChild(t *testing.T, task string) {
	t.Helper()
	if os.Getenv(realTask) != task {
		t.Skip("a child process of another test")
	}
}

// need skips a test that cannot run without these programs.
func need(t *testing.T, tools ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real processes, which -short leaves out")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed, so this was not tested", tool)
		}
	}
}

// commonBinary copies the test binary to where every user can run it, with a
// folder beside it that is the caller's to fill.
func commonBinary(t *testing.T) (binary, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "unitty-real-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // another user has to enter it
		t.Fatal(err)
	}
	from, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = from.Close() }()
	binary = filepath.Join(dir, "auth.test")
	to, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755) //nolint:gosec // it must be executable
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return binary, dir
}

// runReal runs a command line that ends in a test binary and a child's test. It
// gives everything that came out.
func runReal(t *testing.T, task, home string, line ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...) //nolint:gosec // the test's own arguments
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + home, realTask + "=" + task, "UNITTY_TEST_DIR=" + home}
	cmd.Dir, cmd.WaitDelay = home, 2*time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if ctx.Err() != nil {
		t.Fatalf("it hangs:\n%s", out.String())
	}
	if !strings.Contains(out.String(), childEnd) {
		t.Fatalf("%s: the child did not come to its end: %v\n%s", task, err, out.String())
	}
	if strings.Contains(out.String(), "--- FAIL") {
		t.Fatalf("%s:\n%s", task, out.String())
	}
	return out.String()
}

// childDone says that the child's test ran to its end.
func childDone() { fmt.Println(childEnd) }
