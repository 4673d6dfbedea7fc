package unity

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Kinds of failure, for errors.Is. Every error of this package answers to exactly one of them or to a context error.
var (
	// ErrUnauthenticated: the token is missing, expired or revoked and could not be renewed.
	ErrUnauthenticated = errors.New("not signed in")
	// ErrScope: the token lacks the scope of the path.
	ErrScope = errors.New("scope missing")
	// ErrDenied: the user has no right to this, in the console or on the site.
	ErrDenied = errors.New("access refused")
	// ErrNotFound: no such route or object.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the change does not fit the present state.
	ErrConflict = errors.New("conflict")
	// ErrInvalid: the server refused what was asked (400, 422).
	ErrInvalid = errors.New("invalid request")
	// ErrUnsupported: the server does not do this (405, 501).
	ErrUnsupported = errors.New("not supported by the server")
	// ErrRateLimited: too many requests, even after waiting.
	ErrRateLimited = errors.New("too many requests")
	// ErrUnavailable: the server failed or is overloaded (5xx).
	ErrUnavailable = errors.New("server unavailable")
	// ErrUnreachable: no answer at all.
	ErrUnreachable = errors.New("out of reach")
	// ErrProtocol: an answer that is not what the API documents.
	ErrProtocol = errors.New("unexpected answer")
	// ErrRefused: unitty itself refused to send the request.
	ErrRefused = errors.New("refused")
)

// Error is a failed call.
type Error struct {
	// Kind is one of the kinds above.
	Kind error
	// Method and Path name the call; Status is 0 when there was no answer.
	Method, Path string
	Status       int
	// Code is the OAuth code ("insufficient_scope") or "". Description and RequestID are the server's.
	Code        string
	Description Text
	RequestID   string
	// Additional is AdditionalInformation as sent: an object or an array.
	Additional json.RawMessage
	// RetryAfter is how long the server asked to wait; 0 when it did not say.
	RetryAfter time.Duration
	// Sent tells that the request may have reached the server; for a change the outcome is then unknown
	// unless the status is a definite no.
	Sent bool
	// Scope is what the token lacks, with ErrScope.
	Scope string
	// Err is the cause where there was no answer.
	Err error
	// documented is set when the body had the documented shape: the API itself said no.
	documented bool
}

// Error is one line: what happened, the server's words, the request id.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Kind.Error())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d %s)", e.Status, http.StatusText(e.Status))
	}
	if d := clip(e.Description.String(), 300); d != "" {
		b.WriteString(": " + d)
	}
	if e.Scope != "" {
		b.WriteString(": the token lacks " + Clean(e.Scope))
	}
	if e.Err != nil {
		b.WriteString(": " + clip(Clean(e.Err.Error()), 300))
	}
	path, _, _ := strings.Cut(e.Path, "?") // a query may hold what nobody wants in a log
	fmt.Fprintf(&b, " [%s %s]", e.Method, clip(Clean(path), 200))
	if e.RequestID != "" {
		b.WriteString(" requestId " + e.RequestID)
	}
	return b.String()
}

