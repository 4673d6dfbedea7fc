//go:build unix

package cli

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// readerPoll is how often the end of the watching is looked for, in milliseconds.
const readerPoll = 500

// readerGone closes its channel when nobody can read the output any more, as after `unitty watch | head -1`: without a change to
// write the verb would not notice. It ends with the context.
func (a *app) readerGone(ctx context.Context) <-chan struct{} {
	gone := make(chan struct{})
	out, ok := a.out.(*os.File)
	if !ok || a.tty {
		return gone
	}
	conn, err := out.SyscallConn()
	if err != nil {
		return gone
	}
	var fd int32
	if conn.Control(func(n uintptr) { fd = int32(n) }) != nil { //nolint:gosec // a descriptor is a small number
		return gone
	}
	go func() {
		for ctx.Err() == nil {
			// No event is asked for: errors are told in any case.
			set := []unix.PollFd{{Fd: fd}}
			_, err := unix.Poll(set, readerPoll)
			switch {
			case errors.Is(err, unix.EINTR):
			case err != nil:
				return
			case set[0].Revents&(unix.POLLERR|unix.POLLNVAL) != 0:
				close(gone)
				return
			}
		}
	}()
	return gone
}
