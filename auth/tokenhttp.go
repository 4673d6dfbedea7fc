package auth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// maxTokenBody is how much of an answer of the token endpoint is read.
const maxTokenBody = 1 << 20

// UnityProvider speaks to the token endpoint of the Unity API, POST /auth/token
// (vendor guide, "Authentication Flow").
type UnityProvider struct {
	base      string
	userAgent string
	client    *http.Client
	now       func() time.Time
}

// NewUnityProvider returns a provider for the API at baseURL. A nil client means
// an own one; a given client is copied, and the copy follows no redirects, since
// a 307 would send the refresh token to another address.
func NewUnityProvider(baseURL, userAgent string, client *http.Client, now func() time.Time) (*UnityProvider, error) {
	base, err := checkBaseURL(baseURL)
	if err != nil {
		return nil, err
	}
	if client == nil {
		client = &http.Client{Transport: tokenTransport()}
	}
	own := *client
	own.Jar = nil
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if userAgent == "" {
		userAgent = "unitty/dev"
	}
	if now == nil {
		now = time.Now
	}
	return &UnityProvider{base: base, userAgent: userAgent, client: &own, now: now}, nil
}

// tokenTransport opens a fresh connection for each request: a token request on
// a connection that died meanwhile would be an ambiguous failure for nothing.
func tokenTransport() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Password trades user name and password for tokens.
func (p *UnityProvider) Password(ctx context.Context, c Client, username string, password Secret, scope []string) (Grant, error) {
	form := url.Values{"grant_type": {"password"}, "username": {username}, "password": {password.Reveal()}, "scope": {strings.Join(scope, " ")}}
	return p.post(ctx, "sign in", c, form, NewSecret(username), password)
}

// Refresh trades a refresh token for the next pair.
func (p *UnityProvider) Refresh(ctx context.Context, c Client, refresh Secret, scope []string) (Grant, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}, "scope": {strings.Join(scope, " ")}}
	return p.post(ctx, "refresh", c, form, refresh)
}

// Code trades an authorization code for tokens (vendor guide, "Access Token
// Request"). Unverified against the real service.
func (p *UnityProvider) Code(ctx context.Context, c Client, code Secret, redirectURI string, scope []string) (Grant, error) {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code.Reveal()}, "redirect_uri": {redirectURI}, "scope": {strings.Join(scope, " ")}}
	return p.post(ctx, "sign in", c, form, code)
}

func (p *UnityProvider) post(ctx context.Context, op string, c Client, form url.Values, secrets ...Secret) (Grant, error) {
	basic := base64.StdEncoding.EncodeToString([]byte(c.ID + ":" + c.Secret.Reveal()))
	secrets = append(secrets, c.Secret, NewSecret(basic))
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return Grant{}, fail(op, ClassProtocol, "the API address cannot be used")
	}
	req.Header.Set("Authorization", "Basic "+basic)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("User-Agent", p.userAgent)
	sentAt := p.now().Round(0)
	resp, err := p.client.Do(req)
	if err != nil {
		return Grant{}, transportError(op, err, written.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, maxTokenBody+1))
	if len(body) > maxTokenBody {
		readErr = errors.New("the answer is too large")
	}
	answer := parseTokenAnswer(body)
	if resp.StatusCode == http.StatusOK {
		return p.success(op, answer, readErr, sentAt)
	}
	e := classify(op, form.Get("grant_type"), resp, answer, p.now())
	e.Description = clean(redact(e.Description, secrets...), 300)
	return Grant{}, e
}

// success reads a 200. A refresh token in it is handed on even when the rest is
// unusable: the server has already forgotten the one before.
func (p *UnityProvider) success(op string, a tokenAnswer, readErr error, sentAt time.Time) (Grant, error) {
	g, err := a.grant(sentAt)
	if err == nil {
		return g, nil
	}
	if readErr != nil {
		return g, fail(op, ClassAmbiguous, "the answer of the sign-in server broke off")
	}
	if g.Refresh.Empty() && !a.json {
		return g, withStatus(fail(op, ClassProtocol, "the address answered with a page instead of a token; check the base URL, and whether a proxy or a captive portal is in the way"), 200)
	}
	return g, withStatus(fail(op, ClassProtocol, "the sign-in server's answer cannot be used: "+err.Error()), 200)
}

func withStatus(e *Error, status int) *Error {
	e.Status = status
	return e
}

