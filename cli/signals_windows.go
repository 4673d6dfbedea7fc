package cli

import (
	"context"
	"os"
	"os/signal"

	tea "charm.land/bubbletea/v2"
)

// handleSignals ends the program in a restored terminal; there is no suspending here.
func handleSignals(ctx context.Context, p *tea.Program, suspend <-chan struct{}) (stop func()) {
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-suspend:
			case <-ctx.Done():
				p.Quit()
				return
			case <-sig:
				p.Quit()
				return
			}
		}
	}()
	return func() { signal.Stop(sig); close(done) }
}
