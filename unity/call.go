package unity

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Request is a call of any method of the API.
type Request struct {
	Method, Path string
	Query        url.Values
	// Body is sent as it is, with ContentType (application/json when empty).
	Body        []byte
	ContentType string
	// Header are further headers; those that carry identity are ignored.
	Header http.Header
	// Background marks calls that give way to what a person waits for.
	Background bool
	// Machines is how many machines the caller counted and had confirmed, for a change that touches a whole group or
	// site without naming them. Without Counted such a change is refused.
	Machines int
	Counted  bool
	// Leaving, when set, is called right before the bytes of each try leave, when nothing is waited for any more; an error ends
	// the call, and the request was not sent.
	Leaving func() error
	// Throttled leaves it to the caller to try again after a 429.
	Throttled bool
}

// Response is an answer with status 2xx.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Bodies are capped: a page of a thousand rows is about a megabyte, the list of all sites a few.
const (
	maxBody  = 64 << 20
	maxError = 1 << 20
)

// maxTries bounds attempts of a read, and of a change after a definite no.
const maxTries = 5

// maxThrottled bounds attempts that end in 429: with the limiter's pauses that is about half a minute, after which even a
// limit by the minute has let some calls pass.
const maxThrottled = 8

type background struct{}

// Background marks all calls made with the context as giving way to what a person waits for.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, background{}, true)
}

type counter struct{}

// CountCalls has every attempt made with the context counted, repeated ones too.
func CountCalls(ctx context.Context, n *atomic.Int64) context.Context {
	return context.WithValue(ctx, counter{}, n)
}

// Do makes a call. Every request of this package goes through here: gate, limiter, token, retries, errors. A read is
// tried again after failures that may pass; a change only after a definite no.
func (c *Client) Do(ctx context.Context, r Request) (*Response, error) {
	if r.ContentType == "" {
		r.ContentType = "application/json"
	}
	gate, err := Inspect(r.Method, r.Path, r.ContentType, r.Body)
	if err != nil {
		return nil, err
	}
	if err := checkQuery(r.Query.Encode()); err != nil {
		return nil, err
	}
	if gate.Reach != ReachNone {
		if c.readOnly {
			return nil, refuse("read-only: %s", gate.What)
		}
		if gate.Reach == ReachSet && !r.Counted {
			return nil, refuse("%s touches every machine of the set, and nobody counted them", gate.What)
		}
	}
	if on, _ := ctx.Value(background{}).(bool); on {
		r.Background = true
	}
	t := tries{change: gate.Reach != ReachNone, throttled: r.Throttled}
	for {
		resp, callErr := c.attempt(ctx, r, t.n)
		if callErr == nil {
			return resp, nil
		}
		wait, again := t.next(ctx, c, callErr)
		if !again {
			return nil, callErr
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, callErr
		}
	}
}

// attempt is one exchange under the limiter.
func (c *Client) attempt(ctx context.Context, r Request, n int) (*Response, error) {
	fail := func(kind error, cause error) *Error {
		return &Error{Kind: kind, Method: r.Method, Path: r.Path, Err: cause}
	}
	if err := c.limit.acquire(ctx, r.Background); err != nil {
		return nil, fail(ErrUnreachable, err)
	}
	// The token is asked for after the wait for a place, so that it is not old when the request goes out.
	token, tokenErr := c.tokens.Token(ctx)
	if tokenErr != nil {
		c.limit.release(loadUnknown, 0, 0)
		if errors.Is(tokenErr, context.Canceled) || errors.Is(tokenErr, context.DeadlineExceeded) {
			return nil, fail(ErrUnreachable, tokenErr)
		}
		return nil, fail(ErrUnauthenticated, tokenErr)
	}
	if r.Leaving != nil {
		if err := r.Leaving(); err != nil {
			c.limit.release(loadUnknown, 0, 0)
			return nil, fail(ErrRefused, err)
		}
	}
	if n, ok := ctx.Value(counter{}).(*atomic.Int64); ok {
		n.Add(1)
	}
	start := c.now()
	resp, err := c.exchange(ctx, r, token)
	took := c.now().Sub(start)
	c.learnLoad(err, took)
	c.report(r, start, took, n, resp, err)
	if err == nil {
		c.accepted.Add(1)
		if source, ok := c.tokens.(AcceptSource); ok {
			source.Accept(token)
		}
		return resp, nil
	}
	if err.Status == http.StatusUnauthorized {
		c.tokens.Reject(token)
	}
	return nil, err
}

func (c *Client) learnLoad(err *Error, took time.Duration) {
	switch {
	case err == nil:
		c.limit.release(loadFine, took, 0)
	case err.Status == http.StatusTooManyRequests:
		c.limit.release(loadThrottled, took, err.RetryAfter)
	case err.Status == http.StatusServiceUnavailable, err.Status == http.StatusGatewayTimeout:
		c.limit.release(loadTooMuch, took, err.RetryAfter)
	default:
		// No answer says nothing about the load, and a refusal is too quick to measure the others by.
		c.limit.release(loadUnknown, took, 0)
	}
}

func (c *Client) report(r Request, at time.Time, took time.Duration, n int, resp *Response, err *Error) {
	if c.observe == nil {
		return
	}
	path := r.Path
	if len(r.Query) > 0 {
		path += "?" + r.Query.Encode()
	}
	a := Attempt{At: at, Method: r.Method, Path: path, Took: took, Retry: n, Body: r.Body}
	if err != nil {
		a.Status, a.RequestID, a.Err = err.Status, err.RequestID, err
	} else {
		a.Status = resp.Status
	}
	c.observe(a)
}
