//go:build unix && !linux

package cli

import "golang.org/x/sys/unix"

// hardenProcess keeps secrets out of core dumps.
func hardenProcess() {
	unix.Umask(0o077)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
