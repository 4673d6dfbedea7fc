package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// maxRedirect is the longest redirect address that is looked at.
const maxRedirect = 32 << 10

// Authorization is one sign-in by authorization code (vendor guide, "Access
// Token Request", grant type authorization_code): a person opens URL in any
// browser, agrees there, and brings back the address that the browser ended at.
// It serves one sign-in. This way is built from the documentation and has not
// been verified against the real service.
type Authorization struct {
	endpoint string // address of the page without its query
	clientID string
	redirect *url.URL
	scope    []string
	state    string
}

// NewAuthorization prepares a sign-in with a fresh random state. The redirect
// address is the one that is registered with the API client, see
// CheckRedirectURI; scopes with a wildcard are left out, since this grant takes
// none, and no scope means DefaultScope.
func NewAuthorization(acct Account, redirectURI string, scope []string) (*Authorization, error) {
	acct, err := acct.normalise()
	if err != nil {
		return nil, err
	}
	redirect, err := parseRedirectURI(redirectURI)
	if err != nil {
		return nil, err
	}
	scope = cleanScopes(scope)
	if len(scope) == 0 {
		scope = DefaultScope()
	}
	scope = slices.DeleteFunc(scope, func(s string) bool { return strings.Contains(s, "*") })
	if len(scope) == 0 {
		return nil, errors.New("the authorization code grant takes no scope with a wildcard: name the scopes one by one")
	}
	random := make([]byte, 24)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	return &Authorization{endpoint: acct.BaseURL + "/auth/authorize", clientID: acct.ClientID, redirect: redirect, scope: scope,
		state: base64.RawURLEncoding.EncodeToString(random)}, nil
}

// URL is the address to open in a browser.
func (a *Authorization) URL() string {
	q := url.Values{"client_id": {a.clientID}, "response_type": {"code"}, "redirect_uri": {a.redirect.String()},
		"state": {a.state}, "scope": {strings.Join(a.scope, " ")}}
	return a.endpoint + "?" + q.Encode()
}

// CheckRedirectURI tells what is wrong with a redirect address. It has to be
// absolute, https except on this machine itself, without user, fragment and the
// parameters that the answer adds.
func CheckRedirectURI(redirectURI string) error {
	_, err := parseRedirectURI(redirectURI)
	return err
}

func parseRedirectURI(raw string) (*url.URL, error) {
	if raw == "" {
		return nil, errors.New("the redirect address is missing: give the one that is registered with the API client")
	}
	u, err := url.Parse(raw)
	if err != nil || hasControl(raw) || strings.Contains(raw, " ") {
		return nil, errors.New("the redirect address cannot be read as a URL")
	}
	q, qerr := url.ParseQuery(u.RawQuery)
	switch {
	case u.Hostname() == "":
		return nil, errors.New("the redirect address has to be absolute, with a host")
	case u.User != nil:
		return nil, errors.New("the redirect address must not contain a user name or password")
	case strings.Contains(raw, "#"):
		return nil, errors.New("the redirect address must not contain a fragment")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the redirect address must start with https://")
	case u.Scheme == "http" && !isLoopback(strings.ToLower(u.Hostname())):
		return nil, errors.New("the redirect address is http on another machine, which would show the code to the network: use https")
	case qerr != nil:
		return nil, errors.New("the query of the redirect address cannot be read")
	}
	for _, name := range []string{"code", "state", "error", "error_description"} {
		if q.Has(name) {
			return nil, errors.New("the redirect address must not contain " + name + ": the server adds it")
		}
	}
	return u, nil
}

// codeGrant is what came back from the browser.
type codeGrant struct {
	code     Secret
	redirect string
	scope    []string
}

// answer reads the address that the browser ended at. It is believed only when
// it is the registered redirect address with the state of this sign-in.
func (a *Authorization) answer(pasted string) (codeGrant, error) {
	no := func(hint string) (codeGrant, error) {
		return codeGrant{}, fail("sign in", ClassGrant, hint, ErrNeedsLogin)
	}
	pasted = strings.Trim(strings.TrimSpace(pasted), "\"'<>")
	if pasted == "" {
		return no("nothing was pasted: copy the whole address out of the browser's address bar")
	}
	u, err := url.Parse(pasted)
	if err != nil || len(pasted) > maxRedirect || u.Hostname() == "" || hasControl(pasted) {
		return no("what was pasted is not an address: copy the whole address out of the browser's address bar")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return no("the query of the pasted address cannot be read: copy it whole")
	}
	if !a.leadsTo(u, q) {
		return no("the pasted address belongs to " + clean(u.Scheme+"://"+u.Host, 100) + " and is not the redirect address of this sign-in, " +
			clean(a.redirect.Scheme+"://"+a.redirect.Host+a.redirect.EscapedPath(), 200))
	}
	for _, name := range []string{"code", "state", "error"} {
		if len(q[name]) > 1 {
			return no("the pasted address has " + name + " more than once: it may have been tampered with")
		}
	}
	refusal := q.Get("error")
	// A server that could not read the request may refuse it without a state.
	stateless := refusal != "" && !q.Has("state")
	if !stateless && subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) != 1 {
		return no("the pasted address belongs to another sign-in: its state is not the one of this one; start again and use the new address")
	}
	if refusal != "" {
		return codeGrant{}, refusedAuthorization(refusal, q.Get("error_description"))
	}
	code := q.Get("code")
	if !validToken(code) {
		return no("the pasted address holds no usable code: copy it whole")
	}
	return codeGrant{code: NewSecret(code), redirect: a.redirect.String(), scope: slices.Clone(a.scope)}, nil
}

