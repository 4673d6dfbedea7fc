package auth

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// DefaultScope is what a chain asks for unless told otherwise: the console, and
// the three status families (vendor guide, "Available Scopes").
func DefaultScope() []string {
	return []string{"Console.GSM", "SkyStatus.GSM", "SkyStatus.Site", "SkyStatus.Reporting"}
}

// fallbackScope is what every user of a GSM console has by default (vendor
// guide, "Access to Console GSM API").
const fallbackScope = "Console.GSM"

// Options configure an Engine.
type Options struct {
	Account
	// Store keeps the chain. It stays open when the engine is closed.
	Store Store
	// HTTP is used for token requests; nil means an own client.
	HTTP *http.Client
	// Provider replaces the Unity token endpoint; nil means that one.
	Provider Provider
	// ClientSecret overrides the stored client secret.
	ClientSecret Secret
	// Scope is asked for at sign-in; nil means DefaultScope.
	Scope []string
	// Narrow makes this the engine of a narrower chain, which lies beside the main
	// one of the account. It asks for Scope, which must be set, and never for
	// anything else.
	Narrow bool
	// UserAgent is sent with token requests, in the form name/version.
	UserAgent string
	// Now is the wall clock; nil means time.Now.
	Now func() time.Time
	// Policy holds the timing; its zero value is right for Unity.
	Policy Policy
	// LockDir overrides the folder of lock and sidecar. Every process that uses
	// the store must use the same one.
	LockDir string
	// Critical is called when a critical section begins, and what it returns when
	// the section ends; nil means none. A process that is stopped in between
	// would hold up every other one, so the caller keeps it from being stopped.
	Critical func() (leave func())
	// Log receives debug lines without secrets; nil means none.
	Log *slog.Logger
}

// Engine keeps one account signed in. It is safe for use by several goroutines.
type Engine struct {
	acct     Account
	chain    *chain
	refused  *refusals
	prov     Provider
	pol      Policy
	scope    []string
	narrow   bool
	override Secret
	now      func() time.Time
	log      *slog.Logger
	critical func() (leave func())

	stopCtx context.Context // ends lock waits and the loop, never a request
	stop    context.CancelFunc
	wg      sync.WaitGroup
	sem     chan struct{} // one critical section of this process at a time
	kick    chan struct{} // wakes the loop

	mu          sync.Mutex
	closing     bool
	started     bool
	loaded      bool
	cur         *bundle
	secret      Secret
	fraction    float64     // of the life of cur after which it is refreshed
	rejected    string      // hash of an access token that a resource refused
	refusedRow  []time.Time // when tokens were refused one after another, none of them taken in between
	credit      credit
	unsaved     bool
	state       State
	attempt     int
	nextTry     time.Time
	failedAt    time.Time
	lastErr     *Error
	text        string
	flight      *flight
	badScopes   map[string]bool
	retryUnsave time.Time
	saveTries   int
	learned     int // refreshes per sign-in that the server was seen to allow; 0 means unknown
	box         mailbox
}

// flight is one refresh that several callers wait for.
type flight struct {
	done chan struct{}
	err  error
}

// NewEngine checks the options and works out where lock and sidecar lie. It
// reads no secret; that happens in Start or with the first Token.
func NewEngine(o Options) (*Engine, error) {
	acct, err := o.normalise()
	if err != nil {
		return nil, err
	}
	if o.Store == nil {
		return nil, errors.New("an engine needs a store")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Scope = cleanScopes(o.Scope); len(o.Scope) == 0 {
		if o.Narrow {
			return nil, errors.New("a narrower sign-in needs its scope")
		}
		o.Scope = DefaultScope()
	}
	if o.Provider == nil {
		if o.Provider, err = NewUnityProvider(acct.BaseURL, o.UserAgent, o.HTTP, o.Now); err != nil {
			return nil, err
		}
	}
	if o.Critical == nil {
		o.Critical = func() func() { return func() {} }
	}
	pol := o.Policy.withDefaults()
	var only []string
	if o.Narrow {
		only = o.Scope
	}
	dirs := lockDirs{own: o.LockDir}
	if acct.local() {
		dirs.user = os.Getenv(testLockDir)
	}
	ch, err := newChain(o.Store, acct, only, dirs, pol.StoreTimeout)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		acct: acct, chain: ch, refused: newRefusals(ch, acct.person(), 50*time.Millisecond), prov: o.Provider, pol: pol, scope: o.Scope, narrow: o.Narrow,
		override: o.ClientSecret, now: func() time.Time { return o.Now().Round(0) }, log: o.Log, critical: o.Critical,
		sem: make(chan struct{}, 1), kick: make(chan struct{}, 1), badScopes: map[string]bool{}, state: Loading,
		box: mailbox{ch: make(chan Status, 1)},
	}
	e.stopCtx, e.stop = context.WithCancel(context.Background())
	return e, nil
}

