package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The canary values of the tests: none may turn up where secrets must not be.
const (
	testUser         = "ops@acme.example"
	testPassword     = "hunter2!canary-password"
	testClientID     = "client_ab12cd34@acme.example"
	testClientSecret = "s3cret+/canary-client=="
)

// tokenServer is a token endpoint that is as strict as the vendor's guide: a
// refresh token works once, and a password change revokes everything.
type tokenServer struct {
	*httptest.Server
	t *testing.T

	mu        sync.Mutex
	password  string
	ttl       string
	grants    int
	refreshes int
	reused    int
	seq       int
	refresh   string
	spent     map[string]bool
	access    map[string]bool
	allowed   []string // scopes the user may have; nil means all
	strict    bool     // invalid_scope instead of a narrower grant
	before    func(w http.ResponseWriter, r *http.Request) bool
	commit    func(body string, w http.ResponseWriter) bool
}

func newTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{t: t, password: testPassword, ttl: "300", spent: map[string]bool{}, access: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

func (s *tokenServer) counts() (grants, refreshes, reused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grants, s.refreshes, s.reused
}

func oauthError(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":%q,"error_description":"no","requestId":"5b0c6a52"}`, code)
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	_ = r.ParseForm()
	if before != nil && before(w, r) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(testClientID+":"+testClientSecret))
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/auth/token":
		http.NotFound(w, r)
		return
	case r.Header.Get("Authorization") != want:
		oauthError(w, 401, "invalid_client")
		return
	case r.PostForm.Get("scope") == "":
		oauthError(w, 400, "invalid_request")
		return
	}
	scope := strings.Fields(r.PostForm.Get("scope"))
	granted := scope
	if s.allowed != nil {
		granted = slices.DeleteFunc(slices.Clone(scope), func(x string) bool { return !slices.Contains(s.allowed, x) })
		if s.strict && len(granted) != len(scope) {
			oauthError(w, 400, "invalid_scope")
			return
		}
	}
	switch r.PostForm.Get("grant_type") {
	case "password":
		s.grants++
		if r.PostForm.Get("username") != testUser || r.PostForm.Get("password") != s.password {
			oauthError(w, 400, "invalid_grant")
			return
		}
	case "refresh_token":
		s.refreshes++
		rt := r.PostForm.Get("refresh_token")
		if rt != s.refresh {
			if s.spent[rt] {
				s.reused++
			}
			oauthError(w, 400, "invalid_grant")
			return
		}
	default:
		oauthError(w, 400, "unsupported_grant_type")
		return
	}
	s.seq++
	if s.refresh != "" {
		s.spent[s.refresh] = true
	}
	s.refresh = fmt.Sprintf("rt%030d", s.seq)
	access := fmt.Sprintf("at-%d", s.seq)
	s.access[access] = true
	list, _ := json.Marshal(granted)
	body := fmt.Sprintf(`{"access_token":%q,"token_type":"bearer","expires_in":%s,"refresh_token":%q,"scope":%q}`, access, s.ttl, s.refresh, string(list))
	if s.commit != nil && s.commit(body, w) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(body))
}

func creds() Credentials {
	return Credentials{Username: testUser, Password: NewSecret(testPassword), ClientID: testClientID, ClientSecret: NewSecret(testClientSecret)}
}

// clock is a wall clock that tests can set forward; its zero value is right.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.off)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

type setup struct {
	base   string
	store  Store
	dir    string
	prov   Provider
	clock  *clock
	policy Policy
	scope  []string
}

func (s setup) engine(t *testing.T) *Engine {
	t.Helper()
	if s.base == "" {
		s.base = "https://api.invalid"
	}
	if s.dir == "" {
		s.dir = privateDir(t)
	}
	if s.clock == nil {
		s.clock = &clock{}
	}
	e, err := NewEngine(Options{
		Account: Account{BaseURL: s.base, ClientID: testClientID, Username: testUser},
		Store:   s.store, Provider: s.prov, Now: s.clock.now, Policy: s.policy, LockDir: s.dir, Scope: s.scope, UserAgent: "unitty/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(context.Background()) })
	return e
}

func privateDir(t *testing.T) string {
	t.Helper()
	return t.TempDir() + "/private"
}

func mustToken(t *testing.T, e *Engine) string {
	t.Helper()
	tok, err := e.Token(t.Context())
	if err != nil {
		t.Fatalf("token: %v", err)
	}
	return tok
}

func mustSignIn(t *testing.T, e *Engine) {
	t.Helper()
	if err := e.SignIn(t.Context(), creds()); err != nil {
		t.Fatalf("sign in: %v", err)
	}
}

// fileStore opens a file store with a cheap passphrase.
func fileStore(t *testing.T, dir string) *FileStore {
	t.Helper()
	s, err := OpenFileStore(FileOptions{Dir: dir, workFactor: 4, Prompt: func(context.Context, string, bool) (Secret, error) {
		return NewSecret("a passphrase"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// faultStore is a memory store whose writes can be made to fail or wait, and
// that other engines share through a lock file like any other store.
type faultStore struct {
	inner *MemoryStore
	mu    sync.Mutex
	onSet func(key string) error
	sets  int
}

func newFaultStore() *faultStore { return &faultStore{inner: NewMemoryStore()} }

func (f *faultStore) Name() string { return "fault" }
func (f *faultStore) Close() error { return nil }
func (f *faultStore) Get(ctx context.Context, key string) ([]byte, error) {
	return f.inner.Get(ctx, key)
}
func (f *faultStore) Delete(ctx context.Context, key string) error { return f.inner.Delete(ctx, key) }
func (f *faultStore) Set(ctx context.Context, key string, data []byte) error {
	f.mu.Lock()
	on := f.onSet
	f.sets++
	f.mu.Unlock()
	if on != nil {
		if err := on(key); err != nil {
			return err
		}
	}
	return f.inner.Set(ctx, key, data)
}

func (f *faultStore) fail(fn func(key string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onSet = fn
}

var errDiskFull = errors.New("no space left on device")

// scriptProvider answers from a function, for tests of time.
type scriptProvider struct {
	mu      sync.Mutex
	calls   []time.Time
	tokens  []string
	refresh func(n int, rt string) (Grant, error)
	life    time.Duration
	delay   time.Duration
	now     func() time.Time
}

func (p *scriptProvider) time() time.Time {
	if p.now != nil {
		return p.now()
	}
	return time.Now()
}

func (p *scriptProvider) Password(ctx context.Context, _ Client, _ string, _ Secret, _ []string) (Grant, error) {
	return p.grant(0), nil
}

func (p *scriptProvider) grant(n int) Grant {
	return Grant{Access: NewSecret(fmt.Sprintf("at-%d", n)), Refresh: NewSecret(fmt.Sprintf("rt-%d", n)), Life: p.life, SentAt: p.time()}
}

func (p *scriptProvider) Refresh(ctx context.Context, _ Client, rt Secret, _ []string) (Grant, error) {
	p.mu.Lock()
	p.calls = append(p.calls, time.Now())
	p.tokens = append(p.tokens, rt.Reveal())
	n := len(p.calls)
	sent := p.time()
	p.mu.Unlock()
	if p.delay > 0 {
		select {
		case <-time.After(p.delay):
		case <-ctx.Done():
			return Grant{}, fail("refresh", ClassAmbiguous, "too slow")
		}
	}
	if p.refresh != nil {
		g, err := p.refresh(n, rt.Reveal())
		g.SentAt = sent
		return g, err
	}
	g := p.grant(n)
	g.SentAt = sent
	return g, nil
}

func (p *scriptProvider) seen() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.calls)
}
