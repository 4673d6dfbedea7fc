//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// world is a simulated console on a port of this machine. It is its own source of tokens.
type world struct {
	sim   *unitytest.Server
	http  *http.Server
	base  string
	creds unitytest.Credentials
	over  chan struct{}

	mu    sync.Mutex
	token string
}

// serve builds a console and listens.
func serve(ctx context.Context, o unitytest.Options) (*world, error) {
	o.Seed = seed
	if o.AccessTTL == 0 {
		// A token that lasts keeps sign-in out of what is measured.
		o.AccessTTL = 12 * time.Hour
	}
	sim := unitytest.New(o)
	if err := sim.Err(); err != nil {
		return nil, err
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &world{sim: sim, base: "http://" + l.Addr().String(), creds: sim.Credentials(), over: make(chan struct{}),
		http: &http.Server{Handler: sim, ReadHeaderTimeout: time.Minute}}
	go func() {
		defer close(w.over)
		_ = w.http.Serve(l) // ends with close
	}()
	return w, nil
}

func (w *world) close() {
	_ = w.http.Close()
	<-w.over
}

// environment is what the program needs to sign in to the console by itself.
func (w *world) environment(home string) []string {
	return []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"XDG_STATE_HOME=" + filepath.Join(home, "state"), "XDG_RUNTIME_DIR=" + filepath.Join(home, "run"),
		"UNITTY_BASE_URL=" + w.base, "UNITTY_GSM_KEY=" + w.creds.GSMKey, "UNITTY_USERNAME=" + w.creds.Username, "UNITTY_PASSWORD=" + w.creds.Password,
		"UNITTY_CLIENT_ID=" + w.creds.ClientID, "UNITTY_CLIENT_SECRET=" + w.creds.ClientSecret, "UNITTY_KEYRING=memory"}
}

// home makes a folder for one run of the program.
func (b *bench) home(name string) (string, error) {
	dir := filepath.Join(b.dir, name)
	for _, sub := range []string{"config", "cache", "state", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// client is a client of the console.
func (w *world) client() (*unity.Client, error) {
	key, err := unity.ParseKeycode(w.creds.GSMKey)
	if err != nil {
		return nil, err
	}
	return unity.New(unity.Options{BaseURL: w.base, GSMKey: key, Tokens: w, Version: "measure"})
}

// Token signs in when there is no token.
func (w *world) Token(ctx context.Context) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token != "" {
		return w.token, nil
	}
	form := url.Values{"grant_type": {"password"}, "username": {w.creds.Username}, "password": {w.creds.Password}, "scope": {"*"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.base+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(w.creds.ClientID, w.creds.ClientSecret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil || body.AccessToken == "" {
		return "", errors.Join(errors.New("the simulator gives no token"), err)
	}
	w.token = body.AccessToken
	return w.token, nil
}

// Reject forgets a token.
func (w *world) Reject(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token == token {
		w.token = ""
	}
}

// program builds unitty, once.
func (b *bench) program(ctx context.Context) (string, error) {
	if b.bin != "" {
		return b.bin, nil
	}
	bin, err := b.build(ctx, "unitty", "github.com/unitty/unitty")
	b.bin = bin
	return bin, err
}

// build builds a command of this tree.
func (b *bench) build(ctx context.Context, name, pkg string) (string, error) {
	bin := filepath.Join(b.dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-o", bin, pkg) //nolint:gosec // a private folder, and packages of this tree
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return bin, nil
}
