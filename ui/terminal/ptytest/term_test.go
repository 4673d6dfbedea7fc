//go:build unix

package ptytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell starts a shell script in a terminal.
func shell(t *testing.T, script string, opt Opt) *Term {
	t.Helper()
	return Start(t, "/bin/sh", []string{"-c", script}, opt)
}

func TestOutputReachesTheScreen(t *testing.T) {
	term := shell(t, `printf '\033[31mhello\033[m\nsecond'; exit 3`, Opt{W: 40, H: 5})
	s := term.WaitText("second")
	if s.Line(0) != "hello" || s.Line(1) != "second" {
		t.Errorf("screen\n%s", s)
	}
	if c := s.At(0, 0); c.Fg != (Color{Kind: ColorBasic, Index: 1}) {
		t.Errorf("first cell %+v is not red", c)
	}
	if st := term.Exit(); st != (ExitState{Code: 3}) {
		t.Errorf("exit state %+v, want code 3", st)
	}
	if got := string(term.Raw()); got != "\x1b[31mhello\x1b[m\r\nsecond" {
		t.Errorf("raw bytes %q", got)
	}
}

func TestKeysReachTheProgram(t *testing.T) {
	term := shell(t, `stty raw -echo; printf 'ready'; dd bs=1 count=5 2>/dev/null | od -An -tx1`, Opt{})
	term.WaitText("ready")
	term.Keys("j", "ctrl+p", "up")
	s := term.WaitText("6a 10 1b 5b 41")
	if st := term.Exit(); st.Code != 0 {
		t.Errorf("exit %+v\n%s", st, s)
	}
}

func TestSinceAndIdle(t *testing.T) {
	term := shell(t, `printf one; read x; printf two; read x`, Opt{})
	term.WaitText("one")
	term.WaitIdle()
	mark := term.Mark()
	term.Type("\n")
	term.WaitText("two")
	if got := string(term.Since(mark)); got != "\r\ntwo" {
		t.Errorf("bytes since the mark %q", got)
	}
}

func TestQueriesAreAnsweredUnlessMute(t *testing.T) {
	const script = `stty raw -echo min 0 time 5; printf '\033[6n'; dd bs=32 count=1 2>/dev/null | od -An -c; printf done`
	term := shell(t, script, Opt{})
	if s := term.WaitText("done"); !s.Contains("R") {
		t.Errorf("no cursor report came back:\n%s", s)
	}
	mute := shell(t, script, Opt{Mute: true})
	if s := mute.WaitText("done"); s.Contains("R") {
		t.Errorf("a mute terminal answered:\n%s", s)
	}
}

func TestResizeAndSizes(t *testing.T) {
	term := shell(t, `trap 'stty size' WINCH; stty size; while :; do read x || :; done`, Opt{W: 33, H: 7})
	term.WaitText("7 33")
	term.Resize(51, 9)
	s := term.WaitText("9 51")
	if s.Width != 51 || s.Height != 9 {
		t.Errorf("emulator is %dx%d", s.Width, s.Height)
	}
	zero := shell(t, `stty size`, Opt{ZeroSize: true})
	zero.WaitText("0 0")
}

func TestSignalsAndHangup(t *testing.T) {
	term := shell(t, `printf up; read x`, Opt{})
	term.WaitText("up")
	term.Signal(syscall.SIGTERM)
	if st := term.Exit(); st.Signal != syscall.SIGTERM {
		t.Errorf("exit %+v, want SIGTERM", st)
	}
	gone := shell(t, `printf up; read x`, Opt{})
	gone.WaitText("up")
	gone.Hangup()
	if st := gone.Exit(); st.Signal != syscall.SIGHUP {
		t.Errorf("exit %+v, want SIGHUP", st)
	}
}

func TestAwaitSaysWhyItFailed(t *testing.T) {
	never := func(Screen) bool { return false }
	if err := shell(t, `exit 0`, Opt{}).Await(never); !errors.Is(err, ErrEnded) {
		t.Errorf("ended program: %v", err)
	}
	term := shell(t, `printf waiting; read x`, Opt{Deadline: 200 * time.Millisecond})
	if err := term.Await(never); !errors.Is(err, ErrDeadline) || !strings.Contains(err.Error(), "waiting") {
		t.Errorf("deadline: %v", err)
	}
}

func TestGrandchildDoesNotHangTheTerminal(t *testing.T) {
	var grandchild int
	began := time.Now()
	t.Run("inner", func(t *testing.T) {
		term := shell(t, `setsid sleep 60 & printf 'pid=%d.' $!`, Opt{})
		line := term.WaitText(".").Line(0)
		if _, err := fmt.Sscanf(line, "pid=%d.", &grandchild); err != nil {
			t.Fatalf("no process id in %q: %v", line, err)
		}
	})
	// The cleanup of the inner test has run: it must not have waited for the process that still holds the terminal.
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("closing the terminal took %s", took)
	}
	if err := syscall.Kill(grandchild, syscall.SIGKILL); err != nil {
		t.Errorf("the grandchild was gone already, so the test shows nothing: %v", err)
	}
}

// recorder collects the failure of a Term without failing the test around it.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) { r.failed = fmt.Sprintf(format, args...) }

func TestWrongUseFailsTheTest(t *testing.T) {
	r := &recorder{TB: t}
	if Start(r, "/no/such/program", nil, Opt{}); !strings.Contains(r.failed, "/no/such/program") {
		t.Errorf("missing program: %q", r.failed)
	}
	r = &recorder{TB: t}
	term := Start(r, "/bin/sh", []string{"-c", "read x"}, Opt{Deadline: 150 * time.Millisecond})
	if term.Keys("nosuch"); !strings.Contains(r.failed, "nosuch") {
		t.Errorf("unknown key: %q", r.failed)
	}
	if term.WaitText("absent"); !strings.Contains(r.failed, `waiting for "absent"`) {
		t.Errorf("missed text: %q", r.failed)
	}
	if term.Exit(); !strings.Contains(r.failed, "still running") {
		t.Errorf("running program: %q", r.failed)
	}
}

// TestBubbleTea builds a small program with the renderer the product uses and drives it through a session.
func TestBubbleTea(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	_, file, _, _ := runtime.Caller(0)
	bin := filepath.Join(t.TempDir(), "counter")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./testdata/counter")
	build.Dir = filepath.Dir(file)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for _, mute := range []bool{false, true} {
		term := Start(t, bin, nil, Opt{W: 40, H: 8, Mute: mute, Env: []string{"TMPDIR=" + os.TempDir()}})
		s := term.WaitText("count 0")
		if !s.Alt {
			t.Error("the alternate screen is not shown")
		}
		term.Keys("j", "j", "up")
		if s = term.WaitText("count 3"); s.Title != "counter" {
			t.Errorf("title %q", s.Title)
		}
		term.Resize(30, 6)
		term.WaitText("size 30x6")
		term.Keys("q")
		if st := term.Exit(); st != (ExitState{}) {
			t.Errorf("exit %+v", st)
		}
		if s = term.Screen(); s.Alt || !s.Cursor.Visible {
			t.Errorf("terminal is not restored: alt %v cursor %+v", s.Alt, s.Cursor)
		}
		if bad := Audit(term.Raw(), AllowTitle("counter")); len(bad) > 0 {
			t.Errorf("violations: %v", bad)
		}
	}
}
