package ptytest

import (
	"fmt"
	"runtime"
	"sync"
)

// Rig is a TB for commands, which have no test that a terminal could belong to. Its zero value is ready.
type Rig struct {
	mu    sync.Mutex
	clean []func()
	err   error
}

// Helper does nothing.
func (r *Rig) Helper() {}

// Cleanup keeps a function for the end of Apart.
func (r *Rig) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clean = append(r.clean, f)
}

// Fatalf ends the goroutine of Apart, after noting why.
func (r *Rig) Fatalf(format string, args ...any) {
	r.mu.Lock()
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.mu.Unlock()
	runtime.Goexit()
}

// Apart runs a function in a goroutine of its own, cleans up as a test does, the last thing first, and gives what went wrong.
func (r *Rig) Apart(f func()) error {
	r.alone(f)
	for c := r.last(); c != nil; c = r.last() {
		r.alone(c) // one that fails ends nobody but itself
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// alone runs a function that Fatalf may end.
func (r *Rig) alone(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// last takes the function that was kept last, nil when none is left.
func (r *Rig) last() func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.clean)
	if n == 0 {
		return nil
	}
	f := r.clean[n-1]
	r.clean = r.clean[:n-1]
	return f
}
