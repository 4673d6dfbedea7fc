// Package atomicfile reads and writes small private files: a reader sees the old
// content or the new one and never a mixture, a write survives a power cut, and
// nothing is read that another user could have put there.
package atomicfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Errors of unsafe files and folders; each names the path and what to do.
var (
	// ErrUnsafe means that a file or folder is open to other users, belongs to
	// another user, or is not what it should be.
	ErrUnsafe = errors.New("unsafe file or folder")
	// ErrTooLarge means that a file is larger than the caller allows.
	ErrTooLarge = errors.New("file too large")
)

// Read returns the content of a private file of at most limit bytes. It follows
// no symbolic link and refuses what is not a regular file of this user with mode
// 0600 or stricter.
func Read(path string, limit int64) ([]byte, error) {
	return read(path, limit, false)
}

// ReadForeign is Read for a file that the administrator may own, such as a
// credential that the service manager hands over.
func ReadForeign(path string, limit int64) ([]byte, error) {
	return read(path, limit, true)
}

func read(path string, limit int64, foreign bool) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|NoFollow|nonBlock, 0)
	if err != nil {
		if isLoop(err) {
			return nil, fmt.Errorf("%w: %s is a symbolic link", ErrUnsafe, path)
		}
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrUnsafe, path)
	}
	if err := checkOwner(path, info, foreign); err != nil {
		return nil, err
	}
	if loose(info) {
		return nil, fmt.Errorf("%w: %s can be reached by other users (mode %04o): chmod 600 it", ErrUnsafe, path, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: %s", ErrTooLarge, path)
	}
	return data, nil
}

// Write replaces a file by data with mode 0600. It returns after file and folder
// have reached the disk. A symbolic link in its place is replaced, not followed.
func Write(path string, data []byte) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%w: %s is a folder", ErrUnsafe, path)
	}
	return write(path, data)
}

// Sweep removes what writers that were killed have left in a folder: regular
// files whose names match one of the patterns of filepath.Match and that nobody
// has touched for as long as age. A temporary file is named like the file that
// it was to become, with a dot before it and digits after it. It is best effort.
func Sweep(dir string, age time.Duration, patterns ...string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		matches := slices.ContainsFunc(patterns, func(p string) bool {
			ok, err := filepath.Match(p, e.Name())
			return ok && err == nil
		})
		if info, err := e.Info(); matches && err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > age {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// EnsureDir makes a folder with mode 0700 when it is missing, and checks it.
func EnsureDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return CheckDir(dir)
}

// CheckDir checks that dir is a real folder of this user that no other user can
// enter.
func CheckDir(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w: %s is not a folder", ErrUnsafe, dir)
	}
	if err := checkOwner(dir, info, false); err != nil {
		return err
	}
	if loose(info) {
		return fmt.Errorf("%w: %s can be entered by other users (mode %04o): chmod 700 it", ErrUnsafe, dir, info.Mode().Perm())
	}
	return nil
}

// Remove deletes a file durably; a missing one is not an error.
func Remove(path string) error {
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return syncDir(filepath.Dir(path))
}
