package auth

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestSignInStoresChainAndSecretButNoPassword(t *testing.T) {
	srv, store := newTokenServer(t), NewMemoryStore()
	srv.set(func() {
		srv.before = func(_ http.ResponseWriter, r *http.Request) bool {
			for k, want := range map[string]string{"Accept": "application/json", "Cache-Control": "no-cache", "User-Agent": "unitty/test", "Content-Type": "application/x-www-form-urlencoded"} {
				if got := r.Header.Get(k); got != want {
					t.Errorf("%s = %q, want %q", k, got, want)
				}
			}
			return false
		}
	})
	e := setup{base: srv.URL, store: store}.engine(t)
	if _, err := e.Token(t.Context()); !errors.Is(err, ErrNeedsLogin) {
		t.Fatalf("before sign-in: %v", err)
	}
	mustSignIn(t, e)
	if tok := mustToken(t, e); tok != "at-1" {
		t.Fatalf("token %q", tok)
	}
	if got := e.Status(); got.State != Ready || !slices.Equal(got.Scopes, DefaultScope()) || got.Store != "memory" {
		t.Fatalf("status %+v", got)
	}
	var all strings.Builder
	for k, v := range store.items {
		all.WriteString(k + string(v))
	}
	if strings.Contains(all.String(), testPassword) || !strings.Contains(all.String(), testClientSecret) {
		t.Fatal("the store must hold the client secret and never the password")
	}

	// Another engine on the same store uses the token without any call.
	second := setup{base: srv.URL, store: store}.engine(t)
	if tok := mustToken(t, second); tok != "at-1" {
		t.Fatalf("second engine: %q", tok)
	}
	if g, r, _ := srv.counts(); g != 1 || r != 0 {
		t.Fatalf("grants %d, refreshes %d", g, r)
	}
}

func TestFiftyCallersShareOneRefresh(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	e := setup{base: srv.URL, store: fileStore(t, privateDir(t)), clock: clk}.engine(t)
	mustSignIn(t, e)
	clk.jump(299 * time.Second)
	var wg sync.WaitGroup
	var wrong atomic.Int32
	for range 50 {
		wg.Go(func() {
			if tok, err := e.Token(t.Context()); err != nil || tok != "at-2" {
				wrong.Add(1)
			}
		})
	}
	wg.Wait()
	if _, r, _ := srv.counts(); r != 1 || wrong.Load() != 0 {
		t.Fatalf("%d refreshes, %d wrong answers", r, wrong.Load())
	}
}

func TestTokenIsPublishedOnlyAfterItIsSaved(t *testing.T) {
	srv, clk, store := newTokenServer(t), &clock{}, newFaultStore()
	e := setup{base: srv.URL, store: store, clock: clk}.engine(t)
	mustSignIn(t, e)
	clk.jump(299 * time.Second)
	saving, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	store.fail(func(string) error {
		if _, r, _ := srv.counts(); r == 1 { // the write after the refresh, not the probe before it
			once.Do(func() { close(saving) })
			<-release
		}
		return nil
	})
	got := make(chan string, 1)
	go func() { tok, _ := e.Token(context.Background()); got <- tok }()
	<-saving
	if s := e.Status(); s.ExpiresAt.After(clk.now().Add(10 * time.Second)) {
		t.Error("the new token is visible before it is saved")
	}
	select {
	case tok := <-got:
		t.Errorf("token %q handed out before it was saved", tok)
	default:
	}
	close(release)
	if tok := <-got; tok != "at-2" {
		t.Fatalf("token %q", tok)
	}
}

