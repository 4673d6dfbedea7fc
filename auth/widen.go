package auth

import (
	"context"
)

// Widen fetches a token that has scope as well, after a resource answered 403
// insufficient_scope. Each scope is asked for once; when it is refused the chain
// stays as it is, and the error matches ErrScopeRefused.
func (e *Engine) Widen(ctx context.Context, scope string) error {
	list := cleanScopes([]string{scope})
	if len(list) != 1 {
		return fail("widen", ClassScope, "this is not the name of a scope")
	}
	if e.narrow {
		return fail("widen", ClassScope, "a narrower sign-in is never widened")
	}
	if err := e.ensureLoaded(ctx); err != nil {
		return err
	}
	return e.detached(ctx, func() error {
		d := demand{op: "widen", scope: list[0]}
		e.mu.Lock()
		bad, has := e.badScopes[d.scope], e.cur != nil && e.cur.hasScope(d.scope) && e.usableLocked(e.pol.Floor)
		blocked := e.cur == nil || e.state == NeedsLogin
		e.mu.Unlock()
		switch {
		case bad:
			return scopeError(d.scope)
		case blocked:
			return needsLogin("widen", "not signed in: sign in first")
		case has:
			return nil
		}
		if err := e.renew(d); err != nil {
			return err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.cur == nil || !e.cur.hasScope(d.scope) {
			e.badScopes[d.scope] = true
			return scopeError(d.scope)
		}
		return nil
	})
}

// scopeRefused remembers a refused scope; nothing else is wrong.
func (e *Engine) scopeRefused(d demand, failure *Error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.badScopes[d.scope] = true
	e.settleLocked(Ready, "")
	failure.Hint = scopeError(d.scope).Hint
	return failure
}

func scopeError(scope string) *Error {
	return fail("widen", ClassScope, "the user may not have the scope "+scope+"; Webroot can add it")
}
