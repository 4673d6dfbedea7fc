package unitytest

import "fmt"

// FaultInfo describes one fault that can be given a probability.
type FaultInfo struct {
	Name string
	Doc  string
}

// Faults lists every fault there is. Those whose name starts with "auth-"
// strike the token endpoint, the others the resource methods.
func Faults() []FaultInfo {
	return []FaultInfo{
		{"429", "Too many requests; nothing is done."},
		{"429-retry-after", "Too many requests with Retry-After: 1; nothing is done."},
		{"500", "Internal error in the documented shape; nothing is done."},
		{"503", "Overloaded, with an HTML body; nothing is done."},
		{"504", "Gateway time-out with an HTML body; nothing is done."},
		{"504-after", "Gateway time-out with an HTML body; the change is done all the same."},
		{"reset-before", "The connection closes before anything is done."},
		{"reset-after", "The change is done, then the connection closes without an answer."},
		{"truncate", "The body breaks off in the middle."},
		{"slow-body", "The body arrives in pieces, 20 ms apart."},
		{"wrong-type", "An HTML page with status 200; nothing is done."},
		{"401-once", "invalid_token for a valid token; the same call is let through the next time."},
		{"rows-inserted", "A machine appears in the site while a list is being walked (second and later pages)."},
		{"command-lag", "A command shows up in lists only after the command lag."},
		{"continuation-dies", "400 for a continuation token that was good."},
		{"auth-429", "Too many requests at the token endpoint."},
		{"auth-500", "Internal error at the token endpoint; no token is spent."},
		{"auth-503", "Overloaded token endpoint with an HTML body; no token is spent."},
		{"auth-reset-before", "The connection closes before the token request is looked at."},
		{"auth-reset-after", "The token is spent and its successor issued, but the answer is lost."},
		{"auth-truncate", "The token is spent and its successor issued, but the answer breaks off."},
		{"auth-malformed", "The token is spent, but the answer is not JSON."},
		{"auth-slow-body", "The token answer arrives in pieces, 20 ms apart."},
	}
}

// faultSet holds probabilities and counts. Each fault has its own seeded
// stream, so that switching one on does not change when another strikes.
type faultSet struct {
	seed   uint64
	rates  map[string]float64
	counts map[string]int
	dice   map[string]random
	denied map[string]bool // calls that 401-once has refused already
}

func newFaultSet(seed uint64) *faultSet {
	return &faultSet{seed: seed, rates: map[string]float64{}, counts: map[string]int{}, dice: map[string]random{}, denied: map[string]bool{}}
}

func (f *faultSet) set(name string, rate float64) error {
	if rate < 0 || rate > 1 {
		return fmt.Errorf("unitytest: the rate of fault %q is not between 0 and 1", name)
	}
	for i, info := range Faults() {
		if info.Name != name {
			continue
		}
		f.rates[name] = rate
		if _, ok := f.dice[name]; !ok {
			f.dice[name] = newRandom(f.seed, 1000+uint64(i))
		}
		return nil
	}
	return fmt.Errorf("unitytest: no fault is named %q", name)
}

// strikes rolls the dice of a fault and counts a hit.
func (f *faultSet) strikes(name string) bool {
	rate := f.rates[name]
	if rate <= 0 || !f.dice[name].chance(rate) {
		return false
	}
	f.counts[name]++
	return true
}

// deniesOnce is strikes for 401-once: a call that was refused is let through
// when it comes again.
func (f *faultSet) deniesOnce(call string) bool {
	if f.rates["401-once"] <= 0 {
		return false
	}
	if f.denied[call] {
		delete(f.denied, call)
		return false
	}
	if !f.strikes("401-once") {
		return false
	}
	f.denied[call] = true
	return true
}
