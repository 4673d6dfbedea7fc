package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/selector"
	"github.com/unitty/unitty/unity/unitytest"
)

// judged is what a selector says of the machines of a sweep: those that it has, with what is known of them, and those of which it
// cannot tell.
func judged(f *Fleet, plan *selector.Plan[*Machine]) []string {
	var out []string
	for _, m := range f.Machines {
		state, known := m.State(fixedClock())
		if answer := plan.Eval(m, fixedClock()); answer != selector.No {
			out = append(out, fmt.Sprint(answer, m.ID, m.SiteName, state, known, m.StatusNote, m.User(), m.MAC(), m.Seen(), m.GroupLabel(), m.PolicyLabel()))
		}
	}
	slices.Sort(out)
	return out
}

// siteTerm draws a term that asks for a site of the world, or for none.
func siteTerm(w unitytest.Snapshot) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom(w.Sites).Draw(t, "site")
		other := rapid.SampledFrom(w.Sites).Draw(t, "other site")
		word, _, _ := strings.Cut(s.Name, " ")
		term := rapid.SampledFrom([]string{`site:="` + s.Name + `"`, `site:"` + word + `"`, `site:="` + s.Name + `"|"` + other.Name + `"`, "keycode:" + s.Keycode[:9],
			"keycode:=" + s.Keycode, "site:nobody", `"` + word + `"`}).Draw(t, "term")
		return rapid.SampledFrom([]string{"", "", "!"}).Draw(t, "not") + term
	})
}

// TestSitesThatCannotMatchAreNotMissed: whatever is asked for in whatever world, a sweep within the sites that the selector reaches
// tells the same of the same machines as one of all sites.
func TestSitesThatCannotMatchAreNotMissed(t *testing.T) {
	fewer, chosen := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		variants := rapid.SliceOfDistinct(rapid.SampledFrom([]string{"keycodes-dashed", "status-with-ids", "page-size-clamp-50", "endpoint-names"}), rapid.ID[string]).Draw(t, "variants")
		user := rapid.SampledFrom([]string{unitytest.UserSuper, unitytest.UserLimited}).Draw(t, "user")
		l := newLab(t, unitytest.Options{Sites: rapid.IntRange(1, 9).Draw(t, "sites"), Endpoints: rapid.IntRange(1, 150).Draw(t, "endpoints"),
			Seed: rapid.Uint64Range(0, 1000).Draw(t, "seed"), Variants: variants, Now: fixedClock, User: user})
		confuse(t, l)
		o := SweepOptions{Status: rapid.Bool().Draw(t, "status"), Names: rapid.Bool().Draw(t, "names"), StaleAfter: DefaultStaleAfter}
		all, err := Sweep(context.Background(), l.client, o)
		if err != nil {
			t.Fatalf("all: %v", err)
		}
		terms := rapid.SliceOfN(siteTerm(l.sim.World()), 0, 2).Draw(t, "sites asked for")
		terms = append(terms, rapid.SliceOfN(rapid.SampledFrom([]string{"status:ok", "!status:infected", "seen:>3d", "host:0", "group:default", "type:pc", "!user:a"}), 0, 2).Draw(t, "rest")...)
		expr := strings.Join(terms, " ")
		plan, err := MachineLanguage(false, fixedClock, nil).Parse(expr)
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		o.Within = Reaches(plan, fixedClock())
		within, err := Sweep(context.Background(), l.client, o)
		if err != nil || within.StatusErr != nil || len(within.Failed) > 0 {
			t.Fatalf("%q: %v, %v, %v", expr, err, within.StatusErr, within.Failed)
		}
		want, got := judged(all, plan), judged(within, plan)
		if !slices.Equal(got, want) {
			t.Fatalf("%q has %d machines when %d of %d sites are read:\n%s\nwith all there are %d:\n%s", expr, len(got), within.Total, all.Total, strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
		}
		if len(within.Sites) != len(all.Sites) {
			t.Fatalf("%d sites are known of %d", len(within.Sites), len(all.Sites))
		}
		chosen += len(want)
		if within.Total < all.Total {
			fewer++
		}
	})
	if fewer == 0 || chosen == 0 {
		t.Errorf("%d sweeps read fewer sites, %d machines were chosen: the property says too little", fewer, chosen)
	}
}

