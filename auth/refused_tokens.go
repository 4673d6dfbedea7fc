package auth

import (
	"slices"
	"time"
)

// refusedInRow is how many fresh tokens may be refused one after another within
// the life of one, with none of them taken in between.
const refusedInRow = 3

// What a refused token costs, and what pays for it. A server that refuses one
// call in so many is lived with; of one that refuses more, the engine would
// fetch tokens without end.
const (
	refusalCost   = 10 // calls that were answered
	creditPerLife = 40 // what time alone gives within the life of a token
	creditMost    = 200
)

// credit is what refused tokens are paid with: answered calls and time earn it.
type credit struct {
	left float64
	at   time.Time
}

// grow adds what time has earned; a new credit begins with what a life gives.
func (c *credit) grow(now time.Time, life time.Duration) {
	earned := float64(creditPerLife)
	if !c.at.IsZero() {
		earned *= max(0, min(1, now.Sub(c.at).Seconds()/max(life.Seconds(), 1)))
	}
	c.left, c.at = min(c.left+earned, creditMost), now
}

// Accept tells the engine that a resource answered to token. Only the current
// token counts: it is then known to be good, whatever became of those before.
func (e *Engine) Accept(token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur == nil || !e.cur.access.Equal(NewSecret(token)) {
		return
	}
	e.refusedRow = nil
	e.credit.left = min(e.credit.left+1, creditMost)
}

// Reject tells the engine that a resource answered 401 invalid_token to token.
// Only the current token counts; the next Token call fetches another. When one
// fresh token after another is refused and none is taken, or when far too many
// are refused for what is answered, the engine stops fetching for the rest of
// the token's life, since the account and not the token is the trouble.
func (e *Engine) Reject(token string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cur == nil || !e.cur.access.Equal(NewSecret(token)) || e.rejected == tokenHash(e.cur.access) {
		return
	}
	now, life := e.now(), e.cur.life
	e.rejected = tokenHash(e.cur.access)
	e.refusedRow = slices.DeleteFunc(e.refusedRow, func(t time.Time) bool { return now.Sub(t) > life })
	e.refusedRow = append(e.refusedRow, now)
	e.credit.grow(now, life)
	e.credit.left -= refusalCost
	switch {
	case len(e.refusedRow) > refusedInRow:
		e.giveUpLocked("the server refuses every new token at once: the account may be disabled, or this machine's requests are changed on the way")
	case e.credit.left < 0:
		e.giveUpLocked("the server refuses too many good tokens: one of its machines may be out of order, or this machine's requests are changed on the way")
	}
}

// giveUpLocked fetches no token for as long as the refused one would have lived.
func (e *Engine) giveUpLocked(why string) {
	e.credit = credit{at: e.now()}
	e.lastErr = fail("token", ClassDenied, why)
	e.nextTry = e.now().Add(e.cur.life)
	e.lastErr.NotBefore = e.nextTry
	e.settleLocked(Expired, e.lastErr.Hint)
}
