package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

// untilSignal waits for an answer, or for the signal that ends the run. The signal alone would not be noticed: a read
// from a terminal goes on after it. The read that is left behind ends with the process.
func untilSignal[T any](read func() (T, error)) (T, error) {
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(sig)
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
	case <-sig:
		var none T
		return none, errCancelled
	}
}

// readSecret reads one line from the terminal without echo, and leaves the terminal as it was when a signal comes.
func readSecret() ([]byte, error) {
	fd := int(os.Stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	raw, err := untilSignal(func() ([]byte, error) { return term.ReadPassword(fd) })
	if errors.Is(err, errCancelled) {
		_ = term.Restore(fd, before)
	}
	return raw, err
}
