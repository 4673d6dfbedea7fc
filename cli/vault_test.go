//go:build unix

package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestSignInFromSecretServer signs in with what a vault holds, keeps the vault's session, gets signed in again by it after
// the tokens were revoked, and forgets both.
func TestSignInFromSecretServer(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 3, Endpoints: 20})
	vault, err := startVault(t.Context(), sim.Credentials())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(vault.stop)
	home := t.TempDir()
	pass := filepath.Join(home, "passphrase")
	if err := os.WriteFile(pass, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlockCheaply(t, home, "correct horse")
	run := func(given any, args ...string) (int, string, string) {
		t.Helper()
		var out, errs strings.Builder
		environment := map[string]string{"HOME": home, "UNITTY_KEYRING": "file", "UNITTY_KEYRING_PASSPHRASE_FILE": pass}
		a := &app{in: strings.NewReader(""), out: &out, err: &errs, env: func(name string) string { return environment[name] }}
		if given != nil {
			args = append(args, "--secrets-fd", secretsFile(t, given))
		}
		return a.run(t.Context(), args), out.String(), errs.String()
	}
	creds := sim.Credentials()
	login := []string{"login", "--from", "secretserver", "--source-url", vault.line.BaseURL, "--source-secret", vault.line.Secret,
		"--source-user", vault.line.Username, "--keep-session", "--base-url", sim.url, "--gsm-key", creds.GSMKey}
	if code, _, errs := run(map[string]string{"source_password": "wrong"}, login...); code != exitSignIn {
		t.Fatalf("a wrong password of the vault gives %d: %s", code, errs)
	}
	if code, _, errs := run(map[string]string{"source_password": vault.line.Password}, login...); code != exitDone {
		t.Fatalf("sign-in gives %d: %s", code, errs)
	}
	saved, err := os.ReadFile(filepath.Join(home, ".config", "unitty", "config.toml")) //nolint:gosec // the test's own folder
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{creds.Password, creds.ClientSecret, vault.line.Password} {
		if strings.Contains(string(saved), secret) {
			t.Errorf("a secret is in the configuration:\n%s", saved)
		}
	}
	sim.RevokeTokens(unitytest.UserSuper)
	if code, out, errs := run(nil, "site", "list", "-o", "ndjson"); code != exitDone || strings.Count(out, "\n") != 3 {
		t.Fatalf("after the revocation: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := run(nil, "logout"); code != exitDone {
		t.Fatalf("logout gives %d: %s", code, errs)
	}
	if code, _, errs := run(nil, "site", "list"); code != exitSignIn {
		t.Errorf("after logout: %d %s", code, errs)
	}
	if code, _, _ := run(nil, "login", "--from", "elsewhere"); code != exitUsage {
		t.Errorf("an unknown vault gives %d", code)
	}
	if code, _, _ := run(nil, "login", "--source-url", "https://vault.example"); code != exitUsage {
		t.Errorf("--source-url alone gives %d", code)
	}
}

// secretsFile opens a file with a JSON object and gives the number of its descriptor.
func secretsFile(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	return duplicate(t, r)
}
