package secretserver

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/auth"
)

const (
	// refreshGrace is how much longer than the API session timeout a refresh token
	// lives (Delinea, "Enabling Refresh Tokens for Web Services").
	refreshGrace = 15 * time.Minute
	// maxAccessLife is the longest life of an access token that is believed; an
	// unlimited session timeout states far more.
	maxAccessLife = 24 * time.Hour
	// maxTimeout is the longest session timeout that is believed.
	maxTimeout = 366 * 24 * time.Hour
)

// noRefresh says why a session cannot be kept, by the names of the settings.
const noRefresh = `Secret Server issued no refresh token, so the session ends with its access token: an administrator has to switch on ` +
	`"Enable Refresh Tokens for Web Services" (Admin > Configuration > General), and the API session timeout must not be unlimited`

// policy is how Secret Server's tokens are treated. Since refreshes are counted,
// they are made late in a token's life.
func policy(maxRefreshes int, timeout time.Duration) auth.Policy {
	return auth.Policy{
		RefreshFrom: 0.88, RefreshTo: 0.94, RequestTimeout: timeout, NoClient: true,
		Counted: &auth.Counted{Max: maxRefreshes, Server: "Secret Server", NoRefresh: noRefresh},
	}
}

// provider speaks to the token endpoint, POST {base}/oauth2/token. It implements
// auth.Provider; client and scope mean nothing to Secret Server.
type provider struct {
	client *client
	domain string
}

// otpMark stands between password and one-time code in the value that the engine
// carries. Both belong to one attempt: the engine never repeats a refused one,
// and a right password with another code is another attempt.
const otpMark = "\x00"

func joinOTP(password, otp auth.Secret) auth.Secret {
	if otp.Empty() {
		return password
	}
	return auth.NewSecret(password.Reveal() + otpMark + otp.Reveal())
}

// Password trades user name and password, with domain and one-time code if there
// are any, for tokens.
func (p *provider) Password(ctx context.Context, _ auth.Client, username string, password auth.Secret, _ []string) (auth.Grant, error) {
	secret, otp, _ := strings.Cut(password.Reveal(), otpMark)
	user, _ := splitUser(username, "")
	form := url.Values{"grant_type": {"password"}, "username": {user}, "password": {secret}}
	if p.domain != "" {
		form.Set("domain", p.domain)
	}
	return p.post(ctx, "sign in", form, otp, auth.NewSecret(secret), auth.NewSecret(otp))
}

// Refresh trades a refresh token for the next pair.
func (p *provider) Refresh(ctx context.Context, _ auth.Client, refresh auth.Secret, _ []string) (auth.Grant, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}}
	return p.post(ctx, "refresh", form, "", refresh)
}

func (p *provider) post(ctx context.Context, op string, form url.Values, otp string, secrets ...auth.Secret) (auth.Grant, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.client.base+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return auth.Grant{}, auth.NewError(op, auth.ClassProtocol, "the address of Secret Server cannot be used")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if otp != "" {
		req.Header.Set("OTP", otp)
	}
	sentAt := p.client.now().Round(0)
	a, err := p.client.send(ctx, op, req, secrets...)
	if err != nil {
		return auth.Grant{}, err
	}
	if a.status == http.StatusOK {
		return tokens(op, a, sentAt)
	}
	return auth.Grant{}, classify(op, a, form.Get("grant_type") == "password", p.client.now())
}

// tokens reads a 200. A refresh token in it is handed on even when the rest is
// unusable: the server has already forgotten the one before.
func tokens(op string, a answer, sentAt time.Time) (auth.Grant, error) {
	g, err := parseTokens(a.body, sentAt)
	switch {
	case err == nil && a.broken == nil:
		return g, nil
	case a.broken != nil:
		return g, auth.NewError(op, auth.ClassAmbiguous, "the answer of Secret Server broke off or is too large")
	}
	hint := "the answer of Secret Server cannot be used: " + err.Error()
	if a.html() || !a.json {
		hint = "the address answered with a page instead of a token; check the address and its virtual directory, and whether Secret Server is being upgraded"
	}
	e := auth.NewError(op, auth.ClassProtocol, hint)
	e.Status = a.status
	return g, e
}

