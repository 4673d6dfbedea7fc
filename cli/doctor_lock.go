package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/atomicfile"
	"github.com/unitty/unitty/unity"
)

// lockCheck tells about the lock that the processes of one sign-in share.
type lockCheck struct {
	// Path is the lock's file. Before the first refresh there is none, and it is the folder.
	Path string
	// Owner is the user whose file it is, Mode its permissions in octal digits.
	Owner, Mode string
	// HeldBy is the process that holds the lock now; 0 when none does or the system does not tell.
	HeldBy int
	// Problem says what is wrong with the folder.
	Problem string
}

// checkLock finds the lock of a sign-in: beside the store where it is one of files, else in the user's folder of locks,
// which comes from the password database. A store of this process only needs none.
func checkLock(acct auth.Account, store auth.Store) *lockCheck {
	if store.Name() == "memory" {
		return nil
	}
	dir := userLocks()
	if l, ok := store.(interface{ LockDir() string }); ok {
		dir = l.LockDir()
	}
	c := &lockCheck{Path: dir}
	if dir == "" {
		c.Problem = "there is no folder for it: the home folder of this user is not known"
		return c
	}
	if err := atomicfile.CheckDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Problem = unity.Clean(err.Error())
	}
	if path := newestLock(dir, lockPrefix(acct)); path != "" {
		c.Path = path
		c.HeldBy = lockHolder(path)
	}
	if info, err := os.Lstat(c.Path); err == nil {
		c.Mode = strconv.FormatUint(uint64(info.Mode().Perm()), 8)
		c.Owner = ownerOf(info)
	}
	return c
}

// lockPrefix is how the names of the files of a sign-in begin. The name holds no personal data, only a digest.
func lockPrefix(acct auth.Account) string {
	sum := sha256.Sum256([]byte(acct.BaseURL + "\x00" + acct.ClientID + "\x00" + acct.Username))
	return "v1-" + hex.EncodeToString(sum[:])[:32]
}

// newestLock finds the lock in the folder; stores of the user's whole machine add their own mark to the name.
func newestLock(dir, prefix string) string {
	found, err := filepath.Glob(filepath.Join(dir, prefix+"*.lock"))
	if err != nil {
		return ""
	}
	best, bestAt := "", int64(0)
	for _, path := range found {
		if strings.HasSuffix(path, ".login.lock") {
			continue
		}
		if info, err := os.Lstat(path); err == nil && (best == "" || info.ModTime().UnixNano() > bestAt) {
			best, bestAt = path, info.ModTime().UnixNano()
		}
	}
	return best
}

// userLocks is the folder of the locks of stores that cover the whole user.
func userLocks() string {
	u, err := user.Current()
	if runtime.GOOS != "windows" {
		if byID, ierr := user.LookupId(strconv.Itoa(os.Getuid())); ierr == nil {
			u, err = byID, nil
		}
	}
	if err != nil || !filepath.IsAbs(u.HomeDir) {
		return ""
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(u.HomeDir, "AppData", "Local", "unitty", "locks")
	}
	return filepath.Join(u.HomeDir, ".local", "state", "unitty", "locks")
}
