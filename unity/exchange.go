package unity

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

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
	case r.Method != http.MethodGet && resp.StatusCode != http.StatusNoContent && isPage(resp, body):
		// A portal says 200 to anything; whether the change went through behind it, nobody knows.
		out.Kind, out.Err = ErrProtocol, errors.New("a web page came back where the API answers with JSON or nothing")
		return nil, out
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// isPage tells a web page from an answer of the API.
func isPage(resp *http.Response, body []byte) bool {
	start := strings.ToLower(string(bytes.TrimSpace(body[:min(len(body), 256)])))
	return strings.Contains(strings.ToLower(resp.Header.Get("Content-Type")), "html") && start != "" ||
		strings.HasPrefix(start, "<!doctype") || strings.HasPrefix(start, "<html")
}

func (c *Client) fillError(e *Error, resp *http.Response, body []byte) {
	parsed := parseErrorBody(body)
	e.Code, e.RequestID, e.Additional, e.documented = parsed.code, parsed.requestID, parsed.additional, parsed.known
	e.Description = NewText(parsed.description)
	e.RetryAfter = parseRetryAfter(resp.Header.Get("Retry-After"), c.Now())
	e.Kind = statusKind(resp.StatusCode, parsed.code)
	switch {
	case errors.Is(e.Kind, ErrScope):
		e.Scope = ScopeOf(e.Path)
	case errors.Is(e.Kind, ErrProtocol) && resp.StatusCode/100 == 3:
		e.Err = errors.New("a redirect, which the API does not document: a proxy or portal answers in its place")
	case !parsed.known && e.Description.Empty():
		e.Err = errors.New("the body is not the API's error document: a gateway or proxy may have answered")
	}
}

func (c *Client) build(ctx context.Context, r Request, token string) (*http.Request, error) {
	target := c.base.Scheme + "://" + c.base.Host + strings.TrimRight(c.base.EscapedPath(), "/") + r.Path
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
		if h := http.CanonicalHeaderKey(name); !OwnHeader(h) {
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

// OwnHeader names headers, in canonical form, that a caller may not set: identity, and what would turn the request into
// another one.
func OwnHeader(canonical string) bool {
	switch canonical {
	case "Authorization", "Proxy-Authorization", "User-Agent", "Host", "Cookie",
		"Content-Type", "Content-Length", "Content-Encoding", "Accept-Encoding",
		"Transfer-Encoding", "Te", "Trailer", "Connection", "Upgrade", "Expect",
		"X-Method-Override", "X-Original-Url", "X-Rewrite-Url":
		return true
	case "Idempotency-Key", "X-Idempotency-Key":
		// With these net/http itself sends a change again when a connection breaks.
		return true
	}
	return strings.HasPrefix(canonical, "X-Http-Method")
}

// neverSent tells that the request certainly did not leave: the connection was not made.
func neverSent(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	var cert *tls.CertificateVerificationError
	if errors.As(err, &cert) {
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
