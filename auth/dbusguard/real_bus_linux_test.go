package dbusguard

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// marked gives the processes whose first environment holds a mark. A daemon that
// dbus-launch leaves behind inherits it, whoever its parent is by then.
func marked(t *testing.T, mark string) []int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, f := range files {
		data, err := os.ReadFile(f) //nolint:gosec // a process that may be gone
		if err != nil || !strings.Contains(string(data), mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// launch runs a program with the real dbus-launch within reach and gives the
// processes that stay behind, which it ends.
func launch(t *testing.T, binary, address string) (left int, out string, took time.Duration) {
	t.Helper()
	home := t.TempDir()
	mark := "UNITTY_TEST_MARK=" + home
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary) //nolint:gosec // just built
	cmd.Env, cmd.WaitDelay = append(environment(os.Getenv("PATH"), address), mark, "HOME="+home, "XDG_RUNTIME_DIR="+home), time.Second
	begin := time.Now()
	said, err := cmd.Output()
	took = time.Since(begin)
	if err != nil {
		t.Fatal(err)
	}
	pids := marked(t, mark)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	return len(pids), string(said), took
}

func TestRealDBusLaunchStartsNoDaemon(t *testing.T) {
	noUserBus(t)
	if _, err := exec.LookPath("dbus-launch"); err != nil {
		t.Skip("dbus-launch is not installed, so the daemons it leaves behind were not looked for")
	}
	machine, err := os.ReadFile("/etc/machine-id")
	if err != nil || len(strings.TrimSpace(string(machine))) == 0 {
		if _, err := os.Stat("/var/lib/dbus/machine-id"); err != nil {
			t.Skip("this machine has no machine id, without which dbus-launch does nothing")
		}
	}
	if left, _, _ := launch(t, build(t, "unguarded"), "unset"); left == 0 {
		t.Skip("dbus-launch starts no daemon here even without the guard, so its absence proves nothing")
	}
	binary := build(t, "guarded")
	for _, address := range []string{"unset", "", "autolaunch:", "autolaunch:scope=*user"} {
		left, out, took := launch(t, binary, address)
		if left != 0 || !strings.Contains(out, nowhere) {
			t.Errorf("%q: %d processes stay behind; the program says %s", address, left, out)
		}
		if took > time.Second {
			t.Errorf("%q: the start takes %v", address, took)
		}
	}
}

// TestRealBusIsGivenBack starts the program in a session with a bus. The keyring
// library does not see it; children do.
func TestRealBusIsGivenBack(t *testing.T) {
	if _, err := exec.LookPath("dbus-run-session"); err != nil {
		t.Skip("dbus-run-session is not installed, so no real bus was tried")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", `echo "$DBUS_SESSION_BUS_ADDRESS"; exec "$0"`, build(t, "guarded")) //nolint:gosec // just built
	cmd.Env, cmd.WaitDelay = environment(os.Getenv("PATH"), "unset"), time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	address, said, _ := strings.Cut(string(out), "\n")
	parts := strings.Split(said, "|")
	if len(parts) != 4 || parts[1] != nowhere || parts[2] != address || strings.Contains(parts[0], "secret-service") {
		t.Fatalf("the bus is at %q, the program says %q", address, said)
	}
}
