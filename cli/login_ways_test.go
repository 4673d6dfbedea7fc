package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity/unitytest"
)

// household is one user's folders on one machine, with a file store that opens by itself.
type household struct {
	t   *testing.T
	dir string
	env []string
}

func newHousehold(t *testing.T) *household {
	t.Helper()
	dir := t.TempDir()
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte("a passphrase for tests\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlockCheaply(t, dir, "a passphrase for tests")
	t.Cleanup(func() {
		_ = auth.ForgetFileKey(context.Background(), filepath.Join(dir, ".local", "state", "unitty", "secrets"))
	})
	return &household{t: t, dir: dir, env: []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "TZ=UTC",
		"UNITTY_KEYRING=file", "UNITTY_KEYRING_PASSPHRASE_FILE=" + pass, locksIn(dir), detector()}}
}

// unlockCheaply is cheapKey for a test.
func unlockCheaply(t *testing.T, home, passphrase string) {
	t.Helper()
	if err := cheapKey(home, passphrase); err != nil {
		t.Fatal(err)
	}
}

// cheapKey makes the key of the file store of a home, with a passphrase that takes no time to unlock it. The program's own takes
// a second of a core for every process, and four under the race detector, which adds up to minutes. The scripts of
// sign-in and of chains make their stores in the program's own way.
func cheapKey(home, passphrase string) error {
	dir := filepath.Join(home, ".local", "state", "unitty", "secrets")
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	by, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	by.SetWorkFactor(4)
	var wrapped bytes.Buffer
	w, err := age.Encrypt(&wrapped, by)
	if err == nil {
		_, err = w.Write([]byte(id.String()))
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "identity.age"), wrapped.Bytes(), 0o600)
	}
	return err
}

// run runs the program with a text on standard input and wants an exit code. It gives what came out on both streams.
func (h *household) run(code int, stdin string, args ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unitty", args...) //nolint:gosec // the test's own arguments
	cmd.Env, cmd.Dir, cmd.Stdin = h.env, h.dir, strings.NewReader(stdin)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatalf("unitty %s: %v", strings.Join(args, " "), err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		h.t.Fatalf("unitty %s: exit code %d, want %d: %s", strings.Join(args, " "), got, code, out.String())
	}
	return out.String()
}

// login signs in at a simulator with user and password.
func (h *household) login(s *testSim) {
	h.t.Helper()
	h.run(0, secretsOf(h.t, s), "login", "--secrets-fd", "0")
}

func secretsOf(t *testing.T, s *testSim) string {
	t.Helper()
	c := s.Credentials()
	raw, err := json.Marshal(secrets{Username: c.Username, Password: c.Password, ClientID: c.ClientID, ClientSecret: c.ClientSecret, GSMKey: c.GSMKey, BaseURL: s.url}) //nolint:gosec // what --secrets-fd reads
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func secretJSON(secret string) string { return `{"client_secret":"` + secret + `"}` }

func TestRotatedClientSecretNeedsNoPassword(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20}), newHousehold(t)
	if text := h.run(3, secretJSON("x"), "login", "--only", "client-secret", "--secrets-fd", "0"); !strings.Contains(text, "unitty login") {
		t.Errorf("without a sign-in: %s", text)
	}
	h.login(sim)
	sim.RotateClientSecret(unitytest.UserSuper, "cs-rotated-canary")

	if text := h.run(3, secretJSON("cs-mistyped-canary"), "login", "--only", "client-secret", "--secrets-fd", "0"); strings.Contains(text, "canary") || !strings.Contains(text, "client secret") {
		t.Errorf("a wrong one: %s", text)
	}
	if n := sim.count(`grant=refresh_token committed`); n != 0 {
		t.Errorf("%d refreshes by a wrong secret", n)
	}
	if text := h.run(0, secretJSON("cs-rotated-canary"), "login", "--only", "client-secret", "--secrets-fd", "0"); strings.Contains(text, "canary") {
		t.Errorf("the secret is printed: %s", text)
	}
	if n := sim.count(`grant=refresh_token committed`); n != 1 {
		t.Errorf("proven by %d refreshes", n)
	}
	h.run(0, "", "site", "list")
	// From the environment too, where it would otherwise stand in for the stored one.
	sim.RotateClientSecret(unitytest.UserSuper, "cs-third-canary")
	plain := h.env
	h.env = append(append([]string{}, plain...), "UNITTY_CLIENT_SECRET=cs-third-canary")
	h.run(0, "", "login", "--only", "client-secret")
	h.env = plain
	sim.Advance(10 * time.Minute) // the server's clock: the stored access token is dead there
	h.run(0, "", "site", "list")
	if n := sim.count(`grant=password`); n != 1 {
		t.Errorf("%d password grants", n)
	}
	if n := sim.count(`^POST /auth/token.* 40\d`); n != 1 {
		t.Errorf("%d refused token requests:\n%s", n, strings.Join(sim.lines(), "\n"))
	}
}

