package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/atomicfile"
	"github.com/unitty/unitty/unity"
)

// lockCheck tells about the lock that the processes of one sign-in share.
type lockCheck struct {
	// Path is the lock's file, which is there from the first refresh on.
	Path string
	// Owner is the user whose file it is, Mode its permissions in octal digits.
	Owner, Mode string
	// HeldBy is the process that holds the lock now; 0 when none does or the system does not tell.
	HeldBy int
	// Problem says what is wrong with its folder.
	Problem string
}

// checkLock looks at the lock of a sign-in. A store of this process only needs none.
func checkLock(engine *auth.Engine) *lockCheck {
	path := engine.LockPath()
	if path == "" {
		return nil
	}
	c := &lockCheck{Path: path}
	if err := atomicfile.CheckDir(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Problem = unity.Clean(err.Error())
	}
	if info, err := os.Lstat(path); err == nil {
		c.Mode = strconv.FormatUint(uint64(info.Mode().Perm()), 8)
		c.Owner = ownerOf(info)
		c.HeldBy = lockHolder(path)
	}
	return c
}
