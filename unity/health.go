package unity

import (
	"context"
	"net/http"
)

// Ping asks for nothing but an answer: GET /health/ping (§3.19). It needs no token, but like every call it carries one.
func (c *Client) Ping(ctx context.Context) error {
	_, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/service/api/health/ping"})
	return err
}

// Probe tells whether the API answers at all, before anybody signed in: GET /health/ping without a token (§3.19). Any
// documented answer counts, a refusal too.
func Probe(ctx context.Context, baseURL, version string, client *http.Client) error {
	c, err := New(Options{BaseURL: baseURL, Tokens: noToken{}, Version: version, HTTP: client})
	if err != nil {
		return err
	}
	if _, failed := c.exchange(ctx, Request{Method: http.MethodGet, Path: "/service/api/health/ping"}, ""); failed != nil && !failed.documented {
		return failed
	}
	return nil
}

type noToken struct{}

func (noToken) Token(context.Context) (string, error) { return "", ErrUnauthenticated }
func (noToken) Reject(string)                         {}
