package unity

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestRenewsOnce(t *testing.T) {
	for _, x := range []struct {
		name   string
		change bool
		body   string
		good   int // the call that is accepted, 0: none
		calls  int
		ok     bool
	}{
		{"read", false, errorJSON(401, "invalid_token", ""), 2, 2, true},
		{"change", true, errorJSON(401, "invalid_token", ""), 2, 2, true},
		{"read, gateway", false, "<html>", 2, 2, true},
		{"change, gateway", true, "<html>", 2, 1, false},
		{"change, other code", true, errorJSON(401, "", ""), 2, 1, false},
		{"read, second 401", false, errorJSON(401, "invalid_token", ""), 0, 2, false},
		{"change, second 401", true, errorJSON(401, "invalid_token", ""), 0, 2, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, s, p := scripted(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				if n == x.good {
					answer(w, 200, "{}")
					return
				}
				answer(w, 401, x.body)
			})
			r := read()
			if x.change {
				r = scan(t, c)
			}
			_, err := c.Do(t.Context(), r)
			if (err == nil) != x.ok || s.count() != x.calls {
				t.Fatalf("%v after %d calls", err, s.count())
			}
			if err != nil && !errors.Is(err, ErrUnauthenticated) {
				t.Error(err)
			}
			if len(p.rejected) == 0 || p.rejected[0] != "token-0" {
				t.Error(p.rejected)
			}
			if x.calls == 2 && (s.token(0) != "Bearer token-0" || s.token(1) != "Bearer token-1") {
				t.Error(s.token(0), s.token(1))
			}
		})
	}
}

// TestRenewsAgainWhileOthersAreAnswered has one call refused again and again. It goes on only where the client had other
// answers meanwhile, and not for long.
func TestRenewsAgainWhileOthersAreAnswered(t *testing.T) {
	for _, x := range []struct {
		name  string
		good  int // the call of the endpoint that is accepted, 0: none
		calls int
		ok    bool
	}{{"the third", 3, 3, true}, {"the fourth", 4, 4, true}, {"none", 0, 4, false}} {
		t.Run(x.name, func(t *testing.T) {
			var c *Client
			n := 0
			client, s, p := scripted(t, func(_ int, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != read().Path {
					answer(w, 200, "{}")
					return
				}
				if n++; n == x.good {
					answer(w, 200, "{}")
					return
				}
				if _, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/service/api/other"}); err != nil {
					t.Error(err)
				}
				answer(w, 401, errorJSON(401, "invalid_token", ""))
			})
			c = client
			if _, err := c.Do(t.Context(), read()); (err == nil) != x.ok || n != x.calls {
				t.Fatalf("%v after %d calls", err, n)
			}
			if s.count() < 2*x.calls-1 || len(p.accepted) == 0 {
				t.Errorf("%d calls, %d were told to be accepted", s.count(), len(p.accepted))
			}
		})
	}
}

func TestScopeIsAskedForOnce(t *testing.T) {
	for _, granted := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var p *purse
			var mu sync.Mutex
			wide := false
			c, s, p := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if wide {
					answer(w, 200, "{}")
					return
				}
				answer(w, 403, errorJSON(403, "insufficient_scope", ""))
			})
			p.widen = func(context.Context) error {
				<-time.After(time.Second) // all calls are refused meanwhile; virtual time
				if !granted {
					return errors.New("refused")
				}
				mu.Lock()
				defer mu.Unlock()
				wide = true
				return nil
			}
			var calls sync.WaitGroup
			for range 4 {
				calls.Go(func() {
					_, err := c.Do(t.Context(), read())
					if (err == nil) != granted || err != nil && !errors.Is(err, ErrScope) {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			if _, err := c.Do(t.Context(), read()); (err == nil) != granted {
				t.Error(err)
			}
			want := 5
			if granted {
				want = 9
			}
			if len(p.asked) != 1 || p.asked[0] != "Console.GSM" || s.count() != want {
				t.Errorf("asked %v, %d calls", p.asked, s.count())
			}
		})
	}
}

