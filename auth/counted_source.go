package auth

import (
	"fmt"
	"time"
)

// Counted describes a server that allows only so many refreshes per sign-in and
// lets a refresh token die when it is not used in time. The engine keeps the
// count with the tokens in the store, so that all processes together never send
// more, and it sends no token that it knows to be dead.
type Counted struct {
	// Max is how many refreshes the server allows per sign-in; 0 means that it is
	// not known. Then the number is learned when the server refuses one, and
	// remembered for seven days or until a sign-out, since it may be raised.
	Max int
	// Server is the name of the server in texts.
	Server string
	// NoRefresh is the text for a sign-in that brought no refresh token: why, and
	// what to do.
	NoRefresh string
}

// maxRefreshLife is the longest life of a refresh token that is believed.
const maxRefreshLife = 10 * 365 * 24 * time.Hour

// limitMemory is how long a limit that was learned is believed.
const limitMemory = 7 * 24 * time.Hour

// limitMark is a limit that was learned from a refusal.
type limitMark struct {
	Max int       `json:"max"`
	At  time.Time `json:"at"`
}

// limit is the number of refreshes that may be sent, or 0 for any number.
func (c *Counted) limit(learned int) int {
	switch {
	case c == nil:
		return 0
	case c.Max > 0 && learned > 0:
		return min(c.Max, learned)
	default:
		return max(c.Max, learned)
	}
}

// refreshEnd is when the refresh token dies if nobody uses it; zero when there
// is none, or when nothing is known.
func (b *bundle) refreshEnd(p Policy) time.Time {
	if b.refreshAt.IsZero() || b.refresh.Empty() {
		return time.Time{}
	}
	if b.refreshLife > 0 {
		return b.refreshAt.Add(b.refreshLife)
	}
	return b.refreshAt.Add(p.RefreshLife)
}

// noteLimit takes over the limit that a process has learned.
func (e *Engine) noteLimit(side sidecar) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.learned = 0
	if l := side.Limit; l != nil && l.Max > 0 && e.now().Before(l.At.Add(limitMemory)) {
		e.learned = l.Max
	}
}

// exhausted says why the refresh token of b must not be sent, or nothing.
func (e *Engine) exhausted(b *bundle, side sidecar) string {
	c := e.pol.Counted
	if c == nil {
		return ""
	}
	e.mu.Lock()
	limit := c.limit(e.learned)
	e.mu.Unlock()
	used := b.refreshes
	if p := side.Pending; p != nil && !b.refresh.Empty() && p.RTHash == tokenHash(b.refresh) {
		used += max(p.Sends, 1) // it may have been counted by the server
	}
	switch end := b.refreshEnd(e.pol); {
	case b.refresh.Empty() && b.refreshes == 0:
		return c.NoRefresh
	case b.refresh.Empty():
		return fmt.Sprintf("%s gave no further refresh token after refresh %d: sign in to it again", c.Server, b.refreshes)
	case limit > 0 && used >= limit:
		return fmt.Sprintf("%s allows %d refreshes per sign-in, and all are used: sign in to it again", c.Server, limit)
	case !end.IsZero() && !e.now().Before(end):
		return fmt.Sprintf("the %s session was not used in time, its refresh token died at %s: sign in to it again",
			c.Server, end.Local().Format("2006-01-02 15:04:05"))
	}
	return ""
}

// drained is the state of a chain that nothing can be sent for any more: its
// access token serves to its end, then a sign-in is needed.
func (e *Engine) drained(op, why string) error {
	err := needsLogin(op, why)
	e.mu.Lock()
	alive := e.usableLocked(0)
	if alive {
		e.nextTry = e.cur.issuedAt.Add(e.cur.life)
		e.settleLocked(Degraded, why)
	}
	e.mu.Unlock()
	if alive {
		return err
	}
	return e.ended(err)
}

// countSend is the number of requests with one refresh token whose fate will be
// unknown while the next one is on its way.
func (e *Engine) countSend(before *pendingMark) int {
	switch {
	case e.pol.Counted == nil:
		return 0
	case before == nil:
		return 1
	default:
		return max(before.Sends, 1) + 1
	}
}

// countRefresh keeps the count of a new generation. A token that was sent to
// such a server is spent, so that a missing successor means that there is none.
func (e *Engine) countRefresh(b *bundle, v view, g Grant) {
	if b.refreshLife == 0 {
		b.refreshLife = v.rec.b.refreshLife
	}
	if e.pol.Counted == nil {
		return
	}
	b.refreshes = v.rec.b.refreshes + 1
	if p := v.side.Pending; p != nil {
		b.refreshes = v.rec.b.refreshes + max(p.Sends, 1)
	}
	if g.Refresh.Empty() {
		b.refresh, b.refreshLife = Secret{}, 0
	}
	if !g.SentAt.IsZero() {
		b.refreshAt = g.SentAt
	}
}

// pendingAfter is the mark that a refused request leaves where requests are
// counted: what may have been counted by the server stays counted.
func pendingAfter(failure *Error, before, mine *pendingMark) *pendingMark {
	switch {
	case failure.Class == ClassGrant:
		return nil
	case failure.Class == ClassAmbiguous, failure.Class == ClassProtocol && failure.Status == 200:
		if before == nil || mine == nil {
			return mine
		}
		kept := *before // the oldest interruption is the one to name
		kept.Sends = mine.Sends
		return &kept
	default:
		return before
	}
}

// learnLimit takes a refusal of a token that should have worked as the end of
// the allowed refreshes, and returns the text for it, or nothing when the
// refusal may have another reason.
func (e *Engine) learnLimit(v *view, before *pendingMark, doubt bool) string {
	c := e.pol.Counted
	if c == nil || before != nil || doubt {
		return ""
	}
	if v.rec.b.refreshes == 0 {
		return c.Server + " no longer accepts the saved session: sign in to it again"
	}
	v.side.Limit = &limitMark{Max: v.rec.b.refreshes, At: e.now().UTC()}
	e.noteLimit(v.side)
	return fmt.Sprintf("%s refused refresh %d and is taken to allow %d per sign-in: sign in to it again", c.Server, v.rec.b.refreshes+1, v.rec.b.refreshes)
}

// settleReadyLocked shows that there is a token, and tells at once when it
// cannot be refreshed. The caller holds mu.
func (e *Engine) settleReadyLocked() {
	if c := e.pol.Counted; c != nil && e.cur != nil && e.cur.refresh.Empty() && e.cur.refreshes == 0 {
		e.settleLocked(Degraded, c.NoRefresh)
		return
	}
	e.settleLocked(Ready, "")
}
