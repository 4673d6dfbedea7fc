package cli

import (
	"errors"
	"os"

	"golang.org/x/term"
)

// untilEnd waits for an answer, or for the end of the run. The end alone would not be noticed: a read from a terminal goes
// on after a signal, and the signal may have come before the question. The read that is left behind ends with the
// process.
func untilEnd[T any](ended <-chan struct{}, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		value, err := read()
		got <- answer{value, err}
	}()
	select {
	case r := <-got:
		return r.value, r.err
	case <-ended:
		var none T
		return none, errCancelled
	}
}

// readSecret reads one line from the terminal without echo, and leaves the terminal as it was when the run ends.
func (a *app) readSecret() ([]byte, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	raw, err := untilEnd(a.ended, func() ([]byte, error) { return term.ReadPassword(fd) })
	if errors.Is(err, errCancelled) {
		_ = term.Restore(fd, before)
	}
	return raw, err
}
