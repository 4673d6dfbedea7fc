package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// progress tells a person on the terminal how far a long reading is, on one line that is wiped at its end. Without a terminal
// it says nothing. It is safe for concurrent use.
type progress struct {
	app *app

	mu    sync.Mutex
	last  time.Time
	width int
}

// progressEvery is the least time between two words, so that a slow line is not filled with them.
const progressEvery = 250 * time.Millisecond

func (a *app) progress() *progress { return &progress{app: a, last: time.Now()} }

// at says that so many sites of all have been read, and how many of them could not be.
func (p *progress) at(done, total, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.app.terminal || time.Since(p.last) < progressEvery {
		return
	}
	p.last = time.Now()
	text := fmt.Sprintf("read %d of %d sites", done, total)
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	p.line(text)
}

func (p *progress) line(text string) {
	_, _ = fmt.Fprintf(p.app.err, "\r%s%s", text, strings.Repeat(" ", max(0, p.width-len(text))))
	p.width = len(text)
}

// end wipes the line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width > 0 {
		p.line("")
		_, _ = fmt.Fprint(p.app.err, "\r")
		p.width = 0
	}
}
