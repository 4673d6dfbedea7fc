package unitytest

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestWorldNumbersAreBelievable(t *testing.T) {
	for seed := range uint64(20) {
		s := New(Options{Seed: seed, Now: fakeClock()})
		w := s.World()
		if len(w.Sites) != 40 || len(w.Endpoints) != 1000 {
			t.Fatalf("seed %d: %d sites, %d endpoints", seed, len(w.Sites), len(w.Endpoints))
		}
		var stale, never, infected, off, offSeen, hostile, made, foreign, empty int
		hosts := map[string]int{}
		for _, e := range w.Endpoints {
			age := w.Now.Sub(e.LastSeen)
			switch {
			case e.LastSeen.IsZero():
				never++
			case age > 7*24*time.Hour && !e.Deactivated:
				stale++
			case age < 7*24*time.Hour && e.Deactivated:
				offSeen++
			}
			if e.LastSeen.After(w.Now) {
				t.Fatalf("seed %d: %q was seen in the future", seed, e.HostName)
			}
			count(&infected, e.Infected)
			count(&off, e.Deactivated)
			count(&empty, e.HostName == "")
			count(&made, strings.HasPrefix(e.HostName, "DESKTOP-") || strings.HasPrefix(e.HostName, "LAPTOP-") || strings.HasPrefix(e.HostName, "WIN-"))
			count(&hostile, strings.ContainsFunc(e.HostName, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf) }) || len(e.HostName) > 100)
			count(&foreign, strings.ContainsFunc(e.HostName, func(r rune) bool { return r > 0xbf && !unicode.In(r, unicode.Cf) }))
			hosts[e.HostName+e.MAC+e.SiteID]++
		}
		twins := 0
		for _, n := range hosts {
			count(&twins, n > 1)
		}
		for _, x := range []struct {
			name           string
			got, low, high int
		}{{"stale", stale, 90, 230}, {"never seen", never, 1, 40}, {"infected", infected, 5, 40}, {"deactivated", off, 30, 100},
			{"deactivated but seen", offSeen, 2, 50}, {"hostile", hostile, 3, 30}, {"named by Windows", made, 270, 480}, {"foreign", foreign, 5, 80},
			{"empty", empty, 0, 20}, {"twins", twins, 5, 45}} {
			if x.got < x.low || x.got > x.high {
				t.Errorf("seed %d: %d are %s, want %d to %d", seed, x.got, x.name, x.low, x.high)
			}
		}
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

func TestSiteNumbersAreBelievable(t *testing.T) {
	var suspended, deactivated, over, trials, foreign, hostile, largest int
	for seed := range uint64(20) {
		w := New(Options{Seed: seed, Sites: 200, Endpoints: 4000, Now: fakeClock()}).World()
		names, total := map[string]bool{}, 0
		for _, s := range w.Sites {
			if names[s.Name] {
				t.Errorf("seed %d: two sites are named %q", seed, s.Name)
			}
			names[s.Name] = true
			count(&suspended, s.Suspended)
			count(&deactivated, s.Deactivated)
			count(&trials, s.Trial)
			count(&over, s.Endpoints > s.Seats)
			count(&foreign, strings.ContainsFunc(s.Name, func(r rune) bool { return r > 0xbf && !unicode.In(r, unicode.Cf) }))
			count(&hostile, strings.ContainsFunc(s.Name, func(r rune) bool { return unicode.IsControl(r) || unicode.In(r, unicode.Cf) || r == '=' }))
			if len(s.Groups) < 2 || len(s.Groups) > 6 {
				t.Errorf("seed %d: site with %d groups", seed, len(s.Groups))
			}
			largest = max(largest, s.Endpoints)
			total += s.Endpoints
		}
		if len(w.Sites) != 200 || total != 4000 {
			t.Fatalf("seed %d: %d sites, %d endpoints", seed, len(w.Sites), total)
		}
	}
	for _, x := range []struct {
		name           string
		got, low, high int
	}{{"suspended", suspended, 100, 240}, {"deactivated", deactivated, 60, 190}, {"over their seats", over, 150, 900}, {"trials", trials, 120, 300},
		{"foreign names", foreign, 60, 260}, {"hostile names", hostile, 20, 40}, {"endpoints of the largest", largest, 100, 1500}} {
		if x.got < x.low || x.got > x.high {
			t.Errorf("%d of 4000 sites: %s, want %d to %d", x.got, x.name, x.low, x.high)
		}
	}
}

func TestOneSeedIsOneWorld(t *testing.T) {
	run := func(seed uint64) Snapshot {
		b := newBench(t, Options{Seed: seed, Sites: 12, Endpoints: 300})
		site := b.biggest()
		b.want(204, "POST", "/console/gsm/{k}/sites/"+site.ID+"/endpoints/commands", `{"Command":"scan"}`)
		b.s.Advance(40 * 24 * time.Hour)
		return b.s.World()
	}
	if !reflect.DeepEqual(run(7), run(7)) {
		t.Error("the same seed and calls gave two different worlds")
	}
	if reflect.DeepEqual(run(7), run(8)) {
		t.Error("two seeds gave the same world")
	}
}

func TestExactCountsAtTheEdges(t *testing.T) {
	for _, x := range [][2]int{{1, 1}, {3, 2}, {1, 500}, {7, 7}, {25, 199}, {-1, 10}} {
		w := New(Options{Sites: x[0], Endpoints: x[1], Now: fakeClock()}).World()
		sites, endpoints := max(x[0], 0), x[1]
		if sites == 0 {
			endpoints = 0
		}
		if len(w.Sites) != sites || len(w.Endpoints) != endpoints {
			t.Errorf("asked for %v, got %d and %d", x, len(w.Sites), len(w.Endpoints))
		}
	}
}

func TestHistoryShowsGapsBetweenPolls(t *testing.T) {
	w := New(Options{Now: fakeClock()}).World()
	executed, elapsed, waiting, oldest := 0, 0, 0, w.Now
	for _, c := range w.Commands {
		switch c.State {
		case stateExecuted:
			executed++
			if c.ExecutedAt.Before(c.Requested) || c.ExecutedAt.After(w.Now) {
				t.Fatalf("executed at %v, requested at %v", c.ExecutedAt, c.Requested)
			}
		case stateElapsed:
			elapsed++
		case stateWaiting:
			waiting++
		}
		if c.Requested.Before(oldest) {
			oldest = c.Requested
		}
	}
	if executed < 300 || elapsed < 10 || waiting < 10 || w.Now.Sub(oldest) < 150*24*time.Hour {
		t.Errorf("%d executed, %d elapsed, %d waiting, oldest %v", executed, elapsed, waiting, oldest)
	}
}

func BenchmarkBuildLargeConsole(b *testing.B) {
	for b.Loop() {
		New(Options{Sites: 1500, Endpoints: 50000, Now: fakeClock()})
	}
}
