package unity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/unity/unitytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey  = Keycode("AAAABBBBCCCCDDDDEEEE")
	testBase = "https://unity.test"
	idA      = EndpointID("11111111-1111-4111-8111-111111111111")
	idB      = EndpointID("22222222-2222-4222-8222-222222222222")
	siteA    = SiteID("aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa")
	gsmRoot  = "/service/api/console/gsm/AAAA-BBBB-CCCC-DDDD-EEEE"
	siteRoot = gsmRoot + "/sites/" + string(siteA)
)

// memory is a transport without a network, so that tests with virtual time reach the server.
type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	cut := serve(m.handler, w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if cut && w.Body.Len() == 0 {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	resp := w.Result()
	resp.Request = r
	if cut {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(w.Body.Bytes()), broken{}))
	}
	return resp, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// serve reports whether the handler cut the connection.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			cut = true
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// purse is a token source that counts.
type purse struct {
	mu       sync.Mutex
	n        int
	err      error
	rejected []string
	accepted []string
	asked    []string
	widen    func(context.Context) error
}

func (p *purse) Token(context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("token-%d", p.n), p.err
}

func (p *purse) Reject(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rejected = append(p.rejected, token)
	p.n++
}

func (p *purse) Accept(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted = append(p.accepted, token)
}

func (p *purse) Widen(ctx context.Context, scope string) error {
	p.mu.Lock()
	p.asked = append(p.asked, scope)
	p.mu.Unlock()
	if p.widen == nil {
		return errors.New("no")
	}
	return p.widen(ctx)
}

// seen is what a scripted server was asked.
type seen struct {
	mu   sync.Mutex
	reqs []*http.Request
}

func (s *seen) note(r *http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reqs = append(s.reqs, r)
	return len(s.reqs)
}

func (s *seen) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.reqs)
}

func (s *seen) token(i int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reqs[i].Header.Get("Authorization")
}

// scripted makes a client of a server that answers call n (from 1) by f.
func scripted(t *testing.T, f func(n int, w http.ResponseWriter, r *http.Request), change ...func(*Options)) (*Client, *seen, *purse) {
	t.Helper()
	s, p := &seen{}, &purse{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(s.note(r), w, r) })
	o := Options{BaseURL: testBase, GSMKey: testKey, Tokens: p, Version: "1.2.3", HTTP: &http.Client{Transport: memory{h}}}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, s, p
}

func answer(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func errorJSON(status int, code, text string) string {
	c := "null"
	if code != "" {
		c = `"` + code + `"`
	}
	return fmt.Sprintf(`{"statusCode":%d,"requestId":"5b0c6a52-2f0e-4f4e-8f57-0c7d4e6a9b11","error":%s,"error_description":%q,"AdditionalInformation":{}}`, status, c, text)
}

// scan is a change of two listed machines.
func scan(t *testing.T, c *Client) Request {
	t.Helper()
	targets, err := NewTargets(siteA, []EndpointID{idA, idB})
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.CommandRequest(targets, CommandScan, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func read() Request { return Request{Method: http.MethodGet, Path: gsmRoot + "/sites"} }

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *Error", err)
	}
	return e
}

// simTokens signs in at the simulator whenever it has no token.
type simTokens struct {
	mu    sync.Mutex
	sim   *unitytest.Server
	token string
}

func (s *simTokens) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != "" {
		return s.token, nil
	}
	cred := s.sim.Credentials()
	form := url.Values{"grant_type": {"password"}, "username": {cred.Username}, "password": {cred.Password}, "scope": {"*"}}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/auth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "test/1")
	r.SetBasicAuth(cred.ClientID, cred.ClientSecret)
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	fields, err := objectFields(w.Body.Bytes())
	if err != nil {
		return "", err
	}
	if s.token = textMember(fields, "access_token"); s.token == "" {
		return "", fmt.Errorf("sign-in: %d", w.Code)
	}
	return s.token, nil
}

func (s *simTokens) Reject(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = ""
	}
}

func simulated(t *testing.T, o unitytest.Options) (*Client, *unitytest.Server) {
	t.Helper()
	sim := unitytest.New(o)
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	key, err := ParseKeycode(sim.Credentials().GSMKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{BaseURL: testBase, GSMKey: key, Tokens: &simTokens{sim: sim}, HTTP: &http.Client{Transport: memory{sim}}})
	if err != nil {
		t.Fatal(err)
	}
	return c, sim
}
