//go:build unix

package ptytest

import (
	"errors"
	"fmt"
	"time"
)

// idleAfter is how long no byte must have come for the program to count as idle. Renderers draw at least every 50 ms
// while something changes.
const idleAfter = 120 * time.Millisecond

// silenceEnough is when silence counts as idleness whatever the machine has to do.
const silenceEnough = 3 * time.Second

// ErrDeadline is in the error of Await when the state was not reached in time.
var ErrDeadline = errors.New("deadline passed")

// ErrEnded is in the error of Await when the program ended before the state was reached.
var ErrEnded = errors.New("the program ended")

// event returns the channel that the next event closes, and whether no further output can come.
func (t *Term) event() (<-chan struct{}, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed, t.drained
}

// Await waits until ok holds for the screen. It looks again after each piece of output. The error wraps ErrDeadline or
// ErrEnded and shows the screen.
func (t *Term) Await(ok func(Screen) bool) error {
	deadline := time.NewTimer(t.opt.Deadline)
	defer deadline.Stop()
	for {
		changed, ended := t.event()
		screen := t.emu.screen()
		if err := t.emu.err(); err != nil {
			return err
		}
		if ok(screen) {
			return nil
		}
		if ended {
			return fmt.Errorf("ptytest: %w\n%s", ErrEnded, screen)
		}
		select {
		case <-changed:
		case <-deadline.C:
			return fmt.Errorf("ptytest: %w after %s\n%s", ErrDeadline, t.opt.Deadline, t.Screen())
		}
	}
}

// WaitFor is Await that ends the test when the state is not reached, and returns the screen that satisfied ok.
func (t *Term) WaitFor(ok func(Screen) bool) Screen {
	t.tb.Helper()
	var last Screen
	err := t.Await(func(s Screen) bool {
		last = s
		return ok(s)
	})
	if err != nil {
		t.tb.Fatalf("%v", err)
	}
	return last
}

// WaitText waits until some row of the screen contains text.
func (t *Term) WaitText(text string) Screen {
	t.tb.Helper()
	var last Screen
	err := t.Await(func(s Screen) bool {
		last = s
		return s.Contains(text)
	})
	if err != nil {
		t.tb.Fatalf("waiting for %q: %v", text, err)
	}
	return last
}

// WaitGone waits until no row of the screen contains text.
func (t *Term) WaitGone(text string) Screen {
	t.tb.Helper()
	return t.WaitFor(func(s Screen) bool { return !s.Contains(text) })
}

// WaitIdle waits until the program has written nothing for 120 ms, or has ended, and returns the screen. On Linux silence
// counts only when the program has read its keys and had the processor when it wanted it, up to three seconds of silence;
// so it means the same on a busy machine. A program that never comes to rest ends the test.
func (t *Term) WaitIdle() Screen {
	t.tb.Helper()
	deadline := time.NewTimer(t.opt.Deadline)
	defer deadline.Stop()
	silent := time.Now()
	for {
		changed, ended := t.event()
		if ended {
			return t.Screen()
		}
		before, _ := t.starved()
		idle := time.NewTimer(idleAfter)
		select {
		case <-changed:
			idle.Stop()
			silent = time.Now()
		case <-idle.C:
			after, running := t.starved()
			if time.Since(silent) > silenceEnough || !running && after-before < idleAfter/4 && !t.pending() {
				return t.Screen()
			}
		case <-deadline.C:
			idle.Stop()
			t.tb.Fatalf("ptytest: the program is never idle\n%s", t.Screen())
			return t.Screen()
		}
	}
}

// Exit waits until the program has ended and its output has been read, and says how it ended. With the terminal hung
// up there is no output to wait for.
func (t *Term) Exit() ExitState {
	t.tb.Helper()
	deadline := time.NewTimer(t.opt.Deadline)
	defer deadline.Stop()
	for {
		t.mu.Lock()
		changed, done, state := t.changed, t.exited && t.drained, t.exit
		t.mu.Unlock()
		if done {
			return state
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.tb.Fatalf("ptytest: the program is still running after %s\n%s", t.opt.Deadline, t.Screen())
			return ExitState{Code: -1}
		}
	}
}

// Screen returns a copy of what the terminal shows now.
func (t *Term) Screen() Screen { return t.emu.screen() }

// Cursor returns where the cursor is now.
func (t *Term) Cursor() Cursor { return t.emu.screen().Cursor }

// Clipboard returns the texts the program wrote with OSC 52, oldest first.
func (t *Term) Clipboard() []string { return t.emu.clipboard() }

// Raw returns a copy of all bytes the program has written.
func (t *Term) Raw() []byte { return t.Since(0) }

// Mark returns the number of bytes written so far, for Since.
func (t *Term) Mark() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.raw)
}

// Since returns a copy of the bytes written after the mark.
func (t *Term) Since(mark int) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	mark = min(max(mark, 0), len(t.raw))
	return append([]byte(nil), t.raw[mark:]...)
}
