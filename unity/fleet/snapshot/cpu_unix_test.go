//go:build unix

package snapshot

import (
	"syscall"
	"time"
)

// cpuTime is the processor time that this process took so far. On a machine with other work the clock tells little.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
