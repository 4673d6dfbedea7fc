package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// signalRun is what one run of the program does about signals; there is no suspending here.
type signalRun struct{ gate gate }

// withSignals gives the context of a run. It ends with the first interrupt or end of the session; further ones change
// nothing, so that a refresh of the sign-in that is under way is finished and saved before the process ends.
func withSignals(parent context.Context) (ctx context.Context, stop func()) {
	return signal.NotifyContext(context.WithValue(parent, runKey{}, &signalRun{}), os.Interrupt, syscall.SIGTERM)
}
