package wiretap

import (
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Kind is the way a fault breaks a call.
type Kind string

// The ways a call can be broken.
const (
	// ResetBefore resets the connection before the request is forwarded: the server never sees it.
	ResetBefore Kind = "reset-before"
	// ResetAfter forwards the request, takes the server's answer and resets the connection: the change has happened,
	// and the client cannot know.
	ResetAfter Kind = "reset-after"
	// Replace answers with Status, ContentType and Body; the request is not forwarded.
	Replace Kind = "replace"
	// ReplaceAfter forwards the request and replaces the server's answer.
	ReplaceAfter Kind = "replace-after"
	// Truncate announces the whole length, sends half of the body and closes the connection.
	Truncate Kind = "truncate"
	// Slow sends the body in small pieces with Delay between them.
	Slow Kind = "slow"
	// Retype sends the server's answer with another content type.
	Retype Kind = "retype"
	// Hold waits for Delay before the request is forwarded.
	Hold Kind = "hold"
)

// Fault says what happens to a call that a rule has chosen.
type Fault struct {
	Kind Kind
	// Status is the status of Replace and ReplaceAfter.
	Status int
	// Body is the body of Replace and ReplaceAfter.
	Body string
	// ContentType is the content type of Replace, ReplaceAfter and Retype.
	ContentType string
	// RetryAfter is the Retry-After header of Replace and ReplaceAfter, left out when empty.
	RetryAfter string
	// Delay is the wait of Hold and the pause between the pieces of Slow.
	Delay time.Duration
}

// forwards reports whether the server gets to see the request.
func (f Fault) forwards() bool { return f.Kind != ResetBefore && f.Kind != Replace }

// Rule chooses calls and says what happens to them. All set conditions must hold; the first rule that chooses a call
// wins.
type Rule struct {
	// Name stands in the record of a call the rule has changed.
	Name string
	// Method and Path are regular expressions that the whole method, or some part of the path, must match.
	Method, Path *regexp.Regexp
	// Nth chooses the n-th matching call, counted from 1; 0 chooses every one.
	Nth int
	// Rate chooses matching calls with this probability; 0 means always.
	Rate float64
	// Limit is the number of calls the rule changes at most; 0 means no limit.
	Limit int
	Fault Fault
}

// matches reports whether the rule looks at a call at all.
func (r Rule) matches(method, path string) bool {
	if r.Method != nil && r.Method.FindString(method) != method {
		return false
	}
	return r.Path == nil || r.Path.MatchString(path)
}

// html returns an error page as gateways send them.
func html(status int, text string) Fault {
	return Fault{
		Kind: Replace, Status: status, ContentType: "text/html",
		Body: fmt.Sprintf("<html><head><title>%d %s</title></head><body><center><h1>%d %s</h1></center><hr></body></html>\r\n",
			status, text, status, text),
	}
}

// apiError returns an error in the shape of the API (§1.9 of the field reference).
func apiError(status int, code, text string) Fault {
	quoted := "null"
	if code != "" {
		quoted = `"` + code + `"`
	}
	return Fault{
		Kind: Replace, Status: status, ContentType: "application/json; charset=utf-8",
		Body: fmt.Sprintf(`{"statusCode":%d,"requestId":"00000000-0000-4000-8000-000000000000","error":%s,"error_description":%q,"AdditionalInformation":{}}`,
			status, quoted, text),
	}
}

// after makes a replacement happen once the server has acted.
func after(f Fault) Fault {
	f.Kind = ReplaceAfter
	return f
}

// presets returns the faults that have a name.
func presets() map[string]Fault {
	limit := apiError(429, "", "Too many requests.")
	limitAfter := limit
	limitAfter.RetryAfter = "1"
	return map[string]Fault{
		"reset-before":     {Kind: ResetBefore},
		"reset-after":      {Kind: ResetAfter},
		"html-500":         html(500, "Internal Server Error"),
		"html-503":         html(503, "Service Unavailable"),
		"html-504":         html(504, "Gateway Time-out"),
		"html-504-after":   after(html(504, "Gateway Time-out")),
		"html-200":         {Kind: Replace, Status: 200, ContentType: "text/html", Body: "<html><body>Sign in to the guest network</body></html>"},
		"json-500":         apiError(500, "", "An unexpected error occurred."),
		"rate-limit":       limit,
		"rate-limit-after": limitAfter,
		"unauthorized":     apiError(401, "invalid_token", "The access token is invalid or has expired."),
		"truncate":         {Kind: Truncate},
		"slow":             {Kind: Slow, Delay: 50 * time.Millisecond},
		"wrong-type":       {Kind: Retype, ContentType: "text/html"},
		"delay":            {Kind: Hold, Delay: 500 * time.Millisecond},
	}
}

// Preset returns the fault with a name of Presets.
func Preset(name string) (Fault, error) {
	f, ok := presets()[name]
	if !ok {
		return Fault{}, fmt.Errorf("wiretap: no fault is called %q; there are %v", name, Presets())
	}
	return f, nil
}

// Presets returns the names of the ready-made faults, sorted.
func Presets() []string {
	names := make([]string, 0, len(presets()))
	for name := range presets() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
