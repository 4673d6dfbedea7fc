package secretservertest

import (
	"math"
	"net/http"
	"strings"
	"time"
)

// grace is how much longer than the session timeout a refresh token lives.
const grace = 15 * time.Minute

// token is POST /oauth2/token.
func (s *Server) token(w http.ResponseWriter, r *http.Request, e *Entry) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method != http.MethodPost || kind != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	e.Grant, e.Fields, e.OTP = r.PostForm.Get("grant_type"), fieldNames(r.PostForm), r.Header.Get("OTP") != ""
	switch e.Grant {
	case "password":
		s.passwordGrant(w, r)
	case "refresh_token":
		s.refreshGrant(w, r.PostForm.Get("refresh_token"))
	default:
		reply(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
	}
}

func (s *Server) passwordGrant(w http.ResponseWriter, r *http.Request) {
	s.counts.Passwords++
	f := r.PostForm
	switch {
	case !strings.EqualFold(f.Get("username"), s.opts.Username) || f.Get("password") != s.password || !strings.EqualFold(f.Get("domain"), s.opts.Domain):
		reply(w, http.StatusBadRequest, map[string]string{"error": "Login failed."})
	case s.opts.OTP != "" && r.Header.Get("OTP") != s.opts.OTP:
		reply(w, http.StatusBadRequest, map[string]string{"error": "Login failed.", "message": "Two-factor authentication is required; send the code in the OTP header."})
	default:
		s.issue(w, &session{})
	}
}

func (s *Server) refreshGrant(w http.ResponseWriter, token string) {
	t := s.refresh[token]
	why := ""
	switch {
	case t == nil || t.session.ended:
		why = "The refresh token is not valid."
	case t.spent:
		s.counts.Reuses++
		why = "The refresh token has been used."
	case s.now().After(t.dies):
		s.counts.Late++
		why = "The refresh token has expired."
	case t.session.refreshes >= s.opts.MaxRefreshes:
		s.counts.OverLimit++
		why = "The maximum number of token refreshes is reached."
	}
	if why != "" {
		s.counts.Refused++
		reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant", "message": why})
		return
	}
	s.counts.Refreshes++
	t.spent = true
	t.session.refreshes++
	s.issue(w, t.session)
}

// issue hands out the tokens of a session.
func (s *Server) issue(w http.ResponseWriter, on *session) {
	a := &access{session: on, dies: s.now().Add(s.opts.Timeout)}
	// The product states what is left when the answer is written.
	expires := int64(s.opts.Timeout / time.Second)
	if expires >= 60 {
		expires--
	}
	if s.opts.Unlimited {
		a.dies, expires = s.now().Add(100*365*24*time.Hour), math.MaxInt32
	}
	at := s.fresh("AT-")
	s.access[at] = a
	out := map[string]any{"access_token": at, "token_type": "bearer", "expires_in": max(expires, 1)}
	last := s.opts.OmitLast && on.refreshes >= s.opts.MaxRefreshes
	if s.opts.RefreshEnabled && !s.opts.Unlimited && !last {
		rt := s.fresh("RT-")
		s.refresh[rt] = &refresh{session: on, dies: s.now().Add(s.opts.Timeout + grace)}
		out["refresh_token"] = rt
	}
	reply(w, http.StatusOK, out)
}

// caller checks the bearer token of an API call and answers itself when it does
// not do.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) *access {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	a := s.access[token]
	switch {
	case !ok || a == nil:
		reply(w, http.StatusUnauthorized, map[string]string{"message": "Authorization has been denied for this request."})
		return nil
	case a.session.ended || !s.now().Before(a.dies):
		reply(w, http.StatusForbidden, map[string]string{"message": "Authentication failed or expired token."})
		return nil
	}
	return a
}
