package auth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// refusedRefresh handles an answer that brought no token.
func (e *Engine) refusedRefresh(ctx context.Context, v view, d demand, failure *Error, before *pendingMark, doubt bool) error {
	v.side.LastClass, v.side.NotBefore = failure.Class, failure.NotBefore
	if failure.Class == ClassGrant {
		if rec, err := e.chain.read(ctx); err == nil && rec.b != nil && rec.b.gen > v.rec.b.gen && e.adopt(rec, d) {
			return nil
		}
		text := deadText(before, doubt, v.side.Pending)
		if limited := e.learnLimit(&v, before, doubt); limited != "" {
			text = limited
		}
		v.side.Dead = &deadMark{RTHash: tokenHash(v.rec.b.refresh), At: e.now().UTC(), Text: text}
		failure.Hint = text
		failure.kinds = append(failure.kinds, ErrNeedsLogin)
	}
	switch {
	case e.pol.Counted != nil:
		v.side.Pending = pendingAfter(failure, before, v.side.Pending)
	case failure.Class == ClassAmbiguous, failure.Class == ClassProtocol && failure.Status == 200:
		if before != nil {
			v.side.Pending = before // the oldest interruption is the one to name
		}
	default:
		v.side.Pending = nil
	}
	if err := saveSidecar(ctx, e.chain.side, v.side); err != nil {
		e.log.Warn("sidecar not saved", "err", clean(err.Error(), 200))
	}
	switch failure.Class {
	case ClassGrant:
		return e.ended(failure)
	case ClassClient:
		failure.kinds = append(failure.kinds, ErrNeedsLogin)
		return e.halt(Fatal, failure)
	case ClassScope:
		if d.scope != "" {
			return e.scopeRefused(d, failure)
		}
		return e.halt(Fatal, failure)
	}
	return e.failed(failure)
}

// deadText explains why a chain ended.
func deadText(before *pendingMark, doubt bool, mine *pendingMark) string {
	switch {
	case before != nil:
		var who []string
		for _, p := range before.interruptions() {
			who = append(who, fmt.Sprintf("pid %d, host %s, %s", p.PID, clean(p.Host, 64), p.Started.Local().Format("2006-01-02 15:04:05")))
		}
		return "a previous session (" + strings.Join(who, "; ") + ") was interrupted while the server was rotating the sign-in: sign in again"
	case doubt && mine != nil:
		return fmt.Sprintf("the connection broke at %s while the server was rotating the sign-in: sign in again", mine.Started.Local().Format("15:04:05"))
	default:
		return "the server no longer accepts the saved sign-in; the password may have been changed, or it was not used for 14 days: sign in again"
	}
}

// ended puts the engine to rest until somebody signs in.
func (e *Engine) ended(err *Error) error { return e.halt(NeedsLogin, err) }

// halt stops all tries. A token that still lives is handed out to its end only
// while the configuration is the trouble; a dead chain means that the server has
// revoked its tokens too.
func (e *Engine) halt(s State, err *Error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastErr = err
	if s == NeedsLogin && e.cur != nil {
		e.rejected = tokenHash(e.cur.access)
	}
	e.settleLocked(s, err.Hint)
	return err
}

// readOnly is the state of a store that takes nothing: nothing is spent, the
// access token serves to its end.
func (e *Engine) readOnly(op string, cause error) error {
	err := fail(op, ClassStore, "the secret store "+e.chain.store.Name()+" cannot be written, so the sign-in is not renewed: "+clean(cause.Error(), 200), cause, errReadOnly)
	return e.failed(err)
}

func storeFailure(op string, cause error) *Error {
	return fail(op, ClassStore, "the secret store cannot be used: "+clean(cause.Error(), 250), cause)
}

// failed plans the next try and shows what is wrong while the token still lives.
func (e *Engine) failed(err *Error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	alive := e.usableLocked(0)
	e.lastErr, e.failedAt = err, e.now()
	e.attempt++
	e.nextTry = e.now().Add(e.backoffLocked(alive))
	if err.NotBefore.After(e.nextTry) {
		e.nextTry = err.NotBefore
	}
	state := Expired
	switch {
	case e.unsaved:
		state = UnsavedRotation
	case errors.Is(err, errLocked):
		state = StoreLocked
	case errors.Is(err, errReadOnly):
		state = StoreReadOnly
	case err.Class == ClassStore:
		state = StoreFailed
	case alive:
		state = Degraded
	}
	e.settleLocked(state, err.Hint)
	return err
}

// backoffLocked is exponential with full jitter. For tokens of 300 s it starts
// at 1 s and is capped at 15 s while the token lives and at 60 s afterwards.
func (e *Engine) backoffLocked(alive bool) time.Duration {
	limit := e.scaled(5, time.Minute)
	if alive {
		limit = e.scaled(20, 15*time.Second)
	}
	d := e.scaled(300, time.Second)
	for range min(e.attempt-1, 10) {
		d *= 2
	}
	d = min(d, limit)
	return d/4 + time.Duration(rand.Float64()*float64(d)*3/4) //nolint:gosec // jitter
}

// scaled is the given part of the current token's life, at most limit and at
// least 5 ms. The caller holds mu.
func (e *Engine) scaled(part int64, limit time.Duration) time.Duration {
	life := 300 * time.Second
	if e.cur != nil && e.cur.life > 0 {
		life = e.cur.life
	}
	return max(5*time.Millisecond, min(limit, life/time.Duration(part)))
}

// scaledPoll is how often a lock that is held is looked at.
func (e *Engine) scaledPoll() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.scaled(100, 50*time.Millisecond)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// client returns the API client with its secret, from the override, from memory
// or from the store.
func (e *Engine) client(ctx context.Context, op string) (Client, error) {
	e.mu.Lock()
	secret := e.override
	if secret.Empty() {
		secret = e.secret
	}
	e.mu.Unlock()
	if !secret.Empty() || e.pol.NoClient {
		return Client{ID: e.acct.ClientID, Secret: secret}, nil
	}
	secret, err := e.chain.clientSecret(ctx)
	if err != nil {
		return Client{}, e.failed(storeFailure(op, err))
	}
	if secret.Empty() {
		return Client{}, e.ended(needsLogin(op, "the client secret is not in the store any more: sign in again"))
	}
	e.mu.Lock()
	e.secret = secret
	e.mu.Unlock()
	return Client{ID: e.acct.ClientID, Secret: secret}, nil
}
