package auth

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

// SignIn starts a new chain from a password or from a pasted refresh token. A
// password is sent once per call and never repeated; only when the server
// refuses the scope is the request made again with Console.GSM alone. A password
// that was refused before is not sent at all until it changes. When the tokens
// could not be saved the session works in this process, and an error that
// matches ErrStore says so.
func (e *Engine) SignIn(ctx context.Context, c Credentials) error {
	return e.signIn(ctx, c, false)
}

// EnsureSignedIn is SignIn for credentials that are always at hand: it sends
// nothing when the store holds a chain that is not known to be dead, which
// another process may have started a moment ago.
func (e *Engine) EnsureSignedIn(ctx context.Context, c Credentials) error {
	return e.signIn(ctx, c, true)
}

func (e *Engine) signIn(ctx context.Context, c Credentials, onlyIfNeeded bool) error {
	if err := e.acct.matches(c); err != nil {
		return err
	}
	if c.ClientSecret.Empty() {
		c.ClientSecret = e.overriding()
	}
	if c.ClientSecret.Empty() && !e.pol.NoClient {
		// It was stored at an earlier sign-in and outlives a chain.
		stored, err := e.chain.clientSecret(ctx)
		if err != nil {
			return fail("sign in", ClassStore, "the stored client secret cannot be read: "+clean(err.Error(), 200), err)
		}
		c.ClientSecret = stored
	}
	switch {
	case c.ClientSecret.Empty() && !e.pol.NoClient:
		return fail("sign in", ClassClient, "the client secret is missing")
	case c.RefreshToken.Empty() && (e.acct.Username == "" || c.Password.Empty()):
		return fail("sign in", ClassGrant, "user name or password is missing", ErrWrongPassword)
	case !c.RefreshToken.Empty() && !validToken(c.RefreshToken.Reveal()):
		return fail("sign in", ClassGrant, "the refresh token holds characters that no token has")
	}
	return e.detached(ctx, func() error { return e.signInLocked(opening{Credentials: c, onlyIfNeeded: onlyIfNeeded}) })
}

// opening is how a chain is to start: by password, refresh token or code.
type opening struct {
	Credentials
	code         *codeGrant // nil unless a browser brought a code
	onlyIfNeeded bool       // a chain that lives is taken over instead
}

// signInLocked is the critical section of a sign-in. The caller holds sem.
func (e *Engine) signInLocked(o opening) (err error) {
	e.mu.Lock()
	was, wasText := e.state, e.text
	e.settleLocked(SigningIn, "")
	e.mu.Unlock()
	defer func() {
		if err != nil && !errors.Is(err, errSettled) {
			e.settle(was, wasText)
		}
		if errors.Is(err, errSettled) {
			err = errors.Unwrap(err)
		}
	}()
	ctx := context.Background()
	if !o.onlyIfNeeded {
		ctx = Interactive(ctx) // a person waits and may unlock the keychain
	}
	lockCtx, cancel := context.WithTimeout(e.stopCtx, e.pol.LockWait)
	defer cancel()
	unlockLogin, err := e.refused.lock(lockCtx)
	if err != nil {
		return busyOrStore(err)
	}
	defer unlockLogin()
	unlock, err := e.chain.lock(lockCtx, e.scaledPoll())
	if err != nil {
		return busyOrStore(err)
	}
	defer unlock()
	v, err := e.survey(ctx)
	if err != nil {
		return storeFailure("sign in", err)
	}
	if was == Loading && v.rec.b == nil {
		was = SignedOut // now it is known
	}
	if o.onlyIfNeeded && e.alive(v) {
		e.takeOver(v.rec.b)
		return nil
	}
	if err := e.chain.canary(ctx); err != nil {
		return storeFailure("sign in", err)
	}
	g, scope, err := e.firstGrant(ctx, o)
	if err != nil {
		return err
	}
	return e.establish(ctx, v, o.Credentials, g, scope)
}

// errSettled marks an error after which the state has been set already.
var errSettled = errors.New("settled")

// settledError keeps the message of its cause.
type settledError struct{ cause error }

func (s settledError) Error() string        { return s.cause.Error() }
func (s settledError) Unwrap() error        { return s.cause }
func (s settledError) Is(target error) bool { return target == errSettled }

func busyOrStore(err error) error {
	if errors.Is(err, context.Canceled) {
		return ErrClosed
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fail("sign in", ClassBusy, "another process is busy with the sign-in; try again")
	}
	return storeFailure("sign in", err)
}

// alive reports whether the stored chain is not known to be dead.
func (e *Engine) alive(v view) bool {
	if v.rec.b == nil || (v.side.Dead != nil && v.side.Dead.RTHash == tokenHash(v.rec.b.refresh)) {
		return false
	}
	if e.exhausted(v.rec.b, v.side) != "" {
		return v.rec.b.remaining(e.now()) > time.Duration(e.pol.Floor*float64(v.rec.b.life))
	}
	end := v.rec.b.refreshEnd(e.pol)
	return end.IsZero() || e.now().Before(end)
}