// Unwrap gives kind and cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Definite tells that a change was certainly not carried out: it was not sent, or the API itself refused it.
// Anything else is unknown and must be resolved by reading.
func (e *Error) Definite() bool {
	if !e.Sent {
		return true
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		return true
	case e.Status >= 400 && e.Status < 500:
		return e.documented
	default:
		return false
	}
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// errorBody is the documented error (§1.9), as far as it could be read.
type errorBody struct {
	status      int
	requestID   string
	code        string
	description string
	additional  json.RawMessage
	known       bool
}

// parseErrorBody reads JSON in any mixture of case, the XML forms (the guide's ill-formed sample too), and OAuth codes
// that are nested as JSON inside the description. HTML and empty bodies give known == false.
func parseErrorBody(body []byte) errorBody {
	trimmed := strings.TrimSpace(strings.TrimPrefix(string(body), "\ufeff"))
	if strings.HasPrefix(trimmed, "{") {
		return parseErrorJSON([]byte(trimmed))
	}
	if strings.HasPrefix(trimmed, "<") {
		return parseErrorXML(trimmed)
	}
	return errorBody{}
}

// SaysNo tells that a body is the API's error document (§1.9) and names a refusal, whatever status it came with: a gateway may
// give it with a 200.
func SaysNo(body []byte) bool {
	e := parseErrorBody(body)
	return e.known && (e.status >= http.StatusBadRequest || e.code != "" && e.description != "")
}

func parseErrorJSON(body []byte) errorBody {
	fields, err := objectFields(body)
	if err != nil {
		return errorBody{}
	}
	var e errorBody
	get := func(name string) string {
		v, ok := member(fields, name)
		if !ok {
			return ""
		}
		e.known = true
		s, err := scalar(v)
		if err != nil {
			return ""
		}
		return s
	}
	if n, err := strconv.Atoi(get("statusCode")); err == nil {
		e.status = n
	}
	e.requestID = cleanID(get("requestId"))
	e.code = cleanID(get("error"))
	e.description = get("error_description")
	// A gateway's own refusals have a message and nothing else, so that does not make the body a documented one.
	if v, ok := member(fields, "message"); ok && e.description == "" {
		e.description, _ = scalar(v)
	}
	e.additional, _ = member(fields, "AdditionalInformation")
	var nested struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if strings.HasPrefix(strings.TrimSpace(e.description), "{") &&
		json.Unmarshal([]byte(e.description), &nested) == nil && nested.Error != "" {
		e.code, e.description = cleanID(nested.Error), nested.Description
	}
	return e
}

// The guide's own sample opens as z:anyType, closes as z:AnyType and declares no prefix, so it is read by tag.
var (
	xmlTag = regexp.MustCompile(`(?i)<(?:[a-z0-9]+:)?(statusCode|requestId|error|error_description)(?:\s[^>]*)?>([^<]*)</(?:[a-z0-9]+:)?(statusCode|requestId|error|error_description)\s*>`)
	// An empty element, such as <error i:nil="true"/>, would pass for the opening of the next one.
	xmlEmpty = regexp.MustCompile(`<[^<>]*/>`)
)

func parseErrorXML(body string) errorBody {
	var e errorBody
	for _, m := range xmlTag.FindAllStringSubmatch(xmlEmpty.ReplaceAllString(body, ""), 16) {
		if !strings.EqualFold(m[1], m[3]) {
			continue
		}
		text := strings.TrimSpace(html.UnescapeString(m[2]))
		switch strings.ToLower(m[1]) {
		case "statuscode":
			n, err := strconv.Atoi(text)
			if err != nil {
				continue
			}
			e.status, e.known = n, true
		case "requestid":
			e.requestID = cleanID(text)
		case "error":
			e.code = cleanID(text)
		case "error_description":
			e.description = text
		}
	}
	return e
}

// cleanID keeps a request id only if it can be nothing but an id.
func cleanID(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 64 {
		return ""
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return ""
		}
	}
	return s
}

// statusKind maps the documented codes (§1.8) to kinds.
func statusKind(status int, code string) error {
	refused := status >= 400 && status < 500
	switch {
	case refused && code == "insufficient_scope":
		return ErrScope
	case status == http.StatusUnauthorized, refused && code == "invalid_token":
		return ErrUnauthenticated
	case status == http.StatusForbidden:
		return ErrDenied
	case status == http.StatusNotFound, status == http.StatusGone:
		return ErrNotFound
	case status == http.StatusConflict:
		return ErrConflict
	case status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return ErrUnsupported
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status >= 400 && status < 500:
		return ErrInvalid
	case status >= 500:
		return ErrUnavailable
	default:
		return ErrProtocol
	}
}

// parseRetryAfter reads seconds or an HTTP date, clamped to five minutes.
func parseRetryAfter(v string, now time.Time) time.Duration {
	v = strings.TrimSpace(v)
	if v == "" {
		return 0
	}
	const most = 5 * time.Minute
	if strings.Trim(v, "0123456789") == "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n > int64(most/time.Second) {
			return most
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), most)
}
