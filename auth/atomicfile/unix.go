//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io"
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

// The edges of a write, between which a process may die.
const (
	edgeBegin   = "nothing done"
	edgeCreated = "temporary file created"
	edgeHalf    = "half written"
	edgeWritten = "written"
	edgeSynced  = "synced"
	edgeRenamed = "renamed"
	edgeDone    = "folder synced"
)

func write(path string, data []byte) error { return writer{}.write(path, data) }

// writer replaces a file. Tests are told of the edges.
type writer struct{ at func(edge string) }

func (w writer) reach(edge string) {
	if w.at != nil {
		w.at(edge)
	}
}

func (w writer) write(path string, data []byte) error {
	w.reach(edgeBegin)
	dir := filepath.Dir(path)
	t, err := renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = t.Cleanup() }()
	w.reach(edgeCreated)
	if err := w.fill(t, data); err != nil {
		return err
	}
	w.reach(edgeWritten)
	if err := t.Sync(); err != nil {
		return err
	}
	w.reach(edgeSynced)
	if err := t.CloseAtomicallyReplace(); err != nil {
		return err
	}
	w.reach(edgeRenamed)
	err = syncDir(dir)
	w.reach(edgeDone)
	return err
}

// fill writes the data, in two halves when somebody looks at the edges.
func (w writer) fill(f io.Writer, data []byte) error {
	if w.at != nil {
		half := len(data) / 2
		if _, err := f.Write(data[:half]); err != nil {
			return err
		}
		w.at(edgeHalf)
		data = data[half:]
	}
	_, err := f.Write(data)
	return err
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
