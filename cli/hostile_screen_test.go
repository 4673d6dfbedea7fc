//go:build unix

package cli

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/unitty/unitty/ui/terminal/ptytest"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// TestAnyKeysThroughAHostileProxy presses keys at random while a proxy breaks calls in every way it knows and rewrites every
// text of the server into one that attacks. The program stays alive, every byte it writes is its own, and no change
// reaches more than the machines it names.
func TestAnyKeysThroughAHostileProxy(t *testing.T) {
	t.Parallel()
	seeds, keys := 2, 140
	if long() {
		seeds, keys = 12, 800
	}
	for seed := range seeds {
		sim := startTestSim(t, unitytest.Options{Seed: uint64(seed) + 60, Sites: 6, Endpoints: 90})
		var rules []wiretap.Rule
		for _, name := range wiretap.Presets() {
			fault, err := wiretap.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			if fault.Kind == wiretap.Slow || fault.Kind == wiretap.Hold {
				continue // they only cost time
			}
			rules = append(rules, wiretap.Rule{Name: name, Path: regexp.MustCompile("^/service/"), Rate: 0.02, Fault: fault})
		}
		p := tapped(t, sim, wiretap.Options{Hostile: true, Seed: uint64(seed), Rules: rules})
		behind := &testSim{Server: sim.Server, url: p.URL().String(), http: sim.http}
		term := screenOn(t, behind, ptytest.Opt{W: 110, H: 34})
		term.WaitText("Sites")
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		pool := strings.Fields("j j j k enter enter esc tab l h / : ? f space v a A * o C e w y r d x J M L [ ] g G s c R i I t m p ! pgdown n")
		for range keys {
			key := pool[r.IntN(len(pool))]
			if key == "space" {
				key = " "
			}
			term.Keys(key)
			if r.IntN(6) == 0 {
				term.WaitIdle()
			}
		}
		term.WaitIdle()
		term.Signal(syscall.SIGTERM)
		if code := term.Exit().Code; code != exitInterrupted {
			t.Errorf("seed %d: exit code %d\n%s", seed, code, term.Screen())
		}
		// `y` copies on purpose, which writes the clipboard; what is in it has to be harmless text.
		if bad := ptytest.Audit(term.Raw(), ptytest.AllowTitle(titles(term)...), ptytest.AllowClipboard()); len(bad) > 0 {
			t.Errorf("seed %d: the output holds %v", seed, bad)
		}
		for _, c := range p.Changes() {
			if c.WholeSet || len(c.IDs) == 0 {
				t.Errorf("seed %d: a change names no machines: %+v", seed, c)
			}
		}
	}
}
