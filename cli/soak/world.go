//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest"
)

// world is a simulated console, a gate in front of it, and a private folder for the program.
type world struct {
	sim  *unitytest.Server
	gate *gate
	// url is where the program finds the console; side is an entrance without a gate for everybody else.
	url, side string
	stops     []func()
	dir       string
	// frozen is where the clock of the console stands still, in nanoseconds since 1970; 0 while it goes.
	frozen atomic.Int64
}

// newWorld makes a console and serves it.
func newWorld(ctx context.Context, o unitytest.Options) (w *world, err error) {
	w = &world{}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "unitty-soak-"); err != nil {
		return w, err
	}
	o.Now = func() time.Time {
		if at := w.frozen.Load(); at != 0 {
			return time.Unix(0, at)
		}
		return time.Now()
	}
	w.sim = unitytest.New(o)
	if err := w.sim.Err(); err != nil {
		return w, err
	}
	w.gate = &gate{next: w.sim, open: make(chan struct{})}
	close(w.gate.open)
	if w.url, err = w.serve(ctx, w.gate); err != nil {
		return w, err
	}
	w.side, err = w.serve(ctx, w.sim)
	return w, err
}

// freeze stops the clock of the console, so that nothing happens there any more by itself. Each further call lets a second pass.
func (w *world) freeze() {
	if !w.frozen.CompareAndSwap(0, time.Now().UnixNano()) {
		w.frozen.Add(int64(time.Second))
	}
}

// serve answers until the world is closed.
func (w *world) serve(ctx context.Context, h http.Handler) (string, error) {
	base, stop, err := driver.Serve(ctx, h)
	if err != nil {
		return "", err
	}
	w.stops = append(w.stops, stop)
	return base, nil
}

// close ends everything and removes the folder.
func (w *world) close() error {
	for _, stop := range w.stops {
		stop()
	}
	if w.dir == "" {
		return nil
	}
	return os.RemoveAll(w.dir)
}

// environment is that of the program in a home of its own below the private folder: nothing of the user's, and the credentials
// to sign in with. The store is a file, so that there is a place for the key of the snapshot.
func (w *world) environment(home string) ([]string, error) {
	home = filepath.Join(w.dir, home)
	for _, sub := range []string{"", "config", "cache", "run", "state"} {
		if err := os.MkdirAll(filepath.Join(home, sub), 0o700); err != nil {
			return nil, err
		}
	}
	passphrase := filepath.Join(home, "passphrase")
	if _, err := os.Stat(passphrase); errors.Is(err, os.ErrNotExist) {
		raw := make([]byte, 24)
		_, _ = rand.Read(raw) // never fails
		if err := os.WriteFile(passphrase, []byte(hex.EncodeToString(raw)+"\n"), 0o600); err != nil {
			return nil, err
		}
	}
	c := w.sim.Credentials()
	return []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"XDG_RUNTIME_DIR=" + filepath.Join(home, "run"), "XDG_STATE_HOME=" + filepath.Join(home, "state"), "UNITTY_BASE_URL=" + w.url,
		"UNITTY_GSM_KEY=" + c.GSMKey, "UNITTY_USERNAME=" + c.Username, "UNITTY_PASSWORD=" + c.Password, "UNITTY_CLIENT_ID=" + c.ClientID,
		"UNITTY_CLIENT_SECRET=" + c.ClientSecret, "UNITTY_KEYRING=file", "UNITTY_KEYRING_PASSPHRASE_FILE=" + passphrase}, nil
}

// gate counts what the program asks for, and holds back calls while it is shut.
type gate struct {
	next http.Handler
	// open is closed while everything passes, and passes tells what passes a shut gate; nil lets nothing pass.
	mu     sync.Mutex
	open   chan struct{}
	passes func(*http.Request) bool

	calls    atomic.Int64
	changes  atomic.Int64
	underWay atomic.Int64
	last     atomic.Int64 // when a call other than for the names of groups ended, in nanoseconds since 1970
}

// shut lets only some calls pass from now on.
func (g *gate) shut(passes func(*http.Request) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open, g.passes = make(chan struct{}), passes
}

// release lets everything pass.
func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

// ServeHTTP implements http.Handler.
func (g *gate) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if !g.lets(r) {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/service/") {
		g.calls.Add(1)
		if r.Method != http.MethodGet {
			g.changes.Add(1)
		}
	}
	if strings.HasSuffix(r.URL.Path, "/groups") {
		g.next.ServeHTTP(rw, r)
		return
	}
	g.underWay.Add(1)
	defer func() {
		g.last.Store(time.Now().UnixNano())
		g.underWay.Add(-1)
	}()
	g.next.ServeHTTP(rw, r)
}

// lets waits until a call may pass; false when nobody waits for it any more.
func (g *gate) lets(r *http.Request) bool {
	g.mu.Lock()
	open, passes := g.open, g.passes
	free := passes != nil && passes(r)
	g.mu.Unlock()
	if free {
		return true
	}
	select {
	case <-open:
		return true
	case <-r.Context().Done():
		return false
	}
}

// quiet waits until no call has been under way for a while.
func (g *gate) quiet(ctx context.Context, span, limit time.Duration) error {
	for end := time.Now().Add(limit); time.Now().Before(end); {
		if g.underWay.Load() == 0 && time.Since(time.Unix(0, g.last.Load())) > span {
			return nil
		}
		if err := rest(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("the program still makes calls after %s", limit)
}

// rest waits, unless the context ends first.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
