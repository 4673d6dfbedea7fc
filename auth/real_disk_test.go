//go:build linux

package auth

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tinyDisk mounts a file system of 64 KB for the length of a test.
func tinyDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("no file system can be mounted here (%v), so the full disk was not tested", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("the test's file system stays mounted: %v", err)
		}
	})
	return dir
}

// fill takes all the room that is left on a disk and gives the way to free it.
func fill(t *testing.T, dir string) (release func()) {
	t.Helper()
	path := filepath.Join(dir, "filling")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600) //nolint:gosec // a file of this test
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 512))
	}
	_ = f.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk does not get full: %v", err)
	}
	return func() { _ = os.Remove(path) }
}

func TestRealFullDiskKeepsTheOldItem(t *testing.T) {
	t.Parallel()
	dir := tinyDisk(t)
	s := fileStore(t, dir)
	if err := s.Set(t.Context(), "v1-x", []byte("old")); err != nil {
		t.Fatal(err)
	}
	release := fill(t, dir)
	names := func() string {
		var all []string
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			all = append(all, e.Name())
		}
		return strings.Join(all, " ")
	}
	before := names()
	for _, size := range []int{1, 3000, 20000} {
		if err := s.Set(t.Context(), "v1-x", bytes.Repeat([]byte("n"), size)); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d bytes on a full disk: %v", size, err)
		}
		if got, err := fileStore(t, dir).Get(t.Context(), "v1-x"); err != nil || string(got) != "old" {
			t.Fatalf("after a write of %d bytes that failed: %q %v", size, got, err)
		}
	}
	if after := names(); after != before {
		t.Errorf("a write that failed left something: %s, before: %s", after, before)
	}
	if err := Canary(t.Context(), s); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the test item: %v", err)
	}
	release()
	if err := s.Set(t.Context(), "v1-x", []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, err := fileStore(t, dir).Get(t.Context(), "v1-x"); err != nil || string(got) != "new" {
		t.Fatalf("with room again: %q %v", got, err)
	}
}

// TestRealFullDiskSpendsNoRefreshToken lets an access token run out on a full
// disk: the refresh token is not sent, since its successor could not be saved.
func TestRealFullDiskSpendsNoRefreshToken(t *testing.T) {
	t.Parallel()
	srv, dir, clk := newTokenServer(t), tinyDisk(t), &clock{}
	e := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	mustSignIn(t, e)
	clk.jump(301 * time.Second)
	release := fill(t, dir)
	if tok, err := e.Token(t.Context()); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("token %q, error %v", tok, err)
	}
	if _, refreshes, _ := srv.counts(); refreshes != 0 {
		t.Fatalf("%d refreshes although nothing could be saved", refreshes)
	}
	release()
	next := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	mustToken(t, next)
	if grants, refreshes, reused := srv.counts(); grants != 1 || refreshes != 1 || reused != 0 {
		t.Errorf("%d sign-ins, %d refreshes, %d reused", grants, refreshes, reused)
	}
}
