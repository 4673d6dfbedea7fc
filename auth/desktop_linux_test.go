package auth

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSecretServiceChild is not a test: it runs inside dbus-run-session.
func TestSecretServiceChild(t *testing.T) {
	if os.Getenv("UNITTY_TEST_SECRET_SERVICE") == "" {
		t.Skip("a child process of TestSecretService")
	}
	exerciseStore(t, "secret-service")
	fmt.Println("SECRET SERVICE WORKS")
}

// exerciseStore runs a whole life of a chain on a real keychain.
func exerciseStore(t *testing.T, name string) {
	t.Helper()
	s, err := OpenKeyringStore(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := Canary(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	p, dir, clk := &scriptProvider{life: 300 * time.Second}, privateDir(t), &clock{}
	p.now = clk.now
	e := setup{store: s, prov: p, dir: dir, clock: clk}.engine(t)
	mustSignIn(t, e)
	for range 3 {
		clk.jump(299 * time.Second)
		mustToken(t, e)
	}
	other, err := OpenKeyringStore(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	next := setup{store: other, prov: p, dir: dir, clock: clk}.engine(t)
	if got := mustToken(t, next); got != "at-3" {
		t.Fatalf("the next process got %q", got)
	}
	if err := next.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rec, err := e.chain.read(t.Context()); err != nil || rec.b != nil {
		t.Fatalf("after the logout: %+v %v", rec, err)
	}
}

func TestSecretService(t *testing.T) {
	need(t, "gnome-keyring-daemon", "dbus-run-session", "dbus-send")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	home := t.TempDir()
	// In the foreground, so that it ends with the shell: it does not notice that its bus is gone.
	script := `printf canary-login >"$HOME/login"
gnome-keyring-daemon --foreground --unlock --components=secrets <"$HOME/login" >/dev/null 2>&1 & daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
` + awaitName + `"$0" -test.v -test.run='^TestSecretServiceChild$'`
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", script, os.Args[0]) //nolint:gosec // our own test binary
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + home, "UNITTY_TEST_SECRET_SERVICE=1"}
	cmd.WaitDelay = 2 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "SECRET SERVICE WORKS") {
		t.Fatalf("%v\n%s", err, out)
	}
	if left := processesWith(t, "HOME="+home); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// processesWith gives the processes that were started with this in their
// environment and still run, by name.
func processesWith(t *testing.T, mark string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		data, err := os.ReadFile(f) //nolint:gosec // a process that may be gone
		if err != nil || !strings.Contains(string(data)+"\x00", mark+"\x00") {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "comm")) //nolint:gosec // as above
		names = append(names, strings.TrimSpace(string(name)))
	}
	return names
}

func TestKernelKeyring(t *testing.T) {
	s, err := OpenKeyringStore("keyctl")
	if err == nil {
		err = Canary(t.Context(), s)
		_ = s.Close()
	}
	if err != nil {
		t.Skipf("the kernel's keyring cannot be used here: %v", err)
	}
	exerciseStore(t, "keyctl")
}
