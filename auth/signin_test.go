package auth

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRefusedPasswordIsNotSentAgainByAnyProcess(t *testing.T) {
	srv, dir := newTokenServer(t), privateDir(t)
	bad := creds()
	bad.Password = NewSecret("wrong-canary")
	for i, store := range []Store{NewMemoryStore(), NewMemoryStore(), newFaultStore()} {
		e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
		err := e.SignIn(t.Context(), bad)
		if !errors.Is(err, ErrWrongPassword) || !errors.Is(err, ErrNeedsLogin) {
			t.Fatalf("try %d: %v", i, err)
		}
		if i == 0 && !strings.Contains(err.Error(), "Secure Cloud") {
			t.Errorf("a 400 should name the migration: %v", err)
		}
		if i > 0 && !strings.Contains(err.Error(), "not sent again") {
			t.Errorf("try %d: %v", i, err)
		}
	}
	if g, _, _ := srv.counts(); g != 1 {
		t.Fatalf("the password was sent %d times", g)
	}
	files, _ := filepath.Glob(dir + "/*")
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || strings.Contains(string(data), "wrong-canary") {
			t.Fatalf("%s: %v, or it holds the password", f, err)
		}
	}
	e := setup{base: srv.URL, store: NewMemoryStore(), dir: dir}.engine(t)
	mustSignIn(t, e)
	if err := e.SignIn(t.Context(), bad); !errors.Is(err, ErrWrongPassword) {
		t.Fatal(err)
	}
	if g, _, _ := srv.counts(); g != 3 {
		t.Fatalf("a success must clear the memory; sent %d times", g)
	}
}

func TestSignInSaysWhichItemIsAtFault(t *testing.T) {
	srv := newTokenServer(t)
	e := setup{base: srv.URL, store: NewMemoryStore()}.engine(t)
	c := creds()
	c.ClientSecret = NewSecret("wrong")
	if err := e.SignIn(t.Context(), c); !errors.Is(err, ErrInvalidClient) || errors.Is(err, ErrWrongPassword) {
		t.Fatalf("client secret: %v", err)
	}
	c = creds()
	c.Username = "someone@else.example"
	if err := e.SignIn(t.Context(), c); !errors.Is(err, ErrOtherAccount) {
		t.Fatalf("user: %v", err)
	}
	other := setup{base: srv.URL + "/elsewhere", store: NewMemoryStore()}.engine(t)
	if err := other.SignIn(t.Context(), creds()); !errors.Is(err, ErrProtocol) || !strings.Contains(err.Error(), "base URL") {
		t.Fatalf("address: %v", err)
	}
	srv.Close()
	if err := e.SignIn(t.Context(), creds()); !errors.Is(err, ErrOutOfReach) {
		t.Fatalf("no server: %v", err)
	}
	if s := e.Status(); s.State != SignedOut {
		t.Fatalf("state %v", s.State)
	}
}

func TestScopesNarrowWidenAndStay(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	srv.set(func() { srv.allowed, srv.strict = []string{"Console.GSM", "Console.Access"}, true })
	e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
	mustSignIn(t, e)
	if got := e.Status().Scopes; !slices.Equal(got, []string{"Console.GSM"}) {
		t.Fatalf("scopes %v", got)
	}
	before := mustToken(t, e)
	for range 3 {
		if err := e.Widen(t.Context(), "SkyStatus.GSM"); !errors.Is(err, ErrScopeRefused) {
			t.Fatalf("err %v", err)
		}
	}
	if _, r, _ := srv.counts(); r != 0 || mustToken(t, e) != before {
		t.Fatalf("a refused scope must leave the chain alone, %d refreshes", r)
	}
	if err := e.Widen(t.Context(), "Console.Access"); err != nil {
		t.Fatal(err)
	}
	if got := e.Status().Scopes; !slices.Equal(got, []string{"Console.GSM", "Console.Access"}) || mustToken(t, e) == before {
		t.Fatalf("scopes %v", got)
	}
	if err := e.Widen(t.Context(), "Console.Access"); err != nil {
		t.Fatal("a scope that is held needs no request")
	}
	srv.set(func() { srv.allowed = []string{"Console.GSM"} })
	clk.jump(301 * time.Second)
	mustToken(t, e)
	if got := e.Status().Scopes; !slices.Equal(got, []string{"Console.GSM"}) {
		t.Fatalf("after the right was withdrawn: %v", got)
	}
}

func TestPastedRefreshTokenAndSignOut(t *testing.T) {
	srv, store, dir := newTokenServer(t), fileStore(t, privateDir(t)), privateDir(t)
	e := setup{base: srv.URL, store: store, dir: dir}.engine(t)
	srv.set(func() { srv.refresh = "pasted" })
	c := Credentials{RefreshToken: NewSecret("pasted"), ClientSecret: NewSecret(testClientSecret)}
	if err := e.SignIn(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	mustToken(t, e)
	if err := e.EnsureSignedIn(t.Context(), creds()); err != nil {
		t.Fatal(err)
	}
	if g, r, _ := srv.counts(); g != 0 || r != 1 {
		t.Fatalf("grants %d refreshes %d", g, r)
	}
	if err := e.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	items, _ := filepath.Glob(store.LockDir() + "/v1-*.age")
	side, _ := filepath.Glob(dir + "/*.json")
	if len(items)+len(side) != 0 || e.Status().State != SignedOut {
		t.Fatalf("left: %v %v, state %v", items, side, e.Status().State)
	}
	if _, err := e.Token(t.Context()); !errors.Is(err, ErrNeedsLogin) {
		t.Fatal(err)
	}
}
