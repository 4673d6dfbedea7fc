package ptytest

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// starved tells how long the threads of the program have waited for a processor since it began, and whether one waits or
// runs now. A busy machine lets a program be silent that has much to say.
func (t *Term) starved() (waited time.Duration, running bool) {
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(t.Pid()) + "/task/*")
	if err != nil {
		return 0, false
	}
	for _, task := range tasks {
		// A thread may end in between; then it does not count.
		if raw, err := os.ReadFile(filepath.Join(task, "schedstat")); err == nil {
			if f := bytes.Fields(raw); len(f) == 3 {
				if n, err := strconv.ParseInt(string(f[1]), 10, 64); err == nil {
					waited += time.Duration(n)
				}
			}
		}
		if raw, err := os.ReadFile(filepath.Join(task, "stat")); err == nil {
			if f := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:]); len(f) > 0 && string(f[0]) == "R" {
				running = true
			}
		}
	}
	return waited, running
}

// pending tells whether bytes are under way between the program and the test, in either direction.
func (t *Term) pending() bool {
	if !t.in.empty() {
		return true
	}
	if conn, err := t.master.SyscallConn(); err == nil {
		n := 0
		if conn.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }) == nil && n > 0 {
			return true
		}
	}
	fd, err := unix.Open("/proc/"+strconv.Itoa(t.Pid())+"/fd/0", unix.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer func() { _ = unix.Close(fd) }()
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && n > 0
}
