package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// put writes a file of that age.
func put(t *testing.T, path string, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age)
	if err := errors.Join(os.WriteFile(path, []byte("x"), 0o600), os.Chtimes(path, at, at)); err != nil {
		t.Fatal(err)
	}
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}

// TestPurge removes the snapshot with all that belongs to it, and nothing else.
func TestPurge(t *testing.T) {
	f := testFile(t, testBinding, 1)
	save(t, f, picturetest.Random(1, 2, 5), time.Now())
	aside, half := f.Path()+".bad-20260101T000000Z", filepath.Join(filepath.Dir(f.Path()), tempPrefix(f.Path())+"1")
	other := filepath.Join(filepath.Dir(f.Path()), "fleet-other.snapshot")
	for _, path := range []string{aside, half, other} {
		put(t, path, 0)
	}
	removed, err := Purge(f.Path())
	slices.Sort(removed)
	want := []string{f.Path(), aside, half}
	slices.Sort(want)
	if err != nil || !slices.Equal(removed, want) {
		t.Errorf("removed are %v, want %v; %v", removed, want, err)
	}
	left, err := os.ReadDir(filepath.Dir(f.Path()))
	if err != nil || len(left) != 1 || left[0].Name() != filepath.Base(other) {
		t.Errorf("left are %v, %v", left, err)
	}
	if removed, err := Purge(f.Path()); err != nil || len(removed) > 0 {
		t.Errorf("a second time: %v, %v", removed, err)
	}
}

// TestLeftovers: what a process left behind that died while it wrote goes with the next snapshot, what another one may still be
// writing does not.
func TestLeftovers(t *testing.T) {
	f := testFile(t, testBinding, 1)
	save(t, f, picturetest.Random(1, 2, 5), time.Now())
	at := filepath.Join(filepath.Dir(f.Path()), tempPrefix(f.Path()))
	put(t, at+"old", 2*leftover)
	put(t, at+"young", leftover/2)
	save(t, f, picturetest.Random(1, 2, 5), time.Now().Add(time.Second))
	if exists(t, at+"old") || !exists(t, at+"young") {
		t.Errorf("the old one is there: %v, the young one: %v", exists(t, at+"old"), exists(t, at+"young"))
	}
}

// TestReplacedWhileItWasRead: a file that turned out to be no good is not set aside where another process has put a good one in
// its place meanwhile.
func TestReplacedWhileItWasRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that somebody reads cannot be replaced here")
	}
	f := testFile(t, testBinding, 1)
	save(t, f, picturetest.Random(1, 2, 5), time.Now())
	in, err := f.open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	save(t, f, picturetest.Random(2, 2, 7), time.Now().Add(time.Second))
	var aside *AsideError
	if err := f.setAside(t.Context(), in, ErrCorrupt); !errors.As(err, &aside) || aside.Path != "" {
		t.Errorf("%v", err)
	}
	if _, p, err := load(f); err != nil || p.Len() != 7 || len(f.asides()) > 0 {
		t.Errorf("%v, set aside are %v", err, f.asides())
	}
}