// leadsTo reports whether u is the registered redirect address, to which the
// server may only have added parameters.
func (a *Authorization) leadsTo(u *url.URL, q url.Values) bool {
	own := a.redirect
	path := func(u *url.URL) string {
		if p := u.EscapedPath(); p != "" {
			return p
		}
		return "/"
	}
	port := func(u *url.URL) string {
		if p := u.Port(); p != "" {
			return p
		}
		return map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if u.User != nil || u.Scheme != own.Scheme || !strings.EqualFold(u.Hostname(), own.Hostname()) || port(u) != port(own) || path(u) != path(own) {
		return false
	}
	for name, values := range own.Query() {
		if !slices.Equal(q[name], values) {
			return false
		}
	}
	return true
}

// refusedAuthorization is the server's no, in its words (RFC 6749 §4.1.2.1).
func refusedAuthorization(code, description string) *Error {
	var e *Error
	switch strings.ToLower(code) {
	case "access_denied":
		e = fail("sign in", ClassGrant, "the sign-in was declined in the browser", ErrNeedsLogin)
	case "unauthorized_client", "unsupported_response_type":
		e = fail("sign in", ClassClient, "this API client may not sign in by authorization code")
	case "invalid_scope":
		e = fail("sign in", ClassScope, "the server refused the scopes that were asked for")
	case "server_error", "temporarily_unavailable":
		e = fail("sign in", ClassTransient, "the sign-in server has trouble: try again later")
	default:
		e = fail("sign in", ClassProtocol, "the sign-in server refused the request for a code")
	}
	e.Code, e.Description = clean(code, 40), clean(description, 300)
	return e
}

// SignInWithCode is SignIn with what a browser brought back: pasted is the
// address that it ended at, which is checked against the authorization before
// anything is sent. The code is sent once and never again, whatever the answer,
// because servers take a second use for theft. An empty client secret means the
// one of the engine's options. The error matches ErrNeedsLogin when the address
// or the code is refused, and ErrProtocol when the provider has no such grant.
func (e *Engine) SignInWithCode(ctx context.Context, clientSecret Secret, a *Authorization, pasted string) error {
	if _, ok := e.prov.(CodeProvider); !ok {
		return fail("sign in", ClassProtocol, "there is no sign-in by authorization code here")
	}
	if a.clientID != e.acct.ClientID || a.endpoint != e.acct.BaseURL+"/auth/authorize" {
		return ErrOtherAccount
	}
	if clientSecret.Empty() {
		clientSecret = e.overriding()
	}
	if clientSecret.Empty() {
		return fail("sign in", ClassClient, "the client secret is missing")
	}
	g, err := a.answer(pasted)
	if err != nil {
		return err
	}
	return e.detached(ctx, func() error {
		return e.signInLocked(opening{Credentials: Credentials{ClientSecret: clientSecret}, code: &g})
	})
}

// codeGranted trades the code of an opening for tokens, once.
func (e *Engine) codeGranted(ctx context.Context, client Client, g codeGrant) (Grant, []string, error) {
	prov, ok := e.prov.(CodeProvider)
	if !ok {
		return Grant{}, nil, fail("sign in", ClassProtocol, "there is no sign-in by authorization code here")
	}
	rctx, cancel := context.WithTimeout(ctx, e.pol.RequestTimeout)
	defer cancel()
	grant, err := prov.Code(rctx, client, g.code, g.redirect, g.scope)
	if err == nil || !grant.Refresh.Empty() {
		return grant, g.scope, nil
	}
	failure := asError("sign in", err)
	failure.Op = "sign in"
	if failure.Class == ClassGrant {
		failure.kinds = append(failure.kinds, ErrNeedsLogin)
	}
	return Grant{}, nil, failure
}
