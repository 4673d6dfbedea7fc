package cli

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

const (
	// paintRuns is how often each start is measured; the median counts.
	paintRuns = 5
	// paintBound is generous, so that a busy machine does not break the test: the printed ratios are the measurement.
	paintBound = 3.0
	// startBound holds for every start, however much the machine has to do.
	startBound = time.Second
	// firstWords are on the first screen of a user without a sign-in.
	firstWords = "signed out"
)

// firstPaint starts a program in a terminal that answers nothing, and gives the time until a text is on the screen.
func firstPaint(t *testing.T, bin, text string, env []string) time.Duration {
	t.Helper()
	begin := time.Now()
	term := ptytest.Start(t, bin, nil, ptytest.Opt{W: 100, H: 30, Mute: true, Env: env, Dir: os.TempDir()})
	term.WaitText(text)
	took := time.Since(begin)
	term.Keys("ctrl+c", "ctrl+c")
	term.Exit()
	return took
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// muteBus is a session bus that takes connections and says nothing.
func muteBus(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // socket paths must be short
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var held []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			held = append(held, c)
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done; _ = os.RemoveAll(dir) })
	return "unix:path=" + path
}

// hangingLaunch is a PATH with a dbus-launch that takes its time and notes that it was called.
func hangingLaunch(t *testing.T) (path, note string) {
	t.Helper()
	dir := t.TempDir()
	note = filepath.Join(dir, "was-called")
	script := "#!/bin/sh\n: >" + note + "\nexec sleep 5\n"
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(script), 0o700); err != nil { //nolint:gosec // it must be executable
		t.Fatal(err)
	}
	return dir + ":" + os.Getenv("PATH"), note
}

// leftBehind gives the processes that were started with a mark in their environment, and ends them.
func leftBehind(t *testing.T, mark string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range files {
		data, err := os.ReadFile(f) //nolint:gosec // a process that may be gone
		if err != nil || !strings.Contains(string(data), mark) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "comm"))
		left = append(left, strings.TrimSpace(string(name)))
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	return left
}

// pinnedUser is on the first screen of pinnedToService.
const pinnedUser = "kim@example.com"

// pinnedToService is the environment of a profile whose sign-in lies in the Secret Service of a session bus.
func pinnedToService(t *testing.T, bus string) []string {
	t.Helper()
	config := t.TempDir()
	dir := filepath.Join(config, "unitty")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := `version = 1
default_profile = "main"
[profiles.main]
base_url = "http://127.0.0.1:9"
gsm_key = "AB12-CD34-EF56-AB78-CD90"
username = "` + pinnedUser + `"
client_id = "client_of_nobody"
store = "secret-service"
`
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"XDG_CONFIG_HOME=" + config, "DBUS_SESSION_BUS_ADDRESS=" + bus}
}

// lockedBus is the address of a session bus with a Secret Service whose collection is locked and with nobody to unlock it; ""
// where the programs for one are missing.
func lockedBus(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"gnome-keyring-daemon", "dbus-run-session", "dbus-send"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Logf("%s is not installed, so no locked collection was tried", tool)
			return ""
		}
	}
	home, err := os.MkdirTemp("", "keys") // the daemon may still write while it ends
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	script := `printf canary-login >"$HOME/login"
dbus-run-session -- sh -c 'gnome-keyring-daemon --foreground --unlock --components=secrets <"$HOME/login" >/dev/null 2>&1 & daemon=$!
for i in $(seq 100); do [ -s "$HOME/keyrings/login.keyring" ] && break; sleep 0.05; done
kill $daemon; wait $daemon; rm -rf "$HOME/login" "$HOME/keyring"'
exec dbus-run-session -- sh -c 'gnome-keyring-daemon --foreground --components=secrets </dev/null >/dev/null 2>&1 & daemon=$!
for i in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1 && break
  sleep 0.05
done
echo "$DBUS_SESSION_BUS_ADDRESS"; read end; kill $daemon; wait $daemon'`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + home}
	end, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end.Close(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("no session bus: %v", err)
	}
	return strings.TrimSpace(line)
}

// noUserBus skips a test where the system has given a user a session bus, which is found without any variable.
func noUserBus(t *testing.T, uid string) {
	t.Helper()
	for _, name := range []string{"bus", "dbus-session"} {
		if _, err := os.Stat(filepath.Join("/run/user", uid, name)); err == nil {
			t.Skip("this user has a session bus of the system, so its absence cannot be tried")
		}
	}
}

// TestFirstPaint compares the start of the program, where there is no usable session bus, with an empty program of the
// same libraries. Every round measures each start once, so that a busy minute strikes all of them.
func TestFirstPaint(t *testing.T) {
	noUserBus(t, strconv.Itoa(os.Getuid()))
	bin := program(t)
	empty := filepath.Join(t.TempDir(), "empty")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", empty, "./testdata/emptytea").CombinedOutput(); err != nil { //nolint:gosec // a path of our own
		t.Fatalf("%v: %s", err, out)
	}
	hanging, note := hangingLaunch(t)
	bus := muteBus(t)
	mark := "UNITTY_TEST_MARK=" + t.TempDir()
	type start struct {
		name string
		env  []string
		text string
	}
	memory := []string{"UNITTY_KEYRING=memory"}
	starts := []start{
		{"no D-Bus", memory, firstWords},
		{"hanging dbus-launch", append([]string{"PATH=" + hanging}, memory...), firstWords},
		{"autolaunch:", append([]string{"DBUS_SESSION_BUS_ADDRESS=autolaunch:"}, memory...), firstWords},
		{"autolaunch:, hanging", append([]string{"DBUS_SESSION_BUS_ADDRESS=autolaunch:", "PATH=" + hanging}, memory...), firstWords},
		{"mute bus socket", append([]string{"DBUS_SESSION_BUS_ADDRESS=" + bus}, memory...), firstWords},
		{"mute bus, pinned", pinnedToService(t, bus), pinnedUser},
	}
	if locked := lockedBus(t); locked != "" {
		starts = append(starts, start{"locked collection, pinned", pinnedToService(t, locked), pinnedUser})
	}
	var base []time.Duration
	took := make([][]time.Duration, len(starts))
	for range paintRuns {
		base = append(base, firstPaint(t, empty, "painted", []string{"HOME=" + t.TempDir()}))
		for i, s := range starts {
			took[i] = append(took[i], firstPaint(t, bin, s.text, append([]string{"HOME=" + t.TempDir(), mark}, s.env...)))
		}
	}
	reference := median(base)
	t.Logf("%-26s %6.1f ms", "empty program", ms(reference))
	for i, s := range starts {
		got, best := median(took[i]), slices.Min(took[i])
		t.Logf("%-26s %6.1f ms  %.2f ×", s.name, ms(got), float64(got)/float64(reference))
		if float64(got) > paintBound*float64(reference) {
			t.Errorf("%s: %v, more than %.0f × %v", s.name, got, paintBound, reference)
		}
		if best > startBound {
			t.Errorf("%s: even the fastest start took %v", s.name, best)
		}
	}
	if _, err := os.Stat(note); err == nil {
		t.Error("dbus-launch was called")
	}
	if left := leftBehind(t, mark); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
