package ui

import (
	"context"
	"sync"
	"time"
)

// mailbox carries values from work that runs aside into the update loop. Putting never blocks; whatever has gathered is taken at
// once, so that a fast producer costs few redraws and a slow reader no memory beyond the values themselves.
type mailbox[V any] struct {
	mu    sync.Mutex
	held  []V
	done  bool
	err   error
	last  bool // keep the latest value only
	bell  chan struct{}
	ended chan struct{}
}

func newMailbox[V any](latestOnly bool) *mailbox[V] {
	return &mailbox[V]{last: latestOnly, bell: make(chan struct{}, 1), ended: make(chan struct{})}
}

func (m *mailbox[V]) put(v V) {
	m.mu.Lock()
	if m.done {
		m.mu.Unlock()
		return
	}
	if m.last {
		m.held = m.held[:0]
	}
	m.held = append(m.held, v)
	m.mu.Unlock()
	m.ring()
}

// finish says that nothing more will come.
func (m *mailbox[V]) finish(err error) {
	m.mu.Lock()
	if !m.done {
		m.done, m.err = true, err
		close(m.ended)
	}
	m.mu.Unlock()
	m.ring()
}

func (m *mailbox[V]) ring() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// mail is what was taken out of a mailbox at once. Done comes with the last of it, and err with done.
type mail[V any] struct {
	items []V
	done  bool
	err   error
}

// take waits for something new and returns it; pause keeps at least that time between two answers, except for the last. It returns
// false when ctx ended first.
func (m *mailbox[V]) take(ctx context.Context, pause time.Duration) (mail[V], bool) {
	if pause > 0 {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-m.ended:
		case <-ctx.Done():
			return mail[V]{}, false
		}
	}
	for {
		m.mu.Lock()
		got := mail[V]{m.held, m.done, m.err}
		m.held = nil
		m.mu.Unlock()
		if len(got.items) > 0 || got.done {
			return got, true
		}
		select {
		case <-m.bell:
		case <-ctx.Done():
			return mail[V]{}, false
		}
	}
}
