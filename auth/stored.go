package auth

import (
	"context"
	"errors"
)

// Load reads what the store holds, so that Status tells it. It sends nothing,
// and having no sign-in is no error; one that matches ErrStore means that the
// store cannot be read.
func (e *Engine) Load(ctx context.Context) error { return e.ensureLoaded(ctx) }

// ReplaceClientSecret takes the new secret of an API client whose secret was
// rotated, and proves it by one refresh of the stored chain. When that fails for
// a reason that leaves the secret in doubt, the one before is put back; the
// tokens stay in any case. The error matches ErrInvalidClient when the server
// refuses the secret, and ErrNeedsLogin when there is no chain to prove it with.
func (e *Engine) ReplaceClientSecret(ctx context.Context, secret Secret) error {
	if secret.Empty() || hasControl(secret.Reveal()) {
		return fail("client secret", ClassClient, "the client secret is empty or holds control characters")
	}
	if err := e.ensureLoaded(ctx); err != nil {
		return err
	}
	return e.detached(ctx, func() error { return e.replaceSecret(secret) })
}

// replaceSecret is the critical section. The caller holds sem.
func (e *Engine) replaceSecret(secret Secret) error {
	const op = "client secret"
	ctx := Interactive(context.Background())
	lockCtx, cancel := context.WithTimeout(e.stopCtx, e.pol.LockWait)
	defer cancel()
	unlock, err := e.chain.lock(lockCtx, e.scaledPoll())
	if err != nil {
		return busyOrStore(err)
	}
	defer unlock()
	v, err := e.survey(ctx)
	if err != nil {
		return e.failed(storeFailure(op, err))
	}
	d := demand{op: op}
	if v.rec.b == nil {
		return e.gone(d, v.side.Gen != 0)
	}
	e.mu.Lock()
	unsaved := e.unsaved
	e.mu.Unlock()
	if unsaved {
		return fail(op, ClassStore, "the newest sign-in is not saved yet: try again when the store takes writes")
	}
	if err := e.obstacle(&v, d); err != nil {
		return err
	}
	before, err := e.chain.clientSecret(ctx)
	if err != nil {
		return e.failed(storeFailure(op, err))
	}
	// Saved before it is proven: a process that dies in between leaves tokens
	// and the secret that they need, in whichever order the server has them.
	if err := e.chain.saveClientSecret(ctx, secret); err != nil {
		return e.failed(storeFailure(op, err))
	}
	override := e.useSecret(secret, secret)
	if err = e.spend(ctx, v, d); err == nil {
		return e.provenSecret(op)
	}
	if errors.Is(err, ErrInvalidGrant) || errors.Is(err, ErrScopeRefused) {
		return err // the server knew the client: the secret is right, the tokens are the trouble
	}
	e.useSecret(override, before)
	if rerr := e.chain.putBackClientSecret(ctx, before); rerr != nil {
		return fail(op, ClassStore, "the client secret was not accepted, and the one before could not be put back: "+clean(rerr.Error(), 200), err, rerr)
	}
	return err
}

// useSecret sets what requests authenticate with, and returns the override that
// was in force.
func (e *Engine) useSecret(override, stored Secret) (before Secret) {
	e.mu.Lock()
	defer e.mu.Unlock()
	before = e.override
	if !before.Empty() {
		e.override = override
	}
	e.secret = stored
	return before
}

// overriding is the client secret of the options, if any.
func (e *Engine) overriding() Secret {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.override
}

// provenSecret tells apart a refresh that was saved from one that was not.
func (e *Engine) provenSecret(op string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.unsaved {
		return fail(op, ClassStore, e.text)
	}
	return nil
}

// putBackClientSecret restores what was stored before, which may be nothing.
func (c *chain) putBackClientSecret(ctx context.Context, before Secret) error {
	if !before.Empty() {
		return c.saveClientSecret(ctx, before)
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	if err := c.store.Delete(ctx, c.base+"-c"); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}
