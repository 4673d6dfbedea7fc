//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

func servicePath() *regexp.Regexp { return regexp.MustCompile("^/service/") }

// world is a simulated console, the proxy in front of it, and a private folder for the program.
type world struct {
	sim   *unitytest.Server
	proxy *wiretap.Proxy
	stop  func()
	dir   string
	bin   string
}

// settled is how long the world has lived when the runs begin: so long that whoever was away at its beginning is away for more
// than a week, since a few machines would pass that mark in every minute.
const settled = 6*24*time.Hour + 12*time.Hour

// newWorld builds the program and the console, and serves it.
func newWorld(ctx context.Context, o options) (w *world, err error) {
	w = &world{stop: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.dir, err = os.MkdirTemp("", "unitty-bigrun-"); err != nil {
		return w, err
	}
	pass := make([]byte, 24)
	_, _ = rand.Read(pass) // never fails
	if err := os.WriteFile(w.passphrase(), []byte(hex.EncodeToString(pass)+"\n"), 0o600); err != nil {
		return w, err
	}
	if err := w.build(ctx, o.bin); err != nil {
		return w, err
	}
	// The world is made a few days ago and lives until now: in a fresh one the machines fetch what has been waiting for them
	// by the hundred, and the number to be expected changes between the two runs.
	w.sim = unitytest.New(unitytest.Options{Sites: o.sites, Endpoints: o.endpoints, Seed: o.seed, Latency: o.latency, Rate: o.rate,
		Now: func() time.Time { return time.Now().Add(-settled) }})
	if err := w.sim.Err(); err != nil {
		return w, err
	}
	w.sim.Advance(settled)
	to, err := w.serve(ctx)
	if err != nil {
		return w, err
	}
	rules, err := o.rules()
	if err != nil {
		return w, err
	}
	w.proxy, err = wiretap.New(to, wiretap.Options{Rules: rules, Seed: o.seed})
	return w, err
}

// serve answers for the simulator.
func (w *world) serve(ctx context.Context) (*url.URL, error) {
	base, stop, err := driver.Serve(ctx, w.sim)
	if err != nil {
		return nil, err
	}
	w.stop = stop
	return url.Parse(base)
}

func (w *world) build(ctx context.Context, bin string) (err error) {
	if bin != "" {
		w.bin, err = filepath.Abs(bin)
		return err
	}
	w.bin = filepath.Join(w.dir, "unitty")
	return driver.Build(ctx, w.bin, driver.Program)
}

func (w *world) passphrase() string { return filepath.Join(w.dir, "passphrase") }

// close ends everything and removes the folder.
func (w *world) close() error {
	var err error
	if w.proxy != nil {
		err = w.proxy.Close()
	}
	w.stop()
	return errors.Join(err, os.RemoveAll(w.dir))
}

// environment is the program's own: nothing of the user's, all folders private, and the credentials to sign in with.
func (w *world) environment() ([]string, error) {
	c := w.sim.Credentials()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TERM=dumb", "LANG=C.UTF-8", "UNITTY_BASE_URL=" + w.proxy.URL().String(),
		"UNITTY_GSM_KEY=" + c.GSMKey, "UNITTY_USERNAME=" + c.Username, "UNITTY_PASSWORD=" + c.Password, "UNITTY_CLIENT_ID=" + c.ClientID,
		"UNITTY_CLIENT_SECRET=" + c.ClientSecret, "UNITTY_KEYRING=file", "UNITTY_KEYRING_PASSPHRASE_FILE=" + w.passphrase()}
	for _, name := range []string{"CONFIG", "STATE", "CACHE", "RUNTIME"} {
		dir := filepath.Join(w.dir, name)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		variable := "XDG_" + name + "_HOME="
		if name == "RUNTIME" {
			variable = "XDG_RUNTIME_DIR="
		}
		env = append(env, variable+dir)
	}
	return env, nil
}

// run is one run of the program.
type run struct {
	out, errs []byte
	code      int
	from, to  time.Time
	busy      time.Duration // of the processor
	calls     []wiretap.Exchange
	changes   []wiretap.Change
}

func (r *run) took() time.Duration { return r.to.Sub(r.from) }

// program runs the program with arguments and gives what passed the proxy meanwhile. Any exit code is an answer.
func (w *world) program(ctx context.Context, args ...string) (*run, error) {
	env, err := w.environment()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, w.bin, args...) //nolint:gosec // the program under test
	var out, errs bytes.Buffer
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = env, w.dir, &out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	w.proxy.Reset()
	r := &run{from: time.Now()}
	err = cmd.Run()
	r.to = time.Now()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	r.out, r.errs, r.code = out.Bytes(), errs.Bytes(), cmd.ProcessState.ExitCode()
	r.busy = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.calls, r.changes = w.proxy.Exchanges(), w.proxy.Changes()
	return r, nil
}
