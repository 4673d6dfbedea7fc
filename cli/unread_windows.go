package cli

import (
	"errors"

	"golang.org/x/sys/windows"
)

// pipeClosed tells the error of a write to a pipe that nobody reads.
func pipeClosed(err error) bool {
	return errors.Is(err, windows.ERROR_BROKEN_PIPE) || errors.Is(err, windows.ERROR_NO_DATA)
}
