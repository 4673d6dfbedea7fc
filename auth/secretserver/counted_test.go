package secretserver

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/auth/secretservertest"
)

const timeout = 20 * time.Minute

func enabled() secretservertest.Options {
	return secretservertest.Options{Timeout: timeout, RefreshEnabled: true, MaxRefreshes: 3}
}

func TestThreeRefreshesAreUsedAndAFourthIsNeverSent(t *testing.T) {
	r := newRig(t, enabled())
	a := goodLogin()
	s := r.kept(a, 3)
	r.mustRead(s)
	for i := 1; i <= 3; i++ {
		r.clk.jump(timeout + time.Second)
		if notice := r.mustRead(s).Notice; notice != "" {
			t.Fatalf("refresh %d: notice %q", i, notice)
		}
		if st := s.Status(); st.Refreshes != i || st.MaxRefreshes != 3 || r.sim.Counts().Refreshes != i {
			t.Fatalf("after refresh %d: status %d of %d, server %+v", i, st.Refreshes, st.MaxRefreshes, r.sim.Counts())
		}
	}
	r.clk.jump(timeout + time.Second)
	a.err = errors.New("nobody is there")
	for range 3 {
		if _, err := s.Read(t.Context()); !errors.Is(err, a.err) {
			t.Fatalf("err %v", err)
		}
		r.clk.jump(time.Minute)
	}
	if ask := a.asks[len(a.asks)-1]; !strings.Contains(ask.Reason, "allows 3 refreshes per sign-in") || ask.Username != ssUser {
		t.Fatalf("asked with %+v", ask)
	}
	if c := r.sim.Counts(); c.Refreshes != 3 || c.Refused != 0 || c.Passwords != 1 {
		t.Fatalf("a fourth refresh was sent: %+v", c)
	}
	a.err = nil
	r.mustRead(s)
	r.clk.jump(timeout + time.Second)
	r.mustRead(s)
	if c := r.sim.Counts(); c.Passwords != 2 || c.Refreshes != 4 || c.Refused != 0 {
		t.Fatalf("the next sign-in does not count from the start: %+v", c)
	}
}

func TestTheLifeOfARefreshToken(t *testing.T) {
	for _, c := range []struct {
		name      string
		idle      time.Duration
		refreshes int
	}{{"14:59 after the timeout", timeout + 14*time.Minute + 59*time.Second, 1}, {"15:01 after the timeout", timeout + 15*time.Minute + time.Second, 0}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, enabled())
			r.mustRead(r.kept(goodLogin(), 3))
			s := r.kept(nil, 3) // another process, and nobody to ask
			r.clk.jump(c.idle)
			if c.refreshes == 1 {
				r.mustRead(s)
			} else if text := r.mustNeedLogin(s); !strings.Contains(text, "was not used in time") {
				t.Fatalf("text %q", text)
			}
			if got := r.sim.Counts(); got.Refreshes != c.refreshes || got.Refused != 0 {
				t.Fatalf("server %+v", got)
			}
		})
	}
}

