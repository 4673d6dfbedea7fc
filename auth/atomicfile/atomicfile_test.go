//go:build unix

package atomicfile

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func dir(t *testing.T) string {
	t.Helper()
	d := filepath.Join(t.TempDir(), "a", "b")
	if err := EnsureDir(d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWriteIsPrivateAndWhole(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	d := dir(t)
	path := filepath.Join(d, "f")
	if err := Write(path, []byte("one")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	if info, _ = os.Stat(d); info.Mode().Perm() != 0o700 {
		t.Fatalf("folder %v", info.Mode())
	}
	// A reader sees one version or the other, at any moment.
	a, b := bytes.Repeat([]byte("a"), 9000), bytes.Repeat([]byte("b"), 5000)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		defer close(stop)
		for range 50 {
			for _, v := range [][]byte{a, b} {
				if err := Write(path, v); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for reading := true; reading; {
		select {
		case <-stop:
			reading = false
		default:
		}
		got, err := Read(path, 10000)
		if err != nil || !bytes.Equal(got, a) && !bytes.Equal(got, b) && string(got) != "one" {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	wg.Wait()
	left, _ := os.ReadDir(d)
	if len(left) != 1 {
		t.Fatalf("temporary files stayed: %v", left)
	}
}

func TestReadRefusesUnsafeFiles(t *testing.T) {
	d := dir(t)
	write := func(name string, mode os.FileMode) string {
		p := filepath.Join(d, name)
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := write("good", 0o400)
	link, pipe := filepath.Join(d, "link"), filepath.Join(d, "pipe")
	if err := os.Symlink(good, link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]string{"group": write("g", 0o640), "others": write("o", 0o604), "link": link, "pipe": pipe, "folder": d} {
		if _, err := Read(p, 10); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := Read(good, 10); err != nil || string(got) != "x" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := Read(good, 0); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if _, err := Read(filepath.Join(d, "none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := Write(d, nil); !errors.Is(err, ErrUnsafe) {
		t.Error(err)
	}
	if os.Getuid() == 0 {
		if err := os.Chown(good, 12345, 12345); err != nil {
			t.Skipf("this container cannot change owners, so a file of another user was not tried: %v", err)
		}
		if _, err := Read(good, 10); !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), "another user") {
			t.Errorf("foreign owner: %v", err)
		}
	}
}

func TestFolders(t *testing.T) {
	d := dir(t)
	for _, mode := range []os.FileMode{0o710, 0o701, 0o777 | os.ModeSticky} {
		if err := os.Chmod(d, mode); err != nil {
			t.Fatal(err)
		}
		if err := EnsureDir(d); !errors.Is(err, ErrUnsafe) {
			t.Errorf("%v: %v", mode, err)
		}
	}
	if err := os.Chmod(d, 0o700); err != nil { //nolint:gosec // a folder
		t.Fatal(err)
	}
	link := filepath.Join(filepath.Dir(d), "link")
	if err := os.Symlink(d, link); err != nil {
		t.Fatal(err)
	}
	if err := EnsureDir(link); !errors.Is(err, ErrUnsafe) {
		t.Errorf("link: %v", err)
	}
	p := filepath.Join(d, "f")
	if err := Write(p, []byte("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}
