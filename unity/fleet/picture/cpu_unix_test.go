//go:build unix

package picture_test

import (
	"syscall"
	"time"
)

// cpuTime is what this process and its ended children have spent in user mode: unlike the clock it does not mind others.
func cpuTime(children bool) time.Duration {
	who := syscall.RUSAGE_SELF
	if children {
		who = syscall.RUSAGE_CHILDREN
	}
	var u syscall.Rusage
	if syscall.Getrusage(who, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
