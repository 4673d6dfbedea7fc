// Package uitest drives the shell without a terminal and without waiting for time: a key is handled, everything it starts is run
// until nothing is left to do, and the screen is read as plain text.
package uitest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/ui"
)

const (
	// pressStep is how far apart two pressed keys are for the shell, long enough for a question to be armed.
	pressStep = 300 * time.Millisecond
	// typeStep is how far apart typed letters are.
	typeStep = 60 * time.Millisecond
	// shortTimer is the longest timer that Press lets run out by itself; longer ones need Advance.
	shortTimer = 250 * time.Millisecond
)

// Driver runs a root model in one goroutine. Its clock is the root's own, moved on by keys and by Advance.
type Driver struct {
	// Root is the model under test.
	Root *ui.Root
	// Patience bounds every wait for work that does not end; it is generous, since it is spent on failures only.
	Patience time.Duration

	results chan result
	done    chan struct{}
	busy    int
	timers  []timer
	offset  time.Duration
	base    func() time.Time
	quit    bool
	clip    []string
	view    tea.View
}

type result struct {
	msg     tea.Msg
	counted bool
}

type timer struct {
	due   time.Time
	after time.Duration
	do    tea.Cmd
}

// New starts the root in a window of w×h cells and settles.
func New(root *ui.Root, w, h int) *Driver {
	d := Start(root, w, h)
	d.settle()
	return d
}

// Start is New without settling, for roots whose first work is held back by the test.
func Start(root *ui.Root, w, h int) *Driver {
	d := &Driver{Root: root, Patience: 10 * time.Second, results: make(chan result), done: make(chan struct{}), base: root.Clock()}
	root.SetClock(d.Now)
	d.start(root.Init(), true)
	d.Deliver(tea.WindowSizeMsg{Width: w, Height: h})
	return d
}

// Now is the driver's clock.
func (d *Driver) Now() time.Time { return d.base().Add(d.offset) }

// start runs a command aside. Counted ones are waited for.
func (d *Driver) start(cmd tea.Cmd, counted bool) {
	if cmd == nil {
		return
	}
	if counted {
		d.busy++
	}
	go func() { d.post(result{cmd(), counted}) }()
}

func (d *Driver) post(r result) {
	select {
	case d.results <- r:
	case <-d.done:
	}
}

// take handles what a command brought.
func (d *Driver) take(r result) {
	if r.counted {
		d.busy--
	}
	d.Deliver(r.msg)
}

// Deliver handles one message as the program would, without waiting for what it starts.
func (d *Driver) Deliver(msg tea.Msg) {
	switch m := msg.(type) {
	case nil:
		return
	case tea.BatchMsg:
		for _, c := range m {
			d.start(c, true)
		}
		return
	case ui.Wait:
		if m.After > 0 {
			d.timers = append(d.timers, timer{d.Now().Add(m.After), m.After, m.Do})
		} else {
			d.start(m.Do, false)
		}
		return
	case tea.QuitMsg:
		d.quit = true
		return
	}
	if d.internal(msg) {
		return
	}
	_, cmd := d.Root.Update(msg)
	d.start(cmd, true)
	d.view = d.Root.View()
}

// internal handles the library's private messages: a sequence of commands and a write to the clipboard.
func (d *Driver) internal(msg tea.Msg) bool {
	v := reflect.ValueOf(msg)
	switch {
	case v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[tea.Cmd]():
		cmds := make([]tea.Cmd, v.Len())
		for i := range cmds {
			cmds[i], _ = v.Index(i).Interface().(tea.Cmd)
		}
		d.busy++
		go func() {
			for _, c := range cmds {
				if c != nil {
					d.post(result{c(), false})
				}
			}
			d.post(result{nil, true})
		}()
		return true
	case v.Kind() == reflect.String && v.Type().Name() == "setClipboardMsg":
		d.clip = append(d.clip, v.String())
		return true
	}
	return false
}

// settle runs until no counted command is left and no short timer either.
func (d *Driver) settle() {
	limit := time.NewTimer(d.Patience)
	defer limit.Stop()
	for {
		for d.busy > 0 {
			select {
			case r := <-d.results:
				d.take(r)
			case <-limit.C:
				return
			}
		}
		if !d.fire(func(t timer) bool { return t.after <= shortTimer }) {
			return
		}
	}
}

