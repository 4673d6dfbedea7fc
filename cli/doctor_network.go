package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
)

// networkCheck tells how the API was reached.
type networkCheck struct {
	Reached bool
	// Milliseconds is how long the answer took, the connection included.
	Milliseconds float64
	// Proxy is the address of the proxy in use, without user and password; empty when there is none.
	Proxy string
	// ClockSkewSeconds is how far the server's clock is ahead of this one; null when it did not tell.
	ClockSkewSeconds *float64
	Text             string
}

// doctorTime bounds one question to the network.
const doctorTime = 20 * time.Second

// checkNetwork asks the API for a sign of life.
func checkNetwork(ctx context.Context, base string) networkCheck {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	c := networkCheck{Proxy: proxyFor(base)}
	clock := &clockTransport{next: plainTransport()}
	defer clock.next.CloseIdleConnections()
	start := time.Now()
	err := unity.Probe(ctx, base, version, &http.Client{Transport: clock})
	c.Milliseconds = float64(time.Since(start).Microseconds()) / 1000
	if skew, ok := clock.skewNow(); ok {
		seconds := skew.Seconds()
		c.ClockSkewSeconds = &seconds
	}
	if err != nil {
		c.Text = unity.Clean(err.Error())
		return c
	}
	c.Reached = true
	return c
}

func plainTransport() *http.Transport {
	return &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 64 << 10}
}

// proxyFor names the proxy of an address. What may be a password is left out, the user's name too.
func proxyFor(base string) string {
	req, err := http.NewRequest(http.MethodGet, base, nil) //nolint:noctx // never sent
	if err != nil {
		return ""
	}
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return "not readable (check HTTPS_PROXY)"
	}
	return proxyText(u)
}

func proxyText(u *url.URL) string {
	if u == nil {
		return ""
	}
	text := unity.Clean(u.Scheme + "://" + u.Host)
	if u.User != nil {
		text += " (with a user, not shown)"
	}
	return text
}

// clockTransport compares the Date of answers with the clock of this machine.
type clockTransport struct {
	next *http.Transport
	mu   sync.Mutex
	skew time.Duration
	ok   bool
}

// RoundTrip sends the request.
func (c *clockTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if skew, ok := skewOf(resp.Header.Get("Date"), sent, time.Now()); ok {
		c.mu.Lock()
		c.skew, c.ok = skew, true
		c.mu.Unlock()
	}
	return resp, nil
}

// skewOf estimates how far the server's clock is ahead. The header has whole seconds and was written between sending and
// receiving, so less than that is no difference.
func skewOf(date string, sent, received time.Time) (time.Duration, bool) {
	at, err := http.ParseTime(date)
	if err != nil {
		return 0, false
	}
	took := received.Sub(sent)
	skew := at.Add(500 * time.Millisecond).Sub(sent.Add(took / 2))
	if skew.Abs() < time.Second+took {
		skew = 0
	}
	return skew.Round(100 * time.Millisecond), true
}

func (c *clockTransport) skewNow() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skew, c.ok
}

// skewWords describes a clock.
func (c *networkCheck) skewWords() string {
	switch {
	case c.ClockSkewSeconds == nil:
		return "not known"
	case *c.ClockSkewSeconds == 0:
		return "agrees with the server's"
	case *c.ClockSkewSeconds > 0:
		return fmt.Sprintf("%.0f s behind the server's", *c.ClockSkewSeconds)
	default:
		return fmt.Sprintf("%.0f s ahead of the server's", -*c.ClockSkewSeconds)
	}
}
