package unity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
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

type background struct{}

// Background marks all calls made with the context as giving way to what a person waits for.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, background{}, true)
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
	t := tries{change: gate.Reach != ReachNone}
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

// tries decides whether a failed attempt is followed by another.
type tries struct {
	change  bool
	n       int
	renewed bool
	widened bool
}

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
		if t.renewed || t.change && !(e.documented && e.Code == "invalid_token") {
			return 0, false
		}
		t.renewed = true
		return 0, true
	case errors.Is(e, ErrScope):
		if t.widened {
			return 0, false
		}
		t.widened = true
		return 0, c.askScope(ctx, e.Scope) == nil
	case t.n >= maxTries:
		return 0, false
	case e.Status == http.StatusTooManyRequests:
		return max(e.RetryAfter, backoff(t.n)), true
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

// askScope asks the token source for a scope, once per client and scope.
func (c *Client) askScope(ctx context.Context, scope string) error {
	source, ok := c.tokens.(ScopeSource)
	if !ok || scope == "" {
		return ErrScope
	}
	c.mu.Lock()
	err, asked := c.widen[scope]
	c.mu.Unlock()
	if asked {
		return err
	}
	err = source.Widen(ctx, scope)
	if ctx.Err() == nil {
		c.mu.Lock()
		c.widen[scope] = err
		c.mu.Unlock()
	}
	return err
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
		return nil, fail(ErrUnauthenticated, tokenErr)
	}
	start := c.now()
	resp, err := c.exchange(ctx, r, token)
	took := c.now().Sub(start)
	c.learnLoad(err, took)
	c.report(r, start, took, n, resp, err)
	if err == nil {
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
	case err.Status == http.StatusTooManyRequests, err.Status == http.StatusServiceUnavailable, err.Status == http.StatusGatewayTimeout:
		c.limit.release(loadTooMuch, took, err.RetryAfter)
	case err.Status == 0:
		c.limit.release(loadUnknown, took, 0)
	default:
		c.limit.release(loadFine, took, 0)
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

// exchange sends the request once and reads the answer.
func (c *Client) exchange(ctx context.Context, r Request, token string) (*Response, *Error) {
	if r.Method != http.MethodGet {
		// A change that is on its way is waited for: cancelled half-way, nobody would know whether it arrived.
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out := &Error{Kind: ErrUnreachable, Method: r.Method, Path: r.Path}
	req, err := c.build(ctx, r, token)
	if err != nil {
		out.Kind, out.Err = ErrInvalid, err
		return nil, out
	}
	sent := c.now()
	resp, err := c.http.Do(req)
	if err != nil {
		out.Err = plainCause(err)
		out.Sent = !neverSent(err)
		return nil, out
	}
	defer func() { _ = resp.Body.Close() }()
	c.learnSkew(resp.Header.Get("Date"), sent, c.now())
	out.Status, out.Sent = resp.StatusCode, true
	limit := int64(maxError)
	if resp.StatusCode/100 == 2 {
		limit = maxBody
	}
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case resp.StatusCode/100 != 2:
		c.fillError(out, resp, body)
		return nil, out
	case readErr != nil:
		out.Kind, out.Err = ErrProtocol, fmt.Errorf("the answer was cut off: %w", plainCause(readErr))
		return nil, out
	case int64(len(body)) > limit:
		out.Kind, out.Err = ErrProtocol, errors.New("the answer is larger than any the API documents")
		return nil, out
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

func (c *Client) fillError(e *Error, resp *http.Response, body []byte) {
	parsed := parseErrorBody(body)
	e.Code, e.RequestID, e.Additional, e.documented = parsed.code, parsed.requestID, parsed.additional, parsed.known
	e.Description = NewText(parsed.description)
	e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), c.now())
	e.Kind = statusKind(resp.StatusCode, parsed.code)
	switch {
	case errors.Is(e.Kind, ErrScope):
		e.Scope = ScopeOf(e.Path)
	case e.Kind == ErrProtocol && resp.StatusCode/100 == 3:
		e.Err = errors.New("a redirect, which the API does not document: a proxy or portal answers in its place")
	case !parsed.known && e.Description.Empty():
		e.Err = errors.New("the body is not the API's error document: a gateway or proxy may have answered")
	}
}

func (c *Client) build(ctx context.Context, r Request, token string) (*http.Request, error) {
	u := *c.base
	u.Path, u.RawPath = "", ""
	target := strings.TrimRight(u.String(), "/") + strings.TrimRight(c.base.Path, "/") + r.Path
	if len(r.Query) > 0 {
		sep := "?"
		if strings.Contains(r.Path, "?") {
			sep = "&"
		}
		target += sep + r.Query.Encode()
	}
	var body io.Reader
	if len(r.Body) > 0 {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, errors.New("the address cannot be built")
	}
	for name, values := range r.Header {
		if h := http.CanonicalHeaderKey(name); !ownHeader(h) {
			req.Header[h] = values
		}
	}
	if req.Header.Get("Accept") == "" {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", c.agent)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if len(r.Body) > 0 {
		req.Header.Set("Content-Type", r.ContentType)
	}
	return req, nil
}

// ownHeader names headers that a caller may not set: identity, and what would turn the request into another one.
func ownHeader(canonical string) bool {
	switch canonical {
	case "Authorization", "User-Agent", "Content-Type", "Content-Length", "Transfer-Encoding", "Host", "Cookie", "Connection":
		return true
	}
	return strings.HasPrefix(canonical, "X-Http-Method") || canonical == "X-Method-Override"
}

// neverSent tells that the request certainly did not leave: the connection was not made.
func neverSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED)
}

// plainCause takes the address out of a transport error: it is named already, and may hold a query.
func plainCause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// ScopeOf names the scope that covers a path (§2.5), or "".
func ScopeOf(path string) string {
	for _, s := range []struct{ prefix, scope string }{
		{"/service/api/console/gsm", "Console.GSM"},
		{"/service/api/console/access", "Console.Access"},
		{"/service/api/status/gsm", "SkyStatus.GSM"},
		{"/service/api/status/site", "SkyStatus.Site"},
		{"/service/api/status/reporting", "SkyStatus.Reporting"},
		{"/service/api/usage", "SkyStatus.Usage"},
		{"/service/api/ecom/shop", "ECom.Shop"},
		{"/service/api/ecom/licenses", "ECom.Licenses"},
		{"/service/api/ecom/orders", "ECom.Orders"},
		{"/service/api/securecloud", "SecureCloud.Platform"},
		{"/service/api/notifications/subscriptions", "Notifications.Subscriptions"},
	} {
		if strings.HasPrefix(strings.ToLower(path), s.prefix) {
			return s.scope
		}
	}
	return ""
}
