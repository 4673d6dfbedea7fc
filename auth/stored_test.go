package auth

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rotate makes the server know another client secret than the one of the sign-in.
func rotate(srv *tokenServer, secret string) {
	srv.set(func() {
		srv.before = func(w http.ResponseWriter, r *http.Request) bool {
			id, got, _ := r.BasicAuth()
			if id != testClientID || got != secret {
				oauthError(w, 401, "invalid_client")
				return true
			}
			r.SetBasicAuth(testClientID, testClientSecret) // what the rest of the server knows
			return false
		}
	})
}

func storedSecret(t *testing.T, e *Engine) string {
	t.Helper()
	s, err := e.chain.clientSecret(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

func TestRotatedClientSecretIsProvenByOneRefresh(t *testing.T) {
	srv, store, dir := newTokenServer(t), newFaultStore(), privateDir(t)
	mustSignIn(t, setup{base: srv.URL, store: store, dir: dir}.engine(t))
	rotate(srv, "new-canary-secret")

	e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	err := e.ReplaceClientSecret(t.Context(), NewSecret("mistyped-canary"))
	if !errors.Is(err, ErrInvalidClient) || strings.Contains(err.Error(), "canary") {
		t.Fatalf("wrong secret: %v", err)
	}
	if storedSecret(t, e) != testClientSecret {
		t.Fatal("the secret before was not put back")
	}
	// An engine that ran all the time has met the rotation and given up.
	clk := &clock{}
	clk.jump(290 * time.Second)
	running := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	if _, err := running.Token(t.Context()); !errors.Is(err, ErrInvalidClient) || running.Status().State != Fatal {
		t.Fatalf("%v, state %v", err, running.Status().State)
	}
	gen := e.Status().Gen
	if err := e.ReplaceClientSecret(t.Context(), NewSecret("new-canary-secret")); err != nil {
		t.Fatal(err)
	}
	if g, r, reused := srv.counts(); g != 1 || r != 1 || reused != 0 {
		t.Fatalf("grants %d, refreshes %d, reused %d", g, r, reused)
	}
	if storedSecret(t, e) != "new-canary-secret" || e.Status().Gen <= gen || e.Status().State != Ready {
		t.Fatalf("status %+v", e.Status())
	}
	running.follow()
	if s := running.Status(); s.State != Ready || s.Gen != e.Status().Gen {
		t.Fatalf("the running engine did not recover: %+v", s)
	}
	clk.jump(301 * time.Second)
	mustToken(t, running)
}

func TestClientSecretIsNotReplacedWithoutProof(t *testing.T) {
	srv, store, dir := newTokenServer(t), newFaultStore(), privateDir(t)
	empty := setup{base: srv.URL, store: newFaultStore()}.engine(t)
	if err := empty.ReplaceClientSecret(t.Context(), NewSecret("x")); !errors.Is(err, ErrNeedsLogin) || storedSecret(t, empty) != "" {
		t.Fatalf("nothing stored: %v", err)
	}
	mustSignIn(t, setup{base: srv.URL, store: store, dir: dir}.engine(t))
	e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	for _, bad := range []string{"", "a\nb"} {
		if err := e.ReplaceClientSecret(t.Context(), NewSecret(bad)); !errors.Is(err, ErrInvalidClient) {
			t.Fatalf("%q: %v", bad, err)
		}
	}
	srv.set(func() {
		srv.before = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
	})
	if err := e.ReplaceClientSecret(t.Context(), NewSecret("new")); !errors.Is(err, ErrOutOfReach) {
		t.Fatalf("no server: %v", err)
	}
	store.fail(func(string) error { return errDiskFull })
	if err := e.ReplaceClientSecret(t.Context(), NewSecret("new")); !errors.Is(err, ErrStore) {
		t.Fatalf("full disk: %v", err)
	}
	store.fail(nil)
	if _, r, _ := srv.counts(); r != 0 || storedSecret(t, e) != testClientSecret {
		t.Fatalf("%d refreshes, secret replaced", r)
	}
	srv.set(func() { srv.before = nil })
	next := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	if err := next.ReplaceClientSecret(t.Context(), NewSecret(testClientSecret)); err != nil {
		t.Fatalf("the tokens did not stay: %v", err)
	}
}

func TestClientSecretIsKeptWhenOnlyTheTokensAreDead(t *testing.T) {
	srv, store, dir := newTokenServer(t), newFaultStore(), privateDir(t)
	mustSignIn(t, setup{base: srv.URL, store: store, dir: dir}.engine(t))
	rotate(srv, "new")
	srv.set(func() { srv.refresh = "" })
	e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	if err := e.ReplaceClientSecret(t.Context(), NewSecret("new")); !errors.Is(err, ErrNeedsLogin) || errors.Is(err, ErrInvalidClient) {
		t.Fatal(err)
	}
	if storedSecret(t, e) != "new" {
		t.Fatal("the server accepted the secret, but it was not kept")
	}
}

func TestOverrideFollowsTheReplacedSecret(t *testing.T) {
	srv, store, dir := newTokenServer(t), newFaultStore(), privateDir(t)
	mustSignIn(t, setup{base: srv.URL, store: store, dir: dir}.engine(t))
	rotate(srv, "new")
	e, err := NewEngine(Options{Account: Account{BaseURL: srv.URL, ClientID: testClientID, Username: testUser}, Store: store, LockDir: dir, ClientSecret: NewSecret("old")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close(t.Context()) }()
	if err := e.ReplaceClientSecret(t.Context(), NewSecret("wrong")); !errors.Is(err, ErrInvalidClient) || e.overriding().Reveal() != "old" {
		t.Fatalf("%v, override %v", err, e.overriding().Reveal())
	}
	if err := e.ReplaceClientSecret(t.Context(), NewSecret("new")); err != nil || e.overriding().Reveal() != "new" {
		t.Fatalf("%v, override %v", err, e.overriding().Reveal())
	}
}

func TestLoadTellsWhatIsStoredAndSendsNothing(t *testing.T) {
	srv, store, dir := newTokenServer(t), newFaultStore(), privateDir(t)
	e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	if err := e.Load(t.Context()); err != nil || e.Status().State != SignedOut {
		t.Fatalf("%v, %v", err, e.Status().State)
	}
	mustSignIn(t, e)
	clk := &clock{}
	clk.jump(time.Hour)
	next := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	if err := next.Load(t.Context()); err != nil || next.Status().Gen != e.Status().Gen || next.Status().RefreshExpiresAt.IsZero() {
		t.Fatalf("%v, %+v", err, next.Status())
	}
	if g, r, _ := srv.counts(); g != 1 || r != 0 {
		t.Fatalf("grants %d, refreshes %d", g, r)
	}
}
