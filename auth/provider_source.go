package auth

import (
	"net/http"
	"time"
)

// NewError builds the error of a Provider or of a credential source. The hint
// is one sentence for people and must be sanitised; the causes are matched by
// errors.Is but not printed.
func NewError(op string, class Class, hint string, causes ...error) *Error {
	return fail(op, class, hint, causes...)
}

// TransportError is the error of a request that brought no answer; written says
// whether the request may have reached the server.
func TransportError(op string, err error, written bool) *Error {
	return transportError(op, err, written)
}

// TokenTransport returns a transport for token requests: a fresh connection
// each, TLS 1.2 or newer, the proxy of the environment.
func TokenTransport() *http.Transport { return tokenTransport() }

// Clean turns text from outside into one harmless line of at most limit runes:
// control and format characters become visible.
func Clean(text string, limit int) string { return clean(text, limit) }

// HasControl reports whether text holds characters that move a cursor, hide text
// or turn it round, or is not UTF-8.
func HasControl(text string) bool { return hasControl(text) }

// Redact removes secrets from a text in the spellings in which servers and
// proxies echo them.
func Redact(text string, secrets ...Secret) string { return redact(text, secrets...) }

// CheckBaseURL returns the canonical form of a server's address: https, or http
// for this machine itself; no user name, query or fragment; no trailing slash.
func CheckBaseURL(raw string) (string, error) { return checkBaseURL(raw) }

// ValidToken reports whether a token can stand in an Authorization header.
func ValidToken(token string) bool { return validToken(token) }

// RetryAfter reads a Retry-After header, seconds or a date, held within 0 and
// 300 s; false means that there is none.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	return parseRetryAfter(value, now)
}
