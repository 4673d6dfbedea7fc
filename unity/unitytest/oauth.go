package unitytest

import (
	"encoding/hex"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func oauthError(status int, code, description string) reply {
	return reply{status: status, failure: &failure{code: code, description: description, oauth: true}}
}

// serveToken is POST /auth/token with its faults.
func (s *Server) serveToken(c *call) reply {
	hit := func(name string) bool {
		if s.faults.strikes(name) {
			c.mark(name)
			return true
		}
		return false
	}
	form, parseErr := url.ParseQuery(string(c.body))
	if parseErr == nil {
		c.entry.Grant, c.entry.Body = form.Get("grant_type"), formFields(form)
	}
	switch {
	case hit("auth-reset-before"):
		return reply{drop: true}
	case hit("auth-429"):
		return oauthError(http.StatusTooManyRequests, "temporarily_unavailable", "Too many requests.")
	case hit("auth-500"):
		return fail(http.StatusInternalServerError, "", "An unexpected condition was encountered.")
	case hit("auth-503"):
		return htmlPage(http.StatusServiceUnavailable)
	case c.r.Method != http.MethodPost:
		return fail(http.StatusMethodNotAllowed, "", "The method is not allowed for this address.")
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" || parseErr != nil {
		return oauthError(http.StatusBadRequest, "invalid_request", "The request must be form-encoded.")
	}
	answer := s.grant(c, form)
	if answer.status != http.StatusOK {
		return answer
	}
	switch {
	case hit("auth-reset-after"):
		answer.drop = true
	case hit("auth-truncate"):
		answer.truncate = true
	case hit("auth-malformed"):
		answer.malformed = true
	case hit("auth-slow-body"):
		answer.slow = true
	}
	return answer
}

// grant authenticates the client and serves the grant that is asked for.
func (s *Server) grant(c *call, form url.Values) reply {
	clientID, secret, basic := c.r.BasicAuth()
	if !basic {
		clientID, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if form.Get("grant_type") == "" {
		return oauthError(http.StatusBadRequest, "invalid_request", "The grant_type is missing.")
	}
	known := false
	for _, u := range s.users {
		known = known || (u.clientID == clientID && u.clientSecret == secret)
	}
	if !known {
		status := http.StatusBadRequest
		if basic || s.variants["grant-401"] {
			status = http.StatusUnauthorized
		}
		return oauthError(status, "invalid_client", "The client could not be authenticated.")
	}
	switch form.Get("grant_type") {
	case "password":
		return s.grantPassword(c, form, clientID)
	case "refresh_token":
		return s.grantRefresh(c, form, clientID)
	case "authorization_code":
		if s.variants["authorization-code"] {
			return s.grantCode(c, form, clientID)
		}
	}
	return oauthError(http.StatusBadRequest, "unsupported_grant_type", "The grant type is not supported.")
}

func (s *Server) invalidGrant(description string) reply {
	status := http.StatusBadRequest
	if s.variants["grant-401"] {
		status = http.StatusUnauthorized
	}
	return oauthError(status, "invalid_grant", description)
}

// deadRefresh is the answer to a refresh token that is no longer good.
func (s *Server) deadRefresh() reply {
	r := s.invalidGrant("The refresh token is invalid or has expired.")
	if s.variants["nested-invalid-grant"] {
		r.failure.code, r.failure.description = "invalid_request", `{"error":"invalid_grant"}`
	}
	return r
}

func (s *Server) grantPassword(c *call, form url.Values, clientID string) reply {
	for _, name := range []string{"username", "password", "scope"} {
		if form.Get(name) == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "The field "+name+" is missing.")
		}
	}
	var u *user
	for _, x := range s.users {
		if strings.EqualFold(x.email, form.Get("username")) && x.password == form.Get("password") {
			u = x
		}
	}
	if u == nil {
		return s.invalidGrant("The user name or password is wrong.")
	}
	c.user = u
	scopes, bad := s.grantedScopes(form.Get("scope"), u)
	if bad != nil {
		return *bad
	}
	if s.variants["single-chain"] {
		s.tokens.revokeUser(u)
	}
	ch := &chain{user: u, clientID: clientID, born: c.at}
	return s.tokenAnswer(c, ch, scopes, false)
}

func (s *Server) grantRefresh(c *call, form url.Values, clientID string) reply {
	for _, name := range []string{"refresh_token", "scope"} {
		if form.Get(name) == "" {
			return oauthError(http.StatusBadRequest, "invalid_request", "The field "+name+" is missing.")
		}
	}
	t := s.tokens.refresh[form.Get("refresh_token")]
	if t == nil || t.chain.clientID != clientID {
		return s.deadRefresh()
	}
	c.user = t.chain.user
	if t.spent && s.variants["family-revoke"] {
		t.chain.revoked = true
	}
	if t.spent || t.chain.revoked || !c.at.Before(t.expires) {
		return s.deadRefresh()
	}
	scopes, bad := s.grantedScopes(form.Get("scope"), t.chain.user)
	if bad != nil {
		return *bad
	}
	if s.variants["access-dies-on-refresh"] {
		s.tokens.revokeAccess(t.chain)
	}
	return s.tokenAnswer(c, t.chain, scopes, s.variants["no-refresh-token"])
}

