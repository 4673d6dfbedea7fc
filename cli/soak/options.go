//go:build unix

package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/unitty/unitty/cli/driver"
)

// The modes of a run.
const (
	modeSoak    = "soak"
	modeTenKeys = "tenkeys"
)

// options say what a run is like.
type options struct {
	mode             string
	duration         time.Duration
	sites, endpoints int
	latency          time.Duration
	ttl              time.Duration
	seed             uint64
	// hosts and seeds are how many machines are looked for in a console, and in how many consoles.
	hosts, seeds int
	quick, json  bool
	// calm is how long no call has to be under way for the program to count as being at rest; brief leaves out the look at the
	// dashboard before every site was read anew.
	calm  time.Duration
	brief bool
}

// parseOptions reads the command line.
func parseOptions(args []string, out io.Writer) (options, error) {
	o := options{calm: 3 * time.Second}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.StringVar(&o.mode, "mode", modeSoak, "soak or tenkeys")
	f.DurationVar(&o.duration, "for", 0, "how long the technician works; 0 means 30m, or 90s with -quick")
	f.IntVar(&o.sites, "sites", 0, "number of sites; 0 means 200, 1500 for tenkeys, 40 with -quick")
	f.IntVar(&o.endpoints, "endpoints", 0, "number of endpoints; 0 means 10000, 50000 for tenkeys, 1000 with -quick")
	f.DurationVar(&o.latency, "latency", 0, "time of a call; 0 means 5ms, 80ms for tenkeys")
	f.DurationVar(&o.ttl, "access-ttl", 5*time.Second, "life of an access token in soak, whole seconds")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the first world and of all random choices")
	f.IntVar(&o.hosts, "hosts", 20, "tenkeys: machines that are looked for in the large console, and a fifth of them in each small one")
	f.IntVar(&o.seeds, "seeds", 20, "tenkeys: number of small consoles, each of another seed")
	f.BoolVar(&o.quick, "quick", false, "the small form")
	f.BoolVar(&o.json, "json", false, "print the numbers as JSON")
	if err := driver.Parse(f, args, out); err != nil {
		return o, err
	}
	o.fill()
	return o, o.check()
}

// fill puts in what was not given.
func (o *options) fill() {
	d := options{duration: 30 * time.Minute, sites: 200, endpoints: 10_000, latency: 5 * time.Millisecond}
	if o.mode == modeTenKeys {
		d.sites, d.endpoints, d.latency = 1500, 50_000, 80*time.Millisecond
	}
	if o.quick {
		d.duration, d.sites, d.endpoints = 90*time.Second, 40, 1000
	}
	if o.duration == 0 {
		o.duration = d.duration
	}
	if o.sites == 0 {
		o.sites = d.sites
	}
	if o.endpoints == 0 {
		o.endpoints = d.endpoints
	}
	if o.latency == 0 {
		o.latency = d.latency
	}
}

// check refuses what cannot be meant.
func (o options) check() error {
	switch {
	case !slices.Contains([]string{modeSoak, modeTenKeys}, o.mode):
		return fmt.Errorf("-mode is soak or tenkeys, not %q", o.mode)
	case o.sites < 1 || o.endpoints < o.sites:
		return fmt.Errorf("-sites %d and -endpoints %d: every site has to have a machine", o.sites, o.endpoints)
	case o.duration < 0 || o.latency < 0 || o.hosts < 1 || o.seeds < 0:
		return fmt.Errorf("-for, -latency and -seeds are not negative, and -hosts is positive")
	case o.ttl < time.Second || o.ttl%time.Second != 0:
		return fmt.Errorf("-access-ttl %s: servers state whole seconds", o.ttl)
	}
	return nil
}
