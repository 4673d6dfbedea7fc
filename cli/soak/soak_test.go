//go:build unix

package main

import (
	"bytes"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/unitytest"
)

func TestMain(m *testing.M) {
	if place := os.Getenv(childVariable); place != "" {
		os.Exit(child(place))
	}
	goleak.VerifyTestMain(m)
}

// whole leaves out tests that run the program for seconds.
func whole(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the whole program for seconds: left out by -short")
	}
}

func text(t *testing.T, r result) string {
	t.Helper()
	var b strings.Builder
	if err := table(r, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestShortSoak lives for a few seconds only. That is too short to say anything about memory, so what is judged is that the
// dashboard is true after churn and faults, and that nothing was sent.
func TestShortSoak(t *testing.T) {
	whole(t)
	o := options{mode: modeSoak, duration: 4 * time.Second, sites: 12, endpoints: 240, latency: time.Millisecond, ttl: 5 * time.Second, seed: 1,
		calm: 700 * time.Millisecond, brief: true}
	r, err := soak(t.Context(), o, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Wrong) > 0 || r.Changes > 0 || r.Numbers < len(tiles())-1 {
		t.Errorf("%s", text(t, r))
	}
	// All would be well where nothing happens, too.
	if len(r.Churn) == 0 || r.Keys == 0 || r.Samples == 0 || r.RSS.Late < 1<<20 || r.RestAfter == 0 {
		t.Errorf("too little has happened:\n%s", text(t, r))
	}
}

func TestAFewMachinesInTenKeys(t *testing.T) {
	whole(t)
	k, err := tenKeys(t.Context(), options{mode: modeTenKeys, sites: 12, endpoints: 300, latency: 5 * time.Millisecond, hosts: 3, seed: 1, quick: true, calm: 700 * time.Millisecond}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if broken := k.broken(); len(broken) > 0 || len(k.Hosts) != 3 {
		t.Errorf("%s", text(t, k))
	}
}

// TestJudge breaks each promise of a soak once.
func TestJudge(t *testing.T) {
	well := func() *soaked {
		return &soaked{Samples: 100, RSS: growth{Early: 100 << 20, Late: 101 << 20}, Heap: growth{Early: 20 << 20, Late: 20 << 20}, RestBefore: 25, RestAfter: 26, Numbers: len(tiles()) - 1}
	}
	if broken := well().broken(); len(broken) > 0 {
		t.Fatalf("nothing is wrong, but %q", broken)
	}
	for want, spoil := range map[string]func(*soaked){
		"memory grew":             func(r *soaked) { r.RSS.Late = 125 << 20 },
		"heap that is alive grew": func(r *soaked) { r.Heap.Late = 40 << 20 },
		"25 goroutines at rest":   func(r *soaked) { r.RestAfter = 29 },
		"1 changes were sent":     func(r *soaked) { r.Changes = 1 },
		"told 9 times only":       func(r *soaked) { r.Samples = 9 },
		"stale: the dashboard":    func(r *soaked) { r.Wrong = []string{"stale: the dashboard says 3, it is 4"} },
		"5 numbers were read off": func(r *soaked) { r.Numbers = 5 },
	} {
		r := well()
		spoil(r)
		if broken := r.broken(); len(broken) != 1 || !strings.Contains(broken[0], want) {
			t.Errorf("%q instead of %q", broken, want)
		}
		if !strings.Contains(text(t, r), "BROKEN") {
			t.Errorf("%s: the table does not say so", want)
		}
	}
}

// TestJudgeOfKeys breaks each promise about starts and keys once.
func TestJudgeOfKeys(t *testing.T) {
	well := func() *keyed {
		return &keyed{Start: startTimes{FirstCalls: 1, Complete: 8, Budget: 10, WarmFind: true}, Hosts: []reached{{Host: "A", By: "host", Keys: 10, Tries: 1, Sent: true}}}
	}
	if broken := well().broken(); len(broken) > 0 {
		t.Fatalf("nothing is wrong, but %q", broken)
	}
	for want, spoil := range map[string]func(*keyed){
		"2 calls were answered": func(k *keyed) { k.Start.FirstCalls = 2 },
		"complete after 11.0 s": func(k *keyed) { k.Start.Complete = 11 },
		"nothing is found":      func(k *keyed) { k.Start.WarmFind = false },
		"no machine was looked": func(k *keyed) { k.Hosts = nil },
		"more than 10 keys":     func(k *keyed) { k.Hosts[0].By = "" },
		"did not get a scan":    func(k *keyed) { k.Hosts[0].Sent = false },
	} {
		k := well()
		spoil(k)
		if broken := k.broken(); len(broken) != 1 || !strings.Contains(broken[0], want) {
			t.Errorf("%q instead of %q", broken, want)
		}
	}
}

func TestOptions(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"-mode", "nap"}, {"-sites", "5", "-endpoints", "3"}, {"-access-ttl", "1500ms"}, {"-for", "-1s"}, {"-hosts", "0"}, {"more"}} {
		if code := command(t.Context(), args, &out, &out); code != 2 {
			t.Errorf("%q gives %d", args, code)
		}
	}
	if code := command(t.Context(), []string{"-h"}, &out, &out); code != 0 {
		t.Errorf("-h gives %d", code)
	}
	o, err := parseOptions([]string{"-mode", modeTenKeys}, &out)
	if err != nil || o.sites != 1500 || o.endpoints != 50_000 || o.latency != 80*time.Millisecond {
		t.Errorf("%+v %v", o, err)
	}
}

// screenOf draws lines as a terminal would.
func screenOf(lines ...string) ptytest.Screen {
	s := ptytest.Screen{Width: screenW, Height: len(lines)}
	for _, line := range lines {
		var row []ptytest.Cell
		for _, r := range line {
			row = append(row, ptytest.Cell{Text: string(r), Width: 1})
		}
		s.Cells = append(s.Cells, row)
	}
	return s
}

func TestNumbersAreReadOffTheDashboard(t *testing.T) {
	got := readTiles(screenOf(
		"- Console · 40 sites · read just now --------",
		"1 infected                  13 #....... 5 duplicates                38 #....... without a report             0 ........ F favourites                          0",
		"2 needs attention           38 #....... 0 everything                      1,000 seats used           949/1,226 #######. J jobs under way                      0",
		"4 deactivated, seen         27 #....... deactivated                51 #....... newly changed           12, 3 infected",
		"   Site ^                                              Seats  Inf  State        Ends        Policy                          Access  Keycode",
		">  stale 7 9                                           14/21       active",
	))
	want := map[string]string{"infected": "13", "duplicates": "38", "without a report": "0", "favourites": "0", "needs attention": "38", "everything": "1,000",
		"seats used": "949/1,226", "jobs under way": "0", "deactivated, seen": "27", "deactivated": "51", "newly changed": "12"}
	if !maps.Equal(got, want) {
		t.Errorf("%v\ninstead of\n%v", got, want)
	}
}

func TestHitsAreReadOffTheSearch(t *testing.T) {
	hits := screenOf(
		"unitty main          +- Find --------------------------------------------+ ready",
		"Console              | > j6k1                                            |",
		"- Console · 40 sites | searched 40 of 40 sites, read just now            |",
		"1 infected           | J6K1 Ltd  active · 3/4 seats · ABCD         site |",
		"2 needs attention    | DESKTOP-AAJ6K1  North · ok · seen 7 h ago · wei  machine |",
		"3 stale              | DESKTOP-GVJ6K1  South · "+fleet.StateGone+" · kim             machine |",
		"3 stale              | DESKTOP-GVJ6K1  South · ok · seen now · kim      machine |",
		"4                    +---------------------------------------------------+",
	)
	for _, x := range []struct {
		text  string
		shows []string
		place int
		done  bool
	}{
		{"j6k1", []string{"DESKTOP-GVJ6K1", "South", "kim"}, 3, true},
		{"j6k1", []string{"DESKTOP-AAJ6K1", "North"}, 1, true},
		{"j6k1", []string{"DESKTOP-GVJ6K1", "North"}, -1, true},
		{"j6k", []string{"DESKTOP-GVJ6K1"}, -1, false}, // an earlier query still stands there
	} {
		if place, done := hitOf(hits, x.text, &target{shows: x.shows}); place != x.place || done != x.done {
			t.Errorf("%s %q: %d %t", x.text, x.shows, place, done)
		}
	}
}

func TestScansAreToldFromOtherChanges(t *testing.T) {
	scan := unitytest.Entry{Method: "POST", Path: "/service/api/console/gsm/K/sites/S/endpoints/commands", Body: `{"EndpointsList":"AB","Command":"scan"}`, Committed: true}
	if !scans(scan, "ab") || scans(scan, "cd") {
		t.Error("the id is not looked at")
	}
	for name, spoil := range map[string]func(*unitytest.Entry){
		"refused": func(e *unitytest.Entry) { e.Committed = false },
		"other":   func(e *unitytest.Entry) { e.Body = strings.ReplaceAll(e.Body, "scan", "cleanup") },
		"two":     func(e *unitytest.Entry) { e.Body = strings.ReplaceAll(e.Body, "AB", "AB,CD") },
		"policy":  func(e *unitytest.Entry) { e.Path = strings.ReplaceAll(e.Path, "commands", "policy") },
	} {
		e := scan
		spoil(&e)
		if scans(e, "ab") {
			t.Error(name)
		}
	}
	log := []unitytest.Entry{{Method: "GET", Path: "/service/api/x"}, {Method: "POST", Path: "/auth/token"}, scan}
	if got := changesIn(log); len(got) != 1 || got[0].Body != scan.Body {
		t.Errorf("%v", got)
	}
}

func TestGrowth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(5, 400).Draw(t, "samples")
		level := rapid.Float64Range(1<<25, 1<<30).Draw(t, "level")
		slope := rapid.Float64Range(0, 2).Draw(t, "slope")
		samples := make([]sample, n)
		for i := range samples {
			// The first fifth is left out, and single peaks do not count.
			value := level * (1 + slope*float64(i)/float64(n))
			if i < n/5 || i%7 == 3 && n > 50 {
				value = 50 * level
			}
			samples[i] = sample{rss: uint64(value)}
		}
		g := growthOf(samples, func(s sample) float64 { return float64(s.rss) })
		grew := g.grown(memorySlack)
		if len(g.Fifths) != 5 || g.Early != g.Fifths[1] || g.Late != g.Fifths[4] || g.Fifths[0] < 2*g.Early {
			t.Fatalf("%+v", g)
		}
		// From the middle of the second fifth to the middle of the last one: six tenths of the time.
		if slope == 0 && grew || slope > 0.8 && !grew {
			t.Fatalf("slope %v: %+v", slope, g)
		}
	})
}

