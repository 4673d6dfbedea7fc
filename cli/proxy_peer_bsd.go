//go:build darwin || freebsd

package cli

import (
	"net"

	"golang.org/x/sys/unix"
)

// localLevel is SOL_LOCAL, the level of the options of Unix sockets.
const localLevel = 0

// peerUID gives the user of the process at the other end of a socket.
func peerUID(c *net.UnixConn) (uint32, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Xucred
	var cerr error
	err = raw.Control(func(fd uintptr) {
		cred, cerr = unix.GetsockoptXucred(int(fd), localLevel, unix.LOCAL_PEERCRED) //nolint:gosec // descriptors fit
	})
	if err != nil {
		return 0, err
	}
	if cerr != nil {
		return 0, cerr
	}
	return cred.Uid, nil
}
