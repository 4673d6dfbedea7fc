//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// Paces of what disturbs the program.
const (
	churnPace  = 250 * time.Millisecond // between two changes of machines, on average
	colleague  = 15 * time.Second       // between two changes of sites
	moodOfTime = 8 * time.Second        // between two choices of faults
)

// churn changes the world until the context ends, and counts what it did by name.
type churn struct {
	w      *world
	random *rand.Rand
	// known are machines of the world when it was looked at last; they may have left since.
	known []unitytest.EndpointTruth
	sites []unitytest.SiteTruth
	// at is the number of machines that the world began with and is kept near to.
	at   int
	made int
	done map[string]int
}

func newChurn(w *world, seed uint64) *churn {
	return &churn{w: w, random: rand.New(rand.NewPCG(seed, 1)), done: map[string]int{}} //nolint:gosec // a run that can be repeated
}

// machines changes one machine after another.
func (c *churn) machines(ctx context.Context) error {
	for i := 0; ; i++ {
		if i%100 == 0 {
			c.look()
		}
		if err := rest(ctx, time.Duration(2*c.random.Float64()*float64(churnPace))); err != nil {
			return nil //nolint:nilerr // that is how it ends
		}
		if err := c.one(); err != nil && !strings.Contains(err.Error(), "no such endpoint") {
			return err
		}
	}
}

// look takes stock.
func (c *churn) look() {
	truth := c.w.sim.World()
	c.known, c.sites = truth.Endpoints, truth.Sites
	if c.at == 0 {
		c.at = len(truth.Endpoints)
	}
}

// one lets something happen to a machine.
func (c *churn) one() error {
	m := &c.known[c.random.IntN(len(c.known))]
	site := &c.sites[c.random.IntN(len(c.sites))]
	what, sim := "", c.w.sim
	var err error
	switch n := c.random.IntN(100); {
	case n < 12 && len(c.known) < c.at+c.at/50:
		c.made++
		what = "appeared"
		_, err = sim.InsertEndpoint(site.ID, fmt.Sprintf("NEW-%05d", c.made))
	case n < 24:
		what, err = "left", sim.RemoveEndpoint(m.ID)
	case n < 40:
		what, err = "infected", sim.Infect(m.ID, "invoice.exe", "W32.Soak")
	case n < 54:
		what, err = "cleaned", sim.Clean(m.ID)
	case n < 62:
		what, err = "fell silent", sim.StopPolling(m.ID)
	case n < 78:
		what, err = "reported", sim.Poll(m.ID)
	case n < 86:
		c.made++
		what, err = "renamed", sim.RenameEndpoint(m.ID, fmt.Sprintf("RENAMED-%05d", c.made))
	case n < 92:
		what, err = "moved", sim.MoveEndpoint(m.ID, site.ID)
	default:
		what, err = c.colleagueCommand(m)
	}
	if err == nil {
		c.done[what]++
	}
	return err
}

// colleagueCommand has a machine deactivated, or reactivated, as by somebody at the web console.
func (c *churn) colleagueCommand(m *unitytest.EndpointTruth) (what string, err error) {
	name, what := "deactivate", "deactivated"
	if m.Deactivated {
		name, what = "reactivate", "reactivated"
	}
	if err := c.w.sim.AddCommand(m.ID, name, "", time.Time{}); err != nil {
		return what, err
	}
	return what, c.w.sim.Poll(m.ID)
}

