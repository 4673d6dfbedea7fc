//go:build windows

package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// Symbolic links need a privilege to make, and pipes live elsewhere.
const (
	noFollow = 0
	nonBlock = 0
)

// loose relies on the access list that a profile folder hands down.
func loose(fs.FileInfo) bool { return false }

func ensureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return checkDir(dir)
}

func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("snapshot: %s is not a folder", dir)
	}
	return err
}

// tempPrefix is how the names of half-written files begin.
func tempPrefix(path string) string { return "." + filepath.Base(path) + "-tmp" }

// pending is a file that is being written beside the one it will replace.
type pending struct {
	f    *os.File
	path string
	done bool
}

func newPending(path string) (*pending, error) {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix(path)+"*")
	if err != nil {
		return nil, err
	}
	return &pending{f: f, path: path}, nil
}

// Write appends to the file.
func (p *pending) Write(b []byte) (int, error) { return p.f.Write(b) }

// commit puts the file into its place; it is on the disk then.
func (p *pending) commit() error {
	if err := errors.Join(p.f.Sync(), p.f.Close()); err != nil {
		return err
	}
	from, err := windows.UTF16PtrFromString(p.f.Name())
	if err != nil {
		return err
	}
	to, err := windows.UTF16PtrFromString(p.path)
	if err != nil {
		return err
	}
	p.done = true
	return windows.MoveFileEx(from, to, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
}

// drop removes the file if it was not put into its place.
func (p *pending) drop() {
	if !p.done {
		_ = p.f.Close()
	}
	_ = os.Remove(p.f.Name())
}
