//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// quiet is how long no byte must have come for a program to be at rest.
const quiet = 120 * time.Millisecond

// wire is a program in a pseudo-terminal that answers no query, with the bytes it sends and when they came. The screen is made from
// them afterwards, so that making it takes no time from what is measured.
type wire struct {
	cmd    *exec.Cmd
	master *os.File
	done   chan struct{}

	mu    sync.Mutex
	raw   []byte
	last  time.Time
	first time.Time // of the bytes since the last key
	fresh chan struct{}

	emu   *vt.Emulator
	drawn int
}

// start runs a program at a size of w×h cells.
func start(ctx context.Context, w, h int, env []string, bin string, args ...string) (*wire, error) {
	cmd := exec.CommandContext(ctx, bin, args...) //nolint:gosec // the programs are named by whoever measures
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm-256color"}, env...)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(w), Rows: uint16(h)}) //nolint:gosec // sizes of this program
	if err != nil {
		return nil, err
	}
	t := &wire{cmd: cmd, master: master, done: make(chan struct{}), fresh: make(chan struct{}, 1), emu: vt.NewEmulator(w, h)}
	go func() { _, _ = io.Copy(io.Discard, t.emu) }() // what the screen would answer is not sent
	go t.read()
	return t, nil
}

func (t *wire) read() {
	defer close(t.done)
	buf := make([]byte, 1<<16)
	for {
		n, err := t.master.Read(buf)
		now := time.Now()
		t.mu.Lock()
		if n > 0 {
			t.raw = append(t.raw, buf[:n]...)
			t.last = now
			if t.first.IsZero() {
				t.first = now
			}
		}
		t.mu.Unlock()
		select {
		case t.fresh <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// stop ends the program, and whatever it has started: a child that hears no SIGHUP would keep the terminal open.
func (t *wire) stop() {
	_ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL) // a session of its own, so a group of its own
	_ = t.cmd.Process.Kill()
	_ = t.cmd.Wait()
	_ = t.master.Close()
	<-t.done
	if c, ok := t.emu.InputPipe().(io.Closer); ok {
		_ = c.Close()
	}
}

// send types bytes.
func (t *wire) send(keys string) error {
	_, err := t.master.WriteString(keys)
	return err
}

// rest waits until the program has been quiet for a moment, at most limit.
func (t *wire) rest(ctx context.Context, limit time.Duration) error {
	end := time.NewTimer(limit)
	defer end.Stop()
	for {
		still := time.NewTimer(quiet)
		select {
		case <-t.fresh:
			still.Stop()
		case <-still.C:
			return nil
		case <-end.C:
			still.Stop()
			return nil
		case <-ctx.Done():
			still.Stop()
			return ctx.Err()
		case <-t.done:
			still.Stop()
			return errors.New("the program has ended:\n" + t.text())
		}
	}
}

// await waits until the screen shows what ok wants.
func (t *wire) await(ctx context.Context, limit time.Duration, what string, ok func(screen string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !ok(t.text()) {
		select {
		case <-t.fresh:
		case <-t.done:
			return fmt.Errorf("the program has ended before %s:\n%s", what, t.text())
		case <-ctx.Done():
			return fmt.Errorf("no %s within %s:\n%s", what, limit, t.text())
		}
	}
	return nil
}

// draw brings the screen up to date with the bytes.
func (t *wire) draw() {
	t.mu.Lock()
	fresh := t.raw[t.drawn:]
	t.drawn = len(t.raw)
	t.mu.Unlock()
	_, _ = t.emu.Write(fresh) // fails only when closed
}

// text is the screen without its colours.
func (t *wire) text() string {
	t.draw()
	var out []byte
	for y := range t.emu.Height() {
		for x := range t.emu.Width() {
			switch c := t.emu.CellAt(x, y); {
			case c == nil:
				out = append(out, ' ')
			case c.Width > 0:
				out = append(out, c.Content...)
			}
		}
		out = append(out, '\n')
	}
	return string(out)
}

// screen copies the cells.
func (t *wire) screen() []uv.Cell {
	t.draw()
	cells := make([]uv.Cell, 0, t.emu.Width()*t.emu.Height())
	for y := range t.emu.Height() {
		for x := range t.emu.Width() {
			c := uv.EmptyCell
			if at := t.emu.CellAt(x, y); at != nil {
				c = *at
			}
			cells = append(cells, c)
		}
	}
	return cells
}

// effect is what one key did.
type effect struct {
	bytes, cells int
	// wide is the number of lines on the screen with wide characters.
	wide int
	// first and whole are the times until the first byte and until the last one.
	first, whole time.Duration
}

// spread is over how long the moments of keys are spread: longer than any program's time from frame to frame, so that keys do not
// always come at the same distance to the next one.
const spread = 50 * time.Millisecond

// press types keys at some moment and waits until the program is at rest again. A program that says nothing at all gets a little
// longer.
func (t *wire) press(ctx context.Context, keys string) (effect, error) {
	before := t.screen()
	if err := pause(ctx, rand.N(spread)); err != nil { //nolint:gosec // no secret
		return effect{}, err
	}
	t.mu.Lock()
	from := len(t.raw)
	t.first = time.Time{}
	t.mu.Unlock()
	select {
	case <-t.fresh:
	default:
	}
	began := time.Now()
	if err := t.send(keys); err != nil {
		return effect{}, err
	}
	if err := t.rest(ctx, 5*time.Second); err != nil {
		return effect{}, err
	}
	if t.silent() {
		if err := t.rest(ctx, 5*time.Second); err != nil {
			return effect{}, err
		}
	}
	t.mu.Lock()
	e := effect{bytes: len(t.raw) - from}
	if !t.first.IsZero() {
		e.first, e.whole = t.first.Sub(began), t.last.Sub(began)
	}
	t.mu.Unlock()
	e.cells, e.wide = t.differs(before), t.wideLines()
	return e, nil
}

// differs counts the cells that are not as they were.
func (t *wire) differs(before []uv.Cell) int {
	n := 0
	for i, c := range t.screen() {
		if !c.Equal(&before[i]) {
			n++
		}
	}
	return n
}

// wideLines counts the lines with characters of two cells.
func (t *wire) wideLines() int {
	n := 0
	for y := range t.emu.Height() {
		for x := range t.emu.Width() {
			if c := t.emu.CellAt(x, y); c != nil && c.Width > 1 {
				n++
				break
			}
		}
	}
	return n
}

func (t *wire) silent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.first.IsZero()
}

// sent is how many bytes have come so far.
func (t *wire) sent() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.raw)
}

// effects sums up the same key pressed several times.
type effects []effect

func (all effects) middle(of func(effect) float64) float64 {
	values := all.sorted(of)
	return values[len(values)/2]
}

func (all effects) worst(of func(effect) float64) float64 {
	values := all.sorted(of)
	return values[len(values)-1]
}

func (all effects) sorted(of func(effect) float64) []float64 {
	values := make([]float64, 0, len(all))
	for _, e := range all {
		values = append(values, of(e))
	}
	slices.Sort(values)
	return values
}

func bytesOf(e effect) float64 { return float64(e.bytes) }
func cellsOf(e effect) float64 { return float64(e.cells) }
func wideOf(e effect) float64  { return float64(e.wide) }
func firstOf(e effect) float64 { return ms(e.first) }
func wholeOf(e effect) float64 { return ms(e.whole) }