func TestStoreThatTakesNothingSpendsNothing(t *testing.T) {
	srv, clk, store := newTokenServer(t), &clock{}, newFaultStore()
	e := setup{base: srv.URL, store: store, clock: clk}.engine(t)
	mustSignIn(t, e)
	store.fail(func(string) error { return errDiskFull })
	clk.jump(299 * time.Second)
	_, err := e.Token(t.Context())
	if _, r, _ := srv.counts(); !errors.Is(err, ErrStore) || r != 0 || e.Status().State != StoreReadOnly {
		t.Fatalf("err %v, refreshes %d, state %v", err, r, e.Status().State)
	}
	store.fail(nil)
	clk.jump(time.Minute)
	if tok := mustToken(t, e); tok != "at-2" {
		t.Fatalf("after the disk was freed: %q", tok)
	}
}

func TestUnsavedRotationLivesOnAndIsSavedLater(t *testing.T) {
	srv, clk, store := newTokenServer(t), &clock{}, newFaultStore()
	dir := privateDir(t)
	e := setup{base: srv.URL, store: store, clock: clk, dir: dir}.engine(t)
	mustSignIn(t, e)
	store.fail(func(string) error {
		if _, r, _ := srv.counts(); r > 0 {
			return errDiskFull
		}
		return nil
	})
	clk.jump(299 * time.Second)
	if tok := mustToken(t, e); tok != "at-2" || e.Status().State != UnsavedRotation {
		t.Fatalf("token %q, state %v", tok, e.Status().State)
	}
	// Memory is all there is; the chain still goes on.
	clk.jump(299 * time.Second)
	if tok := mustToken(t, e); tok != "at-3" {
		t.Fatalf("token %q", tok)
	}
	store.fail(nil)
	if err := e.Close(t.Context()); err != nil {
		t.Fatalf("close: %v", err)
	}
	next := setup{base: srv.URL, store: store, clock: clk, dir: dir}.engine(t)
	clk.jump(299 * time.Second)
	if tok := mustToken(t, next); tok != "at-4" {
		t.Fatalf("after the restart: %q", tok)
	}
	if _, _, reused := srv.counts(); reused != 0 {
		t.Fatalf("%d refresh tokens were used twice", reused)
	}
}

func TestUnsavedRotationIsReportedByClose(t *testing.T) {
	srv, clk, store := newTokenServer(t), &clock{}, newFaultStore()
	e := setup{base: srv.URL, store: store, clock: clk}.engine(t)
	mustSignIn(t, e)
	store.fail(func(string) error {
		if _, r, _ := srv.counts(); r > 0 {
			return errDiskFull
		}
		return nil
	})
	clk.jump(299 * time.Second)
	mustToken(t, e)
	if err := e.Close(t.Context()); !errors.Is(err, ErrStore) {
		t.Fatalf("close: %v", err)
	}
}

func TestInterruptedRotationIsTriedOnceAndExplained(t *testing.T) {
	srv, clk, store, dir := newTokenServer(t), &clock{}, newFaultStore(), privateDir(t)
	e := setup{base: srv.URL, store: store, clock: clk, dir: dir}.engine(t)
	mustSignIn(t, e)
	rec, err := e.chain.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	side, _ := loadSidecar(t.Context(), e.chain.side)
	side.Pending = &pendingMark{PID: 4711, Host: "jump2", Started: time.Date(2026, 11, 21, 12, 3, 11, 0, time.Local), RTHash: tokenHash(rec.b.refresh)}
	if err := saveSidecar(t.Context(), e.chain.side, side); err != nil {
		t.Fatal(err)
	}
	srv.set(func() { srv.spent[srv.refresh] = true; srv.refresh = "rt-that-was-lost" })
	clk.jump(301 * time.Second)
	_, err = e.Token(t.Context())
	if !errors.Is(err, ErrNeedsLogin) || !errors.Is(err, ErrInvalidGrant) {
		t.Fatalf("err %v", err)
	}
	for _, want := range []string{"4711", "jump2", "12:03:11"} {
		if text := e.Status().Text; !strings.Contains(text, want) {
			t.Errorf("text %q lacks %q", text, want)
		}
	}
	if _, r, _ := srv.counts(); r != 1 {
		t.Fatalf("%d tries, want one", r)
	}
	// Neither this process nor the next one tries the dead token again.
	_, _ = e.Token(t.Context())
	next := setup{base: srv.URL, store: store, clock: clk, dir: dir}.engine(t)
	if _, err := next.Token(t.Context()); !errors.Is(err, ErrNeedsLogin) {
		t.Fatalf("next process: %v", err)
	}
	if _, r, _ := srv.counts(); r != 1 {
		t.Fatalf("%d tries after the end, want one", r)
	}
	mustSignIn(t, next)
	mustToken(t, next)
}

