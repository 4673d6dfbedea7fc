//go:build unix

package ptytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// TB is the part of testing.TB that a Term needs. A command that makes documentation can bring its own.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Opt are the conditions a program is started under.
type Opt struct {
	// W and H are the size of the terminal in cells; the default is 80×24.
	W, H int
	// ZeroSize makes the terminal report 0×0, as some serial lines and containers do. The emulator is still W×H.
	ZeroSize bool
	// Env is added to a small fixed environment (PATH, HOME, LANG, TERM, COLORTERM); later entries win. The
	// environment of the test itself is not passed on, so that a run inside tmux or SSH behaves like any other.
	Env []string
	// Dir is the working directory; the default is the one of the test.
	Dir string
	// Mute makes a terminal that never answers a query.
	Mute bool
	// Deadline bounds every wait; the default is 10 s.
	Deadline time.Duration
}

// ExitState says how the program ended.
type ExitState struct {
	// Code is the exit code, or -1 when a signal ended the program.
	Code int
	// Signal is the signal that ended the program, or 0.
	Signal syscall.Signal
}

// Term is a program in a pseudo-terminal. Its methods may be called from one goroutine at a time; those that can fail
// end the test.
type Term struct {
	tb       TB
	opt      Opt
	cmd      *exec.Cmd
	master   *os.File
	emu      *emulator
	in       *queue
	wg       sync.WaitGroup
	closeOne sync.Once

	mu      sync.Mutex
	raw     []byte
	changed chan struct{} // closed and replaced on every event
	drained bool          // the program's output has ended
	exited  bool
	exit    ExitState
}

// Start runs the program bin with args in a new pseudo-terminal. When the test ends, the program's process group is
// killed and the terminal closed.
func Start(tb TB, bin string, args []string, opt Opt) *Term {
	tb.Helper()
	opt = withDefaults(opt)
	t := &Term{
		tb: tb, opt: opt, emu: newEmulator(opt.W, opt.H), in: newQueue(), changed: make(chan struct{}),
	}
	if err := t.start(bin, args); err != nil {
		tb.Fatalf("ptytest: start %s: %v", bin, err)
		return nil
	}
	tb.Cleanup(t.close)
	return t
}

// withDefaults fills in what the caller left out.
func withDefaults(opt Opt) Opt {
	if opt.W <= 0 {
		opt.W = 80
	}
	if opt.H <= 0 {
		opt.H = 24
	}
	if opt.Deadline <= 0 {
		opt.Deadline = 10 * time.Second
	}
	return opt
}

// environment returns the fixed variables with the caller's after them.
func environment(extra []string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LANG=C.UTF-8",
		"TERM=xterm-256color", "COLORTERM=truecolor",
	}
	return append(env, extra...)
}

// start opens the terminal, starts the program and the goroutines that serve it.
func (t *Term) start(bin string, args []string) error {
	size := &pty.Winsize{Cols: cells(t.opt.W), Rows: cells(t.opt.H)}
	if t.opt.ZeroSize {
		size = &pty.Winsize{}
	}
	// The life of the program is bounded by close, not by a context.
	cmd := exec.CommandContext(context.Background(), bin, args...) //nolint:gosec // the test names the program
	cmd.Env = environment(t.opt.Env)
	cmd.Dir = t.opt.Dir
	f, err := pty.StartWithSize(cmd, size)
	if err != nil {
		return err
	}
	t.cmd = cmd
	if t.master, err = pollable(f); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return err
	}
	t.wg.Go(t.pumpOutput)
	t.wg.Go(t.pumpReplies)
	t.wg.Go(func() { t.in.drainTo(t.master) })
	t.wg.Go(t.reap)
	return nil
}

// cells clamps a size to what the kernel's structure can hold.
func cells(n int) uint16 {
	return uint16(min(max(n, 0), 1<<16-1))
}

// pollable gives the terminal to the runtime's poller. The pty library leaves the file in blocking mode, where Close
// does not end a pending Read: a grandchild that keeps the terminal open would then hang the test for ever.
func pollable(f *os.File) (*os.File, error) {
	defer func() { _ = f.Close() }() // The duplicate stays.
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate terminal: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("non-blocking terminal: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// pumpOutput moves the program's output into the record and the emulator. On Linux the end of output is an error (EIO).
func (t *Term) pumpOutput() {
	buf := make([]byte, 32*1024)
	for {
		n, err := t.master.Read(buf)
		if n > 0 {
			t.emu.write(buf[:n])
			t.note(func() { t.raw = append(t.raw, buf[:n]...) })
		}
		if err != nil {
			t.note(func() { t.drained = true })
			return
		}
	}
}

// pumpReplies moves the emulator's answers into the input queue. It must run even for a mute terminal: the emulator
// blocks inside Write until somebody takes its answer.
func (t *Term) pumpReplies() {
	buf := make([]byte, 1024)
	for {
		n, err := t.emu.read(buf)
		if err != nil {
			return
		}
		if !t.opt.Mute {
			t.in.put(buf[:n])
		}
	}
}

// reap waits for the program.
func (t *Term) reap() {
	err := t.cmd.Wait()
	state := ExitState{}
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		state.Code = failed.ExitCode()
		if ws, ok := failed.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			state.Signal = ws.Signal()
		}
	}
	t.note(func() { t.exited, t.exit = true, state })
}

// note changes the state under the lock and wakes all waiters.
func (t *Term) note(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	close(t.changed)
	t.changed = make(chan struct{})
}

// close ends everything that belongs to the terminal; it is the test's cleanup.
func (t *Term) close() {
	// The program leads its own session, so its group is its process id. The group may be gone already.
	_ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL)
	t.Hangup()
	t.wg.Wait()
}

// Hangup closes the terminal's other end, as a dropped SSH connection does: the kernel sends SIGHUP to the program.
// What the program writes afterwards is lost.
func (t *Term) Hangup() {
	t.closeOne.Do(func() {
		_ = t.master.Close()
		t.in.stop()
		t.emu.stop()
	})
}

// Pid returns the process id of the program.
func (t *Term) Pid() int { return t.cmd.Process.Pid }

// Signal sends a signal to the program itself, not to its process group.
func (t *Term) Signal(sig syscall.Signal) {
	t.tb.Helper()
	if err := t.cmd.Process.Signal(sig); err != nil {
		t.tb.Fatalf("ptytest: signal %v: %v", sig, err)
	}
}

// Resize changes the size of the terminal in cells; the kernel tells the program with SIGWINCH.
func (t *Term) Resize(w, h int) {
	t.tb.Helper()
	t.emu.resize(w, h)
	conn, err := t.master.SyscallConn()
	if err != nil {
		t.tb.Fatalf("ptytest: resize: %v", err)
		return
	}
	// Asking the file for its descriptor would put it back into blocking mode, so the call goes through Control.
	var set error
	err = conn.Control(func(fd uintptr) {
		size := &unix.Winsize{Col: cells(w), Row: cells(h)}
		set = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size)
	})
	if err := errors.Join(err, set); err != nil {
		t.tb.Fatalf("ptytest: resize to %s×%s: %v", strconv.Itoa(w), strconv.Itoa(h), err)
	}
}
