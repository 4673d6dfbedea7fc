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

// limiter bounds the calls in flight and adapts the bound. Foreground calls pass waiting background ones.
type limiter struct {
	mu       sync.Mutex
	limit    float64
	inflight int
	front    *list.List // of chan struct{}
	back     *list.List
	fastest  time.Duration
	until    time.Time // nobody starts before this: Retry-After
	now      func() time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{limit: startParallel, front: list.New(), back: list.New(), now: now}
}

// acquire waits for a place. The caller calls release when the answer has been read.
func (l *limiter) acquire(ctx context.Context, background bool) error {
	for {
		wait, ready := l.tryAcquire(background)
		if ready == nil {
			return nil
		}
		err := ready.wait(ctx, wait)
		l.leave(ready)
		if err != nil {
			return err
		}
	}
}

// wait returns when there may be a place, or after d if that is not 0.
func (w *waiter) wait(ctx context.Context, d time.Duration) error {
	var timer <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-w.woken:
		return nil
	case <-timer:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type waiter struct {
	woken chan struct{}
	queue *list.List
	elem  *list.Element
}

func (l *limiter) tryAcquire(background bool) (time.Duration, *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pause := l.until.Sub(l.now())
	if pause <= 0 && l.inflight < int(l.limit) && (!background || l.front.Len() == 0) {
		l.inflight++
		return 0, nil
	}
	q := l.front
	if background {
		q = l.back
	}
	w := &waiter{woken: make(chan struct{}), queue: q}
	w.elem = q.PushBack(w)
	return max(pause, 0), w
}

func (l *limiter) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.elem != nil {
		w.queue.Remove(w.elem)
		w.elem = nil
	}
	l.wake()
}

// wake lets waiters try again: as many as there are places, foreground first.
func (l *limiter) wake() {
	free := int(l.limit) - l.inflight
	for _, q := range []*list.List{l.front, l.back} {
		for free > 0 && q.Len() > 0 {
			w, ok := q.Remove(q.Front()).(*waiter)
			if !ok {
				continue
			}
			w.elem = nil
			close(w.woken)
			free--
		}
	}
}

// verdict is what an answer says about the load.
type verdict int

const (
	loadFine verdict = iota
	loadTooMuch
	loadUnknown
)

// release gives the place back and learns from the answer.
func (l *limiter) release(v verdict, took, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inflight--
	switch v {
	case loadTooMuch:
		l.limit = max(1, l.limit/2)
		if at := l.now().Add(retryAfter); retryAfter > 0 && at.After(l.until) {
			l.until = at
		}
	case loadFine:
		if l.fastest == 0 || took < l.fastest {
			l.fastest = took
		}
		l.fastest += l.fastest / 200 // forget slowly, so that one lucky answer does not rule for ever
		switch {
		case took <= 2*l.fastest+50*time.Millisecond:
			l.limit = min(maxParallel, l.limit+1/l.limit)
		case took > 4*l.fastest+400*time.Millisecond:
			l.limit = max(2, l.limit-1/l.limit)
		}
	case loadUnknown:
	}
	l.wake()
}

// parallel is the present bound.
func (l *limiter) parallel() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.limit)
}