// transportError tells apart what certainly did not arrive from what may have.
func transportError(op string, err error, written bool) *Error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // its text repeats the address, which the user knows
	}
	var (
		unknownCA x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &verify), errors.As(err, &unknownCA), errors.As(err, &host), errors.As(err, &invalid):
		return fail(op, ClassSecurity, "the server's certificate was not accepted: "+clean(err.Error(), 200)+"; a proxy that opens TLS needs its certificate in the system's store")
	case written:
		return fail(op, ClassAmbiguous, "the connection broke before the answer arrived: "+clean(err.Error(), 200))
	case errors.Is(err, context.DeadlineExceeded):
		return fail(op, ClassTransient, "the sign-in server did not answer in time")
	default:
		return fail(op, ClassTransient, "the sign-in server cannot be reached: "+clean(err.Error(), 200))
	}
}

// migrationHint names the known reason for a 400 on a password that is right. The likely reason stands before it.
const migrationHint = "after a move to OpenText Secure Cloud a console needs a new API client"

// classify turns an answer that is not a success into an Error.
func classify(op, grantType string, resp *http.Response, a tokenAnswer, now time.Time) *Error {
	class, hint := classOf(resp.StatusCode, a.code), ""
	password, code := grantType == "password", grantType == "authorization_code"
	switch class {
	case ClassGrant:
		hint = "the server no longer accepts the saved sign-in"
		if password {
			hint = "user name or password is incorrect"
		}
		if code {
			hint = "the code was refused: it works once and for a short time; start again"
		}
	case ClassClient:
		hint = "the client id or client secret was refused (" + clean(a.code, 40) + ")"
		if code && !strings.EqualFold(a.code, "invalid_client") {
			hint = "the server or this API client takes no authorization codes"
		}
	case ClassScope:
		hint = "the user may not have a scope that was asked for"
	case ClassProtocol:
		hint = protocolHint(resp)
	case ClassTransient:
		hint = "the sign-in server asks to wait"
	case ClassAmbiguous:
		hint = "the sign-in server had an internal error"
	}
	if password && resp.StatusCode == http.StatusBadRequest && (class == ClassGrant || class == ClassProtocol || class == ClassClient) {
		hint += "; " + migrationHint
	}
	e := fail(op, class, hint)
	if class == ClassGrant && password {
		e.kinds = append(e.kinds, ErrWrongPassword)
	}
	e.Status, e.Code, e.Description, e.RequestID = resp.StatusCode, clean(a.code, 40), a.description, clean(a.requestID, 64)
	if wait, ok := parseRetryAfter(resp.Header.Get("Retry-After"), now); ok && (class == ClassTransient || class == ClassAmbiguous) {
		e.NotBefore = now.Add(wait).Round(0)
	}
	return e
}

// classOf is the table of statuses and codes.
func classOf(status int, code string) Class {
	switch {
	case status == 429 || status == 503 || status == 408:
		return ClassTransient // an overload answer means that nothing was done
	case status == 501 || status == 505:
		return ClassProtocol
	case status >= 500:
		return ClassAmbiguous
	case status != 400 && status != 401 && status != 403:
		return ClassProtocol
	}
	switch strings.ToLower(code) {
	case "invalid_grant":
		return ClassGrant
	case "invalid_client", "unauthorized_client", "unsupported_grant_type":
		return ClassClient
	case "invalid_scope":
		return ClassScope
	default:
		return ClassProtocol
	}
}

func protocolHint(resp *http.Response) string {
	switch s := resp.StatusCode; {
	case s >= 300 && s < 400:
		target := "another address"
		if u, err := resp.Location(); err == nil {
			target = clean(u.Scheme+"://"+u.Host, 100)
		}
		return "the address redirects to " + target + ", which is not followed; check the base URL"
	case s == 404 || s == 405 || s == 501:
		return "there is no sign-in at this address; check the base URL"
	case s == 403:
		return "a gateway in front of the server refused the request"
	default:
		return "the server refused the request without saying which item is wrong; check the client id, the client secret, the user name and the password"
	}
}

// parseRetryAfter reads seconds or an HTTP date, held within 0 and 300 s.
func parseRetryAfter(v string, now time.Time) (time.Duration, bool) {
	v = strings.TrimSpace(v)
	if v == "" {
		return 0, false
	}
	wait := time.Duration(0)
	if secs, err := strconv.ParseInt(v, 10, 64); err == nil {
		wait = time.Duration(max(0, min(secs, 300))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		wait = at.Sub(now)
	} else {
		return 0, false
	}
	return max(0, min(wait, 300*time.Second)), true
}