func TestInterruptedRotationThatTheServerNeverSaw(t *testing.T) {
	srv, clk, store := newTokenServer(t), &clock{}, newFaultStore()
	e := setup{base: srv.URL, store: store, clock: clk}.engine(t)
	mustSignIn(t, e)
	rec, _ := e.chain.read(t.Context())
	side, _ := loadSidecar(t.Context(), e.chain.side)
	side.Pending = &pendingMark{PID: 1, Host: "x", Started: time.Now(), RTHash: tokenHash(rec.b.refresh)}
	if err := saveSidecar(t.Context(), e.chain.side, side); err != nil {
		t.Fatal(err)
	}
	clk.jump(301 * time.Second)
	if tok := mustToken(t, e); tok != "at-2" {
		t.Fatalf("token %q", tok)
	}
	if side, _ := loadSidecar(t.Context(), e.chain.side); side.Pending != nil {
		t.Fatal("the mark stayed")
	}
}

func TestAnswerLostOnTheWayIsRetriedOnce(t *testing.T) {
	for name, committed := range map[string]bool{"before the commit": false, "after the commit": true} {
		t.Run(name, func(t *testing.T) {
			srv, clk := newTokenServer(t), &clock{}
			e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
			mustSignIn(t, e)
			drop := func(w http.ResponseWriter) bool {
				h, ok := w.(http.Hijacker)
				if !ok {
					return false
				}
				conn, _, err := h.Hijack()
				if err == nil {
					_ = conn.Close()
				}
				return true
			}
			var n atomic.Int32
			srv.set(func() {
				if committed {
					srv.commit = func(_ string, w http.ResponseWriter) bool { return n.Add(1) == 1 && drop(w) }
				} else {
					srv.before = func(w http.ResponseWriter, _ *http.Request) bool { return n.Add(1) == 1 && drop(w) }
				}
			})
			clk.jump(301 * time.Second)
			tok, err := e.Token(t.Context())
			if !committed {
				if err != nil || tok != "at-2" {
					t.Fatalf("%q %v", tok, err)
				}
				return
			}
			if !errors.Is(err, ErrNeedsLogin) || !strings.Contains(e.Status().Text, "connection broke") {
				t.Fatalf("err %v, text %q", err, e.Status().Text)
			}
			if _, r, _ := srv.counts(); r != 2 {
				t.Fatalf("%d requests, want two", r)
			}
		})
	}
}

func TestBrokenAnswerStillSavesItsRefreshToken(t *testing.T) {
	srv, clk, store := newTokenServer(t), &clock{}, newFaultStore()
	e := setup{base: srv.URL, store: store, clock: clk}.engine(t)
	mustSignIn(t, e)
	srv.set(func() { srv.ttl = "-5" })
	clk.jump(301 * time.Second)
	if _, err := e.Token(t.Context()); !errors.Is(err, ErrProtocol) {
		t.Fatalf("err %v", err)
	}
	srv.set(func() { srv.ttl = `"300"` })
	clk.jump(time.Minute)
	if tok := mustToken(t, e); tok != "at-3" {
		t.Fatalf("token %q", tok)
	}
	if _, _, reused := srv.counts(); reused != 0 {
		t.Fatal("a spent refresh token was sent again")
	}
}

