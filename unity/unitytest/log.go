package unitytest

import (
	"net/url"
	"sort"
	"strings"
	"time"
)

// Entry is one request as the server saw it.
type Entry struct {
	// N counts requests from 1, also across ResetLog.
	N int
	// Time is the server's clock when the request was looked at.
	Time   time.Time
	Method string
	Path   string
	// Query is the raw query with the value of access_token removed.
	Query string
	// Status is the answer's code; 0 when the connection was cut instead.
	Status int
	// Body is the body of a change. For token requests it lists the names of
	// the form fields that were present, never their values.
	Body string
	// User is the name of the built-in user, empty before one is known.
	User string
	// Fault names the faults that struck, separated by commas.
	Fault string
	// Committed tells whether the request changed the world or issued tokens.
	Committed bool
	// TokenState is "valid", "expired", "revoked" (also for tokens never
	// issued) or "none".
	TokenState string
	// Grant is the grant type of a token request.
	Grant string
}

// maxLog bounds the memory of a long-running simulator.
const maxLog = 50000

// Log returns the requests since the start or the last ResetLog, oldest
// first. At most 50,000 are kept.
func (s *Server) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.log...)
}

// ResetLog forgets the requests so far.
func (s *Server) ResetLog() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

func (s *Server) record(e Entry) {
	if len(s.log) >= maxLog {
		s.log = append([]Entry(nil), s.log[maxLog/2:]...)
	}
	s.log = append(s.log, e)
}

func safeQuery(raw string) string {
	if !strings.Contains(strings.ToLower(raw), "access_token") && !strings.Contains(raw, "code=") {
		return raw
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "(unreadable)"
	}
	for k := range q {
		if strings.EqualFold(k, "access_token") || strings.EqualFold(k, "code") {
			q.Set(k, "REDACTED")
		}
	}
	return q.Encode()
}

// formFields names the fields of a token request without their values.
func formFields(form url.Values) string {
	names := make([]string, 0, len(form))
	for k := range form {
		names = append(names, k)
	}
	sort.Strings(names)
	return strings.Join(names, " ")
}
