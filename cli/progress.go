package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress tells how far a long reading is: a person on the terminal on one line that is wiped at its end, and without a terminal,
// in what a scheduler keeps, on a line of its own now and then, so that a slow server is not mistaken for a program that hangs. It is
// safe for concurrent use.
type progress struct {
	app   *app
	calls *callLog
	// repeated is how many calls had been repeated before.
	repeated uint64

	mu    sync.Mutex
	text  string
	last  time.Time
	width int

	// done is closed by end, once, and over by whoever writes the lines.
	done, over chan struct{}
	stop       sync.Once
}

const (
	// progressEvery is the least time between two words on the terminal, so that a slow line is not filled with them.
	progressEvery = 250 * time.Millisecond
	// progressLines is the time between two lines elsewhere; what is shorter says nothing.
	progressLines = 10 * time.Second
)

// progress begins to tell of a reading whose calls go into the log; end has to be called.
func (a *app) progress(calls *callLog) *progress {
	p := &progress{app: a, calls: calls, repeated: calls.repetitions(), text: "still reading", last: time.Now(), done: make(chan struct{}), over: make(chan struct{})}
	if a.terminal {
		close(p.over)
	} else {
		go p.lines()
	}
	return p
}

// at says that so many sites of all have been read, and how many of them could not be. After the end it says nothing.
func (p *progress) at(done, total, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return
	default:
	}
	p.text = fmt.Sprintf("read %d of %s", done, numbered(total, "site"))
	if failed > 0 {
		p.text += fmt.Sprintf(", %d failed", failed)
	}
	if p.app.terminal && time.Since(p.last) >= progressEvery {
		p.last = time.Now()
		p.line(p.text)
	}
}

func (p *progress) line(text string) {
	_, _ = fmt.Fprintf(p.app.err, "\r%s%s", text, strings.Repeat(" ", max(0, p.width-len(text))))
	p.width = len(text)
}

// lines writes lines until the reading ends.
func (p *progress) lines() {
	defer close(p.over)
	tick := time.NewTicker(progressLines)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.mu.Lock()
			text := p.text
			p.mu.Unlock()
			if n := p.calls.repetitions() - p.repeated; n > 0 {
				text += ", " + numbered(int(n), "call") + " repeated" //nolint:gosec // as many as calls were made
			}
			_, _ = fmt.Fprintf(p.app.err, "unitty: %s\n", text)
		}
	}
}

// end wipes the line on the terminal. Nothing is written afterwards; ending again does nothing.
func (p *progress) end() {
	p.stop.Do(func() { close(p.done) })
	<-p.over
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width > 0 {
		p.line("")
		_, _ = fmt.Fprint(p.app.err, "\r")
		p.width = 0
	}
}