func TestLogoutForgetsAndPurges(t *testing.T) {
	t.Parallel()
	sim, h := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 20}), newHousehold(t)
	if text := h.run(0, "", "logout", "--purge"); !strings.Contains(text, "no sign-in") || !strings.Contains(text, "Nothing else") {
		t.Errorf("without a profile: %s", text)
	}
	h.login(sim)
	state := filepath.Join(h.dir, ".local/state/unitty")
	session, other := filepath.Join(state, "session-main.json"), filepath.Join(state, "session-main-2.json")
	export := filepath.Join(state, "exports", "sites.csv")
	for _, path := range []string{session, other, export} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("{}"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the words must not depend on who is faster
		text := h.run(0, "", "logout")
		if !strings.Contains(text, "forgotten here") || !strings.Contains(text, "the refresh token until") {
			t.Errorf("logout: %s", text)
		}
		h.login(sim)
	}
	text := h.run(0, "", "logout", "--purge")
	if !strings.Contains(text, "Removed "+session) || strings.Contains(text, "session-main-2") || strings.Contains(text, "exports") {
		t.Errorf("purge: %s", text)
	}
	for path, stays := range map[string]bool{session: false, other: true, export: true, filepath.Join(h.dir, ".config/unitty/config.toml"): true} {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v, stays %v", path, err, stays)
		}
	}
	text = h.run(0, "", "logout")
	if !strings.Contains(text, "No sign-in of profile main was stored here") || !strings.Contains(text, "Only a password change") {
		t.Errorf("nothing stored: %s", text)
	}
	h.run(3, "", "site", "list")
	if n := sim.count(`grant=refresh_token`); n != 0 {
		t.Errorf("a logout has refreshed %d times", n)
	}
}

func TestStillAccepted(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	both := auth.Status{ExpiresAt: now.Add(time.Minute), RefreshExpiresAt: now.Add(time.Hour)}
	for want, st := range map[string]auth.Status{
		"the access token until 12:01:00, the refresh token until 2026-03-01 13:00": both,
		"forgotten refresh token, until 2026-03-01 13:00":                           {ExpiresAt: now, RefreshExpiresAt: both.RefreshExpiresAt},
		"issued elsewhere": {},
	} {
		if got := stillAccepted(st, now); !strings.Contains(got, want) || !strings.Contains(got, "Only a password change") {
			t.Errorf("%q, want %q in it", got, want)
		}
	}
}

func TestReadPasted(t *testing.T) {
	long := "https://portal.example/cb?code=" + strings.Repeat("c", 20000)
	for in, want := range map[string]string{
		long + "\r":                    long,
		"\r\n\r" + "abc\n":             "abc",
		"abd\x7fc\r":                   "abc",
		"wrong\x15abc\r":               "abc",
		"\x1b[200~abc\x1b[201~\r":      "abc",
		"a\x00b\x0cc\r":                "abc",
		"\x7f\x08abc\rthe rest is not": "abc",
	} {
		got, err := readPasted(strings.NewReader(in))
		if err != nil || got != want {
			t.Errorf("%.40q gives %.40q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "abc", "abc\x03def\r", "abc\x04\r"} {
		if got, err := readPasted(strings.NewReader(in)); !errors.Is(err, errCancelled) || got != "" {
			t.Errorf("%q gives %q, %v", in, got, err)
		}
	}
	if got, err := readPasted(io.MultiReader(strings.NewReader(strings.Repeat("x", maxPasted+5)), strings.NewReader("\r"))); err != nil || len(got) != maxPasted {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestLoginFlagsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	h := newHousehold(t)
	for _, c := range []struct{ args, says string }{
		{"--code", "--redirect-uri"},
		{"--code --redirect-uri=", "--redirect-uri"},
		{"--code --redirect-uri http://portal.example/cb", "https"},
		{"--code --redirect-uri https://portal.example/cb", "terminal"},
		{"--redirect-uri https://portal.example/cb", "--code"},
		{"--code --redirect-uri https://portal.example/cb --refresh-token", "two ways"},
		{"--only password", "client-secret"},
		{"--only=", "client-secret"},
		{"--only client-secret --code", "goes on"},
		{"--only client-secret --username x", "goes on"},
		{"--only client-secret --redirect-uri https://portal.example/cb", "goes on"},
	} {
		if text := h.run(2, "", append([]string{"login"}, strings.Fields(c.args)...)...); !strings.Contains(text, c.says) {
			t.Errorf("%s: %s", c.args, text)
		}
	}
	if text := h.run(0, "", "login", "--help"); !regexp.MustCompile(`unverified\s+against the real service`).MatchString(text) {
		t.Errorf("the help does not say that the code grant is unverified:\n%s", text)
	}
}