func TestTheServerRefusesReuse(t *testing.T) {
	r := newRig(t, enabled())
	s := r.kept(goodLogin(), 3)
	r.mustRead(s)
	r.clk.jump(timeout + time.Second)
	r.mustRead(s)
	var first string
	for _, token := range r.sim.Issued() {
		if strings.HasPrefix(token, "RT-") {
			first = token
			break
		}
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http.URL+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := r.http.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if c := r.sim.Counts(); resp.StatusCode != 400 || c.Reuses != 1 {
		t.Fatalf("status %d, %+v", resp.StatusCode, c)
	}
}

func TestTheLimitIsLearnedFromARefusal(t *testing.T) {
	o := enabled()
	o.MaxRefreshes = 2
	r := newRig(t, o)
	s := r.kept(goodLogin(), 0)
	for chain := 1; chain <= 3; chain++ {
		r.mustRead(s)
		for range 2 {
			r.clk.jump(timeout + time.Second)
			r.mustRead(s)
		}
		r.clk.jump(timeout + time.Second)
		r.mustRead(s) // signs in again: once after a refusal, then because the limit is known
		if c := r.sim.Counts(); c.OverLimit != 1 || c.Reuses != 0 {
			t.Fatalf("chain %d: %+v", chain, c)
		}
		if st := s.Status(); st.MaxRefreshes != 2 {
			t.Fatalf("learned %d", st.MaxRefreshes)
		}
		r.clk.jump(timeout + 20*time.Minute)
	}
	// Another process knows it too, and after a week it is tried again.
	other := r.kept(goodLogin(), 0)
	r.mustRead(other)
	if st := other.Status(); st.MaxRefreshes != 2 {
		t.Fatalf("the other process knows %d", st.MaxRefreshes)
	}
	r.clk.jump(8 * 24 * time.Hour)
	for range 4 {
		r.mustRead(other)
		r.clk.jump(timeout + time.Second)
	}
	if c := r.sim.Counts(); c.OverLimit != 2 {
		t.Fatalf("after a week: %+v", c)
	}
}

func TestNoRefreshTokenNamesTheTwoSettings(t *testing.T) {
	for name, o := range map[string]secretservertest.Options{
		"switched off":      {Timeout: timeout},
		"unlimited timeout": {RefreshEnabled: true, Unlimited: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, o)
			a := goodLogin()
			s := r.kept(a, 0)
			for _, text := range []string{r.mustRead(s).Notice, s.Status().Text, r.mustRead(r.kept(nil, 0)).Notice} {
				if !strings.Contains(text, `"Enable Refresh Tokens for Web Services"`) || !strings.Contains(text, "API session timeout must not be unlimited") {
					t.Fatalf("text %q", text)
				}
			}
			if st := s.Status(); st.State != auth.Degraded || !st.RefreshExpiresAt.IsZero() {
				t.Fatalf("status %+v", st)
			}
			r.clk.jump(25 * time.Hour) // longer than any access token is believed
			r.mustRead(s)
			if c := r.sim.Counts(); c.Passwords != 2 || c.Refreshes+c.Refused != 0 || a.count() != 2 {
				t.Fatalf("server %+v, asked %d times", c, a.count())
			}
		})
	}
}

func TestAMissingSuccessorEndsTheSession(t *testing.T) {
	o := enabled()
	o.MaxRefreshes, o.OmitLast = 2, true
	r := newRig(t, o)
	a := goodLogin()
	s := r.kept(a, 0)
	r.mustRead(s)
	for range 3 {
		r.clk.jump(timeout + time.Second)
		r.mustRead(s)
	}
	if c := r.sim.Counts(); c.Refreshes != 2 || c.Refused != 0 || c.Passwords != 2 {
		t.Fatalf("server %+v", c)
	}
	if reason := a.asks[1].Reason; !strings.Contains(reason, "no further refresh token after refresh 2") {
		t.Fatalf("reason %q", reason)
	}
}

func TestALostAnswerCounts(t *testing.T) {
	r := newRig(t, enabled())
	s := r.kept(nil, 3)
	r.mustRead(r.kept(goodLogin(), 3))
	for range 2 {
		r.clk.jump(timeout + time.Second)
		r.mustRead(s)
	}
	r.clk.jump(timeout + time.Second)
	r.sim.Fault(secretservertest.FaultCutAfter, 1)
	if _, err := s.Read(t.Context()); !errors.Is(err, auth.ErrOutOfReach) {
		t.Fatalf("err %v", err)
	}
	r.clk.jump(time.Minute)
	r.mustNeedLogin(s)
	r.mustNeedLogin(r.kept(nil, 3)) // a restart forgets nothing
	if c := r.sim.Counts(); c.Refreshes != 3 || c.Refused != 0 {
		t.Fatalf("the third refresh was sent again: %+v", c)
	}
}

