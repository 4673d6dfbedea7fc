package secretserver

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretservertest"
)

// D-Bus, which a store may speak, keeps one connection per process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/godbus/dbus.(*Conn).inWorker"))
}

// The canary values: none may turn up where secrets must not be.
const (
	ssUser       = "svc-unitty"
	ssPassword   = "vault+pass/canary=1"
	clientID     = "client_ab12@acme.example"
	clientSecret = "s3cret+/canary-client=="
	unityUser    = "ops@acme.example"
	unityPass    = "hunter2!canary password"
	gsmKey       = "ABCD-ABCD-ABCD-ABCD-ABCD"
	secretPath   = `\MSP\Webroot GSM`
)

// clock is the wall clock of server and source alike.
type clock struct {
	mu  sync.Mutex
	off time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC).Add(c.off)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off += d
}

// webroot is the secret that most tests read.
func webroot() secretservertest.Secret {
	return secretservertest.WebrootSecret(126, secretPath, clientID, clientSecret, unityUser, unityPass, gsmKey)
}

// rig is a simulated Secret Server with what a source needs beside it.
type rig struct {
	t     *testing.T
	sim   *secretservertest.Server
	http  *httptest.Server
	clk   *clock
	store auth.Store
	dir   string
	log   *bytes.Buffer
}

func newRig(t *testing.T, o secretservertest.Options) *rig {
	t.Helper()
	r := &rig{t: t, clk: &clock{}, store: auth.NewMemoryStore(), dir: t.TempDir() + "/locks", log: &bytes.Buffer{}}
	o.Username, o.Password, o.Now = ssUser, ssPassword, r.clk.now
	if o.Secrets == nil {
		o.Secrets = []secretservertest.Secret{webroot()}
	}
	r.sim = secretservertest.New(o)
	r.http = httptest.NewServer(r.sim)
	t.Cleanup(r.http.Close)
	return r
}

// asker answers with the password and counts how often it was asked.
type asker struct {
	mu    sync.Mutex
	asks  []Ask
	login Login
	err   error
}

func (a *asker) ask(_ context.Context, q Ask) (Login, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asks = append(a.asks, q)
	return a.login, a.err
}

func (a *asker) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asks)
}

func goodLogin() *asker { return &asker{login: Login{Password: auth.NewSecret(ssPassword)}} }

// options returns working options that a test changes.
func (r *rig) options(a *asker) Options {
	o := Options{
		Config: Config{Kind: Kind, URL: r.http.URL, Secret: "126", Username: ssUser, Fields: Fields{GSMKey: "gsm-key"}},
		Store:  r.store, LockDir: r.dir, Now: r.clk.now, UserAgent: "unitty/test",
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if a != nil {
		o.Login = a.ask
	}
	return o
}

func (r *rig) source(o Options) *Source {
	r.t.Helper()
	s, err := New(o)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// kept returns a source that keeps its session.
func (r *rig) kept(a *asker, maxRefreshes int) *Source {
	r.t.Helper()
	o := r.options(a)
	o.KeepSession, o.MaxRefreshes = true, maxRefreshes
	return r.source(o)
}

func (r *rig) mustRead(s *Source) Reading {
	r.t.Helper()
	got, err := s.Read(r.t.Context())
	if err != nil {
		r.t.Fatalf("read: %v", err)
	}
	c := got.Credentials
	if got.SecretID != 126 || got.GSMKey != gsmKey || c.ClientID != clientID || c.ClientSecret.Reveal() != clientSecret || c.Username != unityUser || c.Password.Reveal() != unityPass {
		r.t.Fatalf("the reading differs from the secret: id %d, user %q", got.SecretID, c.Username)
	}
	return got
}

// mustNeedLogin reads with a source that has nobody to ask, and returns the text
// of the error.
func (r *rig) mustNeedLogin(s *Source) string {
	r.t.Helper()
	_, err := s.Read(r.t.Context())
	if !errors.Is(err, auth.ErrNeedsLogin) {
		r.t.Fatalf("want a needed sign-in, got %v", err)
	}
	return err.Error()
}

// secrets are all values that must stay where they belong.
func (r *rig) secrets() []string {
	return append([]string{ssPassword, clientSecret, unityPass, "vault%2Bpass%2Fcanary%3D1", "s3cret%2B%2Fcanary"}, r.sim.Issued()...)
}

func (r *rig) mustHoldNoSecret(where, text string) {
	r.t.Helper()
	for _, s := range r.secrets() {
		if strings.Contains(text, s) {
			r.t.Errorf("%s holds a secret", where)
		}
	}
}
