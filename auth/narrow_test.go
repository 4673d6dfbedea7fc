package auth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// narrowEngine is the engine of a narrower chain beside that of a setup.
func narrowEngine(t *testing.T, base string, store Store, dir string, clk *clock, scope ...string) *Engine {
	t.Helper()
	e, err := NewEngine(Options{Account: Account{BaseURL: base, ClientID: testClientID, Username: testUser}, Store: store, LockDir: dir,
		Now: clk.now, Scope: scope, Narrow: true, UserAgent: "unitty/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close(t.Context()) })
	return e
}

func TestLogoutTakesTheNarrowerChains(t *testing.T) {
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	store := fileStore(t, dir)
	main := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	mustSignIn(t, main)
	one := narrowEngine(t, srv.URL, store, dir, clk, "SkyStatus.Site")
	two := narrowEngine(t, srv.URL, store, dir, clk, "SkyStatus.GSM", "Console.GSM")
	mustSignIn(t, one)
	mustSignIn(t, two)
	if a, b := one.Status().Scopes, two.Status().Scopes; !slices.Equal(a, []string{"SkyStatus.Site"}) || len(b) != 2 {
		t.Fatalf("scopes %v %v", a, b)
	}
	if got := main.Status().Scopes; !slices.Equal(got, DefaultScope()) {
		t.Fatalf("the main chain has %v", got)
	}
	again := narrowEngine(t, srv.URL, store, dir, clk, "Console.GSM", "SkyStatus.GSM", "Console.GSM")
	if got, want := mustToken(t, again), mustToken(t, two); got != want {
		t.Errorf("the order of the scopes made another chain: %q, %q", got, want)
	}
	left, err := main.Narrower(t.Context())
	if err != nil || len(left) != 2 {
		t.Fatalf("%+v %v", left, err)
	}
	for _, s := range left {
		if !s.ExpiresAt.After(clk.now()) || s.RefreshExpiresAt.Before(clk.now().Add(13*24*time.Hour)) || len(s.Scopes) == 0 {
			t.Errorf("%+v", s)
		}
	}
	// The end of one narrower chain leaves the others and the client secret.
	if err := one.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, err = main.Narrower(t.Context()); err != nil || len(left) != 1 {
		t.Fatalf("%+v %v", left, err)
	}
	if s, err := main.chain.clientSecret(t.Context()); err != nil || s.Reveal() != testClientSecret {
		t.Fatalf("%v %v", s.Empty(), err)
	}
	if err := main.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	items, _ := filepath.Glob(filepath.Join(dir, "v1-*.age"))
	sides, _ := filepath.Glob(filepath.Join(dir, "v1-*.json"))
	if len(items)+len(sides) != 0 {
		t.Errorf("left behind: %v %v", items, sides)
	}
	clk.jump(299 * time.Second)
	if _, err := two.Token(t.Context()); !errors.Is(err, ErrNeedsLogin) {
		t.Errorf("the narrower chain lives on: %v", err)
	}
}

func TestNarrowerChainNeverAsksForMore(t *testing.T) {
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	srv.set(func() { srv.allowed, srv.strict = []string{"Console.GSM"}, true })
	e := narrowEngine(t, srv.URL, newFaultStore(), dir, clk, "SkyStatus.Site")
	if err := e.SignIn(t.Context(), creds()); !errors.Is(err, ErrScopeRefused) {
		t.Fatalf("signed in with %v: %v", e.Status().Scopes, err)
	}
	srv.set(func() { srv.allowed = []string{"Console.GSM", "SkyStatus.Site"} })
	mustSignIn(t, e)
	if err := e.Widen(t.Context(), "Console.GSM"); !errors.Is(err, ErrScopeRefused) {
		t.Error(err)
	}
	srv.set(func() { srv.allowed = []string{"Console.GSM"} })
	clk.jump(301 * time.Second)
	if token, err := e.Token(t.Context()); err == nil {
		t.Errorf("after the right was withdrawn: %q with %v", token, e.Status().Scopes)
	}
	if _, err := NewEngine(Options{Account: e.acct, Store: newFaultStore(), Narrow: true}); err == nil {
		t.Error("a narrower sign-in without a scope")
	}
}

// TestWrongPasswordIsSentOnceInAll lets chains of many scopes, of another API
// client and of another process try one wrong password at once.
func TestWrongPasswordIsSentOnceInAll(t *testing.T) {
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	srv.set(func() { srv.password = "another one" })
	engines := []*Engine{setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)}
	for _, scope := range []string{"Console.GSM", "SkyStatus.GSM", "SkyStatus.Site"} {
		engines = append(engines, narrowEngine(t, srv.URL, fileStore(t, dir), dir, clk, scope))
	}
	var wg sync.WaitGroup
	for _, e := range engines {
		for range 2 {
			wg.Go(func() {
				if err := e.EnsureSignedIn(t.Context(), creds()); !errors.Is(err, ErrNeedsLogin) {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if grants, _, _ := srv.counts(); grants != 1 {
		t.Fatalf("the password was sent %d times", grants)
	}
	srv.set(func() { srv.password = testPassword })
	if err := engines[2].SignIn(t.Context(), creds()); err == nil || !strings.Contains(err.Error(), "is not sent again") {
		t.Fatalf("the same password again: %v", err)
	}
	changed := creds()
	changed.Password = NewSecret("a new one")
	srv.set(func() { srv.password = "a new one" })
	if err := engines[2].SignIn(t.Context(), changed); err != nil {
		t.Fatalf("a changed password: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.refused"))
	if len(left) != 0 {
		t.Errorf("still remembered: %v", left)
	}
}

// TestGuessingSlowsDown tries one wrong password after another. The first few go
// out at once, each later one has to wait longer, and none goes out twice.
func TestGuessingSlowsDown(t *testing.T) {
	srv, now := newTokenServer(t), time.Date(2026, 11, 22, 3, 4, 5, 0, time.UTC)
	// This clock stands still while passwords are hashed, which is slow.
	e, err := NewEngine(Options{Account: Account{BaseURL: srv.URL, ClientID: testClientID, Username: testUser}, Store: newFaultStore(),
		LockDir: privateDir(t), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close(t.Context()) }()
	try := func(password string) error {
		c := creds()
		c.Password = NewSecret(password)
		return e.SignIn(t.Context(), c)
	}
	sent := func(want int) {
		t.Helper()
		if got, _, _ := srv.counts(); got != want {
			t.Fatalf("%d passwords were sent, want %d", got, want)
		}
	}
	for i := range freeTries + 1 {
		_ = try(fmt.Sprint("wrong", i))
	}
	sent(4)
	wait := 2 * time.Second
	for i := range 2 {
		if err := try(fmt.Sprint("next", i)); !errors.Is(err, ErrWrongPassword) || !strings.Contains(err.Error(), "one after another") {
			t.Fatalf("%d: %v", i, err)
		}
		now = now.Add(min(wait, longestWait) - time.Second)
		_ = try(fmt.Sprint("next", i))
		sent(4 + i)
		now = now.Add(time.Second)
		if err := try(fmt.Sprint("next", i)); err == nil || strings.Contains(err.Error(), "one after another") {
			t.Fatalf("%d: %v", i, err)
		}
		sent(5 + i)
		wait *= 2
	}
	now = now.Add(time.Hour)
	for _, old := range []string{"wrong0", "wrong3", "next1"} {
		if err := try(old); err == nil || !strings.Contains(err.Error(), "is not sent again") {
			t.Errorf("%s: %v", old, err)
		}
	}
	sent(6)
	for count, want := range map[int]time.Duration{0: 0, freeTries: 0, freeTries + 1: 2 * time.Second, freeTries + 5: 32 * time.Second, freeTries + 9: longestWait, 1 << 40: longestWait} {
		f := refusal{At: now, Count: count}
		if got := f.nextTry(); want == 0 && !got.IsZero() || want > 0 && got.Sub(f.At) != want {
			t.Errorf("after %d: %v", count, got.Sub(f.At))
		}
	}
	if err := try(testPassword); err != nil {
		t.Fatal(err)
	}
	if err := try("wrong0"); err == nil || strings.Contains(err.Error(), "is not sent again") {
		t.Errorf("an accepted password did not end the memory: %v", err)
	}
}

// TestMemoryStoresLeaveNoFilesOfTheirOwn signs in and out on stores that end with
// the process. What stays is one of a few shared lock files.
func TestMemoryStoresLeaveNoFilesOfTheirOwn(t *testing.T) {
	srv, dir := newTokenServer(t), privateDir(t)
	t.Setenv(testLockDir, dir)
	for range 3 {
		e, err := NewEngine(Options{Account: Account{BaseURL: srv.URL, ClientID: testClientID, Username: testUser}, Store: NewMemoryStore()})
		if err != nil {
			t.Fatal(err)
		}
		mustSignIn(t, e)
		mustToken(t, e)
		if err := errors.Join(e.SignOut(t.Context()), e.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || !strings.HasPrefix(left[0].Name(), "login-") {
		t.Errorf("left behind: %v %v", left, err)
	}
	far, err := NewEngine(Options{Account: Account{BaseURL: "https://unityapi.example", ClientID: testClientID, Username: testUser}, Store: newFaultStore()})
	if err != nil {
		t.Skipf("this user has no folder for locks: %v", err)
	}
	if strings.HasPrefix(far.LockPath(), dir) {
		t.Errorf("the variable moved the lock of a real console to %s", far.LockPath())
	}
}
