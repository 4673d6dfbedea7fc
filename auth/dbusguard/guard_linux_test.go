package dbusguard

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// This package's own test binary must not load the keyring library: the library
// would then be initialised before the guard. Programs of their own do it.

// fakeLaunch puts a dbus-launch into a folder that notes that it was run.
func fakeLaunch(t *testing.T) (path, note string) {
	t.Helper()
	dir := t.TempDir()
	note = filepath.Join(dir, "was-run")
	script := "#!/bin/sh\n: > " + note + "\nsleep 1\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(script), 0o700); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	return dir + ":" + os.Getenv("PATH"), note
}

func environment(path, address string) []string {
	env := []string{"PATH=" + path, "HOME=" + os.TempDir()}
	if address != "unset" {
		env = append(env, variable+"="+address)
	}
	return env
}

// build compiles one of the programs in testdata.
func build(t *testing.T, name string) string {
	t.Helper()
	tool, err := exec.LookPath("go")
	if err != nil || testing.Short() {
		t.Skip("needs the go command")
	}
	binary := filepath.Join(t.TempDir(), name)
	cmd := exec.CommandContext(t.Context(), tool, "build", "-o", binary, "./testdata/"+name) //nolint:gosec // the go command
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return binary
}

// child runs a program with an environment of its own.
func child(t *testing.T, binary, path, address string) (backends, guarded, restored string, set bool, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary) //nolint:gosec // just built
	cmd.Env, cmd.WaitDelay = environment(path, address), time.Second
	begin := time.Now()
	out, err := cmd.Output()
	took = time.Since(begin)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(out), "|")
	if len(parts) != 4 {
		t.Fatalf("child said %q", out)
	}
	return parts[0], parts[1], parts[2], parts[3] == "true", took
}

func noUserBus(t *testing.T) {
	t.Helper()
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat("/run/user/" + strconv.Itoa(os.Getuid()) + "/" + name); err == nil {
			t.Skip("this user has a session bus of the system")
		}
	}
}

func TestNoBusMeansNoDBusLaunch(t *testing.T) {
	noUserBus(t)
	binary := build(t, "guarded")
	for _, address := range []string{"unset", "", "autolaunch:", "autolaunch:scope=*x", "unix:path=/nonexistent/bus", "tcp:host=127.0.0.1,port=1", "nonsense", "unix:path=/run/dbus/system_bus_socket"} {
		path, note := fakeLaunch(t)
		backends, guarded, restored, set, took := child(t, binary, path, address)
		if _, err := os.Stat(note); err == nil {
			t.Errorf("%q: dbus-launch was run", address)
		}
		if guarded != nowhere || strings.Contains(backends, "secret-service") || took > 900*time.Millisecond {
			t.Errorf("%q: address %q, backends %s, %v", address, guarded, backends, took)
		}
		if set != (address != "unset") || set && restored != address {
			t.Errorf("%q: restored to %q (%v)", address, restored, set)
		}
	}
}

func TestWithoutTheGuardDBusLaunchIsRun(t *testing.T) {
	noUserBus(t)
	binary := build(t, "unguarded")
	path, note := fakeLaunch(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary) //nolint:gosec // just built
	cmd.Env, cmd.WaitDelay = environment(path, "unset"), time.Second
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(note); err != nil {
		t.Fatal("dbus-launch was not run, so the tests of the guard prove nothing")
	}
}

// muteBus is a session bus that takes connections and says nothing; it counts
// them.
func muteBus(t *testing.T) (address string, taken *atomic.Int32) {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // socket paths must be short
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close(); _ = os.RemoveAll(dir) })
	taken = new(atomic.Int32)
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
			taken.Add(1)
		}
	}()
	return "unix:path=" + filepath.Join(dir, "s"), taken
}

// TestNothingIsWaitedFor starts the program where a bus takes connections and
// says nothing. The start does not even connect, so there is nothing to wait for.
func TestNothingIsWaitedFor(t *testing.T) {
	path, note := fakeLaunch(t)
	address, taken := muteBus(t)
	binary := build(t, "guarded")
	_, guarded, restored, set, _ := child(t, binary, path, address)
	if guarded != nowhere || !set || restored != address {
		t.Errorf("address %q, restored to %q", guarded, restored)
	}
	if _, err := os.Stat(note); err == nil || taken.Load() != 0 {
		t.Errorf("%d connections were made, dbus-launch: %v", taken.Load(), err)
	}
}
