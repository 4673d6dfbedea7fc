package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

// TestStartNamesTheStoreAndTheWayOut starts the program at a terminal where the desktop's store cannot be used. It says
// which store that is and why, and offers others, within a second.
func TestStartNamesTheStoreAndTheWayOut(t *testing.T) {
	noUserBus(t, strconv.Itoa(os.Getuid()))
	for name, address := range map[string]string{"no bus": "unix:path=/nonexistent/bus", "autolaunch": "autolaunch:", "mute bus": muteBus(t)} {
		t.Run(name, func(t *testing.T) {
			best := time.Hour
			for range 3 {
				begin := time.Now()
				term := ptytest.Start(t, program(t), nil, ptytest.Opt{W: 160, Mute: true, Dir: os.TempDir(), Env: []string{"HOME=" + t.TempDir(), "DBUS_SESSION_BUS_ADDRESS=" + address}})
				screen := term.WaitText("Where shall the sign-in be kept?")
				best = min(best, time.Since(begin))
				if !screen.Contains("secret-service cannot be used: there is no session bus that answers") {
					t.Errorf("the reason is missing:\n%s", screen)
				}
				term.WaitText("file     encrypted file")
				term.Send([]byte{3})
				if e := term.Exit(); e.Code != exitInterrupted {
					t.Errorf("ended with %+v", e)
				}
			}
			if best > startBound {
				t.Errorf("even the fastest start took %v", best)
			}
		})
	}
}

// TestStartAtALockedCollection is the same where the bus answers and the store is locked, with nobody to unlock it.
func TestStartAtALockedCollection(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"gnome-keyring-daemon", "dbus-run-session", "dbus-send"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed, so no locked collection was tried", tool)
		}
	}
	bin, home := program(t), t.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "XDG_DATA_HOME=" + home}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "dbus-run-session", "--", "sh", "-c", `printf canary-login >"$HOME/login"
gnome-keyring-daemon --foreground --unlock --components=secrets <"$HOME/login" >/dev/null 2>&1 & daemon=$!
for i in $(seq 100); do [ -s "$HOME/keyrings/login.keyring" ] && break; sleep 0.05; done
kill $daemon; wait $daemon; rm -rf "$HOME/login" "$HOME/keyring"`)
	cmd.Env, cmd.WaitDelay = env, 2*time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(home, "keyrings", "login.keyring")); err != nil {
		t.Fatalf("there is no login collection to lock: %v", err)
	}
	script := `gnome-keyring-daemon --foreground --components=secrets </dev/null >/dev/null 2>&1 & daemon=$!
for i in $(seq 100); do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1 && break
  sleep 0.05
done
"$0"; echo "ended with $?"; kill $daemon`
	term := ptytest.Start(t, "dbus-run-session", []string{"--", "sh", "-c", script, bin}, ptytest.Opt{W: 200, Mute: true, Dir: home, Env: env})
	screen := term.WaitText("Where shall the sign-in be kept?")
	if !screen.Contains("secret-service cannot be used") || !strings.Contains(strings.ToLower(screen.String()), "locked") {
		t.Errorf("the reason is missing:\n%s", screen)
	}
	for range 3 { // a wrong number is asked about again
		term.Send([]byte("9\r"))
	}
	term.WaitText("ended with")
	term.Exit()
}
