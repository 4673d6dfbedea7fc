package unity

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// truth gives the endpoint ids of a site, or of all sites, sorted.
func truth(sim *unitytest.Server, site string) []string {
	var ids []string
	for _, e := range sim.World().Endpoints {
		if site == "" || e.SiteID == site {
			ids = append(ids, e.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func biggest(sim *unitytest.Server) unitytest.SiteTruth {
	return slices.MaxFunc(sim.World().Sites, func(a, b unitytest.SiteTruth) int { return a.Endpoints - b.Endpoints })
}

// collectIDs walks a site in small pages; the ids come sorted. A row given twice fails the test.
func collectIDs(ctx context.Context, t *testing.T, c *Client, site string, size int) ([]string, error) {
	t.Helper()
	rows, err := Collect(c.Endpoints(ctx, SiteID(site), EndpointQuery{PageSize: size}))
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = string(rows[i].ID)
	}
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("a row came twice")
	}
	return ids, err
}

// TestTimesFollowTheClockOfTheServer moves that clock: what the client takes for now, and for the past hours, moves along.
func TestTimesFollowTheClockOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, sim := simulated(t, unitytest.Options{Sites: 2, Endpoints: 60, Seed: 3, AccessTTL: 10000 * time.Hour})
		for _, ahead := range []time.Duration{0, time.Hour, 40 * 24 * time.Hour} {
			sim.Advance(ahead)
			if _, err := c.Sites(t.Context()); err != nil {
				t.Fatal(err)
			}
			if off := c.Now().Sub(sim.World().Now).Abs(); off > time.Second {
				t.Errorf("%s ahead, the client is off by %s", ahead, off)
			}
		}
		w := sim.World()
		at := slices.IndexFunc(w.Endpoints, func(e unitytest.EndpointTruth) bool { return !e.NextPoll.IsZero() && !e.Deactivated })
		e := w.Endpoints[at]
		if err := sim.Infect(e.ID, "bad.exe", "W32.Test"); err != nil {
			t.Fatal(err)
		}
		sim.Advance(26 * time.Hour) // past its next poll, which reports it
		if _, err := c.Sites(t.Context()); err != nil {
			t.Fatal(err)
		}
		now := c.Now()
		recent, err := Collect(c.EndpointThreats(t.Context(), SiteID(e.SiteID), EndpointID(e.ID), ThreatQuery{Since: now.Add(-48 * time.Hour), Until: now.Add(time.Minute)}))
		if err != nil || !slices.ContainsFunc(recent, func(x Threat) bool { return x.FileName.Raw() == "bad.exe" }) {
			t.Errorf("%d threats of the last two days, without the new one: %v", len(recent), err)
		}
	})
}

// TestVariants reads everything of a console in every way the API may differ from its documents.
func TestVariants(t *testing.T) {
	for _, v := range unitytest.Variants() {
		t.Run(v.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, sim := simulated(t, unitytest.Options{Sites: 4, Endpoints: 240, Seed: 3, Variants: []string{v.Name}})
				checkConsole(t, c, sim)
				site := biggest(sim)
				got, err := collectIDs(t.Context(), t, c, site.ID, 20)
				if err != nil || !slices.Equal(got, truth(sim, site.ID)) {
					t.Errorf("%d of %d endpoints: %v", len(got), len(truth(sim, site.ID)), err)
				}
				checkSiteLists(t, c, sim, site)
				checkStatus(t, c, sim, v.Name == "fewer-scopes")
				_, err = c.Site(t.Context(), siteA)
				if !errors.Is(err, ErrNotFound) || asError(t, err).RequestID == "" || !asError(t, err).Definite() {
					t.Errorf("a site that is not there: %v", err)
				}
			})
		})
	}
}

