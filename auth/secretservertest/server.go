package secretservertest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Server is a simulated Secret Server. It is an http.Handler, safe for use by
// many goroutines, and owns none.
type Server struct {
	opts Options

	mu       sync.Mutex
	offset   time.Duration
	password string
	access   map[string]*access
	refresh  map[string]*refresh
	issued   []string
	faults   map[string]int
	log      []Entry
	requests int
	counts   Counts
}

// access is an access token.
type access struct {
	session *session
	dies    time.Time
}

// refresh is a refresh token.
type refresh struct {
	session *session
	dies    time.Time
	spent   bool
}

// session is what one password grant began.
type session struct {
	refreshes int
	ended     bool
}

// New builds the server that the options describe.
func New(o Options) *Server {
	o = o.withDefaults()
	return &Server{opts: o, password: o.Password, access: map[string]*access{}, refresh: map[string]*refresh{}, faults: map[string]int{}}
}

// now is the server's clock. The lock must be held.
func (s *Server) now() time.Time { return s.opts.Now().Add(s.offset) }

// Advance moves the server's clock ahead by d; a negative d is ignored.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
}

// SetPassword changes the user's password. Sessions go on.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
}

// Expire ends all access tokens, as an administrator or POST
// /api/v1/oauth-expiration does. Refresh tokens go on.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.access {
		a.dies = s.now()
	}
}

// Issued returns every token that was ever issued, so that a test can search for
// them where none may be.
func (s *Server) Issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.issued)
}

// The faults that Fault takes.
const (
	// FaultHTML answers 200 with a page, as some failures of the product do.
	FaultHTML = "html"
	// FaultUnavailable answers 503 with Retry-After: 2.
	FaultUnavailable = "503"
	// FaultRedirect answers 307 to another host.
	FaultRedirect = "redirect"
	// FaultCutBefore cuts the connection before anything is done.
	FaultCutBefore = "cut-before"
	// FaultCutAfter cuts the connection after everything is done.
	FaultCutAfter = "cut-after"
	// FaultHuge answers 200 with 2 MiB.
	FaultHuge = "huge"
)

// Fault makes the next n requests fail in the given way; an unknown name does
// nothing.
func (s *Server) Fault(name string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[name] = n
}

// takeFault returns the fault that strikes this request. The lock must be held.
func (s *Server) takeFault() string {
	for _, name := range []string{FaultHTML, FaultUnavailable, FaultRedirect, FaultCutBefore, FaultCutAfter, FaultHuge} {
		if s.faults[name] > 0 {
			s.faults[name]--
			return name
		}
	}
	return ""
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	s.mu.Lock()
	defer s.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), s.opts.Base)
	e := Entry{Method: r.Method, Path: path, Query: r.URL.RawQuery}
	e.Fault = s.takeFault()
	answer := &recorder{status: http.StatusOK, header: http.Header{}}
	switch {
	case e.Fault != "" && e.Fault != FaultCutAfter:
		strike(answer, e.Fault)
	case !ok || !strings.HasPrefix(path, "/"):
		http.Error(answer, "<html>404 - File or directory not found.</html>", http.StatusNotFound)
	case path == "/oauth2/token":
		s.token(answer, r, &e)
	case strings.HasPrefix(path, "/api/v1/"):
		s.api(answer, r, strings.TrimPrefix(path, "/api/v1/"), &e)
	default:
		http.Error(answer, "<html>404 - File or directory not found.</html>", http.StatusNotFound)
	}
	if e.Fault == FaultCutBefore || e.Fault == FaultCutAfter {
		s.record(e)
		panic(http.ErrAbortHandler)
	}
	e.Status = answer.status
	s.record(e)
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(answer.body.Bytes())
}

// recorder holds an answer until it is known whether it may leave.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header returns the headers of the answer.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader sets the status.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write appends to the body and never fails.
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// strike writes the answer of a fault.
func strike(w http.ResponseWriter, fault string) {
	switch fault {
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>Secret Server is being upgraded</body></html>"))
	case FaultUnavailable:
		w.Header().Set("Retry-After", "2")
		reply(w, http.StatusServiceUnavailable, map[string]any{"message": "The service is unavailable."})
	case FaultRedirect:
		w.Header().Set("Location", "https://elsewhere.invalid/login")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case FaultHuge:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20))
	}
}

// reply writes JSON.
func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a recorder takes everything
}

// fresh returns a new token and remembers it for Issued.
func (s *Server) fresh(prefix string) string {
	t := prefix + rand.Text()
	s.issued = append(s.issued, t)
	return t
}

// fieldNames lists the names of a form, sorted.
func fieldNames(form url.Values) []string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
