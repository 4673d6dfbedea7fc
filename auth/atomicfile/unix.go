//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// NoFollow is the open flag that refuses a symbolic link at the end of a path.
const NoFollow = syscall.O_NOFOLLOW | syscall.O_CLOEXEC

// nonBlock keeps the open of a pipe that somebody put in the place of a file
// from waiting for a writer.
const nonBlock = syscall.O_NONBLOCK

func isLoop(err error) bool {
	return errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.EMLINK)
}

func checkOwner(path string, info fs.FileInfo, foreign bool) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%w: the owner of %s cannot be read", ErrUnsafe, path)
	}
	if int(st.Uid) == os.Geteuid() || (foreign && st.Uid == 0) {
		return nil
	}
	return fmt.Errorf("%w: %s belongs to another user", ErrUnsafe, path)
}

func loose(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

func write(path string, data []byte) error {
	dir := filepath.Dir(path)
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = t.Cleanup() }()
	if _, err := t.Write(data); err != nil {
		return err
	}
	if err := t.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename or removal durable.
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