// fire lets the earliest timer that may run out do so, and moves the clock there.
func (d *Driver) fire(may func(timer) bool) bool {
	best := -1
	for i, t := range d.timers {
		if may(t) && (best < 0 || t.due.Before(d.timers[best].due)) {
			best = i
		}
	}
	if best < 0 {
		return false
	}
	t := d.timers[best]
	d.timers = slices.Delete(d.timers, best, best+1)
	if wait := t.due.Sub(d.Now()); wait > 0 {
		d.offset += wait
	}
	d.start(t.do, true)
	return true
}

// Advance moves the clock on; timers that run out meanwhile do what they are for.
func (d *Driver) Advance(by time.Duration) {
	end := d.offset + by
	until := d.Now().Add(by)
	for d.fire(func(t timer) bool { return !t.due.After(until) }) {
		d.settle()
	}
	d.offset = max(d.offset, end)
	d.settle()
	d.view = d.Root.View()
}

// Elapse moves the clock on and starts what runs out, without settling: for work that the test holds back.
func (d *Driver) Elapse(by time.Duration) {
	until := d.Now().Add(by)
	end := d.offset + by
	for d.fire(func(t timer) bool { return !t.due.After(until) }) {
	}
	d.offset = max(d.offset, end)
}

// Press presses keys by name ("enter", "ctrl+p", "R", "space") at a person's pace and settles after each.
func (d *Driver) Press(keys ...string) {
	for _, k := range keys {
		d.offset += pressStep
		d.Deliver(Key(k))
		d.settle()
	}
}

// Burst presses keys without any time between them, as a paste into a terminal that does not bracket it, and settles at the end.
func (d *Driver) Burst(keys ...string) {
	for _, k := range keys {
		d.Deliver(Key(k))
	}
	d.settle()
}

// Type types text letter by letter.
func (d *Driver) Type(s string) {
	for _, r := range s {
		d.offset += typeStep
		name := string(r)
		if r == ' ' {
			name = "space"
		}
		d.Deliver(Key(name))
		d.settle()
	}
}

// Paste sends a bracketed paste.
func (d *Driver) Paste(s string) {
	d.offset += pressStep
	d.Deliver(tea.PasteMsg{Content: s})
	d.settle()
}

// Resize changes the size of the window.
func (d *Driver) Resize(w, h int) {
	d.Deliver(tea.WindowSizeMsg{Width: w, Height: h})
	d.settle()
}

// Settle runs until nothing is left to do, running jobs included; it gives up after Patience.
func (d *Driver) Settle() {
	d.settle()
	d.Until(func() bool { return d.Root.LiveJobs() == 0 && d.busy == 0 })
	d.settle()
}

// Until takes in what comes, without waiting for all of it, until the condition holds, and says whether it did within Patience.
func (d *Driver) Until(cond func() bool) bool {
	limit := time.NewTimer(d.Patience)
	defer limit.Stop()
	for !cond() {
		select {
		case r := <-d.results:
			d.take(r)
		case <-limit.C:
			return cond() // it may depend on more than messages
		}
	}
	return true
}

// WaitFor is Until the screen shows the text.
func (d *Driver) WaitFor(text string) bool {
	return d.Until(func() bool { return strings.Contains(d.Screen(), text) })
}

// Screen is what is to be seen, without colours.
func (d *Driver) Screen() string { return ansi.Strip(d.Root.View().Content) }

// Has says whether the screen shows the text.
func (d *Driver) Has(text string) bool { return strings.Contains(d.Screen(), text) }

// Line is one line of the screen, counted from 0; beyond the end it is "".
func (d *Driver) Line(n int) string {
	lines := strings.Split(d.Screen(), "\n")
	if n < 0 || n >= len(lines) {
		return ""
	}
	return lines[n]
}

// LineWith is the first line that shows the text, or "".
func (d *Driver) LineWith(text string) string {
	for l := range strings.SplitSeq(d.Screen(), "\n") {
		if strings.Contains(l, text) {
			return l
		}
	}
	return ""
}

// Cursor is where the real cursor stands; ok is false while it is hidden.
func (d *Driver) Cursor() (x, y int, ok bool) {
	v := d.Root.View()
	if v.Cursor == nil {
		return 0, 0, false
	}
	return v.Cursor.X, v.Cursor.Y, true
}

// Quit says whether the program has ended.
func (d *Driver) Quit() bool { return d.quit }

// Clipboard is what was written to the terminal's clipboard last, or "".
func (d *Driver) Clipboard() string {
	if len(d.clip) == 0 {
		return ""
	}
	return d.clip[len(d.clip)-1]
}

// Close ends everything that runs and waits for the jobs, at most for Patience.
func (d *Driver) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), d.Patience)
	defer cancel()
	err := d.Root.Close(ctx)
	close(d.done)
	return err
}
