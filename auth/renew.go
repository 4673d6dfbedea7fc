package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// lockNotice is how long a wait for the lock may last before it is shown.
const lockNotice = 300 * time.Millisecond

// demand says what a refresh is for.
type demand struct {
	op    string // "refresh" or "widen"
	scope string // the scope that is missing, for "widen"
}

// view is what the store and the other processes say, read under the lock.
type view struct {
	side sidecar
	rec  record
}

// renew is the critical section. The caller holds sem. It runs without the
// caller's context: once a refresh token is spent, the successor must be saved.
func (e *Engine) renew(d demand) error {
	ctx := context.Background()
	// A wait that nobody could notice is not announced.
	notice := time.AfterFunc(lockNotice, func() { e.announce(WaitingForOtherProcess) })
	lockCtx, cancel := context.WithTimeout(e.stopCtx, e.pol.LockWait)
	unlock, err := e.chain.lock(lockCtx, e.scaledPoll())
	cancel()
	notice.Stop()
	if err != nil {
		return e.lockFailed(ctx, d, err)
	}
	defer unlock()
	e.announce(Refreshing)
	v, err := e.survey(ctx)
	if err != nil {
		return e.failed(storeFailure(d.op, err))
	}
	done, err := e.decide(ctx, &v, d)
	if done || err != nil {
		return err
	}
	if e.stopCtx.Err() != nil {
		return ErrClosed
	}
	return e.spend(ctx, v, d)
}

// announce shows a passing state, unless a problem that lasts is on display.
func (e *Engine) announce(s State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state == Ready || e.state == WaitingForOtherProcess || e.state == Refreshing {
		e.settleLocked(s, e.text)
	}
}

func (e *Engine) survey(ctx context.Context) (view, error) {
	side, err := loadSidecar(ctx, e.chain.side)
	if err != nil {
		return view{}, err
	}
	e.noteLimit(side)
	rec, err := e.chain.read(ctx)
	return view{side: side, rec: rec}, err
}

// lockFailed looks whether the other process has finished the work meanwhile.
// Without the lock nothing is ever spent.
func (e *Engine) lockFailed(ctx context.Context, d demand, err error) error {
	if e.stopCtx.Err() != nil {
		return ErrClosed
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		return e.failed(storeFailure(d.op, err))
	}
	if rec, rerr := e.chain.read(ctx); rerr == nil && e.adopt(rec, d) {
		return nil
	}
	return e.failed(fail(d.op, ClassBusy, "another process has held the sign-in for "+e.pol.LockWait.String()+"; it is tried again"))
}

// adopt takes a generation that another process has saved, and reports whether
// it answers the demand.
func (e *Engine) adopt(rec record, d demand) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if rec.b == nil {
		return false
	}
	if e.cur == nil || rec.b.gen > e.cur.gen {
		e.adoptLocked(rec.b)
		e.unsaved = false
		e.log.Debug("adopted a sign-in", "gen", rec.b.gen)
	}
	ok := e.cur.gen == rec.b.gen && e.usableLocked(2*e.pol.Floor)
	switch {
	case d.scope != "":
		ok = ok && e.cur.hasScope(d.scope)
	default:
		ok = ok && e.now().Before(e.nextTry)
	}
	if ok {
		e.settleReadyLocked()
	}
	return ok
}

// decide settles everything that needs no request. It returns true when the
// demand is met.
func (e *Engine) decide(ctx context.Context, v *view, d demand) (bool, error) {
	e.mu.Lock()
	cur, unsaved := e.cur, e.unsaved
	e.mu.Unlock()
	switch {
	case unsaved && (v.rec.b == nil || v.rec.b.gen < cur.gen):
		v.rec.b = cur
		_ = e.trySave(ctx, v) // when it fails the chain goes on in memory: the stored token is dead anyway
		if e.adopt(v.rec, d) {
			return true, nil
		}
	case v.rec.b == nil && cur != nil && v.side.Gen == cur.gen:
		// A logout removes the sidecar, so this store has lost its items; the
		// write ahead of the request puts them back.
		v.rec = record{b: cur, slot: -1}
	case v.rec.b == nil:
		return true, e.gone(d, v.side.Gen != 0)
	case e.adopt(v.rec, d):
		return true, nil
	}
	return false, e.obstacle(v, d)
}

