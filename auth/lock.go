package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/unitty/unitty/auth/atomicfile"
)

// fileLock takes an exclusive lock on a file that is never removed: unlinking a
// lock file lets two processes hold "the" lock at once.
func fileLock(ctx context.Context, path string, poll time.Duration) (func(), error) {
	if err := atomicfile.EnsureDir(filepath.Dir(path)); err != nil {
		return nil, err
	}
	l := flock.New(path, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR|atomicfile.NoFollow))
	ok, err := l.TryLockContext(ctx, poll)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	if !ok {
		_ = l.Close()
		return nil, context.DeadlineExceeded
	}
	return func() { _ = l.Unlock() }, nil
}

// testLockDir is the variable that replaces the folder in the home of the user
// where the locks of keychains and the memory of refused passwords lie, so that
// tests see neither each other nor the user's own sign-in. It holds only for an
// API on this machine itself: with any other, two processes that disagree about
// it would spend each other's tokens, and a refused password would be sent again.
const testLockDir = "UNITTY_TEST_LOCK_DIR"

// lockDirs are folders that replace the usual ones; empty means none.
type lockDirs struct {
	own  string // of this store
	user string // of all stores that cover the user
}

// perUser is the folder of the locks of stores that cover the user.
func (d lockDirs) perUser() (string, error) {
	if d.user == "" {
		return userLockDir()
	}
	if !filepath.IsAbs(d.user) {
		return "", errors.New("the folder of the sign-in locks is not an absolute path")
	}
	return d.user, atomicfile.EnsureDir(d.user)
}

// userLockDir is the folder of the locks of stores that cover the whole user on
// this machine. It comes from the password database, never from $HOME or $XDG_*:
// two processes with different environments share one keychain, so they must
// share one lock.
func userLockDir() (string, error) {
	home := passwdHome()
	if home != "" {
		dir := filepath.Join(home, ".local", "state", "unitty", "locks")
		if runtime.GOOS == "windows" {
			dir = filepath.Join(home, "AppData", "Local", "unitty", "locks")
		}
		if err := atomicfile.EnsureDir(dir); err == nil {
			return dir, nil
		}
	}
	if runtime.GOOS == "linux" {
		run := filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
		if atomicfile.CheckDir(run) == nil {
			dir := filepath.Join(run, "unitty", "locks")
			if err := atomicfile.EnsureDir(dir); err == nil {
				return dir, nil
			}
		}
	}
	return "", errors.New("no folder for the sign-in lock: the home folder of this user cannot be written")
}

func passwdHome() string {
	if runtime.GOOS != "windows" {
		if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil && filepath.IsAbs(u.HomeDir) {
			return u.HomeDir
		}
	}
	if u, err := user.Current(); err == nil && filepath.IsAbs(u.HomeDir) {
		return u.HomeDir
	}
	return ""
}

// hostTag goes into the names of locks of per-host stores, since home folders
// may be shared between hosts whose keychains are not.
func hostTag() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		return "local"
	}
	return host
}

// lockError says which file could not be locked.
func lockError(path string, err error) error {
	return fmt.Errorf("locking %s: %w", path, err)
}
