package unitytest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"time"
)

// chain is one sign-in and all tokens that grew out of it.
type chain struct {
	user     *user
	clientID string
	born     time.Time
	revoked  bool
	current  string // the refresh token that is good
	access   []string
}

type accessToken struct {
	chain   *chain
	scopes  []string
	expires time.Time
	revoked bool
}

type refreshToken struct {
	chain   *chain
	expires time.Time
	spent   bool
}

type tokenStore struct {
	access  map[string]*accessToken
	refresh map[string]*refreshToken
	codes   map[string]authCode
}

type authCode struct {
	user *user
	// clientID and redirect are what the code was asked for with; it is good for nothing else.
	clientID, redirect string
	scope              string
	expires            time.Time
}

func newTokenStore() *tokenStore {
	return &tokenStore{access: map[string]*accessToken{}, refresh: map[string]*refreshToken{}, codes: map[string]authCode{}}
}

// randomBytes is not seeded: a token that could be told from the seed would
// let a test pass with a token that was never issued.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // Never fails, by the documentation of crypto/rand.
	return b
}

// issue makes an access token and, unless keepRefresh is set, a refresh token
// that replaces the current one of the chain.
func (t *tokenStore) issue(ch *chain, scopes []string, now time.Time, o Options, absolute, keepRefresh bool) (access, refresh string) {
	t.prune(now)
	access = "AQ" + base64.RawURLEncoding.EncodeToString(randomBytes(33))
	t.access[access] = &accessToken{chain: ch, scopes: scopes, expires: now.Add(o.AccessTTL)}
	ch.access = append(ch.access, access)
	if keepRefresh {
		return access, ""
	}
	if old := t.refresh[ch.current]; old != nil {
		old.spent = true
	}
	refresh = hex.EncodeToString(randomBytes(16))
	from := now
	if absolute {
		from = ch.born
	}
	t.refresh[refresh] = &refreshToken{chain: ch, expires: from.Add(o.RefreshTTL)}
	ch.current = refresh
	return access, refresh
}

// prune forgets tokens that have been expired for a day, now and then.
func (t *tokenStore) prune(now time.Time) {
	if len(t.access)%1024 != 1023 {
		return
	}
	for k, a := range t.access {
		if now.Sub(a.expires) > 24*time.Hour {
			delete(t.access, k)
		}
	}
	for k, r := range t.refresh {
		if now.Sub(r.expires) > 24*time.Hour {
			delete(t.refresh, k)
		}
	}
}

func (t *tokenStore) revokeUser(u *user) {
	for _, a := range t.access {
		if a.chain.user == u {
			a.chain.revoked = true
		}
	}
	for _, r := range t.refresh {
		if r.chain.user == u {
			r.chain.revoked = true
		}
	}
}

// revokeAccess ends the access tokens of a chain but not its refresh token.
func (t *tokenStore) revokeAccess(ch *chain) {
	for _, token := range ch.access {
		if a := t.access[token]; a != nil {
			a.revoked = true
		}
	}
	ch.access = nil
}
