package auth

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxLife is the longest life of an access token that is believed.
const maxLife = 24 * time.Hour

// tokenAnswer is what a body of the token endpoint says, success or not.
type tokenAnswer struct {
	json        bool
	access      string
	refresh     string
	tokenType   string
	expires     json.RawMessage
	scope       []string
	code        string
	description string
	requestID   string
}

// parseTokenAnswer reads any body: the success form, the OAuth error pair, the
// API's own error form in JSON or its not well-formed XML, HTML, or nothing.
func parseTokenAnswer(body []byte) tokenAnswer {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		return parseXMLAnswer(string(body))
	}
	a := tokenAnswer{
		json: true, access: jsonString(m["access_token"]), refresh: jsonString(m["refresh_token"]),
		tokenType: jsonString(m["token_type"]), expires: m["expires_in"], scope: parseScope(m["scope"]),
		code: jsonString(m["error"]), description: jsonString(m["error_description"]),
	}
	for _, k := range []string{"requestId", "RequestId", "request_id"} {
		if a.requestID == "" {
			a.requestID = jsonString(m[k])
		}
	}
	if a.description == "" {
		a.description = firstNonEmpty(jsonString(m["message"]), jsonString(m["Message"]))
	}
	a.unnest()
	return a
}

// unnest takes the real code out of a description that is itself a JSON
// document, which is how dead tokens of the identity provider are reported.
func (a *tokenAnswer) unnest() {
	d := strings.TrimSpace(a.description)
	if !strings.HasPrefix(d, "{") {
		return
	}
	var inner map[string]json.RawMessage
	if json.Unmarshal([]byte(d), &inner) != nil {
		return
	}
	if code := jsonString(inner["error"]); code != "" {
		a.code, a.description = code, jsonString(inner["error_description"])
	}
}

// parseXMLAnswer finds the members of the API's XML error, whose root element
// no strict parser accepts.
func parseXMLAnswer(body string) tokenAnswer {
	a := tokenAnswer{code: xmlText(body, "error"), description: xmlText(body, "error_description"), requestID: xmlText(body, "requestId")}
	if a.code == "" && a.requestID == "" {
		a.description = "" // an HTML page; its text helps nobody
	}
	return a
}

func xmlText(body, tag string) string {
	_, rest, ok := strings.Cut(body, "<"+tag+">")
	if !ok {
		return ""
	}
	text, _, ok := strings.Cut(rest, "</"+tag+">")
	if !ok || strings.ContainsAny(text, "<>") {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&").Replace(text)
}

// grant returns the tokens of a success answer. When only the rest is broken,
// the refresh token comes back together with the error.
func (a tokenAnswer) grant(sentAt time.Time) (Grant, error) {
	g := Grant{SentAt: sentAt, Scope: a.scope}
	if validToken(a.refresh) {
		g.Refresh = NewSecret(a.refresh)
	}
	life, err := parseExpires(a.expires)
	switch {
	case !a.json:
		err = errors.New("the answer is not JSON")
	case a.access == "":
		err = errors.New("the answer holds no access token")
	case !validToken(a.access):
		err = errors.New("the access token holds impossible characters")
	case a.tokenType != "" && !strings.EqualFold(a.tokenType, "bearer"):
		err = errors.New("the token is not a bearer token")
	case a.refresh != "" && g.Refresh.Empty():
		err = errors.New("the refresh token holds impossible characters")
	}
	if err != nil {
		return g, err
	}
	g.Access, g.Life = NewSecret(a.access), life
	return g, nil
}

// parseExpires reads expires_in: a number or a numeric string of seconds.
func parseExpires(raw json.RawMessage) (time.Duration, error) {
	text := strings.Trim(strings.TrimSpace(string(raw)), `"`)
	secs, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(secs) {
		return 0, errors.New("expires_in is missing or not a number")
	}
	if secs <= 0 || secs > maxLife.Seconds() {
		return 0, errors.New("expires_in is out of range")
	}
	if life := time.Duration(secs * float64(time.Second)); life >= time.Millisecond {
		return life, nil
	}
	return 0, errors.New("expires_in is out of range")
}

// parseScope reads the granted scopes: a JSON array inside a string (what the
// Unity API sends), a list separated by blanks, or a JSON array. Nil means that
// the server did not say.
func parseScope(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return cleanScopes(list)
	}
	text := strings.TrimSpace(jsonString(raw))
	if strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil {
		return cleanScopes(list)
	}
	return cleanScopes(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '+' }))
}

// cleanScopes drops what cannot be a scope, and repetitions.
func cleanScopes(in []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range in {
		s = strings.TrimSpace(s)
		if s == "" || len(s) > 128 || seen[strings.ToLower(s)] || !isScope(s) {
			continue
		}
		seen[strings.ToLower(s)] = true
		out = append(out, s)
		if len(out) == 64 {
			break
		}
	}
	return out
}

// isScope reports whether s is made of the characters that RFC 6749 §3.3 allows.
func isScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// validToken reports whether s can stand in an Authorization header.
func validToken(s string) bool {
	if s == "" || len(s) > 16<<10 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func jsonString(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
