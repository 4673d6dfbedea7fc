package unity

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// tries decides whether a failed attempt is followed by another.
type tries struct {
	change    bool
	throttled bool // a 429 is the caller's
	n         int
	widened   bool
	// renewed counts the tokens that were refused; accepted is how many calls of the client had been answered when the last
	// one was.
	renewed  int
	accepted uint64
}

// maxRenewed bounds how many tokens one call may have refused.
const maxRenewed = 3

func (t *tries) next(ctx context.Context, c *Client, err error) (time.Duration, bool) {
	var e *Error
	if !errors.As(err, &e) || ctx.Err() != nil {
		return 0, false
	}
	t.n++
	switch {
	case errors.Is(e, ErrUnauthenticated) && e.Status == http.StatusUnauthorized:
		// A token that the server no longer accepts: the header is rebuilt and the request sent once more. For a
		// change only if the API itself said so: a gateway's 401 says nothing about what happened behind it.
		if t.change && !(e.documented && e.Code == "invalid_token") {
			return 0, false
		}
		return 0, t.renew(c.accepted.Load())
	case errors.Is(e, ErrScope):
		if t.widened || t.change && !e.Definite() {
			return 0, false
		}
		t.widened = true
		return 0, c.askScope(ctx, e.Scope) == nil
	case e.Status == http.StatusTooManyRequests:
		return max(e.RetryAfter, backoff(t.n)), !t.throttled && t.n < maxThrottled
	case t.n >= maxTries:
		return 0, false
	case e.Status == 0 && !e.Sent && errors.Is(e, ErrUnreachable):
		return backoff(t.n), true
	case t.change:
		return 0, false
	case errors.Is(e, ErrUnreachable), errors.Is(e, ErrUnavailable) && e.Status != http.StatusGatewayTimeout:
		return max(e.RetryAfter, backoff(t.n)), true
	case errors.Is(e, ErrProtocol), e.Status == http.StatusGatewayTimeout:
		// A cut or foreign body may be an accident once; a slow query gets one more chance, then the caller asks for less.
		return backoff(t.n), t.n < 2
	default:
		return 0, false
	}
}

// renew tells whether a call whose token was refused is sent once more with another one. A second refusal ends it, unless other
// calls were answered meanwhile: then tokens are taken, and some machine of the server refuses now and then.
func (t *tries) renew(accepted uint64) bool {
	if t.renewed > 0 && (t.renewed >= maxRenewed || accepted == t.accepted) {
		return false
	}
	t.renewed++
	t.accepted = accepted
	return true
}

// backoff is full jitter: between nothing and an interval that doubles from half a second to fifteen.
func backoff(n int) time.Duration {
	ceiling := min(500*time.Millisecond<<(n-1), 15*time.Second)
	return rand.N(ceiling) //nolint:gosec // spreading retries needs no secrecy
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// widening is the one request for a scope. err is set before done is closed; dropped says that whoever asked went away
// before there was an answer.
type widening struct {
	done    chan struct{}
	err     error
	dropped bool
}

// askScope asks the token source for a scope, once per client and scope; calls that need the same scope meanwhile wait
// for that answer.
func (c *Client) askScope(ctx context.Context, scope string) error {
	source, ok := c.tokens.(ScopeSource)
	if !ok || scope == "" {
		return ErrScope
	}
	for {
		c.mu.Lock()
		w := c.widen[scope]
		if w == nil {
			w = &widening{done: make(chan struct{})}
			c.widen[scope] = w
			c.mu.Unlock()
			return c.widenOnce(ctx, source, scope, w)
		}
		c.mu.Unlock()
		select {
		case <-w.done:
			if !w.dropped {
				return w.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Client) widenOnce(ctx context.Context, source ScopeSource, scope string, w *widening) error {
	w.err = source.Widen(ctx, scope)
	if w.err != nil && ctx.Err() != nil {
		w.dropped = true
		c.mu.Lock()
		delete(c.widen, scope)
		c.mu.Unlock()
	}
	close(w.done)
	return w.err
}
