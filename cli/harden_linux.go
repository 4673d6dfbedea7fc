package cli

import "golang.org/x/sys/unix"

// hardenProcess keeps secrets out of core dumps and away from other processes of the same user.
func hardenProcess() {
	unix.Umask(0o077)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
