package unity

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Concurrency of calls: the server publishes no limit, so unitty starts low, grows while answers stay quick and halves
// when the server says it is too much.
const (
	startParallel = 4
	maxParallel   = 16
)

// How fast the bound grows, per quick answer: by one until the server first says that it is too much, and up to half a
// place below where it said so; from there on by probeStep of a place per round, since every try costs a refused call.
const (
	regainStep = 0.5
	probeStep  = 0.1
)

// Gaps between the starts of calls, after a 429 that names no time. A server that counts calls by time refuses even one at a
// time, so fewer places are no help. The gap grows by half with a refusal and shrinks by a sixteenth with every good answer, so
// that about one call in ten is refused where the server's limit is reached all the time.
const (
	firstGap  = 100 * time.Millisecond
	longGap   = 8 * time.Second
	leastGap  = 2 * time.Millisecond
	gapShrink = 16
)

// limiter bounds the calls in flight and adapts the bound. Places are handed to waiters in order, foreground calls before
// background ones, so no wake-up can be lost or run in circles.
type limiter struct {
	mu       sync.Mutex
	limit    float64
	inflight int
	front    *list.List // of *waiter
	back     *list.List
	fastest  time.Duration
	halved   time.Time // when the bound was halved last
	ceiling  float64   // the bound at which the server last said that it is too much; 0 while it never did
	until    time.Time // nobody starts before this: Retry-After, or the gap after the last start
	gap      time.Duration
	alarm    *time.Timer // hands out places when the pause ends
}

func newLimiter() *limiter {
	return &limiter{limit: startParallel, front: list.New(), back: list.New()}
}

// waiter is a call without a place. placed is guarded by the limiter's lock.
type waiter struct {
	granted chan struct{}
	placed  bool
}

// acquire waits for a place. The caller calls release when the answer has been read.
func (l *limiter) acquire(ctx context.Context, background bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w, leave := l.enqueue(background)
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		leave()
		return ctx.Err()
	}
}

func (l *limiter) enqueue(background bool) (w *waiter, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.front
	if background {
		queue = l.back
	}
	w = &waiter{granted: make(chan struct{})}
	elem := queue.PushBack(w)
	l.grant()
	return w, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if w.placed { // the place came in the same moment: it goes to the next one
			l.inflight--
		} else {
			queue.Remove(elem)
		}
		l.grant()
	}
}

// grant hands free places to waiters. The lock must be held.
func (l *limiter) grant() {
	for _, queue := range []*list.List{l.front, l.back} {
		for queue.Len() > 0 && l.inflight < int(l.limit) {
			if pause := time.Until(l.until); pause > 0 {
				l.wakeIn(pause)
				return
			}
			if w, ok := queue.Remove(queue.Front()).(*waiter); ok {
				w.placed = true
				l.inflight++
				close(w.granted)
			}
			if l.gap > 0 {
				l.until = time.Now().Add(l.gap)
			}
		}
	}
}

// wakeIn hands out places again later. The lock must be held.
func (l *limiter) wakeIn(pause time.Duration) {
	if l.alarm != nil {
		l.alarm.Stop()
	}
	l.alarm = time.AfterFunc(pause, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.grant()
	})
}

// verdict is what an answer says about the load.
type verdict int

const (
	loadFine verdict = iota
	loadTooMuch
	loadThrottled
	loadUnknown
)

// release gives the place back and learns from the answer.
func (l *limiter) release(v verdict, took, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inflight--
	switch v {
	case loadTooMuch, loadThrottled:
		// Calls that were under way when the bound was halved say nothing about the new one.
		if now := time.Now(); l.halved.IsZero() || now.Add(-took).After(l.halved) {
			l.ceiling = max(1, float64(int(l.limit)-1))
			l.limit, l.halved = max(1, l.limit/2), now
			if v == loadThrottled && retryAfter == 0 {
				l.gap = min(max(firstGap, l.gap+l.gap/2), longGap)
				retryAfter = l.gap
			}
		}
		if at := time.Now().Add(retryAfter); retryAfter > 0 && at.After(l.until) {
			l.until = at
		}
	case loadFine:
		if l.fastest == 0 || took < l.fastest {
			l.fastest = took
		}
		if l.gap -= l.gap / gapShrink; l.gap < leastGap {
			l.gap = 0
		}
		l.fastest += l.fastest / 200 // forget slowly, so that one lucky answer does not rule for ever
		switch {
		case took <= 2*l.fastest+50*time.Millisecond:
			l.limit = min(maxParallel, l.limit+l.step())
		case took > 4*l.fastest+400*time.Millisecond:
			l.limit = max(2, l.limit-1/l.limit)
		}
	case loadUnknown:
	}
	l.grant()
}

// step is by how much a quick answer raises the bound.
func (l *limiter) step() float64 {
	switch {
	case l.ceiling == 0:
		return 1
	case l.limit < l.ceiling:
		return min(regainStep, l.ceiling-l.limit)
	default:
		return probeStep / l.limit
	}
}

// parallel is the present bound.
func (l *limiter) parallel() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.limit)
}
