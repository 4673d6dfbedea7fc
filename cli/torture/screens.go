//go:build unix

package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"github.com/unitty/unitty/ui/terminal/ptytest" //nolint:depguard // this command is a rig itself
)

// glance is how long a screen is watched before something is done at it.
const glance = 400 * time.Millisecond

// screenLoop keeps a full-screen program running; one that ends is started again.
func (t *torture) screenLoop(ctx context.Context, name string, r *rand.Rand) error {
	env, err := t.house.environment(name)
	if err != nil {
		return err
	}
	for rest(ctx, time.Duration(r.Float64()*float64(t.opt.pause))) {
		tb := &ptytest.Rig{}
		if err := tb.Apart(func() { t.sit(ctx, tb, env, r) }); err != nil {
			return err
		}
	}
	return nil
}

// sit is one full-screen program from start to end: somebody looks at it and reloads the list now and then.
func (t *torture) sit(ctx context.Context, tb *ptytest.Rig, env []string, r *rand.Rand) {
	done := run{kind: "screen", start: time.Now()}
	term := ptytest.Start(tb, t.house.bin, nil, ptytest.Opt{W: 100, H: 30, Env: env, Dir: t.house.dir, Deadline: glance})
	proc, err := os.FindProcess(term.Pid())
	if err != nil {
		tb.Fatalf("%w", err)
	}
	hang := make(chan struct{}, 1)
	leave := t.crowd.enter(victim{proc: proc, screen: true, hangUp: func() {
		select {
		case hang <- struct{}{}:
		default:
		}
	}})
	defer leave()
	shown := ""
	for ctx.Err() == nil {
		select {
		case <-hang:
			term.Hangup()
		default:
		}
		err := term.Await(asksForSignIn)
		switch {
		case errors.Is(err, ptytest.ErrEnded):
			t.left(done, term, shown)
			if !gone(proc) {
				tb.Fatalf("a full-screen program whose terminal hung up does not end")
			}
			return
		case err == nil && shown == "":
			shown = term.Screen().String()
			fallthrough
		case err == nil:
			// It closes when somebody has signed in; until then nobody types into it.
			rest(ctx, glance)
		case !errors.Is(err, ptytest.ErrDeadline):
			tb.Fatalf("%w", err)
		case r.IntN(3) == 0:
			if shown != "" {
				t.left(done, term, shown)
				shown = ""
			}
			term.Keys("r")
		}
	}
	_ = proc.Signal(syscall.SIGTERM)
	t.left(done, term, shown)
	if !gone(proc) {
		tb.Fatalf("a full-screen program does not end after TERM")
	}
}

// gone waits until a process has ended by itself. Closing its terminal for good would kill it, in the middle of what it may
// be finishing.
func gone(proc *os.Process) bool {
	for range 3000 {
		if errors.Is(proc.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			return true
		}
		rest(context.Background(), 10*time.Millisecond)
	}
	return false
}

// left notes that a screen has ended, or has come back from asking for a sign-in.
func (t *torture) left(done run, term *ptytest.Term, shown string) {
	done.end = time.Now()
	done.struck = len(t.crowd.struck(term.Pid(), done.start)) > 0
	if shown != "" {
		done.code, done.errors = codeSignIn, shown
	}
	t.ended(done)
}

// asksForSignIn tells whether the screen shows the steps of the sign-in.
func asksForSignIn(s ptytest.Screen) bool {
	return s.Contains("GSM keycode") && s.Contains("Client secret")
}
