package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// envelopeVersion is the format number of a slot.
const envelopeVersion = 1

// errNewerFormat means that a newer unitty wrote an item; it is left alone.
var errNewerFormat = errors.New("written by a newer version of unitty: update this one")

// bundle is one generation of a chain.
type bundle struct {
	gen       uint64
	access    Secret
	refresh   Secret
	issuedAt  time.Time     // wall clock, when the request was sent
	life      time.Duration // of the access token, from issuedAt
	refreshAt time.Time     // wall clock, when the refresh token was issued
	scope     []string
	// refreshLife is how long the refresh token lives, from refreshAt; zero means
	// what the policy says.
	refreshLife time.Duration
	refreshes   int                        // sent since the sign-in, where the server limits them
	extra       map[string]json.RawMessage // fields of other versions, kept as they are
}

// envelope is the JSON form of a bundle.
type envelope struct {
	Version   int       `json:"v"`
	Key       string    `json:"key"`
	Gen       uint64    `json:"gen"`
	Refresh   string    `json:"refresh_token"`
	Access    string    `json:"access_token,omitempty"`
	IssuedAt  time.Time `json:"issued_at"`
	LifeMS    int64     `json:"life_ms"`
	RefreshAt time.Time `json:"rt_obtained_at"`
	Scope     []string  `json:"scope"`
	RTLifeMS  int64     `json:"rt_life_ms,omitempty"`
	Refreshes int       `json:"refreshes,omitempty"`
	NoRefresh bool      `json:"no_refresh,omitempty"`
}

// encode writes a bundle for the slot named key.
func (b *bundle) encode(key string) ([]byte, error) {
	known, err := json.Marshal(envelope{
		Version: envelopeVersion, Key: key, Gen: b.gen,
		Refresh: b.refresh.Reveal(), Access: b.access.Reveal(),
		IssuedAt: b.issuedAt.UTC(), LifeMS: b.life.Milliseconds(),
		RefreshAt: b.refreshAt.UTC(), Scope: b.scope,
		RTLifeMS: b.refreshLife.Milliseconds(), Refreshes: b.refreshes, NoRefresh: b.refresh.Empty(),
	})
	if err != nil || len(b.extra) == 0 {
		return known, err
	}
	return mergeExtra(known, b.extra)
}

// decodeBundle reads the slot named key. It refuses an item that was written for
// another chain, so that moving items about gains nothing.
func decodeBundle(key string, data []byte) (*bundle, error) {
	var probe struct {
		Version int `json:"v"`
	}
	if err := json.Unmarshal(data, &probe); err != nil {
		return nil, errors.New("a stored sign-in is damaged")
	}
	if probe.Version > envelopeVersion {
		return nil, errNewerFormat
	}
	var e envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, errors.New("a stored sign-in is damaged")
	}
	switch {
	case e.Version != envelopeVersion:
		return nil, fmt.Errorf("a stored sign-in has the unknown format %d", e.Version)
	case e.Key != key:
		return nil, errors.New("a stored sign-in belongs to another account")
	case e.NoRefresh && (e.Refresh != "" || e.Access == ""):
		return nil, errors.New("a stored sign-in holds no token of use")
	case (!e.NoRefresh && !validToken(e.Refresh)) || (e.Access != "" && !validToken(e.Access)):
		return nil, errors.New("a stored sign-in holds an unusable token")
	case e.LifeMS < 0 || e.LifeMS > maxLife.Milliseconds() || e.RTLifeMS < 0 || e.RTLifeMS > maxRefreshLife.Milliseconds():
		return nil, errors.New("a stored sign-in holds an impossible life time")
	case e.Refreshes < 0:
		return nil, errors.New("a stored sign-in holds an impossible count")
	}
	extra, err := extraFields(data, "v", "key", "gen", "refresh_token", "access_token", "issued_at", "life_ms", "rt_obtained_at", "scope",
		"rt_life_ms", "refreshes", "no_refresh")
	if err != nil {
		return nil, err
	}
	return &bundle{
		gen: e.Gen, access: NewSecret(e.Access), refresh: NewSecret(e.Refresh),
		issuedAt: e.IssuedAt, life: time.Duration(e.LifeMS) * time.Millisecond,
		refreshAt: e.RefreshAt, scope: cleanScopes(e.Scope), extra: extra,
		refreshLife: time.Duration(e.RTLifeMS) * time.Millisecond, refreshes: e.Refreshes,
	}, nil
}

// remaining is how long the access token still lives at now. A token that was
// issued in the future comes from a clock that was wrong, so nothing is known.
func (b *bundle) remaining(now time.Time) time.Duration {
	if b == nil || b.access.Empty() || b.issuedAt.After(now.Add(b.life/20)) {
		return 0 // one of two clocks is wrong, and nobody knows how old the token is
	}
	return b.life - max(0, now.Sub(b.issuedAt))
}

// hasScope reports whether the bundle grants a scope; nothing known means no.
func (b *bundle) hasScope(scope string) bool {
	for _, s := range b.scope {
		if s == "*" || strings.EqualFold(s, scope) {
			return true
		}
		ext, dom, ok := strings.Cut(s, ".")
		wantExt, wantDom, ok2 := strings.Cut(scope, ".")
		if ok && ok2 && (ext == "*" || strings.EqualFold(ext, wantExt)) && (dom == "*" || strings.EqualFold(dom, wantDom)) {
			return true
		}
	}
	return false
}

// tokenHash names a token in places that must not hold it: the first eight
// bytes of its SHA-256.
func tokenHash(s Secret) string {
	if s.Empty() {
		return ""
	}
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// extraFields returns the members of a JSON object that are not known here.
func extraFields(data []byte, known ...string) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	for name := range all {
		for _, k := range known {
			// The decoder folds case, so a member in another case is a known one.
			if strings.EqualFold(name, k) {
				delete(all, name)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// mergeExtra adds unknown members to a JSON object.
func mergeExtra(known []byte, extra map[string]json.RawMessage) ([]byte, error) {
	all := maps.Clone(extra)
	if err := json.Unmarshal(known, &all); err != nil {
		return nil, err
	}
	return json.Marshal(all)
}
