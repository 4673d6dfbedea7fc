//go:build unix

package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"
)

// signalRun is what one run of the program does about signals, from its first line to its last.
type signalRun struct {
	gate         gate
	stops, pipes chan os.Signal
}

// withSignals gives the context of a run. It ends with the first INT, TERM or HUP, or when nobody reads the output any more
// (PIPE); further ones change nothing, so that a refresh of the sign-in that is under way is finished and saved before
// the process ends. TSTP stops the process between two critical sections. A signal that the parent has switched off, as
// nohup does, stays off.
func withSignals(parent context.Context) (ctx context.Context, stop func()) {
	var ends []os.Signal
	for _, s := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP} {
		if !signal.Ignored(s) {
			ends = append(ends, s)
		}
	}
	r := &signalRun{stops: make(chan os.Signal, 1), pipes: make(chan os.Signal, 1)}
	ctx, end := context.WithCancelCause(context.WithValue(parent, runKey{}, r))
	cancel := func() {}
	if len(ends) > 0 { // none would mean all
		ctx, cancel = signal.NotifyContext(ctx, ends...)
	}
	if !signal.Ignored(unix.SIGPIPE) {
		signal.Notify(r.pipes, unix.SIGPIPE)
	}
	r.takeStops()
	done := make(chan struct{})
	go r.watch(ctx, end, done)
	return ctx, func() {
		r.leaveStops()
		signal.Stop(r.pipes)
		close(done)
		cancel()
		end(nil)
	}
}

// nobodyReads tells whether nobody reads what the process prints any more. PIPE alone does not say so: once somebody listens to it,
// it comes for connections too that the other side has reset.
func nobodyReads() bool {
	// No event is asked for: errors are told in any case.
	set := []unix.PollFd{{Fd: 1}, {Fd: 2}}
	for {
		_, err := unix.Poll(set, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		const gone = unix.POLLERR | unix.POLLNVAL
		return err == nil && (set[0].Revents|set[1].Revents)&gone != 0
	}
}

// takeStops makes TSTP wait for the gate.
func (r *signalRun) takeStops() {
	if r != nil && !signal.Ignored(unix.SIGTSTP) {
		signal.Notify(r.stops, unix.SIGTSTP)
	}
}

// leaveStops leaves TSTP to somebody else, such as a full screen that gives the terminal back first.
func (r *signalRun) leaveStops() {
	if r != nil {
		signal.Stop(r.stops)
	}
}

func (r *signalRun) watch(ctx context.Context, end context.CancelCauseFunc, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-r.pipes:
			if nobodyReads() {
				end(errUnread)
			}
		case <-r.stops:
			r.gate.shut(nil, nil)
			if ctx.Err() == nil { // what ends anyway is not held up
				stopSelf()
				select { // one that came meanwhile is answered, as the kernel does it
				case <-r.stops:
				default:
				}
			}
			r.gate.open()
		}
	}
}

// stopSelf stops the process and returns when it goes on.
func stopSelf() {
	on := make(chan os.Signal, 1)
	signal.Notify(on, unix.SIGCONT)
	defer signal.Stop(on)
	if unix.Kill(unix.Getpid(), unix.SIGSTOP) != nil {
		return
	}
	// The stop may take hold only after Kill has returned. The first process of a container cannot be stopped at all.
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-on:
	case <-t.C:
	}
}