// TestSitesThatCannotMatchAreNotRead counts the calls, and lets what is not asked for fail.
func TestSitesThatCannotMatchAreNotRead(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 12, Endpoints: 120, Seed: 4, Now: fixedClock})
	w := l.sim.World()
	l.intercept = func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, pathOf(w.Sites[5].ID)) {
			return status(http.StatusForbidden), nil
		}
		return nil, nil
	}
	for _, x := range []struct {
		expr          string
		status        bool
		sites, failed int
		whole         bool
	}{
		{expr: `site:="` + w.Sites[2].Name + `" type:pc`, status: true, sites: 1},
		{expr: `site:="` + w.Sites[2].Name + `"|"` + w.Sites[3].Name + `" !keycode:` + w.Sites[3].Keycode, status: true, sites: 1},
		{expr: "keycode:" + w.Sites[2].Keycode, sites: 1},
		{expr: "site:nobody", status: true, sites: 0},
		{expr: `site:="` + w.Sites[5].Name + `"`, status: true, sites: 1, failed: 1},
		{expr: `!site:="` + w.Sites[5].Name + `"`, sites: 11},
		{expr: `!site:="` + w.Sites[5].Name + `"`, status: true, sites: 12, failed: 1, whole: true},
		{expr: "host:0", status: true, sites: 12, failed: 1, whole: true},
	} {
		plan, err := MachineLanguage(true, fixedClock, nil).Parse(x.expr)
		if err != nil {
			t.Fatal(err)
		}
		from := len(l.sim.Log())
		f, err := Sweep(t.Context(), l.client, SweepOptions{Status: x.status, Within: Reaches(plan, fixedClock())})
		if err != nil {
			t.Fatal(err)
		}
		whole, reports, lists := false, 0, 0
		for _, entry := range l.sim.Log()[from:] {
			whole = whole || strings.HasPrefix(entry.Path, "/service/api/status/gsm/")
			if strings.HasPrefix(entry.Path, "/service/api/status/site/") {
				reports++
			}
			if strings.HasSuffix(entry.Path, "/endpoints") {
				lists++
			}
		}
		if f.Total != x.sites || f.Done != x.sites || len(f.Failed) != x.failed || whole != x.whole || lists != x.sites-x.failed {
			t.Errorf("%s: %d of %d sites, %d failed, %d lists of machines, whole console %v", x.expr, f.Done, f.Total, len(f.Failed), lists, whole)
		}
		if want := map[bool]int{true: x.sites}[x.status]; !x.whole && reports != want {
			t.Errorf("%s: the reports of %d sites were read", x.expr, reports)
		}
	}
}

// TestASiteWithoutReportsLeavesTheOthersTheirs: of several sites, one whose reports cannot be read is named, and only its machines have none.
func TestASiteWithoutReportsLeavesTheOthersTheirs(t *testing.T) {
	l := newLab(t, unitytest.Options{Sites: 8, Endpoints: 120, Seed: 9, Now: fixedClock})
	w := l.sim.World()
	bad, good := w.Sites[1], w.Sites[2]
	l.intercept = func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/service/api/status/site/") && strings.Contains(strings.ReplaceAll(r.URL.Path, "-", ""), strings.ReplaceAll(bad.Keycode, "-", "")) {
			return status(http.StatusForbidden), nil
		}
		return nil, nil
	}
	f, err := Sweep(t.Context(), l.client, SweepOptions{Status: true, Sites: []unity.SiteID{unity.SiteID(bad.ID), unity.SiteID(good.ID)}})
	if err != nil || len(f.Failed) > 0 {
		t.Fatal(err, f.Failed)
	}
	if !errors.Is(f.StatusErr, unity.ErrDenied) || !strings.Contains(f.StatusErr.Error(), unity.Clean(bad.Name)) {
		t.Errorf("the error is %v", f.StatusErr)
	}
	joined := map[unity.SiteID]int{}
	for _, m := range f.Machines {
		if m.Status != nil {
			joined[m.SiteID]++
		} else if m.SiteID == unity.SiteID(bad.ID) && m.StatusNote != NoteNotLoaded {
			t.Errorf("%s says %q", m.HostName, m.StatusNote)
		}
	}
	if joined[unity.SiteID(bad.ID)] != 0 || joined[unity.SiteID(good.ID)] == 0 {
		t.Errorf("%d and %d machines have reports", joined[unity.SiteID(bad.ID)], joined[unity.SiteID(good.ID)])
	}
}
