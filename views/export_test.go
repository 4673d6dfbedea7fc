package views_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

// TestExportsAreData: files have instants instead of ages, one number a cell, and no name that stands for a missing one.
func TestExportsAreData(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 6, Endpoints: 60, Seed: 3, AccessTTL: 24 * time.Hour})
	b := workbench(t, sim, 160, 40)
	sites := map[string]unitytest.SiteTruth{}
	for _, s := range sim.World().Sites {
		sites[s.Keycode] = s
	}
	rows := b.exported(b.press)
	if len(rows) != 6 {
		t.Fatalf("%d sites:\n%s", len(rows), b.Screen())
	}
	for _, r := range rows {
		s := sites[strings.ReplaceAll(r["Keycode"], "-", "")]
		if r["Allowed"] != strconv.Itoa(s.Seats) {
			t.Errorf("%s is allowed %q seats, not %d", r["Site"], r["Allowed"], s.Seats)
		}
		if _, err := strconv.Atoi(r["Used"]); err != nil {
			t.Errorf("%s uses %q seats", r["Site"], r["Used"])
		}
	}

	truth := map[string]unitytest.EndpointTruth{}
	for _, m := range sim.World().Endpoints {
		truth[m.ID] = m
	}
	b.press("0")
	seen := 0
	for _, r := range b.exported(b.press) {
		if m := truth[r["Id"]]; r["Host"] != m.HostName {
			t.Errorf("host %q is written as %q", m.HostName, r["Host"])
		}
		for _, title := range []string{"Seen", "First seen"} {
			if r[title] == "" {
				continue
			}
			seen++
			if at, err := time.Parse(time.RFC3339, r[title]); err != nil || !strings.HasSuffix(r[title], "Z") || at.After(sim.World().Now) {
				t.Errorf("%s of %s is %q", title, r["Host"], r[title])
			}
		}
	}
	if seen < 60 {
		t.Errorf("%d instants in the file", seen)
	}
}