// customers changes the sites, as a colleague with a script of their own. Where the server refuses or fails, nothing changes.
func (w *world) customers(ctx context.Context, r *rand.Rand, done map[string]int) error {
	for i := 0; rest(ctx, time.Duration(2*r.Float64()*float64(colleague))) == nil; i++ {
		sites := w.sim.World().Sites
		s := sites[r.IntN(len(sites))]
		var what string
		var ok bool
		switch r.IntN(5) {
		case 0:
			what = "sites made"
			ok = w.colleague(ctx, http.MethodPost, "", map[string]any{"SiteName": fmt.Sprintf("New customer %03d", i), "Seats": 5, "Comments": "", "Emails": ""})
		case 1:
			what = "sites renamed"
			ok = w.colleague(ctx, http.MethodPut, "/"+s.ID, map[string]any{"SiteName": fmt.Sprintf("Renamed customer %03d", i)})
		case 2:
			what = "seats changed"
			ok = w.colleague(ctx, http.MethodPut, "/"+s.ID, map[string]any{"Seats": max(1, s.Endpoints-3+r.IntN(9))})
		case 3:
			what = "sites suspended"
			ok = w.colleague(ctx, http.MethodPost, "/"+s.ID+"/suspend", nil)
		default:
			what = "sites resumed"
			ok = w.colleague(ctx, http.MethodPost, "/"+s.ID+"/resume", nil)
		}
		if ok {
			done[what]++
		}
	}
	return nil
}

// colleague sends one change of sites past the gate and tells whether it was made.
func (w *world) colleague(ctx context.Context, method, path string, body map[string]any) bool {
	c := w.sim.CredentialsOf(unitytest.UserSuper)
	form := url.Values{"grant_type": {"password"}, "username": {c.Username}, "password": {c.Password}, "scope": {"*"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.side+"/auth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(c.ClientID, c.ClientSecret)
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if raw, ok := plainly(r); !ok || json.Unmarshal(raw, &token) != nil {
		return false
	}
	raw, err := json.Marshal(body)
	if err != nil || body == nil {
		raw = nil
	}
	r, err = http.NewRequestWithContext(ctx, method, w.side+"/service/api/console/gsm/"+c.GSMKey+"/sites"+path, bytes.NewReader(raw))
	if err != nil {
		return false
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	r.Header.Set("Content-Type", "application/json")
	_, ok := plainly(r)
	return ok
}

// plainly does a request and tells whether it succeeded. Connections are not kept.
func plainly(r *http.Request) ([]byte, bool) {
	r.Close = true
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, false
	}
	defer func() { _ = got.Body.Close() }()
	raw, err := io.ReadAll(got.Body)
	return raw, err == nil && got.StatusCode < http.StatusMultipleChoices
}

// troubles are the faults that come and go, with the highest rate of each. Those of the token endpoint spend no token: the sign-in
// has to last.
func troubles() map[string]float64 {
	return map[string]float64{"429": 0.1, "429-retry-after": 0.05, "500": 0.05, "503": 0.1, "504": 0.1, "reset-before": 0.05, "truncate": 0.05, "slow-body": 0.05,
		"wrong-type": 0.05, "401-once": 0.05, "rows-inserted": 0.02, "continuation-dies": 0.1, "auth-429": 0.2, "auth-500": 0.2, "auth-503": 0.2,
		"auth-reset-before": 0.2, "auth-slow-body": 0.3}
}

// misfortune switches faults on and off until the context ends, and all off then. Now and then nothing works for a while.
func (w *world) misfortune(ctx context.Context, r *rand.Rand) error {
	names := make([]string, 0, len(troubles()))
	for _, f := range unitytest.Faults() {
		if _, ok := troubles()[f.Name]; ok {
			names = append(names, f.Name)
		}
	}
	set := func(choose func(name string) float64) error {
		for _, name := range names {
			if err := w.sim.SetFault(name, choose(name)); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		outage := r.IntN(12) == 0
		err := set(func(name string) float64 {
			switch {
			case outage && name == "503":
				return 1
			case r.IntN(3) == 0:
				return r.Float64() * troubles()[name]
			}
			return 0
		})
		if err != nil {
			return err
		}
		if rest(ctx, time.Duration(2*r.Float64()*float64(moodOfTime))) != nil {
			return set(func(string) float64 { return 0 })
		}
	}
}
