//go:build linux

package auth

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestRealPass keeps a chain in a password store of its own, encrypted to a key without a passphrase.
func TestRealPass(t *testing.T) {
	need(t, "pass")
	need(t, "gpg")
	// The agent's sockets lie in this folder, and their paths must be short.
	home, err := os.MkdirTemp("", "pass") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	t.Setenv("GNUPGHOME", home)
	t.Setenv("PASSWORD_STORE_DIR", filepath.Join(home, "store"))
	t.Cleanup(func() {
		_ = exec.CommandContext(context.WithoutCancel(t.Context()), "gpgconf", "--homedir", home, "--kill", "all").Run() //nolint:gosec // a folder of this test
	})
	for _, line := range [][]string{
		{"gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "unitty-test@example.invalid", "default", "default", "1d"},
		{"pass", "init", "unitty-test@example.invalid"},
	} {
		cmd := exec.CommandContext(t.Context(), line[0], line[1:]...) //nolint:gosec // fixed words
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", line, err, out)
		}
	}
	exerciseStore(t, "pass")
}
