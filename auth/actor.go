package auth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Deadlines of one call to a keychain. A background call that takes longer hangs
// on a question that nobody sees; at a sign-in a person may be answering it.
const (
	backgroundDeadline  = 3 * time.Second
	interactiveDeadline = 30 * time.Second
)

// errUnresponsive means that a keychain did not answer in time. It says nothing
// about whether the call was carried out.
var errUnresponsive = errors.New("the keychain does not answer")

type interactiveKey struct{}

// Interactive marks a context in which a person waits and may answer a question
// of the keychain; its calls get 30 s instead of 3.
func Interactive(ctx context.Context) context.Context {
	return context.WithValue(ctx, interactiveKey{}, true)
}

func isInteractive(ctx context.Context) bool {
	v, _ := ctx.Value(interactiveKey{}).(bool)
	return v
}

// actor runs calls one after another on one goroutine, since keychain libraries
// know neither contexts nor concurrency. A call that misses its deadline poisons
// the actor: until it returns, nothing else is started, so that a late write
// cannot overtake a newer one.
type actor struct {
	calls chan func()
	quit  chan struct{}
	once  sync.Once
	last  func() // runs on the goroutine before it ends

	mu    sync.Mutex
	stuck chan struct{} // closed when the call that missed its deadline returns
}

func newActor(last func()) *actor {
	a := &actor{calls: make(chan func()), quit: make(chan struct{}), last: last}
	go a.run()
	return a
}

func (a *actor) run() {
	defer a.last()
	for {
		select {
		case call := <-a.calls:
			call()
		case <-a.quit:
			return
		}
	}
}

// do runs call and waits for it, at most until the deadline of ctx's kind.
func (a *actor) do(ctx context.Context, call func() error) error {
	if a.settling() != nil {
		return errUnresponsive
	}
	limit := backgroundDeadline
	if isInteractive(ctx) {
		limit = interactiveDeadline
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var result error
	done := make(chan struct{})
	work := func() {
		defer close(done)
		result = call()
	}
	var why error
	select {
	case a.calls <- work:
	case <-a.quit:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return errUnresponsive
	}
	select {
	case <-done:
		return result
	case <-ctx.Done():
		why = ctx.Err()
	case <-timer.C:
		why = errUnresponsive
	}
	a.mu.Lock()
	a.stuck = done
	a.mu.Unlock()
	return why
}

// settling returns a channel that is closed when the call that missed its
// deadline has returned, or nil when there is none.
func (a *actor) settling() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stuck == nil {
		return nil
	}
	select {
	case <-a.stuck:
		a.stuck = nil
		return nil
	default:
		return a.stuck
	}
}

// stop ends the goroutine, after the running call.
func (a *actor) stop() { a.once.Do(func() { close(a.quit) }) }