// Token returns an access token that has at least the policy's floor of its life
// left, refreshing first when it must. Any number of callers share one refresh.
// When ctx ends the caller leaves, and the refresh goes on.
func (e *Engine) Token(ctx context.Context) (string, error) {
	if err := e.ensureLoaded(ctx); err != nil {
		return "", err
	}
	for range 3 {
		token, f, err := e.tokenOrFlight()
		if err != nil || f == nil {
			return token, err
		}
		select {
		case <-f.done:
			if f.err != nil {
				return "", f.err
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", fail("token", ClassDenied, "every token was replaced or refused before it could be used")
}

// tokenOrFlight returns a usable token, or the refresh to wait for, or why there
// can be neither.
func (e *Engine) tokenOrFlight() (string, *flight, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return "", nil, ErrClosed
	}
	if e.usableLocked(e.pol.Floor) {
		return e.cur.access.Reveal(), nil, nil
	}
	if e.flight != nil {
		return "", e.flight, nil
	}
	if err := e.blockedLocked(); err != nil {
		return "", nil, err
	}
	return "", e.launchLocked(), nil
}

// blockedLocked says why a refresh would be pointless right now.
func (e *Engine) blockedLocked() error {
	switch e.state {
	case SignedOut, NeedsLogin, Fatal:
		if e.lastErr != nil {
			return e.lastErr
		}
		return needsLogin("token", "not signed in: sign in first")
	}
	// A person who asks again should not wait for the whole backoff, but a
	// thousand callers must not hammer the server either.
	if e.lastErr != nil && e.now().Before(minTime(e.nextTry, e.failedAt.Add(e.scaled(300, time.Second)))) {
		return e.lastErr
	}
	if e.lastErr != nil && e.now().Before(e.lastErr.NotBefore) {
		return e.lastErr
	}
	return nil
}

// launchLocked starts a refresh on its own goroutine; it outlives its callers.
func (e *Engine) launchLocked() *flight {
	f := &flight{done: make(chan struct{})}
	e.flight = f
	e.wg.Go(func() {
		defer close(f.done)
		err := e.exclusive(e.stopCtx, func() error { return e.renew(demand{op: "refresh"}) })
		e.mu.Lock()
		f.err, e.flight = err, nil
		e.mu.Unlock()
	})
	return f
}

// detached runs fn on a goroutine that Close waits for, while the caller may
// leave early.
func (e *Engine) detached(ctx context.Context, fn func() error) error {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return ErrClosed
	}
	done := make(chan error, 1)
	e.wg.Go(func() { done <- e.exclusive(e.stopCtx, fn) })
	e.mu.Unlock()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exclusive runs fn as the only critical section of this engine.
func (e *Engine) exclusive(ctx context.Context, fn func() error) error {
	select {
	case e.sem <- struct{}{}:
		defer func() { <-e.sem }()
		defer e.critical()()
		return fn()
	case <-ctx.Done():
		return ErrClosed
	}
}

// usableLocked reports whether the current token may be handed out.
func (e *Engine) usableLocked(floor float64) bool {
	if e.cur == nil || e.cur.access.Empty() || e.rejected == tokenHash(e.cur.access) {
		return false
	}
	left := e.cur.remaining(e.now())
	return left > 0 && left >= time.Duration(floor*float64(e.cur.life))
}

// adoptLocked makes b the current generation.
func (e *Engine) adoptLocked(b *bundle) {
	e.cur = b
	e.fraction = e.pol.RefreshFrom + (e.pol.RefreshTo-e.pol.RefreshFrom)*rand.Float64() //nolint:gosec // jitter
	e.attempt, e.lastErr, e.text = 0, nil, ""
	e.nextTry = b.issuedAt.Add(time.Duration(e.fraction * float64(b.life)))
	if b.remaining(e.now()) <= 0 {
		e.nextTry = e.now()
	}
}

// Status returns where the sign-in stands.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.statusLocked()
}

// Updates returns a channel that holds the latest status; older ones that were
// not received are dropped. It is closed by Close.
func (e *Engine) Updates() <-chan Status { return e.box.ch }

func (e *Engine) statusLocked() Status {
	s := Status{State: e.state, Attempt: e.attempt, NextTry: e.nextTry, Text: e.text, Store: e.chain.store.Name()}
	if e.state == Degraded && !e.usableLocked(0) {
		s.State = Expired // the token died between two tries
	}
	if e.lastErr != nil {
		s.Class = e.lastErr.Class
	}
	s.MaxRefreshes = e.pol.Counted.limit(e.learned)
	if b := e.cur; b != nil {
		s.Gen, s.IssuedAt, s.Scopes = b.gen, b.issuedAt, slices.Clone(b.scope)
		if !b.access.Empty() {
			s.ExpiresAt = b.issuedAt.Add(b.life)
		}
		s.RefreshExpiresAt, s.Refreshes = b.refreshEnd(e.pol), b.refreshes
	}
	return s
}

// settleLocked changes the state and tells everybody.
func (e *Engine) settleLocked(s State, text string) {
	e.state, e.text = s, text
	e.box.put(e.statusLocked())
}

func (e *Engine) settle(s State, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settleLocked(s, text)
}

// wake makes the loop look again.
func (e *Engine) wake() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// needsLogin builds the error of a chain that only a person can restart.
func needsLogin(op, hint string) *Error { return fail(op, ClassGrant, hint, ErrNeedsLogin) }
