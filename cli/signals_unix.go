//go:build unix

package cli

import (
	"context"
	"os"
	"os/signal"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"github.com/unitty/unitty/ui/terminal"
)

// handleSignals ends the program in a restored terminal on INT, TERM and HUP, and suspends it on TSTP. Bubble Tea's own
// handler knows only the first two. stop tells whether a signal ended the program.
func handleSignals(ctx context.Context, p *tea.Program, suspend <-chan struct{}) (stop func() bool) {
	sig := make(chan os.Signal, 8)
	signal.Notify(sig, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGTSTP, unix.SIGCONT)
	run := runOf(ctx)
	run.leaveStops() // the terminal is given back before the process stops
	done, ended := make(chan struct{}), make(chan bool, 1)
	go func() { ended <- watchSignals(ctx, p, sig, suspend, done) }()
	return func() bool {
		run.takeStops() // first, so that no signal falls between the two
		signal.Stop(sig)
		close(done)
		return <-ended
	}
}

// watchSignals returns true when a signal ended the program.
func watchSignals(ctx context.Context, p *tea.Program, sig <-chan os.Signal, suspend, done <-chan struct{}) bool {
	for {
		var next os.Signal
		select {
		case <-done:
			return false
		case <-ctx.Done():
			next = unix.SIGTERM
		case <-suspend:
			next = unix.SIGTSTP
		case next = <-sig:
		}
		if next == unix.SIGTSTP {
			next = pause(p, sig, gateOf(ctx))
			select { // a key that was pressed again meanwhile is answered
			case <-suspend:
			default:
			}
		}
		switch next {
		case nil:
		case unix.SIGCONT:
			resume(p)
		default:
			quit(p, done)
			return true
		}
	}
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

// pause gives the terminal back, stops the process and takes the terminal again when it goes on. A refresh of the sign-in
// that is under way is finished first. It returns the signal that is to end the program, if one came meanwhile.
func pause(p *tea.Program, sig <-chan os.Signal, g *gate) os.Signal {
	if s := g.shut(sig, func(s os.Signal) bool { return s != unix.SIGTSTP && s != unix.SIGCONT }); s != nil {
		return s
	}
	defer g.open()
	if !release(p) {
		return nil
	}
	if unix.Kill(unix.Getpid(), unix.SIGSTOP) != nil {
		retake(p)
		return nil
	}
	// The stop may take hold only after Kill has returned; the CONT that ends it is waited for, so that the terminal is
	// taken once and not while somebody else has it.
	for s := range sig {
		switch s {
		case unix.SIGCONT:
			retake(p)
			return nil
		case unix.SIGTSTP:
		default:
			retake(p)
			return s
		}
	}
	return nil
}

// release gives the terminal back, and waits until the library has really stopped drawing.
func release(p *tea.Program) bool {
	if p.ReleaseTerminal() != nil {
		return false
	}
	terminal.AwaitDrawn(5 * time.Second)
	terminal.ShowCursor(os.Stdout)
	return true
}

// retake takes the terminal again and draws the whole screen: the library draws only what changed since, on a screen that
// is empty now.
func retake(p *tea.Program) {
	for range 10 {
		if p.RestoreTerminal() == nil {
			p.Send(tea.ClearScreen())
			return
		}
		// The terminal may be with the shell for a moment yet.
		time.Sleep(50 * time.Millisecond)
	}
}

// resume takes the terminal again after somebody else stopped the process.
func resume(p *tea.Program) {
	if release(p) {
		retake(p)
	}
}