func TestGoroutinesAreCountedByTheirOrigin(t *testing.T) {
	profile := `goroutine profile: total 6
3 @ 0x1 0x2 0x3
#	0x1	main.work+0x10	/x.go:1
#	0x2	net/http.(*persistConn).readLoop+0x171	/y.go:2

2 @ 0x4
#	0x4	github.com/a/b.(*T).run.func1+0x7d	/z.go:3

1 @ 0x5 0x6
#	0x5	runtime/pprof.writeRuntimeProfile+0xb0	/p.go:4
#	0x6	main.answer+0x64	/c.go:5
`
	v := vitals{Goroutines: origins(bytes.NewBufferString(profile))}
	if want := map[string]int{"net/http.(*persistConn).readLoop": 3, "github.com/a/b.(*T).run.func1": 2, "main.answer": 1}; !maps.Equal(v.Goroutines, want) {
		t.Fatalf("%v", v.Goroutines)
	}
	if v.count() != 2 {
		t.Errorf("%d", v.count())
	}
	if more := v.more(vitals{Goroutines: map[string]int{"main.answer": 1}}); !slices.Equal(more, []string{"2 more of github.com/a/b.(*T).run.func1", "3 more of net/http.(*persistConn).readLoop"}) {
		t.Errorf("%q", more)
	}
}

