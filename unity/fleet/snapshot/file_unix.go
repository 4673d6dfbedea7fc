//go:build unix

package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// noFollow refuses a symbolic link at the end of a path; nonBlock keeps the open of a pipe in its place from waiting.
const (
	noFollow = syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	nonBlock = syscall.O_NONBLOCK
)

func loose(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0
}

func ensureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return checkDir(dir)
}

// checkDir checks that dir is a real folder of this user that no other user can enter.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("snapshot: %s is not a folder", dir)
	case loose(info):
		return fmt.Errorf("snapshot: %s can be entered by other users (mode %04o): chmod 700 it", dir, info.Mode().Perm())
	}
	return nil
}

// tempPrefix is how the names of half-written files begin.
func tempPrefix(path string) string { return "." + filepath.Base(path) }

// pending is a file that is being written beside the one it will replace.
type pending struct{ f *renameio.PendingFile }

func newPending(path string) (*pending, error) {
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return nil, err
	}
	return &pending{f}, nil
}

// Write appends to the file.
func (p *pending) Write(b []byte) (int, error) { return p.f.Write(b) }

// commit puts the file into its place; it is on the disk then.
func (p *pending) commit() error {
	if err := p.f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(p.f.Name()))
}

// drop removes the file if it was not put into its place.
func (p *pending) drop() { _ = p.f.Cleanup() }

// syncDir makes a rename durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // file systems without this promise have nothing to wait for
	}
	return errors.Join(err, d.Close())
}
