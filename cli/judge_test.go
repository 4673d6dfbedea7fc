package cli

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// tapped puts a recording proxy between the program and a simulator.
func tapped(t *testing.T, s *testSim, o wiretap.Options) *wiretap.Proxy {
	t.Helper()
	target, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	p, err := wiretap.New(target, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestFaultsWhileListing breaks one call, then every call, of each kind: a list is whole, or the exit code and a line say
// that it is not.
func TestFaultsWhileListing(t *testing.T) {
	t.Parallel()
	for _, name := range wiretap.Presets() {
		for _, limit := range []int{1, 0} {
			word := map[int]string{1: "once", 0: "always"}[limit]
			t.Run(name+"/"+word, func(t *testing.T) {
				t.Parallel()
				if name == "rate-limit-after" && limit == 0 && !long() {
					t.Skip("every Retry-After is obeyed, which takes long: set UNITTY_TEST_LONG=1")
				}
				fault, err := wiretap.Preset(name)
				if err != nil {
					t.Fatal(err)
				}
				sites := 4
				if name == "rate-limit" && limit == 0 && !long() {
					sites = 1 // each site is given up after half a minute of pauses
				}
				sim := startTestSim(t, unitytest.Options{Sites: sites, Endpoints: 60})
				p := tapped(t, sim, wiretap.Options{Rules: []wiretap.Rule{
					{Name: name, Method: regexp.MustCompile("GET"), Path: regexp.MustCompile(`/sites/[^/]+/endpoints$`), Limit: limit, Fault: fault},
				}})
				o := runProgram(t, p.URL().String(), sim.Credentials(), "endpoint", "list", "-o", "json")
				var rows []json.RawMessage
				if err := json.Unmarshal([]byte(o.out), &rows); o.out != "" && err != nil {
					t.Fatalf("no JSON: %v", err)
				}
				whole := len(rows) == len(sim.World().Endpoints)
				if whole != (o.code == exitDone) {
					t.Errorf("%d of %d machines with exit code %d\n%s", len(rows), len(sim.World().Endpoints), o.code, o.errors)
				}
				if o.code != exitDone && strings.TrimSpace(o.errors) == "" {
					t.Errorf("exit code %d without a word", o.code)
				}
				if n := len(p.Changes()); n != 0 {
					t.Errorf("%d changes while listing", n)
				}
			})
		}
	}
}

// slowToSettle tells whether a fault leaves a command of which nobody can know whether it arrived, and which did not: the
// program looks for it for a minute before it says so.
func slowToSettle(fault string) bool {
	switch fault {
	case "reset-before", "html-500", "html-503", "html-504", "html-200", "json-500":
		return true
	}
	return false
}

// TestFaultsWhileSending breaks the first call that sends, by each kind of fault: no machine gets a command twice, and the
// outcome words are true.
func TestFaultsWhileSending(t *testing.T) {
	t.Parallel()
	for _, name := range wiretap.Presets() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if slowToSettle(name) && !long() {
				t.Skip("takes a minute: set UNITTY_TEST_LONG=1")
			}
			fault, err := wiretap.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			sim := startTestSim(t, unitytest.Options{Sites: 4, Endpoints: 60})
			p := tapped(t, sim, wiretap.Options{Rules: []wiretap.Rule{
				{Name: name, Method: regexp.MustCompile("POST"), Path: regexp.MustCompile(`/commands$`), Limit: 1, Fault: fault},
			}})
			args := []string{"scan", "-o", "json"}
			var ids []string
			for _, m := range plainSites(sim)[0].machines[:3] {
				args, ids = append(args, m.HostName), append(ids, m.ID)
			}
			o := runProgram(t, p.URL().String(), sim.Credentials(), args...)
			states, delivered, inWorld := o.states(t), p.DeliveredIDs("scan"), commandsOf(sim, "scan")
			want := exitDone
			for _, id := range ids {
				n := delivered[id]
				if n > 1 || inWorld[id] > 1 {
					t.Errorf("%s got the command %d times, %d in the world", id, n, inWorld[id])
				}
				switch states[id] {
				case "sent":
					if n != 1 {
						t.Errorf("%s is said to be sent and was delivered %d times", id, n)
					}
				case "failed":
					want = exitFailed
					if n != 0 {
						t.Errorf("%s is said to have failed and was delivered", id)
					}
				case "unknown":
					want = exitPartly
				default:
					t.Errorf("%s is %q", id, states[id])
				}
			}
			if len(states) != 3 || o.code != want {
				t.Errorf("%d results, exit code %d, want %d\n%s", len(states), o.code, want, o.errors)
			}
			for _, c := range p.Changes() {
				if c.WholeSet || len(c.IDs) == 0 {
					t.Errorf("a change without a list of machines: %+v", c)
				}
			}
		})
	}
}