// TestTruth counts a world that fits on a page.
func TestTruth(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	machine := func(id string, change func(*unitytest.EndpointTruth)) unitytest.EndpointTruth {
		m := unitytest.EndpointTruth{ID: id, MachineID: "m" + id, HostName: "h" + id, MAC: id, SiteID: "s", GroupID: "g", PolicyID: "p", Version: "9.0.1", DeviceType: "PC",
			LastSeen: now.Add(-time.Hour), Managed: true}
		change(&m)
		return m
	}
	w := unitytest.Snapshot{Sites: []unitytest.SiteTruth{{ID: "s", Seats: 7, EndDate: now.Add(29 * day)}, {ID: "t", Seats: 5, EndDate: now.Add(31 * day)}},
		Policies: []unitytest.PolicyTruth{{ID: "p", Name: "Default"}, {ID: "q", Name: "Other"}},
		Endpoints: []unitytest.EndpointTruth{
			machine("1", func(*unitytest.EndpointTruth) {}),
			machine("2", func(m *unitytest.EndpointTruth) { m.Infected, m.Attention, m.ActiveThreats = true, true, 1 }),
			machine("3", func(m *unitytest.EndpointTruth) { m.Attention = true }),
			machine("4", func(m *unitytest.EndpointTruth) { m.LastSeen = now.Add(-8 * day) }),
			machine("5", func(m *unitytest.EndpointTruth) { m.LastSeen = time.Time{} }),
			machine("6", func(m *unitytest.EndpointTruth) { m.Deactivated, m.LastSeen = true, now.Add(-29*day) }),
			machine("7", func(m *unitytest.EndpointTruth) { m.Deactivated, m.LastSeen = true, now.Add(-31*day) }),
			machine("8", func(m *unitytest.EndpointTruth) { m.Version, m.PolicyID = "9.0", "q" }),
			machine("9", func(m *unitytest.EndpointTruth) { m.HostName, m.MAC, m.Managed = "H1", "1", false }),
			machine("10", func(*unitytest.EndpointTruth) {}),
		}}
	got := truth(w, now)
	want := map[string]string{"infected": "1", "needs attention": "2", "stale": "2", "deactivated, seen": "1", "duplicates": "2", "outdated agents": "1", "policy drift": "2",
		"seats over": "1", "licences ending": "1", "everything": "10", "machines ok": "4", "deactivated": "2", "without a report": "0", "seats used": "8/12",
		"newly changed": "0", "commands under way": "0", "favourites": "0", "jobs under way": "0"}
	if !maps.Equal(got, want) {
		t.Errorf("%v\ninstead of\n%v", got, want)
	}
	shown := maps.Clone(want)
	if d := differences(shown, got, got); len(d) > 0 {
		t.Errorf("%q", d)
	}
	shown["stale"], shown["sites not read"] = "3", "1"
	delete(shown, "infected")
	if d := differences(shown, got, got); len(d) != 3 {
		t.Errorf("%q", d)
	}
	later := maps.Clone(got)
	later["stale"] = "3"
	if d := differences(shown, got, later); len(d) != 2 {
		t.Errorf("a number that has come to hold is wrong: %q", d)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 50_000: "50,000", 1_234_567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}

// TestWalkCalls compares with a sum by hand.
func TestWalkCalls(t *testing.T) {
	w := unitytest.Snapshot{Endpoints: make([]unitytest.EndpointTruth, 160), Sites: []unitytest.SiteTruth{{Endpoints: 0}, {Endpoints: 50}, {Endpoints: 51}, {Endpoints: 59}}}
	if n := walkCalls(w); n != 1+1+1+2+2+4 {
		t.Errorf("%d", n)
	}
}

// TestChosenMachinesCanBeToldApart looks through a world with names that attack whoever shows them.
func TestChosenMachinesCanBeToldApart(t *testing.T) {
	sim := unitytest.New(unitytest.Options{Sites: 30, Endpoints: 900, Seed: 3})
	churn := newChurn(&world{sim: sim}, 3)
	world := sim.World()
	targets, leftOut := choose(world, churn.random, 900)
	if len(targets) < 500 || leftOut == 0 {
		t.Fatalf("%d machines only, and %d left out", len(targets), leftOut)
	}
	twins := map[place][]unitytest.EndpointTruth{}
	for _, e := range world.Endpoints {
		if !e.Deactivated {
			twins[placeOf(&e)] = append(twins[placeOf(&e)], e)
		}
	}
	several := 0
	seen := map[string]bool{}
	for i := range targets {
		x := &targets[i]
		line := x.line()
		if x.Deactivated || seen[line] {
			t.Errorf("%s %t", line, x.Deactivated)
		}
		seen[line] = true
		for _, e := range twins[placeOf(&x.EndpointTruth)] {
			if e.ID != x.ID {
				several++
				if !e.LastSeen.Before(x.LastSeen) || folded(x.HostName) == "" {
					t.Errorf("%s is not the one of its name that was seen last", line)
				}
			}
		}
		for _, q := range x.queries() {
			if n := len([]rune(q.text)); n == 0 || n > mostLetter {
				t.Errorf("%s: %q is typed", line, q.text)
			}
		}
	}
	if several == 0 {
		t.Error("no machine of this world shares its name")
	}
}
