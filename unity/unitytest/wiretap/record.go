package wiretap

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Exchange is one call as it passed the proxy. It never holds a token or a password.
type Exchange struct {
	// N counts the calls from 1 in the order their requests were read.
	N int
	// Time is when the request was read, and Took how long the call lasted.
	Time time.Time
	Took time.Duration
	// Method, Path and Query are those of the request; the values of secrets in the query are replaced.
	Method, Path, Query string
	// Body is the request's body. Of calls to the token endpoint it holds the field names, with the values of all but
	// grant_type and scope replaced.
	Body []byte
	// Headers are the names of the request's headers, sorted.
	Headers []string
	// Auth is the scheme of the Authorization header, such as "Bearer" or "Basic", or "" when there was none.
	Auth string
	// Forwarded is true when the request was sent on, and Answered when the server answered it.
	Forwarded, Answered bool
	// ServerStatus is the status the server sent, or 0.
	ServerStatus int
	// Status is the status the client was sent, or 0 when the connection was reset before that.
	Status int
	// Sent is the number of body bytes the client was sent.
	Sent int
	// Fault is the name of the rule that changed the call, or "".
	Fault string
}

// Bearer reports whether the request carried a bearer token.
func (e Exchange) Bearer() bool { return strings.EqualFold(e.Auth, "Bearer") }

// Change is a call that can change the console: any method but GET, HEAD and OPTIONS, outside the token endpoint.
type Change struct {
	N      int
	Time   time.Time
	Method string
	Path   string
	// Command is the agent command in the body, or "" for other changes.
	Command string
	// IDs are the endpoint ids listed in the body, in order, as they were sent.
	IDs []string
	// WholeSet is true when the call takes a list of endpoints and none was given: it means every endpoint there is.
	WholeSet bool
	// Status is what the client was sent, or 0 when it never got an answer.
	Status int
	// Delivered is true when the server got the request and accepted it, whether or not the client learned of it.
	Delivered bool
	// Fault is the name of the rule that changed the call, or "".
	Fault string
}

// change reads an exchange as a change; ok is false for calls that change nothing.
func (e Exchange) change() (Change, bool) {
	switch e.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return Change{}, false
	}
	if isTokenPath(e.Path) {
		return Change{}, false
	}
	fields := bodyFields(e.Body)
	c := Change{
		N: e.N, Time: e.Time, Method: e.Method, Path: e.Path,
		Command: first(fields["command"]), Status: e.Status, Fault: e.Fault,
		Delivered: e.Answered && e.ServerStatus >= 200 && e.ServerStatus < 300,
	}
	for _, list := range fields["endpointslist"] {
		for id := range strings.SplitSeq(list, ",") {
			if id = strings.TrimSpace(id); id != "" {
				c.IDs = append(c.IDs, id)
			}
		}
	}
	c.WholeSet = len(c.IDs) == 0 && takesEndpoints(e.Method, e.Path)
	return c, true
}

// takesEndpoints reports whether a call applies to a list of endpoints and, without one, to all of a site or group.
func takesEndpoints(method, path string) bool {
	path = strings.ToLower(strings.TrimRight(path, "/"))
	if method == http.MethodPut && strings.HasSuffix(path, "/endpoints") {
		return true
	}
	for _, end := range []string{"/endpoints/commands", "/endpoints/policy", "/endpoints/deactivate", "/endpoints/reactivate"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

// bodyFields returns the top-level texts of a JSON or form body by lower-case name. An array gives several texts.
// A name in another case counts too: the judge reports what a lenient server may act on.
func bodyFields(body []byte) map[string][]string {
	out := map[string][]string{}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) == nil {
		for name, value := range object {
			name = strings.ToLower(name)
			out[name] = append(out[name], texts(value)...)
		}
		return out
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return out
	}
	for name, values := range form {
		name = strings.ToLower(name)
		out[name] = append(out[name], values...)
	}
	return out
}

// texts returns a JSON string, or the strings of a JSON array.
func texts(value json.RawMessage) []string {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(value, &many) == nil {
		return many
	}
	return nil
}

// first returns the first text, or "".
func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// isTokenPath reports whether a path is the token endpoint (§2.2 of the field reference).
func isTokenPath(path string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimRight(path, "/")), "/auth/token")
}

// redactForm keeps the names of a token request's fields and hides the values that can be secrets. A body that is not
// a form is hidden whole.
func redactForm(body []byte) []byte {
	form, err := url.ParseQuery(string(body))
	if err != nil || strings.HasPrefix(strings.TrimSpace(string(body)), "{") {
		return []byte("REDACTED")
	}
	for name, values := range form {
		if name == "grant_type" || name == "scope" {
			continue
		}
		for i := range values {
			values[i] = "REDACTED"
		}
	}
	return []byte(form.Encode())
}

// redactQuery hides the values of parameters that are named like secrets.
func redactQuery(raw string) string {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "REDACTED"
	}
	hidden := false
	for name, values := range q {
		lower := strings.ToLower(name)
		if !strings.Contains(lower, "token") && !strings.Contains(lower, "secret") && !strings.Contains(lower, "password") && lower != "code" {
			continue
		}
		if strings.Contains(lower, "continuation") {
			continue
		}
		hidden = true
		for i := range values {
			values[i] = "REDACTED"
		}
	}
	if !hidden {
		return raw
	}
	return q.Encode()
}

// newExchange describes a request whose body has been read.
func newExchange(r *http.Request, body []byte, now time.Time) Exchange {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	if isTokenPath(r.URL.Path) {
		body = redactForm(body)
	}
	return Exchange{
		Time: now, Method: r.Method, Path: r.URL.Path, Query: redactQuery(r.URL.RawQuery),
		Body: slices.Clone(body), Headers: names, Auth: scheme,
	}
}
