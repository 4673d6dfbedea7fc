//go:build unix

package journal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// noFollow refuses to go through a symbolic link.
const noFollow = unix.O_NOFOLLOW

// lock takes the file for this process, or says that another one has it. It goes with the file's closing and with the
// end of the process, however that comes.
func (l *Log) lock() error { return l.flock(unix.LOCK_EX) }

// lockShared is lock for those who change nothing: they keep out only who would.
func (l *Log) lockShared() error { return l.flock(unix.LOCK_SH) }

func (l *Log) flock(how int) error {
	for {
		err := unix.Flock(int(l.file.Fd()), how|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return errLocked
		}
		return err
	}
}

// syncDir makes the folder's entry durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
