package auth

import (
	"context"
	"math/rand/v2"
	"time"
)

// Start loads the stored chain and runs the background goroutine that refreshes
// ahead of time, retries, adopts what other processes saved and notices a
// resume from suspend. It ends with ctx or Close. Further calls do nothing.
func (e *Engine) Start(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started || e.closing {
		return
	}
	e.started = true
	e.wg.Go(func() { e.loop(ctx) })
}

// Close stops the background work, waits for a critical section to finish, and
// tries once more to save what is not saved. It returns an error that matches
// ErrStore when the newest generation is lost with this process, or ctx's error
// when the wait took too long.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.closing = true
	e.mu.Unlock()
	e.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.wg.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	err := e.lastSave(ctx)
	e.mu.Lock()
	e.box.close()
	e.mu.Unlock()
	return err
}

// lastSave gives an unsaved generation its last chance.
func (e *Engine) lastSave(ctx context.Context) error {
	e.mu.Lock()
	unsaved := e.unsaved
	e.mu.Unlock()
	if !unsaved {
		return nil
	}
	lockCtx, cancel := context.WithTimeout(ctx, e.pol.LockWait)
	defer cancel()
	unlock, err := e.chain.lock(lockCtx, e.scaledPoll())
	if err == nil {
		defer unlock()
		err = e.saveAgain(context.WithoutCancel(ctx))
	}
	if err != nil {
		return fail("close", ClassStore, "the newest sign-in could not be saved and is lost with this process: "+clean(err.Error(), 200), err)
	}
	return nil
}

// ensureLoaded reads the stored chain once.
func (e *Engine) ensureLoaded(ctx context.Context) error {
	e.mu.Lock()
	loaded := e.loaded
	e.mu.Unlock()
	if loaded {
		return nil
	}
	return e.detached(ctx, e.load)
}

// load reads what is stored. The caller holds sem. No lock is needed: a slot is
// whole or it is passed over.
func (e *Engine) load() error {
	e.mu.Lock()
	loaded := e.loaded
	e.mu.Unlock()
	if loaded {
		return nil
	}
	v, err := e.survey(context.Background())
	if err != nil {
		return e.failed(storeFailure("load", err))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.loaded = true
	switch {
	case v.rec.b == nil && v.side.Gen != 0:
		e.lastErr = needsLogin("load", "the stored sign-in is gone or damaged: sign in again")
		e.settleLocked(NeedsLogin, e.lastErr.Hint)
	case v.rec.b == nil:
		e.settleLocked(SignedOut, "")
	default:
		e.adoptLocked(v.rec.b)
		if d := v.side.Dead; d != nil && d.RTHash == tokenHash(v.rec.b.refresh) {
			e.lastErr = needsLogin("load", clean(d.Text, 400))
			e.rejected = tokenHash(v.rec.b.access)
			e.settleLocked(NeedsLogin, e.lastErr.Hint)
			return nil
		}
		e.settleReadyLocked()
	}
	return nil
}

// loop waits by short steps and compares wall clocks, because timers stand still
// while a machine sleeps and tokens do not.
func (e *Engine) loop(ctx context.Context) {
	if err := e.exclusive(e.stopCtx, e.load); err != nil {
		e.log.Debug("load", "err", err.Error())
	}
	last := e.now()
	for {
		wait := e.nextWait()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-e.kick:
		case <-ctx.Done():
		case <-e.stopCtx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil || e.stopCtx.Err() != nil {
			return
		}
		now := e.now()
		if jump := now.Sub(last) - wait; jump > e.jumpLimit() || now.Before(last.Add(-time.Minute)) {
			e.resumed(ctx, jump)
		}
		last = e.now()
		e.step()
	}
}

// jumpLimit is how much later than planned a tick may be.
func (e *Engine) jumpLimit() time.Duration { return 2 * e.pol.Tick }

// resumed spreads the processes that wake up in the same moment.
func (e *Engine) resumed(ctx context.Context, jump time.Duration) {
	e.log.Debug("clock jumped", "by", jump.String())
	wait := time.NewTimer(time.Duration(rand.Float64() * float64(e.pol.ResumeJitter))) //nolint:gosec // jitter
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	case <-e.stopCtx.Done():
	}
}

// nextWait is the time to the next thing that is due, at most one tick.
func (e *Engine) nextWait() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	wait := e.scaled(20, e.pol.Tick)
	switch e.state {
	case SignedOut, NeedsLogin, Fatal:
		return e.pol.Tick
	}
	if left := e.nextTry.Sub(e.now()); left < wait {
		wait = left
	}
	if e.state == Degraded {
		wait = min(wait, e.cur.remaining(e.now())) // the moment it becomes Expired
	}
	if e.unsaved {
		wait = min(wait, e.retryUnsave.Sub(e.now()))
	}
	return max(wait, time.Millisecond)
}

// step does what is due: adopt, save again, refresh.
func (e *Engine) step() {
	e.follow()
	e.mu.Lock()
	if !e.loaded {
		e.mu.Unlock()
		_ = e.exclusive(e.stopCtx, e.load)
		e.mu.Lock()
	}
	if e.state == Degraded && !e.usableLocked(0) {
		e.settleLocked(Expired, e.text)
	}
	now := e.now()
	save := e.unsaved && !now.Before(e.retryUnsave)
	due := e.cur != nil && !now.Before(e.nextTry) && e.state != NeedsLogin && e.state != Fatal && e.state != SignedOut
	var f *flight
	if due && !e.closing {
		if f = e.flight; f == nil {
			f = e.launchLocked()
		}
	}
	e.mu.Unlock()
	if f != nil {
		<-f.done
		return
	}
	if save {
		e.saveDue()
	}
}

// follow adopts a generation that another process has saved meanwhile. The
// sidecar is looked at first, since a store may be slow.
func (e *Engine) follow() {
	_ = e.exclusive(e.stopCtx, func() error {
		ctx := context.Background()
		side, err := loadSidecar(ctx, e.chain.side)
		if err != nil {
			return err
		}
		e.mu.Lock()
		known := e.cur != nil && side.Gen <= e.cur.gen
		e.mu.Unlock()
		if known || side.Gen == 0 {
			return nil
		}
		rec, err := e.chain.read(ctx)
		if err != nil || rec.b == nil {
			return err
		}
		if side.Dead != nil && side.Dead.RTHash == tokenHash(rec.b.refresh) {
			return nil
		}
		e.mu.Lock()
		newer := e.cur == nil || rec.b.gen > e.cur.gen
		e.mu.Unlock()
		if newer {
			e.mu.Lock()
			e.secret = Secret{} // a sign-in elsewhere may have brought another one
			e.mu.Unlock()
			e.takeOver(rec.b)
		}
		return nil
	})
}
