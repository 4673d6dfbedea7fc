package auth

import (
	"context"
	"time"
)

// saveDue tries to save, and makes sure that a failure before the write, such
// as a lock that cannot be opened, is not repeated at once.
func (e *Engine) saveDue() {
	if err := e.exclusive(e.stopCtx, e.retrySave); err == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now := e.now(); !e.retryUnsave.After(now) {
		e.retryUnsave = now.Add(5 * time.Second)
	}
}

// retrySave tries to save an unsaved generation, under the lock and only if the
// store has not moved on.
func (e *Engine) retrySave() error {
	lockCtx, cancel := context.WithTimeout(e.stopCtx, e.pol.LockWait)
	defer cancel()
	unlock, err := e.chain.lock(lockCtx, e.scaledPoll())
	if err != nil {
		return err
	}
	defer unlock()
	return e.saveAgain(context.Background())
}

func (e *Engine) saveAgain(ctx context.Context) error {
	v, err := e.survey(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	cur, unsaved := e.cur, e.unsaved
	e.mu.Unlock()
	if !unsaved || cur == nil {
		return nil
	}
	if v.rec.b != nil && v.rec.b.gen >= cur.gen {
		e.takeOver(v.rec.b) // a sign-in elsewhere wins
		return nil
	}
	v.rec.b = cur
	return e.trySave(ctx, &v)
}

// trySave writes the unsaved generation in v beside the stored one and clears
// the mark. The caller holds the lock.
func (e *Engine) trySave(ctx context.Context, v *view) error {
	target := otherSlot(v.rec.slot)
	err := e.chain.write(ctx, v.rec.b, target)
	e.mu.Lock()
	secret := e.secret
	e.mu.Unlock()
	if err == nil && !secret.Empty() {
		err = e.chain.saveClientSecret(ctx, secret)
	}
	if err == nil {
		v.rec.slot = target
		v.side.Gen, v.side.RTHash = v.rec.b.gen, tokenHash(v.rec.b.refresh)
		v.side.Pending, v.side.Unsaved, v.side.Dead = nil, nil, nil
		err = saveSidecar(ctx, e.chain.side, v.side)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.saveTries++
		e.retryUnsave = e.now().Add(min(time.Minute, time.Second<<min(e.saveTries, 6)))
		return err
	}
	e.unsaved, e.saveTries = false, 0
	if e.state == UnsavedRotation {
		e.settleReadyLocked()
	}
	return nil
}
