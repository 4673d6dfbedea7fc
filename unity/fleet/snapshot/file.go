package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/unitty/unitty/unity"
)

// Binding says what a snapshot belongs to. A file of another binding is not read.
type Binding struct {
	BaseURL string
	Console unity.Keycode
	User    string
}

func (b Binding) bytes() []byte {
	return fmt.Appendf(nil, "%q %q %q", b.BaseURL, string(b.Console), b.User)
}

// File is the place of one profile's snapshot. It is safe for concurrent use, by several processes too.
type File struct {
	path string
	s    secrets
}

// New describes a file; nothing is read or made yet. The key has KeySize bytes.
func New(path string, key []byte, b Binding) (*File, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("snapshot: the key has %d bytes, not %d", len(key), KeySize)
	}
	f := &File{path: path, s: secrets{bound: b.bytes()}}
	copy(f.s.key[:], key)
	return f, nil
}

// Path is where the file lies.
func (f *File) Path() string { return f.path }

// lockWait bounds the wait for another process, which holds the lock for the length of a rename.
const lockWait = 5 * time.Second

// locked runs do while no other process replaces or removes the file.
func (f *File) locked(ctx context.Context, do func() error) error {
	l := flock.New(f.path+".lock", flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow))
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	if ok, err := l.TryLockContext(ctx, 20*time.Millisecond); err != nil || !ok {
		return fmt.Errorf("snapshot: the lock of %s cannot be had: %w", f.path, errors.Join(err, ctx.Err()))
	}
	defer func() { _ = l.Unlock() }()
	return do()
}

// writeAll writes a whole file to w: the header, what fill writes, the end marker.
func (f *File) writeAll(w io.Writer, at time.Time, fill func(*frameWriter) error) error {
	h, err := f.s.newHeader(at)
	if err != nil {
		return err
	}
	fw, err := newFrameWriter(w, &f.s, &h)
	if err != nil {
		return err
	}
	if err := fill(fw); err != nil {
		return err
	}
	return fw.end()
}

// wrongClock is how much later than a sync no other one has been finished while its file was written: a file that says so was
// written while the clock of this machine was wrong, and must not be kept until that time comes.
const wrongClock = 12 * time.Hour

// replace writes a new file beside the old one and puts it into its place, unless that holds a later sync, or one of a
// newer unitty. saved tells whether it did. Other processes wait for the rename only, not for the writing.
func (f *File) replace(ctx context.Context, at time.Time, fill func(*frameWriter) error) (saved bool, err error) {
	if err := ensureDir(filepath.Dir(f.path)); err != nil {
		return false, err
	}
	p, err := newPending(f.path)
	if err != nil {
		return false, fmt.Errorf("snapshot: %w", err)
	}
	defer p.drop()
	if err := f.writeAll(p, at, fill); err != nil {
		return false, err
	}
	err = f.locked(ctx, func() error {
		switch there, err := f.finishedAt(); {
		case errors.Is(err, ErrNewer):
			return err
		case err == nil && there.After(at) && there.Sub(at) < wrongClock:
			return nil // another process has finished a later sync meanwhile
		}
		saved = true
		return p.commit()
	})
	if err != nil {
		return false, err
	}
	f.sweep()
	return saved, nil
}

// finishedAt reads when the sync of the present file was finished.
func (f *File) finishedAt() (time.Time, error) {
	in, err := f.open()
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = in.Close() }()
	h, err := f.s.readHeader(in)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(0, h.at).UTC(), nil
}

// open opens the file for reading, if it is a regular file of this user alone.
func (f *File) open() (*os.File, error) {
	in, err := os.OpenFile(f.path, os.O_RDONLY|noFollow|nonBlock, 0)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("snapshot: %s is not a regular file", f.path)
	case loose(info):
		err = fmt.Errorf("snapshot: %s can be reached by other users", f.path)
	case info.Size() > maxFile:
		err = ErrCorrupt
	default:
		return in, nil
	}
	_ = in.Close()
	return nil, err
}

// read passes the pieces to the loader, in order. Without a file the error is fs.ErrNotExist. A file that cannot be used is
// set aside, except a newer one.
func (f *File) read(ctx context.Context, l *loader) error {
	if err := checkDir(filepath.Dir(f.path)); err != nil {
		return err
	}
	in, err := f.open()
	if err != nil {
		if errors.Is(err, ErrCorrupt) {
			return f.setAside(ctx, nil, err)
		}
		return err
	}
	defer func() { _ = in.Close() }()
	if err := f.readFrames(ctx, in, l); err != nil {
		return f.setAside(ctx, in, err)
	}
	return nil
}

// AsideError tells that a file could not be used and where it lies now.
type AsideError struct {
	// Path is where it lies; "" when it could not be moved.
	Path string
	// Err is ErrCorrupt, ErrForeign or ErrOlder.
	Err error
}

// Error says what was wrong and where the file is.
func (e *AsideError) Error() string {
	if e.Path == "" {
		return "the snapshot is not used: " + e.Err.Error()
	}
	return "the snapshot is not used: " + e.Err.Error() + "; it was set aside as " + e.Path
}

// Unwrap gives the reason.
func (e *AsideError) Unwrap() error { return e.Err }

// setAside renames a file that cannot be used, so that it can be looked at and is not tried again. Only the last one is
// kept. Other failures are passed on as they are.
func (f *File) setAside(ctx context.Context, in *os.File, cause error) error {
	if !errors.Is(cause, ErrCorrupt) && !errors.Is(cause, ErrForeign) && !errors.Is(cause, ErrOlder) {
		return cause
	}
	aside := f.path + ".bad-" + time.Now().UTC().Format("20060102T150405Z")
	moved := false
	err := f.locked(ctx, func() error {
		if in != nil && !sameFile(in, f.path) {
			return nil // another process has replaced it meanwhile
		}
		for _, old := range f.asides() {
			_ = os.Remove(old) // only tidying up
		}
		moved = true
		return os.Rename(f.path, aside)
	})
	if err != nil || !moved {
		aside = ""
	}
	return &AsideError{Path: aside, Err: cause}
}

func sameFile(in *os.File, path string) bool {
	a, err := in.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

// asides lists the files that were set aside.
func (f *File) asides() []string { return f.beside(filepath.Base(f.path) + ".bad-") }

func (f *File) beside(prefix string) []string {
	entries, err := os.ReadDir(filepath.Dir(f.path))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && e.Type().IsRegular() {
			out = append(out, filepath.Join(filepath.Dir(f.path), e.Name()))
		}
	}
	return out
}

// leftover is the age at which a half-written file counts as left behind by a process that died.
const leftover = time.Hour

// sweep removes what processes that died left behind.
func (f *File) sweep() {
	for _, path := range f.beside(tempPrefix(f.path)) {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > leftover {
			_ = os.Remove(path) // only tidying up
		}
	}
}

// Purge removes the snapshot at path with everything beside it that belongs to it, and tells what it removed. It takes
// no key.
func Purge(path string) (removed []string, err error) {
	f := &File{path: path}
	paths := append([]string{path}, f.asides()...)
	paths = append(append(paths, f.beside(tempPrefix(path))...), path+".lock")
	var errs []error
	for _, p := range paths {
		switch err := os.Remove(p); {
		case err == nil:
			if p != path+".lock" {
				removed = append(removed, p)
			}
		case !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(errs...)
}
