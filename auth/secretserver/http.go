package secretserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/auth"
)

const (
	// maxBody is how much of an answer is read.
	maxBody = 1 << 20
	// expiredText is the one text that makes a 403 mean a dead token; every other
	// 403 is about the secret.
	expiredText = "Authentication failed or expired token."
)

// client sends single requests to one Secret Server. It repeats nothing.
type client struct {
	base      string
	userAgent string
	http      *http.Client
	timeout   time.Duration
	now       func() time.Time
}

// newClient checks the address and makes the HTTP client safe for secrets.
func newClient(o Options) (*client, error) {
	base, err := auth.CheckBaseURL(o.URL)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("the address cannot be read as a URL")
	}
	for _, part := range strings.Split(strings.TrimPrefix(u.Path, "/"), "/") {
		if u.Path != "" && (part == "" || part == "." || part == ".." || auth.HasControl(part)) {
			return nil, errors.New("the virtual directory in the address cannot be used")
		}
	}
	hc := o.HTTP
	if hc == nil {
		hc = &http.Client{Transport: auth.TokenTransport()}
	}
	own := *hc
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client{base: base, userAgent: o.UserAgent, http: &own, timeout: o.Timeout, now: o.Now}, nil
}

// answer is what came back.
type answer struct {
	status     int
	kind       string // media type without parameters, lower case
	body       []byte
	broken     error // the body could not be read to its end
	json       bool  // the body is a JSON value
	code       string
	message    string // sanitised
	rawMessage string // compared, never shown
	location   string // where a redirect leads, sanitised
	header     http.Header
}

// send sends one request. The secrets are taken out of the server's texts. The
// error is an *auth.Error.
func (c *client) send(ctx context.Context, op string, req *http.Request, secrets ...auth.Secret) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("User-Agent", c.userAgent)
	resp, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return answer{}, auth.TransportError(op, err, written.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errors.New("the answer is too large")
	}
	a := answer{status: resp.StatusCode, body: body, broken: err, json: json.Valid(body), header: resp.Header}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	a.kind = strings.ToLower(strings.TrimSpace(kind))
	a.readError(secrets)
	if u, err := resp.Location(); err == nil {
		a.location = auth.Clean(u.Scheme+"://"+u.Host, 100)
	}
	return a, nil
}

// readError takes code and text out of a refusal. The product says "message" in
// its API and "error" at its token endpoint, and some versions mix them.
func (a *answer) readError(secrets []auth.Secret) {
	if a.status == http.StatusOK {
		return
	}
	var m struct {
		Message   json.RawMessage `json:"message"`
		Detail    json.RawMessage `json:"messageDetail"`
		Error     json.RawMessage `json:"error"`
		ErrorCode json.RawMessage `json:"errorCode"`
	}
	if json.Unmarshal(a.body, &m) != nil {
		return
	}
	a.rawMessage = text(m.Message)
	all := a.rawMessage
	for _, more := range []json.RawMessage{m.Detail, m.Error} {
		if t := text(more); t != "" && oauthCode(t) == "" && !strings.Contains(all, t) {
			all = strings.TrimSpace(all + " " + t)
		}
	}
	a.message = auth.Clean(auth.Redact(all, secrets...), 300)
	if a.code = auth.Clean(auth.Redact(text(m.ErrorCode), secrets...), 60); a.code == "" {
		a.code = oauthCode(text(m.Error))
	}
}

// oauthCode returns the codes of RFC 6749 §5.2; anything else is a text.
func oauthCode(s string) string {
	switch s {
	case "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope":
		return s
	}
	return ""
}

// html reports whether a page came back, as the product does on some failures,
// with the status 200.
func (a *answer) html() bool {
	head := bytes.ToLower(bytes.TrimSpace(a.body[:min(len(a.body), 256)]))
	return a.kind == "text/html" || bytes.HasPrefix(head, []byte("<!doctype")) || bytes.HasPrefix(head, []byte("<html"))
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