// gone is the end of a chain that has no stored generation any more.
func (e *Engine) gone(d demand, lost bool) error {
	text := "not signed in: sign in first"
	if lost {
		text = "the stored sign-in is gone or damaged: sign in again"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur != nil && !lost {
		text = "signed out by another process: sign in again"
	}
	e.cur, e.unsaved = nil, false
	err := needsLogin(d.op, text)
	e.lastErr = err
	state := SignedOut
	if lost {
		state = NeedsLogin
	}
	e.settleLocked(state, text)
	return err
}

// obstacle finds what forbids spending the refresh token now.
func (e *Engine) obstacle(v *view, d demand) error {
	hash := tokenHash(v.rec.b.refresh)
	if v.side.Dead != nil && v.side.Dead.RTHash == hash {
		return e.ended(needsLogin(d.op, clean(v.side.Dead.Text, 400)))
	}
	if why := e.exhausted(v.rec.b, v.side); why != "" {
		return e.drained(d.op, why)
	}
	if u := v.side.Unsaved; u != nil && u.Gen > v.rec.b.gen && u.PID != os.Getpid() && u.Host == hostTag() && processAlive(u.PID) {
		return e.failed(fail(d.op, ClassBusy, fmt.Sprintf("process %d holds a newer sign-in that it could not save yet", u.PID)))
	}
	if v.side.NotBefore.After(e.now()) && v.side.NotBefore.Before(e.now().Add(301*time.Second)) {
		err := fail(d.op, ClassTransient, "the sign-in server asked to wait until "+v.side.NotBefore.Local().Format("15:04:05"))
		err.NotBefore = v.side.NotBefore
		return e.failed(err)
	}
	return nil
}

// spend uses the refresh token up and saves its successor.
func (e *Engine) spend(ctx context.Context, v view, d demand) error {
	client, err := e.client(ctx, d.op)
	if err != nil {
		return err
	}
	b, target := v.rec.b, otherSlot(v.rec.slot)
	e.mu.Lock()
	unsaved := e.unsaved
	e.mu.Unlock()
	before := v.side.Pending
	if before != nil && before.RTHash != tokenHash(b.refresh) {
		before = nil
	}
	if !unsaved {
		// Writing the current generation into the other slot proves with the
		// real size that the store takes writes, and endangers nothing.
		if err := e.chain.write(ctx, b, target); err != nil {
			return e.readOnly(d.op, err)
		}
	}
	v.side.Pending = &pendingMark{PID: os.Getpid(), Host: hostTag(), Started: e.now().UTC(), RTHash: tokenHash(b.refresh), Sends: e.countSend(before), Earlier: before.interruptions()}
	if err := saveSidecar(ctx, e.chain.side, v.side); err != nil && !unsaved {
		return e.readOnly(d.op, err)
	}
	g, scope, doubt, rerr := e.request(ctx, client, b, d, before != nil)
	if rerr == nil || !g.Refresh.Empty() {
		err := e.commit(ctx, v, g, scope, target)
		if rerr != nil {
			return e.failed(rerr)
		}
		return err
	}
	return e.refusedRefresh(ctx, v, d, rerr, before, doubt)
}

// request sends the refresh, and once more when the first try may have been
// lost on the way; doubt reports that. A scope that is refused on an ordinary
// refresh is narrowed to the default one.
func (e *Engine) request(ctx context.Context, c Client, b *bundle, d demand, crashed bool) (g Grant, scope []string, doubt bool, failure *Error) {
	scope = slices.Clone(b.scope)
	if len(scope) == 0 {
		scope = slices.Clone(e.scope)
	}
	if d.scope != "" {
		scope = append(scope, d.scope)
	}
	narrowed := false
	for {
		rctx, cancel := context.WithTimeout(ctx, e.pol.RequestTimeout)
		g, err := e.prov.Refresh(rctx, c, b.refresh, scope)
		cancel()
		if err == nil {
			return g, scope, doubt, nil
		}
		failure = asError(d.op, err)
		failure.Op = d.op
		switch {
		case !g.Refresh.Empty():
			return g, scope, doubt, failure
		case failure.Class == ClassAmbiguous && !crashed && !doubt && failure.NotBefore.IsZero() && e.stopCtx.Err() == nil && e.pol.Counted == nil:
			doubt = true
			continue
		case failure.Class == ClassScope && d.scope == "" && !e.narrow && !narrowed && !slices.Equal(scope, []string{fallbackScope}):
			narrowed, scope = true, []string{fallbackScope}
			continue
		}
		return Grant{}, scope, doubt || failure.Class == ClassAmbiguous, failure
	}
}

// commit saves a new generation and only then publishes it. When the store
// fails, the generation lives on in memory, and the user is told.
func (e *Engine) commit(ctx context.Context, v view, g Grant, scope []string, target int) error {
	b := successor(v.rec.b, g, scope, max(v.rec.b.gen, v.side.Gen)+1, e.now())
	e.countRefresh(b, v, g)
	err := e.chain.write(ctx, b, target)
	if err == nil {
		v.side.Gen, v.side.RTHash = b.gen, tokenHash(b.refresh)
		v.side.Pending, v.side.Unsaved, v.side.Dead = nil, nil, nil
		v.side.NotBefore, v.side.LastClass = time.Time{}, ClassNone
	} else {
		v.side.Unsaved = &unsavedMark{PID: os.Getpid(), Host: hostTag(), Gen: b.gen}
	}
	if serr := saveSidecar(ctx, e.chain.side, v.side); serr != nil {
		// The slots alone are right; a mark that stays names an older token.
		e.log.Warn("sidecar not saved", "err", clean(serr.Error(), 200))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.adoptLocked(b)
	if earliest := e.now().Add(e.scaled(20, 15*time.Second)); e.nextTry.Before(earliest) {
		// A token that is old when it arrives, because the clock was set or the
		// server is slow, must not turn the loop into a flood.
		e.nextTry = earliest
	}
	e.unsaved = err != nil
	if err != nil {
		e.retryUnsave = e.now().Add(time.Second)
		e.settleLocked(UnsavedRotation, unsavedText(err))
	} else {
		e.settleReadyLocked()
	}
	e.log.Debug("refreshed", "gen", b.gen, "saved", err == nil)
	return nil
}

// successor builds the next generation. An answer may leave out the refresh
// token (RFC 6749 §6) and the scope; then the old ones hold.
func successor(old *bundle, g Grant, asked []string, gen uint64, now time.Time) *bundle {
	b := &bundle{gen: gen, access: g.Access, refresh: g.Refresh, issuedAt: g.SentAt, life: g.Life, refreshAt: now, scope: g.Scope, refreshLife: g.RefreshLife}
	if old != nil {
		b.extra = old.extra
		if b.refresh.Empty() {
			b.refresh, b.refreshAt, b.refreshLife = old.refresh, old.refreshAt, old.refreshLife
		}
	}
	if len(b.scope) == 0 {
		b.scope = cleanScopes(asked)
	}
	return b
}

func unsavedText(err error) string {
	return "the new sign-in could not be saved and exists in this process only; do not quit, make the store writable: " + clean(err.Error(), 200)
}

func otherSlot(slot int) int {
	if slot == 0 {
		return 1
	}
	return 0
}
