package auth

import (
	"context"
	"time"
)

// Client is the API client that a token request authenticates as.
type Client struct {
	// ID is the client id, sent as it is.
	ID string
	// Secret is the client secret, sent as it is.
	Secret Secret
}

// Grant is a successful answer of a token endpoint.
type Grant struct {
	// Access is the bearer token.
	Access Secret
	// Refresh is the next refresh token; empty means that the old one stays.
	Refresh Secret
	// Life is how long the access token lives, counted from SentAt.
	Life time.Duration
	// SentAt is the wall-clock time at which the request left.
	SentAt time.Time
	// Scope is what was granted; nil when the server did not say.
	Scope []string
	// RefreshLife is how long the refresh token lives unused, counted from SentAt;
	// zero means what the policy says.
	RefreshLife time.Duration
}

// Provider speaks to one kind of token endpoint. Its errors are *Error values.
// A provider must never repeat a request by itself. When an answer is broken but
// holds a refresh token, it returns the Grant with that token and the error
// together, so that the token can be saved.
type Provider interface {
	// Password trades a user's password for tokens.
	Password(ctx context.Context, c Client, username string, password Secret, scope []string) (Grant, error)
	// Refresh trades a refresh token for the next pair.
	Refresh(ctx context.Context, c Client, refresh Secret, scope []string) (Grant, error)
}

// CodeProvider is a Provider that takes authorization codes too.
type CodeProvider interface {
	Provider
	// Code trades an authorization code for tokens. The redirect address is the
	// one that the code was asked for with.
	Code(ctx context.Context, c Client, code Secret, redirectURI string, scope []string) (Grant, error)
}

// Policy holds the timing of an engine. Times that depend on a token are
// fractions of the life that the server states. The zero value of each field
// means its default.
type Policy struct {
	// RefreshFrom and RefreshTo are the fractions of a token's life between which
	// it is refreshed ahead of time, at random. Defaults 0.70 and 0.80.
	RefreshFrom, RefreshTo float64
	// Floor is the fraction of its life that a token must have left to be handed
	// out. Default 0.05.
	Floor float64
	// LockWait bounds the wait for other processes. Default 20 s.
	LockWait time.Duration
	// RequestTimeout bounds one token request. Default 15 s.
	RequestTimeout time.Duration
	// StoreTimeout bounds one access to the store. Default 10 s.
	StoreTimeout time.Duration
	// Tick is how often the wall clock and the other processes are looked at, at
	// most; short-lived tokens are watched more often. Default 15 s.
	Tick time.Duration
	// RefreshLife is how long a refresh token lives unused. Default 14 days.
	RefreshLife time.Duration
	// ResumeJitter spreads the processes that wake up together after a suspend.
	// Default 2 s.
	ResumeJitter time.Duration
	// Counted is set for servers that allow only so many refreshes per sign-in;
	// nil means that a chain can be refreshed for ever.
	Counted *Counted
	// NoClient is set for servers that know no API clients; then no client secret
	// is asked for, sent or stored.
	NoClient bool
}

// withDefaults fills in what is not set.
func (p Policy) withDefaults() Policy {
	setF := func(v *float64, def float64) {
		if *v <= 0 || *v >= 1 {
			*v = def
		}
	}
	setD := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	setF(&p.RefreshFrom, 0.70)
	setF(&p.RefreshTo, 0.80)
	if p.RefreshTo < p.RefreshFrom {
		p.RefreshTo = p.RefreshFrom
	}
	setF(&p.Floor, 0.05)
	setD(&p.LockWait, 20*time.Second)
	setD(&p.RequestTimeout, 15*time.Second)
	setD(&p.StoreTimeout, 10*time.Second)
	setD(&p.Tick, 15*time.Second)
	setD(&p.RefreshLife, 14*24*time.Hour)
	setD(&p.ResumeJitter, 2*time.Second)
	return p
}
