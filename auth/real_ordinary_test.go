//go:build linux

package auth

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/auth/atomicfile"
)

const ordinaryUser = 65534

// TestRealOrdinaryChild runs as a user whom permissions bind.
func TestRealOrdinaryChild(t *testing.T) {
	isChild(t, "ordinary")
	if os.Geteuid() == 0 {
		t.Fatal("the superuser passes these tests whatever the store does")
	}
	base := os.Getenv("UNITTY_TEST_DIR")
	t.Run("read-only folder", readOnlyFolder)
	t.Run("loose modes", looseModes)
	t.Run("unreadable", unreadableItem)
	t.Run("root's folder", func(t *testing.T) {
		if _, err := OpenFileStore(FileOptions{Dir: filepath.Join(base, "of-root")}); !errors.Is(err, atomicfile.ErrUnsafe) || !strings.Contains(err.Error(), "another user") {
			t.Errorf("%v", err)
		}
	})
	t.Run("root's item", func(t *testing.T) {
		s := fileStore(t, filepath.Join(base, "mine"))
		if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, atomicfile.ErrUnsafe) || !strings.Contains(err.Error(), "another user") {
			t.Errorf("%v", err)
		}
	})
	childDone()
}

// mode changes permissions; the value before comes back when the test ends, so
// that its folder can be removed.
func mode(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(path, info.Mode().Perm()) })
}

func readOnlyFolder(t *testing.T) {
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	s := fileStore(t, dir)
	e := setup{base: srv.URL, store: s, dir: dir, clock: clk}.engine(t)
	mustSignIn(t, e)
	if err := s.Set(t.Context(), "v1-x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	clk.jump(301 * time.Second)
	mode(t, dir, 0o500)
	before := contents(t, dir)
	if err := s.Set(t.Context(), "v1-x", []byte("new")); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("write: %v", err)
	}
	if err := s.Delete(t.Context(), "v1-x"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("delete: %v", err)
	}
	if got, err := fileStore(t, dir).Get(t.Context(), "v1-x"); err != nil || string(got) != "old" {
		t.Errorf("read: %q %v", got, err)
	}
	if tok, err := e.Token(t.Context()); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("token %q, error %v", tok, err)
	}
	if _, refreshes, _ := srv.counts(); refreshes != 0 {
		t.Errorf("%d refreshes although nothing could be saved", refreshes)
	}
	unchanged(t, dir, before)
}

func looseModes(t *testing.T) {
	dir := privateDir(t)
	s := fileStore(t, dir)
	if err := s.Set(t.Context(), "v1-x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	item := filepath.Join(dir, "v1-x.age")
	for _, m := range []os.FileMode{0o640, 0o604, 0o620, 0o602} {
		mode(t, item, m)
		if got, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, atomicfile.ErrUnsafe) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("item %v: %q %v", m, got, err)
		}
	}
	mode(t, item, 0o600)
	for _, m := range []os.FileMode{0o710, 0o701, 0o770} {
		mode(t, dir, m)
		if err := s.Set(t.Context(), "v1-x", nil); !errors.Is(err, atomicfile.ErrUnsafe) || !strings.Contains(err.Error(), "chmod 700") {
			t.Errorf("folder %v: %v", m, err)
		}
		if _, err := OpenFileStore(FileOptions{Dir: dir}); !errors.Is(err, atomicfile.ErrUnsafe) {
			t.Errorf("opening folder %v: %v", m, err)
		}
	}
}

// unreadableItem takes the permissions away altogether: that is not an empty
// store, which would mean a new sign-in over the old one.
func unreadableItem(t *testing.T) {
	dir := privateDir(t)
	s := fileStore(t, dir)
	if err := s.Set(t.Context(), "v1-x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	wrong := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNotFound) || errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", what, err)
		}
	}
	mode(t, filepath.Join(dir, "v1-x.age"), 0)
	_, err := s.Get(t.Context(), "v1-x")
	wrong("item", err)
	mode(t, filepath.Join(dir, "v1-x.age"), 0o600)
	mode(t, filepath.Join(dir, identityFile), 0)
	_, err = fileStore(t, dir).Get(t.Context(), "v1-x")
	wrong("key", err)
	mode(t, dir, 0)
	_, err = s.Get(t.Context(), "v1-x")
	wrong("folder", err)
	pass := filepath.Join(os.Getenv("UNITTY_TEST_DIR"), "root-passphrase")
	f, err := OpenFileStore(FileOptions{Dir: privateDir(t), PassphraseFile: pass})
	if err != nil {
		t.Fatal(err)
	}
	wrong("passphrase", f.Set(t.Context(), "v1-x", nil))
}

// TestRealOrdinaryUser runs the tests of permissions as a user who has none of
// the superuser's rights.
func TestRealOrdinaryUser(t *testing.T) {
	t.Parallel()
	need(t, "setpriv")
	if os.Getuid() != 0 {
		t.Skip("only the superuser can become another user; the other tests of modes bind this one")
	}
	binary, dir := commonBinary(t)
	for _, name := range []string{"of-root", "mine", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	s := fileStore(t, filepath.Join(dir, "mine"))
	if err := s.Set(t.Context(), "v1-x", []byte("planted")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "mine", "v1-x.age"), 0o644); err != nil { //nolint:gosec // it has to be readable to be judged
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "root-passphrase"), []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", "tmp", "mine/" + identityFile} {
		if err := os.Chown(filepath.Join(dir, name), ordinaryUser, ordinaryUser); err != nil {
			t.Skipf("this container cannot give files away: %v", err)
		}
	}
	out := runReal(t, "ordinary", dir, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "TMPDIR="+filepath.Join(dir, "tmp"),
		binary, "-test.v", "-test.run=^TestRealOrdinaryChild$")
	if got := strings.Count(out, "    --- PASS"); got != 5 {
		t.Fatalf("%d of 5 parts passed:\n%s", got, out)
	}
}
