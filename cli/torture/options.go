//go:build unix

package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/unitty/unitty/cli/driver"
)

// The modes of a run.
const (
	modeSteady  = "steady"
	modeLogins  = "logins"
	modeSignals = "signals"
	modeKill    = "kill"
	modeFaults  = "faults"
	modeClock   = "clock"
)

// ahead is the part of a token's life after which the engine refreshes at the earliest.
const ahead = 0.70

// options say what a run is like.
type options struct {
	processes int
	screens   int
	duration  time.Duration
	ttl       time.Duration
	minTTL    time.Duration
	pause     time.Duration
	latency   time.Duration
	mode      string
	store     string
	seed      uint64
	bin       string
	json      bool
}

// parseOptions reads the command line.
func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("torture", flag.ContinueOnError)
	f.IntVar(&o.processes, "processes", 50, "loops and screens at the same time")
	f.IntVar(&o.screens, "screens", 3, "how many of them are full-screen programs")
	f.DurationVar(&o.duration, "duration", time.Minute, "how long they run")
	f.DurationVar(&o.ttl, "ttl", 2*time.Second, "life of an access token, whole seconds")
	f.DurationVar(&o.minTTL, "min-ttl", 0, "what token loops ask for; 0 means a fifth of -ttl")
	f.DurationVar(&o.pause, "pause", 500*time.Millisecond, "mean pause of a loop between two runs")
	f.DurationVar(&o.latency, "latency", 20*time.Millisecond, "time that the server takes for a token, half of it after its decision")
	f.StringVar(&o.mode, "mode", modeSteady, "steady, logins, signals, kill, faults or clock")
	f.StringVar(&o.store, "store", "file", "file or keyctl")
	f.Uint64Var(&o.seed, "seed", 1, "seed of all random choices of the driver")
	f.StringVar(&o.bin, "bin", "", "program to use; built from this tree when empty")
	f.BoolVar(&o.json, "json", false, "print the numbers as JSON")
	if err := driver.Parse(f, args, out); err != nil {
		return o, err
	}
	if o.minTTL == 0 {
		o.minTTL = o.ttl / 5
	}
	return o, o.check()
}

// check refuses what cannot be meant.
func (o options) check() error {
	switch {
	case o.screens < 0 || o.processes < o.screens+2:
		return fmt.Errorf("-processes %d: there has to be room for %d screens, a token loop and an api loop", o.processes, o.screens)
	case o.ttl < time.Second || o.ttl%time.Second != 0:
		return fmt.Errorf("-ttl %s: servers state whole seconds", o.ttl)
	case o.duration < o.ttl:
		return fmt.Errorf("-duration %s is shorter than the life of one token", o.duration)
	case o.minTTL < 0 || float64(o.minTTL) > (1-ahead)*float64(o.ttl):
		return fmt.Errorf("-min-ttl %s: more than %.0f %% of the life would renew tokens before their time", o.minTTL, 100*(1-ahead))
	case o.pause < 0 || o.latency < 0:
		return fmt.Errorf("-pause and -latency are not negative")
	case !slices.Contains([]string{modeSteady, modeLogins, modeSignals, modeKill, modeFaults, modeClock}, o.mode):
		return fmt.Errorf("-mode is steady, logins, signals, kill, faults or clock, not %q", o.mode)
	case o.store != "file" && o.store != "keyctl":
		return fmt.Errorf("-store is file or keyctl, not %q", o.store)
	}
	return nil
}

// budget is how many refreshes one generation each at 70 % of its life makes in the time of the run.
func (o options) budget() int {
	return int(math.Ceil(float64(o.duration) / (ahead * float64(o.ttl))))
}
