package unity

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestUsageRowFindsItsTotal holds the tolerant reading of a row whose last member no document shows in full.
func TestUsageRowFindsItsTotal(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		want      Int
	}{
		{"by name", `{"SiteId":"B1F0C7AA-2A41-4A0E-9D0C-6A3C1E7F9D21","TotalEndpoints":12,"TotalOther":3}`, Int{N: 12, Known: true}},
		{"by analogy", `{"SiteId":"b1f0c7aa-2a41-4a0e-9d0c-6a3c1e7f9d21","TotalActiveEndpoints":7}`, Int{N: 7, Known: true}},
		{"two that could be it", `{"SiteId":"b1f0c7aa-2a41-4a0e-9d0c-6a3c1e7f9d21","TotalA":1,"TotalB":2}`, Int{}},
		{"none", `{"SiteId":"b1f0c7aa-2a41-4a0e-9d0c-6a3c1e7f9d21"}`, Int{}},
		{"null", `{"SiteId":"b1f0c7aa-2a41-4a0e-9d0c-6a3c1e7f9d21","TotalEndpoints":null}`, Int{}},
	} {
		u, err := usageRow([]byte(c.raw))
		if err != nil || u.Total != c.want {
			t.Errorf("%s: total %+v, error %v; want %+v", c.name, u.Total, err, c.want)
		}
		if u.SiteID != "b1f0c7aa-2a41-4a0e-9d0c-6a3c1e7f9d21" {
			t.Errorf("%s: site %q", c.name, u.SiteID)
		}
	}
}

// TestSiteUsageAgreesWithTheSimulator reads the three reports and holds them against the world.
func TestSiteUsageAgreesWithTheSimulator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, sim := simulated(t, unitytest.Options{Sites: 6, Endpoints: 120, Seed: 3})
		w := sim.World()
		want := map[UsageKind]map[string]int64{UsageActive: {}, UsageSeen: {}}
		for _, e := range w.Endpoints {
			if !e.Deactivated {
				want[UsageActive][e.SiteID]++
			}
			if w.Now.Sub(e.LastSeen) <= 30*24*time.Hour {
				want[UsageSeen][e.SiteID]++
			}
		}
		for kind, counts := range want {
			r, err := c.SiteUsage(t.Context(), kind, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Kind != kind || len(r.Sites) != len(w.Sites) || w.Now.Sub(r.Date.Time) < 48*time.Hour {
				t.Errorf("%s: %d sites of %s, report of %v", kind, len(r.Sites), r.Kind, r.Date.Time)
			}
			for _, u := range r.Sites {
				if !u.Total.Known || u.Total.N != counts[string(u.SiteID)] {
					t.Errorf("%s: site %s has %v, want %d", kind, u.SiteID, u.Total, counts[string(u.SiteID)])
				}
			}
		}
		if _, err := c.SiteUsage(t.Context(), UsageSeen, w.Now); !errors.Is(err, ErrInvalid) {
			t.Errorf("a report of today gave %v", err)
		}
	})
}
