package auth

import (
	"context"
	"errors"
)

// SignOut removes slots, client secret, sidecar and the memory of a refused
// password, and the narrower chains of the account with them; the engine of a
// narrower chain removes that chain only. The server has no way to revoke
// tokens: what was issued lives on there, the access token for its few minutes
// and the refresh token for up to 14 days, unless the password is changed.
func (e *Engine) SignOut(ctx context.Context) error {
	return e.detached(ctx, func() error {
		lockCtx, cancel := context.WithTimeout(e.stopCtx, e.pol.LockWait)
		defer cancel()
		unlock, err := e.chain.lock(lockCtx, e.scaledPoll())
		if err != nil {
			return busyOrStore(err)
		}
		defer unlock()
		wctx := context.Background()
		err = errors.Join(e.chain.wipe(wctx), e.refused.clear(wctx))
		if !e.narrow {
			err = errors.Join(err, e.wipeNarrower(lockCtx))
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.cur, e.unsaved, e.secret, e.lastErr, e.loaded = nil, false, Secret{}, nil, true
		e.settleLocked(SignedOut, "")
		if err != nil {
			return fail("sign out", ClassStore, "not everything could be removed from the store: "+clean(err.Error(), 200), err)
		}
		return nil
	})
}

// wipeNarrower removes the narrower chains, each under its own lock: a process
// that is refreshing one would save it again. No process holds the lock of a
// narrower chain while it waits for the one of the main chain.
func (e *Engine) wipeNarrower(ctx context.Context) error {
	all, err := e.chain.narrower()
	errs := []error{err}
	for _, c := range all {
		unlock, err := c.lock(ctx, e.scaledPoll())
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, c.wipe(context.WithoutCancel(ctx)))
		unlock()
	}
	return errors.Join(errs...)
}

// Narrower tells of the narrower chains that are stored beside the main one: for
// each its scopes and how long the server accepts its tokens. One that cannot be
// read is left out, and the error says so.
func (e *Engine) Narrower(ctx context.Context) ([]Status, error) {
	all, err := e.chain.narrower()
	if err != nil {
		return nil, storeFailure("load", err)
	}
	var out []Status
	var errs []error
	for _, c := range all {
		rec, err := c.read(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if b := rec.b; b != nil {
			out = append(out, Status{State: Ready, Gen: b.gen, IssuedAt: b.issuedAt, ExpiresAt: b.issuedAt.Add(b.life), RefreshExpiresAt: b.refreshEnd(e.pol),
				Scopes: b.scope, Store: c.store.Name()})
		}
	}
	if err := errors.Join(errs...); err != nil {
		return out, storeFailure("load", err)
	}
	return out, nil
}
