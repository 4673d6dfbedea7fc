package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
)

// errUnread ends a run whose output nobody reads any more, as after `unitty find laptop | head -3`. Whoever read it has enough of
// it, so that is no failure.
var errUnread = errors.New("nobody reads the output any more")

// unread tells whether a run ended because nobody reads what it prints. Connections that were reset fail alike, so only the output
// itself counts.
func unread(ctx context.Context, err error) bool {
	if errors.Is(err, errUnread) || errors.Is(context.Cause(ctx), errUnread) {
		return true
	}
	var at *fs.PathError
	return errors.As(err, &at) && at.Op == "write" && at.Path == os.Stdout.Name() && pipeClosed(at.Err)
}

// unreadCode is the exit code of a run that nobody reads: done, unless it was to change something. What came of a change is said
// all the same.
func (a *app) unreadCode(err error) int {
	if !a.changes {
		return exitDone
	}
	var outcome *codeError
	if !errors.As(err, &outcome) {
		outcome = &codeError{exitInterrupted, "interrupted"}
	}
	a.printError(outcome)
	return outcome.code
}
