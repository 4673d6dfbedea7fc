//go:build unix

package cli

import (
	"errors"
	"syscall"
)

// pipeClosed tells the error of a write to a pipe that nobody reads.
func pipeClosed(err error) bool { return errors.Is(err, syscall.EPIPE) }