func TestMissingRefreshTokenKeepsTheOldOne(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
	mustSignIn(t, e)
	srv.set(func() {
		old := srv.refresh
		srv.commit = func(body string, w http.ResponseWriter) bool {
			srv.refresh = old
			_, _ = w.Write([]byte(`{"access_token":"kept","expires_in":300}`))
			return true
		}
	})
	clk.jump(301 * time.Second)
	if tok := mustToken(t, e); tok != "kept" {
		t.Fatalf("token %q", tok)
	}
	if !slices.Equal(e.Status().Scopes, DefaultScope()) {
		t.Fatalf("scopes %v", e.Status().Scopes)
	}
	srv.set(func() { srv.commit = nil })
	clk.jump(301 * time.Second)
	mustToken(t, e)
}

func TestRejectFetchesAnotherTokenAndStopsALoop(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
	mustSignIn(t, e)
	first := mustToken(t, e)
	e.Reject("some other token")
	if mustToken(t, e) != first {
		t.Fatal("rejecting a foreign token must not matter")
	}
	var err error
	for range 10 {
		var tok string
		if tok, err = e.Token(t.Context()); err != nil {
			break
		}
		e.Reject(tok)
		e.Reject(tok)
	}
	if _, r, _ := srv.counts(); !errors.Is(err, ErrDenied) || r != 3 {
		t.Fatalf("err %v after %d refreshes", err, r)
	}
	clk.jump(301 * time.Second)
	mustToken(t, e)
}

// TestNowAndThenARefusedTokenDoesNotMatter is a server of which one machine refuses one call in a hundred, whatever token it
// is given.
func TestNowAndThenARefusedTokenDoesNotMatter(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
	mustSignIn(t, e)
	for call := range 2000 {
		tok := mustToken(t, e)
		if call%100 == 99 {
			e.Reject(tok)
		} else {
			e.Accept(tok)
		}
		if call%10 == 0 {
			clk.jump(time.Second)
		}
	}
	if _, r, _ := srv.counts(); r < 19 {
		t.Fatalf("%d refreshes for 20 refused tokens", r)
	}
}

// TestTooManyRefusedTokensStopTheFetching is a server that takes a token for one call and refuses it with the next: no row
// of refusals, and no end of refreshes.
func TestTooManyRefusedTokensStopTheFetching(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
	mustSignIn(t, e)
	var err error
	for range 100 {
		var tok string
		if tok, err = e.Token(t.Context()); err != nil {
			break
		}
		e.Accept(tok)
		e.Accept("a token of before")
		e.Reject(tok)
	}
	if _, r, _ := srv.counts(); !errors.Is(err, ErrDenied) || r > 6 {
		t.Fatalf("err %v after %d refreshes", err, r)
	}
	if s := e.Status(); s.State != Expired || !strings.Contains(s.Text, "too many") {
		t.Fatalf("status %+v", s)
	}
	clk.jump(301 * time.Second)
	tok := mustToken(t, e)
	e.Accept(tok)
	if mustToken(t, e) != tok {
		t.Fatal("a token that is taken must stay")
	}
}

func TestPasswordChangeEndsTheChain(t *testing.T) {
	srv, clk := newTokenServer(t), &clock{}
	e := setup{base: srv.URL, store: newFaultStore(), clock: clk}.engine(t)
	mustSignIn(t, e)
	tok := mustToken(t, e)
	srv.set(func() { srv.password, srv.refresh = "new", "" })
	e.Reject(tok)
	if _, err := e.Token(t.Context()); !errors.Is(err, ErrNeedsLogin) {
		t.Fatalf("err %v", err)
	}
	if s := e.Status(); s.State != NeedsLogin || !strings.Contains(s.Text, "password") {
		t.Fatalf("status %+v", s)
	}
	c := creds()
	c.Password = NewSecret("new")
	if err := e.SignIn(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	mustToken(t, e)
}