// commandsOf counts the waiting commands of a name by machine, as the world has them.
func commandsOf(s *testSim, name string) map[string]int {
	n := map[string]int{}
	for _, c := range s.World().Commands {
		if c.Name == name && c.ExecutedAt.IsZero() {
			n[c.EndpointID]++
		}
	}
	return n
}

// TestHostileAnswers rewrites every text of the server into one that attacks; runProgram refuses whatever a terminal
// would obey, and the changes still name the right machines.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 5, Endpoints: 80})
	f := plainSites(sim)[0]
	p := tapped(t, sim, wiretap.Options{Hostile: true, Seed: 3})
	m := f.machines[0]
	verbs := [][]string{
		{"site", "list"}, {"site", "show", f.site.ID}, {"group", "list", "--site", f.site.ID}, {"endpoint", "list"}, {"endpoint", "show", m.ID},
		{"policy", "list"}, {"admin", "list"}, {"command", "list", "--site", f.site.ID}, {"threat", "list", "--site", f.site.ID, "--since", "60d"},
		{"find", f.site.Keycode}, {"status"},
	}
	for _, verb := range verbs {
		t.Run(strings.Join(verb[:min(2, len(verb))], " "), func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"table", "json", "ndjson", "csv"} {
				o := runProgram(t, p.URL().String(), sim.Credentials(), append(slices.Clone(verb), "-o", format)...)
				if o.code != exitDone {
					t.Errorf("-o %s: exit code %d: %s", format, o.code, o.errors)
				}
				if format == "csv" && verb[0] != "status" {
					formulas(t, verb, o.out)
				}
			}
		})
	}
	o := runProgram(t, p.URL().String(), sim.Credentials(), "scan", "--endpoint", m.ID, "-o", "json")
	if got := p.DeliveredIDs("scan"); o.code != exitDone || len(got) != 1 || got[m.ID] != 1 {
		t.Errorf("exit code %d, delivered %v\n%s", o.code, got, o.errors)
	}
	o = runProgram(t, p.URL().String(), sim.Credentials(), "scan", "--all", "--site", f.site.ID, "--dry-run")
	if o.code != exitDone {
		t.Errorf("dry run: exit code %d: %s", o.code, o.errors)
	}
}

// formulas wants no cell that a spreadsheet would compute; plain negative numbers may stay.
func formulas(t *testing.T, verb []string, text string) {
	t.Helper()
	cell := regexp.MustCompile(`(?m)(?:^|,)"?[=+@\t\r]|(?:^|,)"?-[^0-9]`)
	if at := cell.FindString(text); at != "" {
		t.Errorf("%v: a cell begins a formula: %q\n%s", verb, at, text)
	}
}

// wiretapSlow holds every command back for a moment, so that a program can be killed while it sends.
func wiretapSlow() wiretap.Options {
	return wiretap.Options{Rules: []wiretap.Rule{{Name: "slow", Method: regexp.MustCompile("POST"), Path: regexp.MustCompile(`/commands$`),
		Fault: wiretap.Fault{Kind: wiretap.Hold, Delay: 600 * time.Millisecond}}}}
}
