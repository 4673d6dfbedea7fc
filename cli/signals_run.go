package cli

import (
	"context"
	"os"
	"sync"
)

// gate keeps the process from being stopped in the middle of a critical section of the sign-in: it holds a lock there
// that every other unitty waits for. A nil gate is always open.
type gate struct{ mu sync.RWMutex }

// enter begins a critical section, after waiting for the gate to open.
func (g *gate) enter() (leave func()) {
	if g == nil {
		return func() {}
	}
	g.mu.RLock()
	return g.mu.RUnlock
}

// shut waits for the critical sections under way and keeps further ones from beginning. When a signal for which ends
// holds comes first, it is returned and the gate stays open.
func (g *gate) shut(sig <-chan os.Signal, ends func(os.Signal) bool) os.Signal {
	if g == nil {
		return nil
	}
	closed := make(chan struct{})
	go func() {
		g.mu.Lock()
		close(closed)
	}()
	for {
		select {
		case <-closed:
			return nil
		case s := <-sig:
			if ends(s) {
				go func() {
					<-closed
					g.mu.Unlock()
				}()
				return s
			}
		}
	}
}

// open ends what shut began.
func (g *gate) open() {
	if g != nil {
		g.mu.Unlock()
	}
}

// runKey is the key of the run in a context.
type runKey struct{}

// runOf gives the run that a context belongs to, or nil.
func runOf(ctx context.Context) *signalRun {
	r, _ := ctx.Value(runKey{}).(*signalRun)
	return r
}

// gateOf gives the gate of the run that a context belongs to, or nil.
func gateOf(ctx context.Context) *gate {
	if r := runOf(ctx); r != nil {
		return &r.gate
	}
	return nil
}
