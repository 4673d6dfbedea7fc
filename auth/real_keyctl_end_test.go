//go:build linux

package auth

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// TestRealKernelForgetsTheKey looks in the kernel's own list for the end of an
// unlocked key, and for its absence once it is forgotten.
func TestRealKernelForgetsTheKey(t *testing.T) {
	cache, err := OpenKeyringStore("keyctl")
	if err == nil {
		err = Canary(t.Context(), cache)
	}
	if err != nil {
		t.Skipf("the kernel's keyring cannot be used here: %v", err)
	}
	defer func() { _ = cache.Close() }()
	dir, asked := privateDir(t), 0
	t.Cleanup(func() { _ = ForgetFileKey(t.Context(), dir) })
	s := keptStore(t, dir, cache, &asked)
	if err := s.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(FileKeyUntil(t.Context(), dir)); left < FileKeyLife-time.Hour || left > FileKeyLife {
		t.Errorf("it ends in %v", left)
	}
	wrapped, err := os.ReadFile(dir + "/" + identityFile)
	if err != nil {
		t.Fatal(err)
	}
	name := identityCacheKey(wrapped)
	line := kernelKey(t, name)
	if !regexp.MustCompile(` 1[12]h `).MatchString(line) || strings.Contains(line, " perm ") {
		t.Errorf("the kernel keeps it like this: %q", line)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	s.keep(t.Context(), name, id, "") // writing it again must not take the end away
	if line := kernelKey(t, name); !regexp.MustCompile(` 1[12]h `).MatchString(line) || strings.Contains(line, " perm ") {
		t.Errorf("renewed, the kernel keeps it like this: %q", line)
	}
	if err := ForgetFileKey(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Get(t.Context(), name); err == nil {
		t.Error("it is still there")
	}
	if until := FileKeyUntil(t.Context(), dir); !until.IsZero() {
		t.Errorf("it is said to be open until %v", until)
	}
}

// kernelKey gives the lines of a key in /proc/keys: one that was replaced may
// stay in the list until the kernel cleans up.
func kernelKey(t *testing.T, name string) string {
	t.Helper()
	all, err := os.ReadFile("/proc/keys")
	if err != nil {
		t.Skipf("the kernel's list of keys cannot be read here: %v", err)
	}
	found := ""
	for line := range strings.Lines(string(all)) {
		if strings.Contains(line, name) && !strings.Contains(line, " expd ") && !strings.Contains(line, "perm 00000000") {
			found += line
		}
	}
	return found
}
