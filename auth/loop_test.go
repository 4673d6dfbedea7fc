package auth

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestRefreshesAtSeventyToEightyPercent(t *testing.T) {
	for _, life := range []time.Duration{300 * time.Second, 2 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			p := &scriptProvider{life: life}
			e := setup{store: NewMemoryStore(), prov: p}.engine(t)
			start := time.Now()
			mustSignIn(t, e)
			e.Start(t.Context())
			<-time.After(5 * life)
			synctest.Wait()
			calls := p.seen()
			if len(calls) < 6 || len(calls) > 7 {
				t.Fatalf("life %v: %d refreshes in five lives", life, len(calls))
			}
			last := start
			for i, at := range calls {
				// One tick of slack: the loop looks at the wall clock by steps.
				if f := float64(at.Sub(last)) / float64(life); f < 0.70 || f > 0.81 {
					t.Errorf("life %v: refresh %d at %.3f of the life", life, i, f)
				}
				last = at
			}
			if err := e.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBackoffWarnsBeforeTheTokenDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptProvider{life: 300 * time.Second}
		var down atomic.Bool
		down.Store(true)
		p.refresh = func(n int, _ string) (Grant, error) {
			if down.Load() {
				return Grant{}, fail("refresh", ClassTransient, "no route")
			}
			return p.grant(n), nil
		}
		e := setup{store: NewMemoryStore(), prov: p}.engine(t)
		mustSignIn(t, e)
		e.Start(t.Context())
		<-time.After(250 * time.Second)
		synctest.Wait()
		s := e.Status()
		if s.State != Degraded || s.Class != ClassTransient || s.Text == "" || s.Attempt < 2 {
			t.Fatalf("status %+v", s)
		}
		mustToken(t, e) // it still lives
		<-time.After(60 * time.Second)
		synctest.Wait()
		if s := e.Status(); s.State != Expired {
			t.Fatalf("state %v", s.State)
		}
		for len(e.Updates()) > 0 {
			if s := <-e.Updates(); s.State != Expired {
				t.Fatalf("state shown %v", s.State)
			}
		}
		if _, err := e.Token(t.Context()); !errors.Is(err, ErrOutOfReach) {
			t.Fatalf("err %v", err)
		}
		n := len(p.seen())
		if n < 5 || n > 60 {
			t.Fatalf("%d tries in the last 90 s", n)
		}
		<-time.After(10 * time.Minute)
		synctest.Wait()
		if more := len(p.seen()) - n; more < 10 || more > 50 {
			t.Fatalf("%d tries in ten minutes", more)
		}
		down.Store(false)
		<-time.After(61 * time.Second)
		synctest.Wait()
		if s := e.Status(); s.State != Ready || s.Attempt != 0 || s.Text != "" {
			t.Fatalf("status %+v", s)
		}
	})
}

func TestRetryAfterHoldsForEveryProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, dir := &scriptProvider{life: 300 * time.Second}, newFaultStore(), privateDir(t)
		until := time.Now().Add(250*time.Second + 200*time.Second)
		p.refresh = func(n int, _ string) (Grant, error) {
			if time.Now().Before(until) {
				e := fail("refresh", ClassTransient, "busy")
				e.NotBefore = until
				return Grant{}, e
			}
			return p.grant(n), nil
		}
		a := setup{store: store, dir: dir, prov: p}.engine(t)
		mustSignIn(t, a)
		<-time.After(299 * time.Second)
		if _, err := a.Token(t.Context()); !errors.Is(err, ErrOutOfReach) {
			t.Fatal(err)
		}
		b := setup{store: store, dir: dir, prov: p}.engine(t)
		b.Start(t.Context())
		a.Start(t.Context())
		<-time.After(150 * time.Second)
		synctest.Wait()
		if n := len(p.seen()); n != 1 {
			t.Fatalf("%d requests although the server asked to wait", n)
		}
		<-time.After(10 * time.Second)
		synctest.Wait()
		if n := len(p.seen()); n != 2 {
			t.Fatalf("%d requests after the wait, want one more for both", n)
		}
	})
}

func TestCloseFinishesTheCriticalSection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, dir := &scriptProvider{life: 300 * time.Second, delay: 5 * time.Second}, newFaultStore(), privateDir(t)
		e := setup{store: store, dir: dir, prov: p}.engine(t)
		mustSignIn(t, e)
		<-time.After(299 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-time.After(time.Second)
			cancel()
		}()
		if _, err := e.Token(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("a caller may leave early: %v", err)
		}
		begin := time.Now()
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(begin); waited != 4*time.Second {
			t.Fatalf("close waited %v", waited)
		}
		next := setup{store: store, dir: dir, prov: p}.engine(t)
		if tok := mustToken(t, next); tok != "at-1" {
			t.Fatalf("the successor was not saved: %q", tok)
		}
		if _, err := e.Token(t.Context()); !errors.Is(err, ErrClosed) {
			t.Fatalf("err %v", err)
		}
	})
}

func TestResumeFromSuspendRefreshesSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := &clock{}
		p := &scriptProvider{life: 300 * time.Second, now: clk.now}
		e := setup{store: NewMemoryStore(), prov: p, clock: clk}.engine(t)
		mustSignIn(t, e)
		e.Start(t.Context())
		<-time.After(20 * time.Second)
		clk.jump(2 * time.Hour) // timers stood still, the wall clock did not
		<-time.After(18 * time.Second)
		synctest.Wait()
		if n := len(p.seen()); n != 1 {
			t.Fatalf("%d refreshes after the resume", n)
		}
	})
}

func TestOtherProcessIsFollowedWithoutARequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, dir := &scriptProvider{life: 300 * time.Second}, newFaultStore(), privateDir(t)
		a := setup{store: store, dir: dir, prov: p}.engine(t)
		b := setup{store: store, dir: dir, prov: p}.engine(t)
		b.Start(t.Context())
		<-time.After(time.Second)
		synctest.Wait()
		if s := b.Status(); s.State != SignedOut {
			t.Fatalf("state %v", s.State)
		}
		mustSignIn(t, a)
		<-time.After(16 * time.Second)
		synctest.Wait()
		if s := b.Status(); s.State != Ready {
			t.Fatalf("b did not notice the sign-in: %v", s.State)
		}
		<-time.After(284 * time.Second)
		mustToken(t, a)
		<-time.After(16 * time.Second)
		synctest.Wait()
		if a.Status().Gen != b.Status().Gen || len(p.seen()) != 1 {
			t.Fatalf("gens %d and %d after %d refreshes", a.Status().Gen, b.Status().Gen, len(p.seen()))
		}
	})
}

func TestHeldLockEndsInBusyAndNeverInAnUnlockedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := &scriptProvider{life: 300 * time.Second}, newFaultStore()
		e := setup{store: store, prov: p}.engine(t)
		mustSignIn(t, e)
		<-time.After(299 * time.Second)
		unlock, err := e.chain.lock(t.Context(), time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		states := map[State]bool{}
		go func() {
			for s := range e.Updates() {
				states[s.State] = true
			}
		}()
		if _, err := e.Token(t.Context()); !errors.Is(err, ErrBusy) {
			t.Fatalf("err %v", err)
		}
		if len(p.seen()) != 0 {
			t.Fatal("refreshed without the lock")
		}
		unlock()
		<-time.After(time.Minute)
		mustToken(t, e)
		if err := e.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !states[WaitingForOtherProcess] || !states[Expired] {
			t.Fatalf("states shown: %v", states)
		}
	})
}

func TestUnsavedGenerationIsSavedByTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := &scriptProvider{life: 300 * time.Second}, newFaultStore()
		e := setup{store: store, prov: p}.engine(t)
		mustSignIn(t, e)
		e.Start(t.Context())
		<-time.After(time.Second)
		store.fail(func(string) error {
			if len(p.seen()) > 0 {
				return errDiskFull
			}
			return nil
		})
		<-time.After(245 * time.Second)
		synctest.Wait()
		if s := e.Status(); s.State != UnsavedRotation || s.Text == "" {
			t.Fatalf("status %+v", s)
		}
		store.fail(nil)
		<-time.After(61 * time.Second)
		synctest.Wait()
		if s := e.Status(); s.State != Ready {
			t.Fatalf("status %+v", s)
		}
		rec, err := e.chain.read(t.Context())
		if err != nil || rec.b.gen != e.Status().Gen {
			t.Fatalf("stored %+v, %v", rec, err)
		}
	})
}

func TestMailboxKeepsTheLatest(t *testing.T) {
	m := mailbox{ch: make(chan Status, 1)}
	for i := range 100 {
		m.put(Status{Attempt: i})
	}
	if got := <-m.ch; got.Attempt != 99 {
		t.Fatalf("got %d", got.Attempt)
	}
	m.close()
	m.close()
	m.put(Status{})
}

func TestTokenThatArrivesDeadIsNoFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &scriptProvider{life: 300 * time.Second, now: func() time.Time { return time.Now().Add(-time.Hour) }}
		e := setup{store: NewMemoryStore(), prov: p}.engine(t)
		mustSignIn(t, e)
		e.Start(t.Context())
		<-time.After(time.Minute)
		synctest.Wait()
		if n := len(p.seen()); n < 2 || n > 6 {
			t.Fatalf("%d refreshes in a minute", n)
		}
	})
}
