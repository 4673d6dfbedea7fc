package auth

import (
	"context"
	"errors"
)

// SignOut removes slots, client secret, sidecar and the memory of a refused
// password. The server has no way to revoke tokens: what was issued lives on
// there, the access token for its few minutes and the refresh token for up to
// 14 days, unless the password is changed.
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
