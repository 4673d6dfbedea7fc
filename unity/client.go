package unity

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultBaseURL is the vendor's production address (§1.1).
const DefaultBaseURL = "https://unityapi.webrootcloudav.com"

// TokenSource hands out access tokens. It is called for every request, so it must be quick when it has one.
type TokenSource interface {
	// Token gives a token that is good for at least the next moments.
	Token(ctx context.Context) (string, error)
	// Reject says that the server did not accept this token; the next Token call must not return it.
	Reject(token string)
}

// ScopeSource is a TokenSource that can ask for a further scope.
type ScopeSource interface {
	// Widen asks once for the scope; an error means that the scope is refused and the token is as it was.
	Widen(ctx context.Context, scope string) error
}

// AcceptSource is a TokenSource that is told which of its tokens the server takes, so that it can tell a refusal that
// happens now and then from an account that is closed.
type AcceptSource interface {
	// Accept says that a call with this token was answered with 2xx. It is called often and must be quick.
	Accept(token string)
}

// Observer is told of every attempt, after it ended. It must not block.
type Observer func(Attempt)

// Attempt is one HTTP exchange, for the live pane and the debug log. It never holds a token.
type Attempt struct {
	At           time.Time
	Method, Path string
	Status       int
	Took         time.Duration
	RequestID    string
	// Body is the request's body, of a change.
	Body []byte
	Err  error
	// Retry is the number of attempts before this one.
	Retry int
}

// Options configure a Client.
type Options struct {
	// BaseURL is the API's origin; http is allowed on loopback only.
	BaseURL string
	// GSMKey is the console's keycode.
	GSMKey Keycode
	Tokens TokenSource
	// Version goes into the User-Agent, which the vendor asks for (§1.2).
	Version string
	// Timeout bounds one call, retries not included; 0 means 30 seconds.
	Timeout time.Duration
	// HTTP replaces the transport; nil means one of our own.
	HTTP *http.Client
	// Observe is told of every attempt.
	Observe Observer
	// ReadOnly refuses every change.
	ReadOnly bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	base     *url.URL
	key      Keycode
	tokens   TokenSource
	agent    string
	timeout  time.Duration
	http     *http.Client
	observe  Observer
	readOnly bool
	now      func() time.Time
	limit    *limiter
	accepted atomic.Uint64 // calls that the server answered with 2xx

	mu     sync.Mutex
	skew   time.Duration
	skewed bool
	widen  map[string]*widening // what asking for a scope came to; asked once
}

// ParseBaseURL checks an origin: https, or http on loopback; no user info, no query.
func ParseBaseURL(s string) (*url.URL, error) {
	// The text is not repeated in errors: a mistyped address may hold a password.
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(s), "/"))
	switch {
	case err != nil:
		return nil, errors.New("the base URL is not readable")
	case u.User != nil || strings.Contains(u.Opaque, "@"):
		return nil, errors.New("base URL: user and password do not belong into an address")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the base URL has no host; it looks like " + DefaultBaseURL)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the base URL has a query")
	}
	if u.Path != "" {
		if _, err := cleanPath(u.EscapedPath()); err != nil {
			return nil, fmt.Errorf("base URL: %w", err)
		}
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("base URL: %q has to be reached by https (http is for loopback only)", Clean(u.Host))
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// New makes a client.
func New(o Options) (*Client, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	base, err := ParseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	if o.Tokens == nil {
		return nil, errors.New("unity: no token source")
	}
	c := &Client{base: base, key: o.GSMKey, tokens: o.Tokens, agent: UserAgent(o.Version), timeout: o.Timeout,
		http: o.HTTP, observe: o.Observe, readOnly: o.ReadOnly, now: o.Now, widen: map[string]*widening{}}
	if c.timeout <= 0 {
		c.timeout = 30 * time.Second
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.http == nil {
		c.http = &http.Client{Transport: newTransport()}
	}
	c.limit = newLimiter()
	// A redirect would carry the token to wherever it points; the API documents none.
	plain := *c.http
	plain.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &plain
	return c, nil
}

// UserAgent is the product token that identifies unitty to the vendor.
func UserAgent(version string) string {
	if version == "" {
		version = "0"
	}
	return "unitty/" + strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return r
		}
		return '.'
	}, version)
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    maxParallel,
		MaxConnsPerHost:        2 * maxParallel,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  0, // the call's own deadline holds
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// Key is the console's keycode.
func (c *Client) Key() Keycode { return c.key }

// BaseURL is the API's origin.
func (c *Client) BaseURL() string { return c.base.String() }

// ReadOnly tells that changes are refused.
func (c *Client) ReadOnly() bool { return c.readOnly }

// Parallel is how many calls may be in flight now.
func (c *Client) Parallel() int { return c.limit.parallel() }

// Now is the present by the server's clock, as far as its Date header told.
func (c *Client) Now() time.Time {
	skew, _ := c.Skew()
	return c.now().Add(skew)
}

// Skew is how far the server's clock is ahead of ours; ok is false before the first answer.
func (c *Client) Skew() (skew time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.skewed
}

func (c *Client) learnSkew(date string, sent, received time.Time) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	// The header has whole seconds and was written somewhere between sending and receiving.
	// It is told from the receiving, since our clock may have been set meanwhile.
	skew := at.Add(500 * time.Millisecond).Sub(received.Add(-received.Sub(sent) / 2))
	c.mu.Lock()
	defer c.mu.Unlock()
	// An answer tells it to a second and the time of a call at best. While what was told before is as good, Now must not jump: who
	// compares two readings would take the later one for the earlier.
	if (skew - c.skew).Abs() >= time.Second+received.Sub(sent) {
		c.skew = skew
	}
	c.skewed = true
}

// gsmPath is the address of the console, or below it.
func (c *Client) gsmPath(parts ...string) string {
	var b strings.Builder
	b.WriteString("/service/api/console/gsm/" + url.PathEscape(c.key.String()))
	for _, p := range parts {
		b.WriteString("/" + url.PathEscape(p))
	}
	return b.String()
}
