//go:build unix

package ptytest

import (
	"io"
	"sync"
)

// queue is an unbounded line of input for the program. Keys and the emulator's replies pass through it in order; a
// program that does not read its input therefore never blocks the emulator.
type queue struct {
	mu     sync.Mutex
	parts  [][]byte
	ready  chan struct{}
	done   chan struct{}
	doneOf sync.Once
}

// newQueue returns an empty queue.
func newQueue() *queue {
	return &queue{ready: make(chan struct{}, 1), done: make(chan struct{})}
}

// put appends a copy of p; it is written in one piece.
func (q *queue) put(p []byte) {
	q.mu.Lock()
	q.parts = append(q.parts, append([]byte(nil), p...))
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default: // the writer is awake already
	}
}

// take removes the first part, or returns nil.
func (q *queue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.parts) == 0 {
		return nil
	}
	p := q.parts[0]
	q.parts = q.parts[1:]
	return p
}

// empty tells whether everything has been taken.
func (q *queue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.parts) == 0
}

// drainTo writes parts to w until stop is called or w fails.
func (q *queue) drainTo(w io.Writer) {
	for {
		for p := q.take(); p != nil; p = q.take() {
			if _, err := w.Write(p); err != nil {
				return
			}
		}
		select {
		case <-q.ready:
		case <-q.done:
			return
		}
	}
}

// stop ends drainTo.
func (q *queue) stop() { q.doneOf.Do(func() { close(q.done) }) }
