//go:build unix

package cli

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// ownerOf names the user of a file, by number where there is no name.
func ownerOf(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	id := strconv.FormatUint(uint64(st.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// lockHolder asks the kernel who holds the lock; only Linux tells.
func lockHolder(path string) int {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	raw, err := os.ReadFile("/proc/locks")
	if err != nil || !ok {
		return 0
	}
	return holderIn(string(raw), uint64(st.Ino)) //nolint:unconvert // the type differs between systems
}

// holderIn finds the process with an exclusive lock on a file's number in the text of /proc/locks.
func holderIn(locks string, inode uint64) int {
	for line := range strings.Lines(locks) {
		// 1: FLOCK  ADVISORY  WRITE 4711 00:2f:123456 0 EOF
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" || f[3] != "WRITE" {
			continue
		}
		if i := strings.LastIndexByte(f[5], ':'); f[5][i+1:] == strconv.FormatUint(inode, 10) {
			pid, err := strconv.Atoi(f[4])
			if err == nil && pid > 0 {
				return pid
			}
		}
	}
	return 0
}