// parseTokens reads the success form of the token endpoint.
func parseTokens(body []byte, sentAt time.Time) (auth.Grant, error) {
	var m struct {
		Access  json.RawMessage `json:"access_token"`
		Refresh json.RawMessage `json:"refresh_token"`
		Type    json.RawMessage `json:"token_type"`
		Expires json.RawMessage `json:"expires_in"`
	}
	g := auth.Grant{SentAt: sentAt}
	if err := json.Unmarshal(body, &m); err != nil {
		return g, errors.New("it is not a JSON object")
	}
	access, refresh, kind := text(m.Access), text(m.Refresh), text(m.Type)
	timeout, err := sessionTimeout(m.Expires)
	if auth.ValidToken(refresh) {
		g.Refresh = auth.NewSecret(refresh)
		if err == nil {
			g.RefreshLife = timeout + refreshGrace
		}
	}
	switch {
	case access == "":
		err = errors.New("it holds no access token")
	case !auth.ValidToken(access):
		err = errors.New("its access token holds impossible characters")
	case kind != "" && !strings.EqualFold(kind, "bearer"):
		err = errors.New("its token is not a bearer token")
	case refresh != "" && g.Refresh.Empty():
		err = errors.New("its refresh token holds impossible characters")
	}
	if err != nil {
		return g, err
	}
	g.Access, g.Life = auth.NewSecret(access), min(statedLife(m.Expires), maxAccessLife)
	return g, nil
}

// statedLife is expires_in as a duration, 0 when it is not a usable number.
func statedLife(raw json.RawMessage) time.Duration {
	secs, err := strconv.ParseFloat(strings.TrimSpace(strings.Trim(strings.TrimSpace(string(raw)), `"`)), 64)
	if err != nil || math.IsNaN(secs) || secs*1000 < 1 {
		return 0
	}
	return time.Duration(min(secs, maxTimeout.Seconds()) * float64(time.Second))
}

// sessionTimeout is the API session timeout behind expires_in. The setting has
// whole minutes, and the server states what is left of them when it answers.
func sessionTimeout(raw json.RawMessage) (time.Duration, error) {
	life := statedLife(raw)
	if life <= 0 {
		return 0, errors.New("its expires_in is missing or not a number above 0")
	}
	if short := -life % time.Minute; short+time.Minute <= 2*time.Second && short != 0 {
		return life + short + time.Minute, nil
	}
	return life, nil
}

// classify turns an answer that is not a success into the error of the engine.
// A definite no in JSON is a refused password or a refused token, whatever the
// status: trying it again could lock the user out.
func classify(op string, a answer, password bool, now time.Time) *auth.Error {
	class, hint := auth.ClassProtocol, "unexpected answer to the sign-in"
	var causes []error
	switch {
	case a.status == 408 || a.status == 429 || a.status == 503:
		class, hint = auth.ClassTransient, "Secret Server asks to wait"
	case a.status >= 500:
		class, hint = auth.ClassAmbiguous, "Secret Server failed while it answered"
	case a.status >= 300 && a.status < 400:
		hint = "the address redirects to " + a.location + ", which is not followed; check the address of Secret Server"
	case a.status == 404 || a.status == 405:
		hint = "there is no sign-in at this address; check the address and its virtual directory"
	case a.status != 400 && a.status != 401 && a.status != 403 || a.message == "" && a.code == "":
		// a gateway, or a page
	case a.code == "invalid_client" || a.code == "unauthorized_client" || a.code == "unsupported_grant_type" || a.code == "invalid_request":
		class, hint = auth.ClassClient, "Secret Server does not take this kind of sign-in; web services may be switched off"
	case password:
		class, hint = auth.ClassGrant, "Secret Server refused user name, password, domain or one-time code"
		causes = append(causes, auth.ErrWrongPassword)
	default:
		class, hint = auth.ClassGrant, "Secret Server no longer accepts the saved session"
	}
	e := auth.NewError(op, class, hint, causes...)
	e.Status, e.Code, e.Description = a.status, a.code, a.message
	if wait, ok := auth.RetryAfter(a.header.Get("Retry-After"), now); ok && (class == auth.ClassTransient || class == auth.ClassAmbiguous) {
		e.NotBefore = now.Add(wait).Round(0)
	}
	return e
}