// takeOver makes a stored generation the current one.
func (e *Engine) takeOver(b *bundle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adoptLocked(b)
	e.unsaved, e.loaded, e.rejected = false, true, ""
	e.settleReadyLocked()
	e.wake()
}

// firstGrant gets the first tokens of a chain.
func (e *Engine) firstGrant(ctx context.Context, c opening) (Grant, []string, error) {
	client := Client{ID: e.acct.ClientID, Secret: c.ClientSecret}
	if c.code != nil {
		return e.codeGranted(ctx, client, *c.code)
	}
	send := func(scope []string) (Grant, error) {
		rctx, cancel := context.WithTimeout(ctx, e.pol.RequestTimeout)
		defer cancel()
		if !c.RefreshToken.Empty() {
			return e.prov.Refresh(rctx, client, c.RefreshToken, scope)
		}
		return e.prov.Password(rctx, client, e.acct.Username, c.Password, scope)
	}
	password := c.RefreshToken.Empty()
	if password {
		why, err := e.refused.check(ctx, c.Password, e.now())
		if err != nil {
			return Grant{}, nil, storeFailure("sign in", err)
		}
		if why != "" {
			return Grant{}, nil, fail("sign in", ClassGrant, why, ErrWrongPassword, ErrNeedsLogin)
		}
	}
	scope := slices.Clone(e.scope)
	g, err := send(scope)
	if errors.Is(err, ErrScopeRefused) && g.Refresh.Empty() && !e.narrow && !slices.Equal(scope, []string{fallbackScope}) {
		scope = []string{fallbackScope}
		g, err = send(scope)
	}
	if err == nil || !g.Refresh.Empty() {
		return g, scope, nil
	}
	failure := asError("sign in", err)
	failure.Op = "sign in"
	if failure.Class == ClassGrant {
		failure.kinds = append(failure.kinds, ErrNeedsLogin)
		if password {
			if rerr := e.refused.record(ctx, c.Password, e.now()); rerr != nil {
				e.log.Warn("refused password not recorded", "err", clean(rerr.Error(), 200))
			}
		}
	}
	return Grant{}, nil, failure
}

// establish saves the client secret and the first generation.
func (e *Engine) establish(ctx context.Context, v view, c Credentials, g Grant, scope []string) error {
	// A generation by the clock is above everything that an older login left
	// behind in other processes, even after a logout has removed all counters.
	gen := uint64(max(e.now().UnixMilli(), 1))
	if v.rec.b != nil {
		gen = max(gen, v.rec.b.gen+1)
	}
	e.mu.Lock()
	if e.cur != nil {
		gen = max(gen, e.cur.gen+1)
	}
	e.mu.Unlock()
	gen = max(gen, v.side.Gen+1)
	b := successor(nil, g, scope, gen, e.now())
	if b.refresh.Empty() && e.pol.Counted == nil {
		b.refresh = c.RefreshToken
	}
	if !c.RefreshToken.Empty() && e.pol.Counted != nil {
		b.refreshes = 1
	}
	var err error
	if b.refresh.Empty() && (e.pol.Counted == nil || b.access.Empty()) {
		return fail("sign in", ClassProtocol, "the server issued no refresh token")
	}
	if !e.pol.NoClient {
		err = e.chain.saveClientSecret(ctx, c.ClientSecret)
	}
	if err == nil {
		err = e.chain.write(ctx, b, otherSlot(v.rec.slot))
	}
	side := sidecar{Version: sidecarVersion, Gen: b.gen, RTHash: tokenHash(b.refresh), Limit: v.side.Limit, extra: v.side.extra}
	if err != nil {
		side = v.side
		side.Unsaved = &unsavedMark{PID: os.Getpid(), Host: hostTag(), Gen: b.gen}
	}
	serr := saveSidecar(ctx, e.chain.side, side)
	if rerr := e.refused.clear(ctx); serr == nil {
		serr = rerr
	}
	if serr != nil {
		e.log.Warn("sidecar not saved", "err", clean(serr.Error(), 200))
	}
	return e.signedIn(b, c.ClientSecret, err)
}

// signedIn publishes the first generation of a chain.
func (e *Engine) signedIn(b *bundle, secret Secret, saveErr error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adoptLocked(b)
	e.secret, e.loaded, e.rejected, e.refusedRow, e.credit = secret, true, "", nil, credit{}
	clear(e.badScopes)
	e.unsaved = saveErr != nil
	e.wake()
	if saveErr != nil {
		e.retryUnsave = e.now().Add(time.Second)
		e.settleLocked(UnsavedRotation, unsavedText(saveErr))
		return settledError{fail("sign in", ClassStore, unsavedText(saveErr), saveErr)}
	}
	e.settleReadyLocked()
	return nil
}

// canary proves that the store works before a password is sent.
func (c *chain) canary(ctx context.Context) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return Canary(ctx, c.store)
}
