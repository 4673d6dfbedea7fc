package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// firstTail is how many bytes of a file's end are read first; as long as they are not enough, four times as many.
const firstTail = 16 << 10

// Tail shows the records of a journal from the last one backwards, until enough says so, and gives the length of the file. What
// stands before is not looked at, but for the format: that a file is whole is known only when all of it is read.
func (d *Dir) Tail(id string, enough func(Record) bool) (size int64, err error) {
	f, err := d.open(id, os.O_RDONLY)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("journal: %w", err)
	}
	if err := formatOf(f); err != nil {
		return info.Size(), err
	}
	_, err = tail(f, info.Size(), enough)
	return info.Size(), err
}

// formatOf refuses a file that does not begin with a format that can be read.
func formatOf(f io.ReaderAt) error {
	head := make([]byte, 512) // the first record is a few dozen bytes
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("journal: %w", err)
	}
	end := bytes.IndexByte(head[:n], '\n')
	switch {
	case end < 0 && n < len(head):
		return ErrNoBeginning
	case end < 0:
		return fmt.Errorf("%w: it does not begin with its format", ErrCorrupt)
	}
	r, err := decodeLine(head[:end])
	if err != nil {
		return err
	}
	return checkFormat(r)
}

// tail gives the length up to the end of the last whole line.
func tail(f io.ReaderAt, size int64, enough func(Record) bool) (whole int64, err error) {
	shown := 0
	for n := int64(firstTail); ; n *= 4 {
		n = min(n, size)
		raw := make([]byte, n)
		if _, err := f.ReadAt(raw, size-n); err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("journal: %w", err)
		}
		end := bytes.LastIndexByte(raw, '\n')
		whole = size - n + int64(end) + 1
		lines := bytes.Split(raw[:max(end, 0)], []byte{'\n'})
		first := 1 // the line that the piece begins in the midst of
		if n == size {
			first = 0
		}
		for i := len(lines) - 1 - shown; end >= 0 && i >= first; i-- {
			r, err := decodeLine(lines[i])
			if err != nil {
				return 0, err
			}
			shown++
			if enough(r) {
				return whole, nil
			}
		}
		if n == size {
			return whole, nil
		}
	}
}

// Entry is a record that is to be written.
type Entry struct {
	Kind string
	Data any
}

// Note adds records to a journal that no process holds, without reading the whole of it, and holds it for that moment only:
// nobody is named as its holder. The records are made when the journal cannot change any more; before that the ones that are
// there are shown as Tail does. While a process holds the journal the error is a BusyError.
func (d *Dir) Note(id string, enough func(Record) bool, entries func() []Entry) error {
	f, err := d.open(id, os.O_RDWR|os.O_APPEND)
	if err != nil {
		return err
	}
	l := &Log{id: id, file: f, now: d.now}
	err = d.take(l)
	if err == nil {
		err = l.note(enough, entries)
	}
	if errors.Is(err, errLocked) {
		err = d.busy(id)
	}
	return errors.Join(err, l.Close())
}

// note is Note with the lock held.
func (l *Log) note(enough func(Record) bool, entries func() []Entry) error {
	info, err := l.file.Stat()
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := formatOf(l.file); err != nil {
		return err
	}
	first, over := true, false
	whole, err := tail(l.file, info.Size(), func(r Record) bool {
		if first {
			l.seq, first = r.Seq+1, false
		}
		over = over || enough(r)
		return over
	})
	if err != nil {
		return err
	}
	if whole < info.Size() {
		if err := l.file.Truncate(whole); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	for _, e := range entries() {
		if err := l.write(e.Kind, e.Data); err != nil {
			return err
		}
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// take locks a journal for this process alone. Whoever lists jobs looks whether one is held, and a note is written, for a
// moment; that is not holding it.
func (d *Dir) take(l *Log) error { return patiently(l.lock, lockTries) }

func patiently(lock func() error, tries int) error {
	err := lock()
	for range tries {
		if !errors.Is(err, errLocked) {
			break
		}
		time.Sleep(lockPause)
		err = lock()
	}
	return err
}
