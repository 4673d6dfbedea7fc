//go:build windows

package journal

import (
	"errors"

	"golang.org/x/sys/windows"
)

// noFollow has no counterpart here.
const noFollow = 0

// lockAt is where the locked byte lies: beyond every line, since what is locked here cannot be read by others.
const lockAt = 1 << 30

// lock takes the file for this process, or says that another one has it. It goes with the file's closing and with the
// end of the process, however that comes.
func (l *Log) lock() error { return l.lockRange(windows.LOCKFILE_EXCLUSIVE_LOCK) }

// lockShared is lock for those who change nothing: they keep out only who would.
func (l *Log) lockShared() error { return l.lockRange(0) }

func (l *Log) lockRange(how uint32) error {
	at := &windows.Overlapped{OffsetHigh: lockAt}
	err := windows.LockFileEx(windows.Handle(l.file.Fd()), how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// syncDir has no counterpart: the file system keeps its own journal of entries.
func syncDir(string) error { return nil }
