package cli

import (
	"context"
	"os"
	"os/signal"

	tea "charm.land/bubbletea/v2"
)

// handleSignals ends the program in a restored terminal; there is no suspending here. stop tells whether a
// signal ended the program.
func handleSignals(ctx context.Context, p *tea.Program, suspend <-chan struct{}) (stop func() bool) {
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt)
	done, ended := make(chan struct{}), make(chan bool, 1)
	go func() {
		for {
			select {
			case <-done:
				ended <- false
				return
			case <-suspend:
				continue
			case <-ctx.Done():
			case <-sig:
			}
			p.Quit()
			ended <- true
			return
		}
	}()
	return func() bool { signal.Stop(sig); close(done); return <-ended }
}
