package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Dir is a folder of journals, readable by its owner only.
type Dir struct {
	path string
	now  func() time.Time
}

// suffix is how the files of journals end.
const suffix = ".journal"

// At is the folder of that path. It is made when the first journal is.
func At(path string) *Dir { return &Dir{path: path, now: time.Now} }

// Path is the folder.
func (d *Dir) Path() string { return d.path }

// validID keeps an id from being a path.
func validID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return true
}

func (d *Dir) file(id string) (string, error) {
	if !validID(id) {
		return "", ErrNoJob
	}
	return filepath.Join(d.path, id+suffix), nil
}

// IDs lists the journals there are, in no certain order. No folder is no journal.
func (d *Dir) IDs() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	var out []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && validID(id) && e.Type().IsRegular() {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Read gives the records of a journal, whoever holds it.
func (d *Dir) Read(id string) ([]Record, error) {
	f, err := d.open(id, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	records, _, err := decode(raw)
	return records, err
}

// Size is the length of a journal in bytes: it grows with everything that is written, so that equal sizes mean equal
// contents.
func (d *Dir) Size(id string) (int64, error) {
	path, err := d.file(id)
	if err != nil {
		return 0, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	return info.Size(), nil
}

// Written is when a journal was written to last.
func (d *Dir) Written(id string) (time.Time, error) {
	path, err := d.file(id)
	if err != nil {
		return time.Time{}, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return time.Time{}, fmt.Errorf("journal: %w", err)
	}
	return info.ModTime(), nil
}

// open opens a journal that is there: a regular file, never through a link.
func (d *Dir) open(id string, flags int) (*os.File, error) {
	path, err := d.file(id)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flags|noFollow, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoJob
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("journal: %w", err)
	}
	return f, nil
}

// Create makes a journal with its first records and holds it. Everything is on the disk when it returns, the folder's own
// entry included.
func (d *Dir) Create(id, kind string, data any) (*Log, error) {
	path, err := d.file(id)
	if err != nil {
		return nil, err
	}
	if err := d.make(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND|noFollow, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	l := &Log{id: id, file: f, now: d.now}
	err = l.lock()
	for _, first := range []struct {
		kind string
		data any
	}{{KindFormat, format{Format}}, {kind, data}, {KindHold, self()}} {
		if err == nil {
			err = l.write(first.kind, first.data)
		}
	}
	if err == nil {
		err = errors.Join(f.Sync(), syncDir(d.path))
	}
	if err != nil {
		_ = l.Close()
		_ = os.Remove(path) // nothing has been done on its word
		return nil, fmt.Errorf("journal: %w", err)
	}
	return l, nil
}

// make makes the folder, and what it lies in, for the owner only. A folder that others may write to is refused: they
// could put journals of their own into it.
func (d *Dir) make() error {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	info, err := os.Lstat(d.path)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("journal: %s is not a folder", d.path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(d.path, 0o700); err != nil { //nolint:gosec // a folder needs its x
			return fmt.Errorf("journal: %w", err)
		}
	}
	return nil
}

// A held journal is asked for this often, with these pauses.
const (
	lockTries = 10
	lockPause = 15 * time.Millisecond
	// heldTries is the same for whoever only wants to know: a note is written in a moment.
	heldTries = 3
)

// Hold takes over a journal that is there. While another process holds it the error is a BusyError that names it.
func (d *Dir) Hold(id string) (*Log, []Record, error) {
	f, err := d.open(id, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{id: id, file: f, now: d.now}
	err = d.take(l)
	if err != nil {
		_ = f.Close()
		if errors.Is(err, errLocked) {
			return nil, nil, d.busy(id)
		}
		return nil, nil, fmt.Errorf("journal: %w", err)
	}
	records, err := l.load()
	if err == nil {
		err = l.Append(KindHold, self())
	}
	if err != nil {
		_ = l.Close()
		return nil, nil, err
	}
	return l, records, nil
}

// Held tells whether a process holds the journal now, and which. Those who ask at the same time do not see each other.
func (d *Dir) Held(id string) (Holder, bool) {
	f, err := d.open(id, os.O_RDWR)
	if err != nil {
		return Holder{}, false
	}
	l := &Log{id: id, file: f, now: d.now}
	defer func() { _ = l.Close() }()
	if err := patiently(l.lockShared, heldTries); !errors.Is(err, errLocked) {
		return Holder{}, false
	}
	var busy *BusyError
	_ = errors.As(d.busy(id), &busy)
	return busy.Holder, true
}

func (d *Dir) busy(id string) error {
	e := &BusyError{ID: id}
	records, err := d.Read(id)
	if err != nil {
		return e
	}
	for _, r := range records {
		if r.Kind == KindHold {
			_ = json.Unmarshal(r.Data, &e.Holder)
		}
	}
	return e
}

// Remove deletes a journal that nobody holds.
func (d *Dir) Remove(id string) error {
	path, err := d.file(id)
	if err != nil {
		return err
	}
	if holder, held := d.Held(id); held {
		return &BusyError{ID: id, Holder: holder}
	}
	return os.Remove(path)
}
