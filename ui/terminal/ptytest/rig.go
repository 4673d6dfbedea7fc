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
	r.err = fmt.Errorf(format, args...)
	r.mu.Unlock()
	runtime.Goexit()
}

// Apart runs a function in a goroutine of its own, cleans up, and gives what went wrong.
func (r *Rig) Apart(f func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, c := range r.clean {
				c()
			}
		}()
		f()
	}()
	<-done
	return r.err
}
