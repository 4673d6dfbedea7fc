package auth

import (
	"bufio"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

func TestTwoEnginesOnOneFileStoreNeverReuse(t *testing.T) {
	srv, dir := newTokenServer(t), privateDir(t)
	clk := &clock{}
	a := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	mustSignIn(t, a)
	b := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	for round := range 15 {
		clk.jump(299 * time.Second)
		var wg sync.WaitGroup
		var toks [2]string
		for i, e := range []*Engine{a, b} {
			wg.Go(func() { toks[i], _ = e.Token(context.Background()) })
		}
		wg.Wait()
		if toks[0] == "" || toks[0] != toks[1] {
			t.Fatalf("round %d: %q and %q", round, toks[0], toks[1])
		}
	}
	if _, r, reused := srv.counts(); r != 15 || reused != 0 {
		t.Fatalf("%d refreshes for 15 generations, %d reused", r, reused)
	}
}

func TestLogoutAndLoginElsewhereAreAdopted(t *testing.T) {
	srv, store, dir, clk := newTokenServer(t), newFaultStore(), privateDir(t), &clock{}
	a := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	b := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	mustSignIn(t, a)
	mustToken(t, b)
	if err := a.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	clk.jump(299 * time.Second)
	if _, err := b.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "signed out by another process") {
		t.Fatalf("err %v", err)
	}
	mustSignIn(t, a)
	b.follow()
	if got, want := mustToken(t, b), mustToken(t, a); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
}

// TestWorkerProcess is not a test: it is a child of the tests below.
func TestWorkerProcess(t *testing.T) {
	base := os.Getenv("UNITTY_TEST_WORKER")
	if base == "" {
		t.Skip("a child process of other tests")
	}
	dir := os.Getenv("UNITTY_TEST_DIR")
	e, err := NewEngine(Options{
		Account: Account{BaseURL: base, ClientID: testClientID, Username: testUser},
		Store:   fileStore(t, dir), LockDir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Start(t.Context())
	end := time.NewTimer(4 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	came, spoiled := 0, 0
	for {
		select {
		case <-end.C:
			if spoiled > came {
				fmt.Printf("WORKER %d tokens came, %d were replaced before they could be used\n", came, spoiled)
			}
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			return
		case <-tick.C:
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			// A machine that stands still for longer than a token lives spoils that token, now and then.
			_, err := e.Token(ctx)
			switch {
			case err == nil:
				came++
			case strings.Contains(err.Error(), "before it could be used"):
				spoiled++
			default:
				fmt.Println("WORKER", err)
			}
			cancel()
		}
	}
}

func TestManyProcessesShareOneChain(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	srv, dir := newTokenServer(t), privateDir(t)
	srv.set(func() { srv.ttl = "0.5" })
	first := setup{base: srv.URL, store: fileStore(t, dir), dir: dir}.engine(t)
	mustSignIn(t, first)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var complaints []string
	for range 6 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWorkerProcess$") //nolint:gosec // our own test binary
		cmd.Env = append(os.Environ(), "UNITTY_TEST_WORKER="+srv.URL, "UNITTY_TEST_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for sc := bufio.NewScanner(out); sc.Scan(); {
				if strings.HasPrefix(sc.Text(), "WORKER") {
					mu.Lock()
					complaints = append(complaints, sc.Text())
					mu.Unlock()
				}
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("worker: %v", err)
			}
		})
	}
	wg.Wait()
	_, r, reused := srv.counts()
	t.Logf("%d refreshes, %d reused, %d complaints", r, reused, len(complaints))
	if reused != 0 || len(complaints) != 0 {
		t.Fatalf("%d reused refresh tokens; %v", reused, complaints)
	}
	if r < 3 || r > 20 { // 4 s at 0.35 s or more per generation, and slow starts
		t.Fatalf("%d refreshes", r)
	}
}

func TestAgainstTheSimulatedAPI(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 1, Endpoints: 1})
	if err := sim.Err(); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	defer srv.Close()
	c, clk := sim.Credentials(), &clock{}
	e, err := NewEngine(Options{
		Account: Account{BaseURL: srv.URL, ClientID: c.ClientID, Username: c.Username},
		Store:   fileStore(t, privateDir(t)), LockDir: privateDir(t), Now: clk.now, UserAgent: "unitty/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close(context.Background()) }()
	login := Credentials{Username: c.Username, Password: NewSecret(c.Password), ClientID: c.ClientID, ClientSecret: NewSecret(c.ClientSecret)}
	if err := e.SignIn(t.Context(), login); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 5 {
		seen[mustToken(t, e)] = true
		sim.Advance(299 * time.Second)
		clk.jump(299 * time.Second)
	}
	if len(seen) != 5 || len(e.Status().Scopes) == 0 {
		t.Fatalf("%d tokens, scopes %v", len(seen), e.Status().Scopes)
	}
}

func TestNoSecretInLockFolderOrErrors(t *testing.T) {
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	e := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	mustSignIn(t, e)
	clk.jump(299 * time.Second)
	tok := mustToken(t, e)
	srv.mu.Lock()
	secrets := []string{testPassword, testClientSecret, tok, srv.refresh, "a passphrase"}
	srv.mu.Unlock()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		data, err := os.ReadFile(path) //nolint:gosec // a folder of this test
		for _, s := range secrets {
			if strings.Contains(string(data), s) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