func checkConsole(t *testing.T, c *Client, sim *unitytest.Server) {
	t.Helper()
	world := sim.World()
	console, err := c.Console(t.Context())
	if err != nil || console.Name.Raw() != world.Console {
		t.Fatal(console, err)
	}
	sites, err := c.Sites(t.Context())
	if err != nil || len(sites.Sites) != len(world.Sites) {
		t.Fatal(err)
	}
	for _, s := range sites.Sites {
		i := slices.IndexFunc(world.Sites, func(w unitytest.SiteTruth) bool { return SiteID(w.ID) == s.ID })
		if i < 0 || s.Name.Raw() != world.Sites[i].Name || s.Keycode != Keycode(world.Sites[i].Keycode) || s.DevicesAllowed.N != int64(world.Sites[i].Seats) ||
			s.Trial() != world.Sites[i].Trial || !s.EndDate.Known() {
			t.Errorf("%+v", s)
		}
		one, err := c.Site(t.Context(), s.ID)
		if err != nil || one.Keycode != s.Keycode {
			t.Error(err)
		}
		if found, err := c.LookupSite(t.Context(), s.Keycode); err != nil || found.ID != s.ID {
			t.Error(err)
		}
	}
	policies, err := c.Policies(t.Context())
	if err != nil || len(policies) == 0 || policies[0].ID == "" || policies[0].Name.Empty() {
		t.Errorf("%+v %v", policies, err)
	}
	if p, err := c.Policy(t.Context(), policies[0].ID); err != nil || p.Label() != policies[0].Label() {
		t.Error(p, err)
	}
	admins, err := c.Admins(t.Context())
	if err != nil {
		t.Error(err)
	}
	if super, ok := SuperAdmin(admins, sim.Credentials().Username); !super || !ok {
		t.Error("the caller is not known as super admin")
	}
}

func checkSiteLists(t *testing.T, c *Client, sim *unitytest.Server, site unitytest.SiteTruth) {
	t.Helper()
	groups, err := c.Groups(t.Context(), SiteID(site.ID))
	if err != nil || len(groups) != len(site.Groups) {
		t.Errorf("%d groups: %v", len(groups), err)
	}
	total := 0
	for _, g := range groups {
		rows, err := Collect(c.GroupEndpoints(t.Context(), SiteID(site.ID), g.ID))
		if err != nil {
			t.Error(err)
		}
		total += len(rows)
	}
	if total != site.Endpoints {
		t.Errorf("the groups have %d endpoints, the site %d", total, site.Endpoints)
	}
	id := truth(sim, site.ID)[0]
	e, err := c.Endpoint(t.Context(), SiteID(site.ID), EndpointID(strings.ToUpper(id)))
	if err != nil || string(e.ID) != id {
		t.Error(e, err)
	}
	want := 0
	for _, x := range sim.World().Commands {
		if x.SiteID == site.ID {
			want++
		}
	}
	commands, err := Collect(c.SiteCommands(t.Context(), SiteID(site.ID), CommandQuery{PageSize: 5}))
	if err != nil || len(commands) != want {
		t.Errorf("%d of %d commands: %v", len(commands), want, err)
	}
	for _, pages := range []func() error{
		func() error {
			_, err := Collect(c.SiteThreats(t.Context(), SiteID(site.ID), ThreatQuery{}))
			return err
		},
		func() error {
			_, err := Collect(c.EndpointThreats(t.Context(), SiteID(site.ID), EndpointID(id), ThreatQuery{Extended: true}))
			return err
		},
		func() error {
			_, err := Collect(c.EndpointCommands(t.Context(), SiteID(site.ID), EndpointID(id), CommandQuery{}))
			return err
		},
		func() error { _, err := c.SitePolicies(t.Context(), SiteID(site.ID)); return err },
		func() error { _, err := c.SiteAdmins(t.Context(), SiteID(site.ID)); return err },
		func() error { return c.Ping(t.Context()) },
	} {
		if err := pages(); err != nil {
			t.Error(err)
		}
	}
}

func checkStatus(t *testing.T, c *Client, sim *unitytest.Server, scopeMissing bool) {
	t.Helper()
	rows, err := Collect(c.GSMStatus(t.Context(), StatusQuery{BatchSize: 30}))
	if scopeMissing {
		if !errors.Is(err, ErrScope) || asError(t, err).Scope != "SkyStatus.GSM" {
			t.Error(err)
		}
		return
	}
	if want := len(truth(sim, "")); err != nil || len(rows) != want {
		t.Errorf("%d of %d status rows: %v", len(rows), want, err)
	}
	site := biggest(sim)
	rows, err = Collect(c.SiteStatus(t.Context(), Keycode(site.Keycode), StatusQuery{}))
	if err != nil || len(rows) != site.Endpoints {
		t.Errorf("%d of %d status rows of the site: %v", len(rows), site.Endpoints, err)
	}
}