// TestScopeAskerGoesAway: when the call that asks is cancelled, the next one asks again instead of inheriting its end.
func TestScopeAskerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, p := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
			answer(w, 403, errorJSON(403, "insufficient_scope", ""))
		})
		first := make(chan struct{}, 1)
		first <- struct{}{}
		p.widen = func(ctx context.Context) error {
			select {
			case <-first:
				<-ctx.Done()
				return ctx.Err()
			default:
				return nil
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var calls sync.WaitGroup
		calls.Go(func() { _ = c.askScope(ctx, "Console.GSM") })
		synctest.Wait()
		calls.Go(func() {
			if err := c.askScope(t.Context(), "Console.GSM"); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		cancel()
		calls.Wait()
		if len(p.asked) != 2 {
			t.Error(p.asked)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, x := range map[string]struct {
		header   func() string
		min, max time.Duration
	}{
		"seconds": {func() string { return "7" }, 7 * time.Second, 9 * time.Second},
		"date":    {func() string { return time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat) }, 19 * time.Second, 21 * time.Second},
		"none":    {func() string { return "" }, 0, time.Second},
		"endless": {func() string { return "99999999999999999999" }, 5 * time.Minute, 5*time.Minute + time.Second},
	} {
		for _, change := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, s, _ := scripted(t, func(n int, w http.ResponseWriter, _ *http.Request) {
						if n == 1 {
							w.Header().Set("Retry-After", x.header())
							answer(w, 429, "slow down")
						}
					})
					r := read()
					if change {
						r = scan(t, c)
					}
					start := time.Now()
					_, err := c.Do(t.Context(), r)
					if took := time.Since(start); err != nil || took < x.min || took > x.max || s.count() != 2 {
						t.Errorf("%v after %v and %d calls", err, took, s.count())
					}
				})
			})
		}
	}
}

// TestChangeIsNeverRepeated counts at the server what a change does that may have arrived.
func TestChangeIsNeverRepeated(t *testing.T) {
	for name, fail := range map[string]func(http.ResponseWriter, *http.Request){
		"500":       func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, errorJSON(500, "", "")) },
		"503":       func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "1"); answer(w, 503, "") },
		"504":       func(w http.ResponseWriter, _ *http.Request) { answer(w, 504, "<html>") },
		"502":       func(w http.ResponseWriter, _ *http.Request) { answer(w, 502, "<html>") },
		"redirect":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/x"); answer(w, 307, "") },
		"reset":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut":       func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"a`); panic(http.ErrAbortHandler) },
		"time-out":  func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"403 alien": func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, "<html>") },
		"200 page":  func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, "<html>welcome</html>") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s, _ := scripted(t, func(_ int, w http.ResponseWriter, r *http.Request) { fail(w, r) })
				_, err := c.Do(t.Context(), scan(t, c))
				if e := asError(t, err); e.Definite() || !e.Sent || s.count() != 1 {
					t.Errorf("definite %v sent %v, %d calls: %v", e.Definite(), e.Sent, s.count(), e)
				}
			})
		})
	}
}

// TestReadIsRepeated: the same accidents do not hurt a read.
func TestReadIsRepeated(t *testing.T) {
	for name, fail := range map[string]func(http.ResponseWriter, *http.Request){
		"500":      func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, "") },
		"504":      func(w http.ResponseWriter, _ *http.Request) { answer(w, 504, "<html>") },
		"reset":    func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut":      func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, `{"a`); panic(http.ErrAbortHandler) },
		"time-out": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s, _ := scripted(t, func(n int, w http.ResponseWriter, r *http.Request) {
					if n == 1 {
						fail(w, r)
					}
				})
				if _, err := c.Do(t.Context(), read()); err != nil || s.count() != 2 {
					t.Error(err, s.count())
				}
			})
		})
	}
}

type refusing struct{ tries int }

func (r *refusing) RoundTrip(*http.Request) (*http.Response, error) {
	if r.tries++; r.tries < 3 {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	return memory{http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}.RoundTrip(&http.Request{})
}

func TestRefusedConnectionMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &refusing{}
		c, _, _ := scripted(t, nil, func(o *Options) { o.HTTP = &http.Client{Transport: transport} })
		if _, err := c.Do(t.Context(), scan(t, c)); err != nil || transport.tries != 3 {
			t.Error(err, transport.tries)
		}
		transport.tries = -100
		_, err := c.Do(t.Context(), scan(t, c))
		if e := asError(t, err); !errors.Is(err, ErrUnreachable) || !e.Definite() || e.Sent || transport.tries != -100+maxTries {
			t.Error(err, transport.tries)
		}
	})
}

func TestNoTokenNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s, p := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, 200, "{}") })
		p.err = errors.New("sign in first")
		_, err := c.Do(t.Context(), scan(t, c))
		if !errors.Is(err, ErrUnauthenticated) || !asError(t, err).Definite() || s.count() != 0 {
			t.Error(err, s.count())
		}
		p.err = context.DeadlineExceeded
		if _, err = c.Do(t.Context(), read()); errors.Is(err, ErrUnauthenticated) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		p.err = nil
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err = c.Do(ctx, scan(t, c)); !errors.Is(err, context.Canceled) || !asError(t, err).Definite() || s.count() != 0 {
			t.Error(err, s.count())
		}
		if c.limit.inflight != 0 {
			t.Error("a place was not given back")
		}
	})
}
