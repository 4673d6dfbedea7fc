package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
)

// How a job waits while the server says that there are too many requests: ever longer, and not for ever. What is left then can
// be resumed.
const (
	firstBreath = time.Second
	mostBreath  = 2 * time.Minute
	patience    = 15 * time.Minute
)

// NoteThrottled is the note of a job that waits because the server said that there are too many requests.
const NoteThrottled = "waiting: the server says that there are too many requests"

// breath is the pause that all requests of a job keep after a 429.
type breath struct {
	mu sync.Mutex
	// until is when the next request may go, since when the server began to refuse them all.
	until, since time.Time
	pause        time.Duration
}

// longer takes note of a refusal. It tells whether there is patience for another try. Refusals of requests that left before the
// pause began do not prolong it.
func (b *breath) longer(asked time.Duration, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.since.IsZero() {
		b.since = now
	}
	if !now.Before(b.until) {
		b.pause = min(max(2*b.pause, firstBreath), mostBreath)
		b.until = now.Add(b.pause)
	}
	if at := now.Add(asked); at.After(b.until) {
		b.until = at
	}
	return now.Sub(b.since) < patience
}

// over takes note of any other answer, and tells whether it ends a time of refusals.
func (b *breath) over() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := !b.since.IsZero()
	b.since, b.pause = time.Time{}, 0
	return was
}

func (b *breath) left(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.until.Sub(now)
}

// breathe waits for the end of the pause, or of ctx.
func (r *runner) breathe(ctx context.Context) {
	for d := r.slow.left(time.Now()); d > 0; d = r.slow.left(time.Now()) {
		if wait(ctx, d) != nil {
			return
		}
	}
}

// throttled has the request wait: a 429 is a definite no.
func (r *runner) throttled(b Batch, e *unity.Error) bool {
	r.unsent(b.Refs, Waiting, "", "", true)
	if !r.slow.longer(e.RetryAfter, time.Now()) {
		r.halt(e)
		return true
	}
	r.note(NoteThrottled)
	return true
}
