package unity

import (
	"context"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

// order notes who arrived when.
type order struct {
	mu    sync.Mutex
	names []string
}

func (o *order) note(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names = append(o.names, name)
}

func (o *order) list() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.names)
}

func fill(t *testing.T, l *limiter, n int) {
	t.Helper()
	for range n {
		if err := l.acquire(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLimiterBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		if l.parallel() != 4 {
			t.Errorf("starts with %d", l.parallel())
		}
		for range 400 {
			fill(t, l, 1)
			l.release(loadFine, 80*time.Millisecond, 0)
		}
		if l.parallel() != 16 {
			t.Errorf("grew to %d", l.parallel())
		}
		for _, want := range []int{8, 4, 2, 1, 1} {
			<-time.After(time.Second)
			fill(t, l, 1)
			l.release(loadTooMuch, time.Millisecond, 0)
			if l.parallel() != want {
				t.Errorf("%d, want %d", l.parallel(), want)
			}
		}
		for range 10 {
			fill(t, l, 1)
			l.release(loadUnknown, time.Hour, 0)
		}
		if l.parallel() != 1 {
			t.Error("what is not known taught something")
		}
		for range 400 {
			fill(t, l, 1)
			l.release(loadFine, 80*time.Millisecond, 0)
		}
		for range 400 {
			fill(t, l, 1)
			l.release(loadFine, 5*time.Second, 0)
		}
		if got := l.parallel(); got < 2 || got > 4 {
			t.Errorf("slow answers left %d", got)
		}
	})
}

// TestLimiterHalvesOncePerBurst: calls that were under way together say the same thing once.
func TestLimiterHalvesOncePerBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		l.limit = 16
		fill(t, l, 16)
		<-time.After(time.Second)
		for range 16 {
			l.release(loadTooMuch, time.Second, 0)
		}
		if l.parallel() != 8 {
			t.Error(l.parallel())
		}
	})
}

func TestLimiterLearnsFromStatus(t *testing.T) {
	for status, want := range map[int]int{429: 2, 503: 2, 504: 2, 500: 4, 404: 4, 0: 4} {
		c, _, _ := scripted(t, nil)
		fill(t, c.limit, 1)
		c.learnLoad(&Error{Status: status}, time.Millisecond)
		if c.Parallel() != want || c.limit.inflight != 0 {
			t.Errorf("%d: %d", status, c.Parallel())
		}
	}
}

func TestForegroundPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		fill(t, l, 4)
		var o order
		var all sync.WaitGroup
		for _, name := range []string{"back 1", "back 2", "front 1", "front 2"} {
			all.Go(func() {
				if err := l.acquire(t.Context(), name[0] == 'b'); err != nil {
					t.Error(err)
				}
				o.note(name)
			})
			synctest.Wait()
		}
		for range 4 {
			l.release(loadUnknown, 0, 0)
			synctest.Wait()
		}
		all.Wait()
		if got := o.list(); !slices.Equal(got, []string{"front 1", "front 2", "back 1", "back 2"}) {
			t.Error(got)
		}
	})
}

// TestRetryAfterPausesAll: those that waited before, those that come during the pause, and nobody spins meanwhile.
func TestRetryAfterPausesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		fill(t, l, 4)
		start := time.Now()
		var o order
		var all sync.WaitGroup
		enter := func() {
			all.Go(func() {
				if err := l.acquire(t.Context(), false); err != nil {
					t.Error(err)
				}
				o.note(time.Since(start).String())
				l.release(loadUnknown, 0, 0)
			})
		}
		enter()
		enter()
		synctest.Wait()
		l.release(loadTooMuch, 0, 10*time.Second)
		l.release(loadTooMuch, 0, 5*time.Second) // the shorter one does not shorten
		l.release(loadUnknown, 0, 0)
		l.release(loadUnknown, 0, 0)
		<-time.After(3 * time.Second)
		enter()
		all.Wait()
		if got := o.list(); !slices.Equal(got, []string{"10s", "10s", "10s"}) {
			t.Error(got)
		}
	})
}

// TestLimiterLosesNoPlace lets many calls come, give up and go, in virtual time: at the end every place is free and
// nobody waits.
func TestLimiterLosesNoPlace(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			l := newLimiter()
			dice := rand.New(rand.NewPCG(seed, 1))
			var all sync.WaitGroup
			for range 300 {
				patience, work := time.Duration(dice.IntN(50))*time.Millisecond, time.Duration(dice.IntN(9))*time.Millisecond
				v, back, pause := verdict(dice.IntN(3)), dice.IntN(2) == 0, time.Duration(dice.IntN(2))*time.Millisecond
				all.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					if l.acquire(ctx, back) != nil {
						return
					}
					<-time.After(work)
					l.release(v, work, pause)
				})
			}
			all.Wait()
			if l.inflight != 0 || l.front.Len() != 0 || l.back.Len() != 0 {
				t.Errorf("%d in flight, %d and %d waiting", l.inflight, l.front.Len(), l.back.Len())
			}
			fill(t, l, l.parallel())
		})
	}
}

// TestLimiterUnderRace does the same with real threads, without time.
func TestLimiterUnderRace(t *testing.T) {
	l := newLimiter()
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%3 == 0 {
				go cancel()
			}
			if l.acquire(ctx, i%2 == 0) == nil {
				if got := l.parallel(); got < 1 || got > 16 {
					t.Error(got)
				}
				l.release([]verdict{loadFine, loadTooMuch, loadUnknown}[i%3], time.Millisecond, 0)
			}
		})
	}
	all.Wait()
	if l.inflight != 0 || l.front.Len() != 0 || l.back.Len() != 0 {
		t.Error(l.inflight, l.front.Len(), l.back.Len())
	}
}

// TestPlainRateLimit reads five hundred times from a server that allows 15 calls a second, and says no more than 429: every
// call gets its answer, few are refused, and it takes little longer than the server's rate.
func TestPlainRateLimit(t *testing.T) {
	for _, rate := range []float64{2, 15, 60} {
		synctest.Test(t, func(t *testing.T) {
			sim := unitytest.New(unitytest.Options{Sites: 2, Endpoints: 4, Seed: 1, Rate: rate, AccessTTL: 24 * time.Hour})
			creds := sim.Credentials()
			key, err := ParseKeycode(creds.GSMKey)
			if err != nil {
				t.Fatal(err)
			}
			refused := 0
			var mu sync.Mutex
			direct := &entry.Direct{Handler: sim}
			tokens := &entry.Password{BaseURL: entry.Address, Creds: creds, Transport: direct}
			if _, err := tokens.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			c, err := New(Options{BaseURL: entry.Address, GSMKey: key, HTTP: &http.Client{Transport: direct}, Tokens: tokens,
				Observe: func(a Attempt) {
					mu.Lock()
					defer mu.Unlock()
					if a.Status == http.StatusTooManyRequests {
						refused++
					}
				}})
			if err != nil {
				t.Fatal(err)
			}
			const calls = 500
			start := time.Now()
			var all sync.WaitGroup
			for range calls {
				all.Go(func() {
					if _, err := c.Console(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			took, least := time.Since(start).Seconds(), calls/rate
			t.Logf("%v a second: %.0f s, %.2f times the least, %d refused", rate, took, took/least, refused)
			if took > 1.5*least || refused > calls {
				t.Errorf("%v a second: %.0f s where %.0f s would do, %d refused", rate, took, least, refused)
			}
		})
	}
}