func TestARefreshThatNeverArrivedIsTriedAgain(t *testing.T) {
	for _, fault := range []string{secretservertest.FaultCutBefore, secretservertest.FaultUnavailable} {
		r := newRig(t, enabled())
		r.mustRead(r.kept(goodLogin(), 3))
		s := r.kept(nil, 3)
		r.clk.jump(timeout + time.Second)
		r.sim.Fault(fault, 1)
		if _, err := s.Read(t.Context()); !errors.Is(err, auth.ErrOutOfReach) {
			t.Fatalf("%s: err %v", fault, err)
		}
		r.clk.jump(time.Minute)
		r.mustRead(s)
		want := 1 // a definite no does not count
		if fault == secretservertest.FaultCutBefore {
			want = 2 // nobody can know whether the first one was counted
		}
		if got := s.Status().Refreshes; got != want || r.sim.Counts().Refreshes != 1 {
			t.Fatalf("%s: counted %d, want %d", fault, got, want)
		}
	}
}

func TestDoubtfulRequestsStayCounted(t *testing.T) {
	r := newRig(t, enabled())
	r.mustRead(r.kept(goodLogin(), 3))
	s := r.kept(nil, 3)
	r.clk.jump(timeout + time.Second)
	for _, fault := range []string{secretservertest.FaultCutBefore, secretservertest.FaultCutBefore, secretservertest.FaultUnavailable} {
		r.sim.Fault(fault, 1)
		if _, err := s.Read(t.Context()); !errors.Is(err, auth.ErrOutOfReach) {
			t.Fatalf("%s: err %v", fault, err)
		}
		r.clk.jump(time.Minute)
	}
	r.mustRead(s)
	if got := s.Status().Refreshes; got != 3 {
		t.Fatalf("counted %d", got)
	}
	r.clk.jump(timeout + time.Second)
	r.mustNeedLogin(s)
	if c := r.sim.Counts(); c.Refreshes != 1 || c.Refused != 0 {
		t.Fatalf("server %+v", c)
	}
}

func TestTwoSourcesShareOneChain(t *testing.T) {
	r := newRig(t, enabled())
	a := goodLogin()
	one, two := r.kept(a, 3), r.kept(a, 3)
	for range 4 {
		var wg sync.WaitGroup
		for _, s := range []*Source{one, two, one, two} {
			wg.Go(func() {
				if _, err := s.Read(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r.clk.jump(timeout + time.Second)
	}
	if c := r.sim.Counts(); c.Passwords != 1 || c.Refreshes != 3 || c.Refused != 0 {
		t.Fatalf("server %+v", c)
	}
}

// Whatever happens, no sign-in is followed by more refresh requests than
// allowed, and no token that is known to be spent is sent.
func TestNeverMoreRequestsThanAllowed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, enabled())
		defer r.http.Close()
		limit := rapid.IntRange(1, 3).Draw(rt, "limit")
		sources := []*Source{r.kept(goodLogin(), limit), r.kept(goodLogin(), limit)}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			s := sources[rapid.IntRange(0, 1).Draw(rt, "source")]
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0:
				r.sim.Fault(rapid.SampledFrom([]string{secretservertest.FaultCutAfter, secretservertest.FaultCutBefore, secretservertest.FaultUnavailable, secretservertest.FaultHTML}).Draw(rt, "fault"), 1)
			case 1:
				r.clk.jump(time.Duration(rapid.IntRange(1, 40*60).Draw(rt, "seconds")) * time.Second)
			case 2:
				r.sim.Expire()
			default:
				_, _ = s.Read(t.Context()) // faults make some fail
			}
		}
		sent := 0
		for _, e := range r.sim.Log() {
			switch e.Grant {
			case "password":
				sent = 0
			case "refresh_token":
				if sent++; sent > limit {
					rt.Fatalf("%d refresh requests after one sign-in, %d are allowed", sent, limit)
				}
			}
		}
		if c := r.sim.Counts(); c.OverLimit != 0 || c.Late != 0 {
			rt.Fatalf("server %+v", c)
		}
	})
}
