//go:build linux

package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"
)

func TestLockHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	lock := flock.New(path)
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/locks"); err == nil {
		if pid := lockHolder(path); pid != os.Getpid() {
			t.Logf("the kernel names process %d: this system does not show this process's locks", pid)
		}
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if pid := lockHolder(path); pid != 0 {
		t.Errorf("a free lock is held by %d", pid)
	}
}

func TestHolderIn(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 11 00:2f:77 0 EOF
2: FLOCK  ADVISORY  READ 12 00:2f:77 0 EOF
3: FLOCK  ADVISORY  WRITE 13 00:2f:177 0 EOF
4: FLOCK  ADVISORY  WRITE 14 00:2f:77 0 EOF
garbage
5: FLOCK  ADVISORY  WRITE x 00:2f:88 0 EOF
6: -> FLOCK  ADVISORY  WRITE 15 00:2f:99 0 EOF
`
	for inode, want := range map[uint64]int{77: 14, 177: 13, 88: 0, 99: 0, 1: 0} {
		if got := holderIn(locks, inode); got != want {
			t.Errorf("inode %d: process %d, want %d", inode, got, want)
		}
	}
}