func (s *Server) grantedScopes(request string, u *user) ([]string, *reply) {
	scopes, refused := expandScopes(request, u.scopes)
	if len(scopes) == 0 || (len(refused) > 0 && s.variants["invalid-scope"]) {
		r := oauthError(http.StatusBadRequest, "invalid_scope", "The requested scope is invalid, unknown or beyond the rights of the user.")
		return nil, &r
	}
	if s.variants["fewer-scopes"] {
		scopes = scopes[:1]
	}
	return scopes, nil
}

// tokenAnswer issues tokens. The scope is a JSON array inside a string, as
// the real server sends it.
func (s *Server) tokenAnswer(c *call, ch *chain, scopes []string, keepRefresh bool) reply {
	access, refresh := s.tokens.issue(ch, scopes, c.at, s.opts, s.variants["absolute-14d"], keepRefresh)
	c.entry.Committed = true
	body := object{{"access_token", access}, {"token_type", "bearer"}, {"expires_in", int(s.opts.AccessTTL / time.Second)}}
	if s.opts.AccessTTL < time.Second {
		body[2].val = 1 // The field is in whole seconds; zero would mean no life at all.
	}
	if !keepRefresh {
		body = append(body, field{"refresh_token", refresh})
	}
	r := ok(append(body, field{"scope", `["` + strings.Join(scopes, `","`) + `"]`}))
	r.header = map[string]string{"Cache-Control": "no-store"}
	return r
}

// serveAuthorize is the interactive start of the authorization code flow; it
// agrees at once, in the name of the user chosen in the options.
func (s *Server) serveAuthorize(c *call) reply {
	if !s.variants["authorization-code"] {
		return notFound("The address")
	}
	q := c.query
	target, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || !target.IsAbs() || q.Get("response_type") != "code" || strings.Contains(q.Get("scope"), "*") {
		return oauthError(http.StatusBadRequest, "invalid_request", "response_type, redirect_uri or scope is wrong.")
	}
	known := false
	for _, u := range s.users {
		known = known || u.clientID == q.Get("client_id")
	}
	if !known {
		return oauthError(http.StatusBadRequest, "unauthorized_client", "The client is not known.")
	}
	code := hex.EncodeToString(randomBytes(12))
	s.tokens.codes[code] = authCode{user: s.userNamed(s.opts.User), clientID: q.Get("client_id"), redirect: q.Get("redirect_uri"),
		scope: q.Get("scope"), expires: c.at.Add(time.Minute)}
	values := target.Query()
	values.Set("code", code)
	values.Set("state", q.Get("state"))
	target.RawQuery = values.Encode()
	return reply{status: http.StatusFound, header: map[string]string{"Location": target.String()}}
}

func (s *Server) grantCode(c *call, form url.Values, clientID string) reply {
	code, found := s.tokens.codes[form.Get("code")]
	delete(s.tokens.codes, form.Get("code"))
	if !found || !c.at.Before(code.expires) || code.clientID != clientID || code.redirect != form.Get("redirect_uri") {
		return s.invalidGrant("The code is invalid or has expired.")
	}
	if form.Get("scope") == "" || strings.Contains(form.Get("scope"), "*") {
		return oauthError(http.StatusBadRequest, "invalid_scope", "The code grant takes no wildcard.")
	}
	c.user = code.user
	scopes, bad := s.grantedScopes(form.Get("scope"), code.user)
	if bad != nil {
		return *bad
	}
	return s.tokenAnswer(c, &chain{user: code.user, clientID: clientID, born: c.at}, scopes, false)
}

// authenticate is the bearer check of resource methods.
func (s *Server) authenticate(c *call) (reply, bool) {
	refuse := func(description string) (reply, bool) {
		return fail(http.StatusUnauthorized, "invalid_token", description), true
	}
	token := c.query.Get("access_token")
	if kind, value, found := strings.Cut(c.r.Header.Get("Authorization"), " "); found && strings.EqualFold(kind, "Bearer") {
		token = strings.TrimSpace(value)
	}
	if token == "" {
		return refuse("The access token is missing.")
	}
	a := s.tokens.access[token]
	switch {
	case a == nil:
		c.entry.TokenState = "revoked"
		return refuse("The access token is invalid.")
	case a.revoked || a.chain.revoked:
		c.entry.TokenState, c.user = "revoked", a.chain.user
		return refuse("The access token is invalid.")
	case !c.at.Before(a.expires):
		c.entry.TokenState, c.user = "expired", a.chain.user
		return refuse("The access token has expired.")
	}
	c.entry.TokenState, c.user = "valid", a.chain.user
	c.granted = a.scopes
	return reply{}, false
}

func (c *call) hasScope(scope string) bool {
	for _, s := range c.granted {
		if s == scope {
			return true
		}
	}
	return false
}
