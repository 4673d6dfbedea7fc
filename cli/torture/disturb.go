//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"
)

// disturber gives what happens to the crowd in the mode of the run.
func (t *torture) disturber() func(context.Context, *rand.Rand) error {
	switch t.opt.mode {
	case modeLogins:
		return t.comeAndGo
	case modeSignals:
		return func(ctx context.Context, r *rand.Rand) error {
			return t.beat(ctx, r, []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP})
		}
	case modeKill:
		return func(ctx context.Context, r *rand.Rand) error {
			return t.beat(ctx, r, []syscall.Signal{syscall.SIGKILL})
		}
	default:
		return t.watchArrivals
	}
}

// watchArrivals only empties the channel.
func (t *torture) watchArrivals(ctx context.Context, _ *rand.Rand) error {
	for {
		select {
		case <-t.arrivals:
		case <-ctx.Done():
			return nil
		}
	}
}

// beat sends signals at random moments to random processes, and every second time that a refresh has begun to the one that
// has begun it, some time later: a process is in its critical section for a small part of its life only.
func (t *torture) beat(ctx context.Context, r *rand.Rand, signals []syscall.Signal) error {
	for {
		wait := time.NewTimer(time.Duration(r.ExpFloat64() * float64(60*time.Millisecond)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
			if pid, ok := t.crowd.pick(r); ok {
				t.crowd.strike(pid, signals[r.IntN(len(signals))], r.IntN(3) == 0 && t.opt.mode == modeSignals)
			}
		case <-t.arrivals:
			wait.Stop()
			n := t.house.read()
			if n.Pending == nil || r.IntN(2) == 0 {
				continue
			}
			if !rest(ctx, time.Duration(r.Float64()*1.5*float64(t.opt.latency+5*time.Millisecond))) {
				return nil
			}
			t.crowd.strike(n.Pending.PID, signals[r.IntN(len(signals))], false)
		}
	}
}

// comeAndGo signs out and in, signs in over a sign-in that lives, and lets the server's clock jump.
func (t *torture) comeAndGo(ctx context.Context, r *rand.Rand) error {
	quiet := make(chan struct{})
	defer func() { <-quiet }()
	go func() {
		defer close(quiet)
		_ = t.watchArrivals(ctx, r)
	}()
	for turn := 0; rest(ctx, time.Duration((0.3+r.Float64())*float64(t.opt.ttl))); turn++ {
		var err error
		switch turn % 4 {
		case 1:
			from := time.Now()
			if err = t.house.logout(context.WithoutCancel(ctx)); err == nil {
				rest(ctx, time.Duration(r.Float64()*float64(t.opt.ttl)/4))
				err = t.signIn(ctx, from)
			}
			t.note(func() { t.logouts++ })
		case 3:
			err = t.signIn(ctx, time.Now())
		default:
			jumps := []time.Duration{t.opt.ttl / 2, 2 * t.opt.ttl, time.Hour, 12 * time.Hour}
			t.judge.jumped(func() { t.server.Advance(jumps[r.IntN(len(jumps))]) })
			t.note(func() { t.jumps++ })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// signIn signs in, and notes since when there was no sign-in.
func (t *torture) signIn(ctx context.Context, from time.Time) error {
	err := t.house.login(context.WithoutCancel(ctx))
	t.note(func() {
		t.logins++
		t.absences = append(t.absences, absence{from, time.Now()})
	})
	return err
}

func (t *torture) note(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f()
}
