package secretserver

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretservertest"
)

// dirStore keeps items as plain files, so that processes share them. Real
// stores encrypt; here only the order of things matters.
type dirStore struct{ dir string }

func (d dirStore) Name() string    { return "test" }
func (d dirStore) LockDir() string { return filepath.Join(d.dir, "locks") }
func (d dirStore) Close() error    { return nil }

func (d dirStore) Get(_ context.Context, key string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(d.dir, key))
	if errors.Is(err, os.ErrNotExist) {
		return nil, auth.ErrNotFound
	}
	return data, err
}

func (d dirStore) Set(_ context.Context, key string, data []byte) error {
	tmp := filepath.Join(d.dir, key+"."+strconv.Itoa(os.Getpid()))
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(d.dir, key))
}

func (d dirStore) Delete(_ context.Context, key string) error {
	if err := os.Remove(filepath.Join(d.dir, key)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func processOptions(url, dir string) Options {
	return Options{
		Config: Config{URL: url, Secret: "126", Username: ssUser, KeepSession: true, MaxRefreshes: 4},
		Store:  dirStore{dir}, UserAgent: "unitty/test",
	}
}

// TestWorkerProcess is not a test: it is a child of the test below. It reads
// until a sign-in is needed.
func TestWorkerProcess(t *testing.T) {
	url := os.Getenv("UNITTY_TEST_SECRETSERVER")
	if url == "" {
		t.Skip("a child process of another test")
	}
	s, err := New(processOptions(url, os.Getenv("UNITTY_TEST_DIR")))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		if _, err := s.Read(ctx); errors.Is(err, auth.ErrNeedsLogin) {
			fmt.Println("readings", n)
			return
		} else if err != nil {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the session never ended")
		}
	}
}

func TestProcessesShareTheCount(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := filepath.Join(t.TempDir(), "store")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	// Processes have the real clock, so the server must have it as well.
	r := &rig{t: t, sim: secretservertest.New(secretservertest.Options{Timeout: time.Second, RefreshEnabled: true, MaxRefreshes: 4,
		Username: ssUser, Password: ssPassword, Secrets: []secretservertest.Secret{webroot()}})}
	r.http = httptest.NewServer(r.sim)
	t.Cleanup(r.http.Close)
	o := processOptions(r.http.URL, dir)
	o.Login, o.Fields.GSMKey = goodLogin().ask, "gsm-key"
	r.mustRead(r.source(o))
	var wg sync.WaitGroup
	for range 4 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWorkerProcess$") //nolint:gosec // our own test binary
		cmd.Env = append(os.Environ(), "UNITTY_TEST_SECRETSERVER="+r.http.URL, "UNITTY_TEST_DIR="+dir)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("worker: %v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	if c := r.sim.Counts(); c.Refreshes != 4 || c.Refused != 0 || c.Passwords != 1 {
		t.Fatalf("server %+v", c)
	}
}
