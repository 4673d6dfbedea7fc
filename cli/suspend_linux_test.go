package cli

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/sys/unix"

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

func TestSuspendGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		stop func(*ptytest.Term)
	}{
		{"ctrl+z", func(term *ptytest.Term) { term.Keys("ctrl+z") }},
		{"SIGTSTP", func(term *ptytest.Term) { term.Signal(syscall.SIGTSTP) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			term := demoOn(t, ptytest.Opt{W: 80, H: 24})
			term.WaitText("40 rows")
			term.WaitIdle()
			c.stop(term)
			shown := []byte(ansi.SetModeTextCursorEnable) // the last that is done
			term.WaitFor(func(s ptytest.Screen) bool { return !s.Alt && s.Cursor.Visible && bytes.HasSuffix(term.Raw(), shown) })
			sane(t, term.Raw())
			waitStopped(t, term.Pid())
			term.Signal(syscall.SIGCONT)
			term.WaitFor(func(s ptytest.Screen) bool { return s.Alt && s.Contains("40 rows") })
			term.WaitIdle()
			term.Keys("q")
			if e := term.Exit(); e.Code != 0 {
				t.Errorf("ended with %+v", e)
			}
			sane(t, term.Raw())
		})
	}
}

// waitStopped waits until the process has stopped: a SIGCONT that comes earlier would be lost.
func waitStopped(t *testing.T, pid int) {
	t.Helper()
	stopped := make(chan error, 1)
	go func() {
		for {
			err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				stopped <- err
				return
			}
		}
	}()
	select {
	case err := <-stopped:
		if err != nil {
			t.Fatalf("waiting for the stop: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the program did not stop")
	}
}