// TestFaults: a list is either complete or an error, whatever happens on the way; with patience it is complete.
func TestFaults(t *testing.T) {
	for _, f := range unitytest.Faults() {
		if strings.HasPrefix(f.Name, "auth-") || f.Name == "command-lag" {
			continue
		}
		for _, variant := range []string{"single-bare", "page-size-clamp-50"} {
			t.Run(f.Name+" "+variant, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, sim := simulated(t, unitytest.Options{Sites: 2, Endpoints: 400, Seed: 5, Variants: []string{variant}, Faults: map[string]float64{f.Name: 0.25}})
					site := biggest(sim)
					struck := func() bool { return sim.FaultCounts()[f.Name] > 0 || f.Name == "continuation-dies" }
					checkFaultyList(t, struck, func() ([]string, []string, error) {
						before := truth(sim, site.ID)
						ids, err := collectIDs(t.Context(), t, c, site.ID, 60)
						return before, ids, err
					})
					struck = func() bool { return sim.FaultCounts()[f.Name] > 0 }
					checkFaultyList(t, struck, func() ([]string, []string, error) {
						before := truth(sim, "")
						rows, err := Collect(c.GSMStatus(t.Context(), StatusQuery{BatchSize: 60}))
						if err == nil && len(rows) < len(before) {
							t.Errorf("%d of %d status rows and no error", len(rows), len(before))
						}
						return before, before, err
					})
				})
			})
		}
	}
}

// checkFaultyList reads a list until it was complete once and the fault has struck.
func checkFaultyList(t *testing.T, struck func() bool, list func() (before, got []string, err error)) {
	t.Helper()
	complete := false
	for range 40 {
		if complete && struck() {
			return
		}
		before, got, err := list()
		if err != nil {
			continue
		}
		complete = true
		for _, id := range before {
			if _, ok := slices.BinarySearch(got, id); !ok {
				t.Fatalf("%s is missing and there is no error", id)
			}
		}
	}
	t.Errorf("complete %v, the fault struck %v", complete, struck())
}

// TestRateLimited: with a limit at the server everything is read all the same.
func TestRateLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, sim := simulated(t, unitytest.Options{Sites: 2, Endpoints: 300, Seed: 5, Rate: 2, Variants: []string{"rate-retry-after"}})
		site := biggest(sim)
		got, err := collectIDs(t.Context(), t, c, site.ID, 10)
		if err != nil || !slices.Equal(got, truth(sim, site.ID)) {
			t.Error(len(got), err)
		}
		refused := slices.ContainsFunc(sim.Log(), func(e unitytest.Entry) bool { return e.Status == http.StatusTooManyRequests })
		if !refused {
			t.Error("the limit was never met")
		}
	})
}

// TestChangeUnderFaults counts at the simulator what a change did.
func TestChangeUnderFaults(t *testing.T) {
	for name, x := range map[string]struct{ definite, done bool }{
		"429": {true, false}, "500": {false, false}, "503": {false, false}, "504": {false, false}, "504-after": {false, true},
		"reset-before": {false, false}, "reset-after": {false, true}, "wrong-type": {false, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, sim := simulated(t, unitytest.Options{Sites: 1, Endpoints: 10, Seed: 1, Faults: map[string]float64{name: 1}})
				site := sim.World().Sites[0].ID
				targets, err := NewTargets(SiteID(site), []EndpointID{EndpointID(truth(sim, site)[0])})
				if err != nil {
					t.Fatal(err)
				}
				r, err := c.CommandRequest(targets, CommandScan, "")
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Do(t.Context(), r)
				posts, done := 0, 0
				for _, e := range sim.Log() {
					if e.Method == http.MethodPost && strings.HasSuffix(e.Path, "/commands") {
						posts++
						if e.Committed {
							done++
						}
					}
				}
				if e := asError(t, err); e.Definite() != x.definite || (done == 1) != x.done || posts != 1 && !x.definite || posts > maxThrottled {
					t.Errorf("%v: definite %v, %d sent, %d done", e, e.Definite(), posts, done)
				}
			})
		})
	}
}
