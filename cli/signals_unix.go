//go:build unix

package cli

import (
	"context"
	"os"
	"os/signal"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"
)

// handleSignals ends the program in a restored terminal on INT, TERM and HUP, and suspends it on TSTP. Bubble Tea's own
// handler knows only the first two.
func handleSignals(ctx context.Context, p *tea.Program, suspend <-chan struct{}) (stop func()) {
	sig := make(chan os.Signal, 8)
	signal.Notify(sig, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP, unix.SIGCONT)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ctx.Done():
				quit(p, done)
				return
			case <-suspend:
				pause(p, sig)
			case s := <-sig:
				switch s {
				case unix.SIGTSTP:
					pause(p, sig)
				case unix.SIGCONT:
					resume(p)
				default:
					quit(p, done)
					return
				}
			}
		}
	}()
	return func() { signal.Stop(sig); close(done) }
}

// quit asks the program to end, and ends it by force when its loop does not answer.
func quit(p *tea.Program, done <-chan struct{}) {
	p.Quit()
	t := time.NewTimer(3 * time.Second)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		p.Kill()
	}
}

// pause gives the terminal back, stops the process and takes the terminal again when it goes on.
func pause(p *tea.Program, sig chan os.Signal) {
	if p.ReleaseTerminal() != nil {
		return
	}
	signal.Stop(sig)
	_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
	signal.Notify(sig, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP, unix.SIGCONT)
	_ = p.RestoreTerminal()
}

// resume takes the terminal again after somebody else stopped the process.
func resume(p *tea.Program) {
	if p.ReleaseTerminal() == nil {
		_ = p.RestoreTerminal()
	}
}
