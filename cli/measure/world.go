//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

// world is a simulated console on a port of this machine.
type world struct {
	sim   *unitytest.Server
	base  string
	close func()
	creds unitytest.Credentials
	// tokens sign in to the console.
	tokens *entry.Password
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
	w := &world{sim: sim, creds: sim.Credentials()}
	var err error
	w.base, w.close, err = driver.Serve(ctx, sim)
	w.tokens = &entry.Password{BaseURL: w.base, Creds: w.creds}
	return w, err
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
	return unity.New(unity.Options{BaseURL: w.base, GSMKey: key, Tokens: w.tokens, Version: "measure"})
}

// program builds unitty, once.
func (b *bench) program(ctx context.Context) (string, error) {
	if b.bin != "" {
		return b.bin, nil
	}
	bin, err := b.build(ctx, "unitty", driver.Program)
	if err == nil {
		b.bin = bin
	}
	return bin, err
}

// build builds a command of this tree.
func (b *bench) build(ctx context.Context, name, pkg string) (string, error) {
	bin := filepath.Join(b.dir, name)
	return bin, driver.Build(ctx, bin, pkg)
}
