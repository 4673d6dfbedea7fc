//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest"
)

// household is the part of a machine that the processes share, and the homes in which they do not.
type household struct {
	dir     string
	bin     string
	store   string
	url     string
	creds   unitytest.Credentials
	locks   string   // folder of lock and sidecar
	before  []string // what lay there before the run
	sidecar string
}

// newHousehold makes a private folder.
func newHousehold(o options, url string, c unitytest.Credentials) (*household, error) {
	dir, err := os.MkdirTemp("", "unitty-torture-")
	if err != nil {
		return nil, err
	}
	h := &household{dir: dir, bin: o.bin, store: o.store, url: url, creds: c, locks: filepath.Join(dir, "state", "unitty", "secrets")}
	if err := h.furnish(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return h, nil
}

// furnish writes the passphrase and looks at what lies where the locks will be.
func (h *household) furnish() error {
	pass := make([]byte, 24)
	_, err := rand.Read(pass)
	if err == nil {
		err = os.WriteFile(h.passphrase(), []byte(base64.StdEncoding.EncodeToString(pass)+"\n"), 0o600)
	}
	if err != nil {
		return err
	}
	if h.store == "keyctl" {
		// What covers the whole user has its lock in the home of the password database.
		u, err := user.LookupId(strconv.Itoa(os.Getuid()))
		if err != nil {
			return err
		}
		h.locks = filepath.Join(u.HomeDir, ".local", "state", "unitty", "locks")
	}
	h.before, err = filepath.Glob(filepath.Join(h.locks, "*"))
	return err
}

func (h *household) passphrase() string { return filepath.Join(h.dir, "passphrase") }

// build builds the program when none was named.
func (h *household) build(ctx context.Context) error {
	if h.bin != "" {
		path, err := filepath.Abs(h.bin)
		h.bin = path
		return err
	}
	h.bin = filepath.Join(h.dir, "unitty")
	return driver.Build(ctx, h.bin, driver.Program)
}

// environment is that of one process. Home, configuration, cache and runtime folders are its own. A file store lies in the
// state folder, so that is shared where the store is one; the kernel's keyring needs nothing shared but the user.
func (h *household) environment(name string) ([]string, error) {
	home := filepath.Join(h.dir, "homes", name)
	for _, sub := range []string{"", "config", "cache", "run", "state"} {
		if err := os.MkdirAll(filepath.Join(home, sub), 0o700); err != nil {
			return nil, err
		}
	}
	state := filepath.Join(h.dir, "state")
	if h.store != "file" {
		state = filepath.Join(home, "state")
	}
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"XDG_RUNTIME_DIR=" + filepath.Join(home, "run"), "XDG_STATE_HOME=" + state, "TERM=xterm-256color", "LANG=C.UTF-8",
		"UNITTY_BASE_URL=" + h.url, "UNITTY_GSM_KEY=" + h.creds.GSMKey, "UNITTY_USERNAME=" + h.creds.Username, "UNITTY_CLIENT_ID=" + h.creds.ClientID,
		"UNITTY_KEYRING=" + h.store, "UNITTY_KEYRING_PASSPHRASE_FILE=" + h.passphrase()}, nil
}

// command prepares a run of the program that nobody disturbs.
func (h *household) command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	env, err := h.environment("driver")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, h.bin, args...) //nolint:gosec // the program under test
	cmd.Env, cmd.Dir = env, h.dir
	return cmd, nil
}

// login signs in. The secrets go through a descriptor, so that no process has them in its environment: one that had could
// sign in again by itself, and a lost sign-in would go unnoticed.
func (h *household) login(ctx context.Context) error {
	cmd, err := h.command(ctx, "login", "--secrets-fd", "3")
	if err != nil {
		return err
	}
	secrets, err := json.Marshal(h.creds)
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	// It fits into the pipe, so nobody has to read yet.
	_, err = w.Write(secrets)
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	cmd.ExtraFiles = []*os.File{r}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("unitty login: %w\n%s", err, out)
	}
	return h.findSidecar()
}

// findSidecar looks for the notes that the sign-in has made beside its lock.
func (h *household) findSidecar() error {
	if h.sidecar != "" {
		return nil
	}
	notes, err := filepath.Glob(filepath.Join(h.locks, "*.json"))
	if err != nil {
		return err
	}
	for _, path := range notes {
		if !slices.Contains(h.before, path) {
			h.sidecar = path
			return nil
		}
	}
	return fmt.Errorf("no notes of the sign-in in %s", h.locks)
}

// logout signs out.
func (h *household) logout(ctx context.Context) error {
	cmd, err := h.command(ctx, "logout")
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("unitty logout: %w\n%s", err, out)
	}
	return nil
}

// probe runs `unitty token` and gives its exit code and what it says about an end of the sign-in.
func (h *household) probe(ctx context.Context) (int, string, error) {
	cmd, err := h.command(ctx, "token")
	if err != nil {
		return 0, "", err
	}
	var out, text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &text
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, "", err
	}
	return cmd.ProcessState.ExitCode(), text.String(), nil
}

// notes are what the sidecar says of an exchange that is under way or went wrong.
type notes struct {
	Pending *struct {
		PID int `json:"pid"`
	} `json:"pending"`
	Dead *struct {
		Hash string `json:"rt_hash"`
	} `json:"dead"`
}

// read gives the notes; none are there while nobody is signed in.
func (h *household) read() notes {
	var n notes
	if raw, err := os.ReadFile(h.sidecar); err == nil {
		_ = json.Unmarshal(raw, &n) // files are replaced whole, so there is nothing half-written
	}
	return n
}

// clear removes everything that the run has made.
func (h *household) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	if h.sidecar != "" {
		errs = append(errs, h.logout(ctx))
	}
	if h.store != "file" && h.sidecar != "" {
		now, _ := filepath.Glob(filepath.Join(h.locks, "*"))
		mine := filepath.Base(h.sidecar)
		for _, path := range now {
			// All names of one chain begin alike; other chains of this user are left alone.
			if !slices.Contains(h.before, path) && len(filepath.Base(path)) >= 35 && filepath.Base(path)[:35] == mine[:35] {
				errs = append(errs, os.Remove(path))
			}
		}
	}
	return errors.Join(append(errs, os.RemoveAll(h.dir))...)
}
