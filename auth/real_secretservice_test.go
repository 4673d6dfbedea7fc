//go:build linux

package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus"
)

const prompterName = "org.gnome.keyring.SystemPrompter"

// mutePrompter takes questions of the keyring daemon and never answers one.
type mutePrompter struct{ asked chan struct{} }

// BeginPrompting is called by the daemon; the call hangs.
func (p mutePrompter) BeginPrompting(dbus.ObjectPath) *dbus.Error {
	close(p.asked)
	select {}
}

// TestRealMutePrompterChild is the program that shows no question.
func TestRealMutePrompterChild(t *testing.T) {
	if os.Getenv("UNITTY_TEST_PROMPTER") == "" {
		t.Skip("a child process of another test")
	}
	bus, err := openBus(t.Context(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	p := mutePrompter{asked: make(chan struct{})}
	if err := bus.Export(p, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter"); err != nil {
		t.Fatal(err)
	}
	if got, err := bus.RequestName(prompterName, dbus.NameFlagReplaceExisting); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
	fmt.Println("PROMPTER READY")
	<-p.asked
	fmt.Println("PROMPTER ASKED")
	select {} // until it is killed
}

// TestRealLockedChild uses a locked collection where nobody can be asked.
func TestRealLockedChild(t *testing.T) {
	isChild(t, "locked")
	begin := time.Now()
	s, refused, err := Choose(t.Context(), ChooseOptions{Name: "secret-service", PassphraseFile: "/nonexistent", Dir: filepath.Join(os.Getenv("UNITTY_TEST_DIR"), "files")})
	if err != nil {
		t.Fatalf("%v %v", refused, err)
	}
	defer func() { _ = s.Close() }()
	err = Canary(t.Context(), s)
	if err == nil || errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "secret-service: writing a test item: ") {
		t.Errorf("the error does not name the store and what failed: %v", err)
	}
	// The item is there. Taking it for missing would mean a new sign-in over it.
	if got, err := s.Get(t.Context(), "v1-x"); err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, errDamaged) {
		t.Errorf("reading: %q %v", got, err)
	}
	if took := time.Since(begin); took > backgroundDeadline {
		t.Errorf("the answer took %v", took)
	}
	t.Logf("LOCKED: %v after %v", err, time.Since(begin).Round(time.Millisecond))
	_, refused, err = Choose(Interactive(t.Context()), ChooseOptions{Name: "secret-service", Interactive: true, Dir: filepath.Join(os.Getenv("UNITTY_TEST_DIR"), "files")})
	if !errors.Is(err, ErrStore) || len(refused) != 1 || refused[0].Name != "secret-service" {
		t.Errorf("a sign-in at a locked collection: %v %v", refused, err)
	}
	childDone()
}

// TestRealSeedChild puts an item into the collection before it is locked.
func TestRealSeedChild(t *testing.T) {
	isChild(t, "seed")
	s, err := OpenKeyringStore("secret-service")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Set(t.Context(), "v1-x", []byte("a stored secret")); err != nil {
		t.Fatal(err)
	}
	childDone()
}

// TestRealMuteChild uses a locked collection whose prompter says nothing.
func TestRealMuteChild(t *testing.T) {
	isChild(t, "mute")
	s, err := OpenKeyringStore("secret-service")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	begin := time.Now()
	err = s.Set(t.Context(), "v1-x", []byte("canary"))
	took := time.Since(begin)
	t.Logf("MUTE: %v after %v", err, took.Round(time.Millisecond))
	if !errors.Is(err, errUnresponsive) || took < backgroundDeadline || took > backgroundDeadline+2*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	begin = time.Now()
	if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, errUnresponsive) || time.Since(begin) > time.Second {
		t.Errorf("the second call must fail at once: %v after %v", err, time.Since(begin))
	}
	if s.settling() == nil {
		t.Error("the lock would be given away while the late call may still write")
	}
	childDone()
}

// lockedHome is a home with a login collection that exists and is locked.
func lockedHome(t *testing.T) string {
	t.Helper()
	need(t, "gnome-keyring-daemon", "dbus-run-session")
	home := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	script := `printf canary-login >"$HOME/login"
gnome-keyring-daemon --foreground --unlock --components=secrets <"$HOME/login" >/dev/null 2>&1 & daemon=$!
for i in $(seq 100); do [ -s "$HOME/keyrings/login.keyring" ] && break; sleep 0.05; done
` + awaitName + `"$0" -test.run='^TestRealSeedChild$' -test.v
kill $daemon; wait $daemon; rm -rf "$HOME/login" "$HOME/keyring"`
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", script, os.Args[0]) //nolint:gosec // our own test binary
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + home, realTask + "=seed"}
	cmd.WaitDelay = 2 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), childEnd) {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(home, "keyrings", "login.keyring")); err != nil {
		t.Fatalf("there is no login collection to lock: %v", err)
	}
	return home
}

// contents gives every file of a folder with a sum over its bytes.
func contents(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	all := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a service that ends takes away the folder of its socket
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // a file of this test
		all[path] = sha256.Sum256(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// unchanged wants the same files as before: a store that refuses writes nothing,
// neither there nor in the place of another store.
func unchanged(t *testing.T, dir string, before map[string][32]byte) {
	t.Helper()
	after := contents(t, dir)
	for path, sum := range after {
		if was, ok := before[path]; !ok {
			t.Errorf("%s was written", path)
		} else if was != sum {
			t.Errorf("%s was changed", path)
		}
	}
	if len(before) > len(after) {
		t.Errorf("%d files became %d", len(before), len(after))
	}
}

// awaitName waits until the daemon has its name on the bus, so that nothing
// starts a second one.
const awaitName = `for i in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1 && break
  sleep 0.05
done
`

// startLocked starts the daemon without unlocking anything. It is ended with the
// shell, since it does not notice that its bus is gone.
const startLocked = `gnome-keyring-daemon --foreground --components=secrets </dev/null >/dev/null 2>&1 & daemon=$!
trap 'kill $daemon' EXIT
` + awaitName + `
`

func TestRealLockedCollection(t *testing.T) {
	t.Parallel()
	home := lockedHome(t)
	before := contents(t, home)
	out := runReal(t, "locked", home, "dbus-run-session", "--", "sh", "-c", startLocked+`"$0" -test.v -test.run='^TestRealLockedChild$'`, os.Args[0])
	unchanged(t, home, before)
	t.Log(firstLineWith(out, "LOCKED:"))
}

func TestRealMutePrompter(t *testing.T) {
	t.Parallel()
	home := lockedHome(t)
	before := contents(t, home)
	script := startLocked + `UNITTY_TEST_PROMPTER=1 "$0" -test.v -test.run='^TestRealMutePrompterChild$' >"$HOME/said" 2>&1 & prompter=$!
trap 'kill -9 $prompter; kill $daemon' EXIT
for i in $(seq 100); do grep -q "PROMPTER READY" "$HOME/said" && break; sleep 0.05; done
"$0" -test.v -test.run='^TestRealMuteChild$'
cat "$HOME/said"; rm "$HOME/said"`
	out := runReal(t, "mute", home, "dbus-run-session", "--", "sh", "-c", script, os.Args[0])
	if !strings.Contains(out, "PROMPTER ASKED") {
		t.Fatalf("the prompter was never asked, so nothing was tested:\n%s", out)
	}
	unchanged(t, home, before)
	t.Log(firstLineWith(out, "MUTE:"))
}

func firstLineWith(text, mark string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, mark) {
			return strings.TrimSpace(line)
		}
	}
	return "no line with " + mark
}
