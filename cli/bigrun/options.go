//go:build unix

package main

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// options say what the world is like and what goes wrong in it.
type options struct {
	sites, endpoints int
	seed             uint64
	latency          time.Duration
	rate             float64
	faults           string
	where            string
	quick            bool
	bin              string
	calls            string
}

// The faults of the two forms. Of a request that never reached the server the program can only be sure after a minute of
// reading, so the small form has none of those.
const (
	largeFaults = "rate-limit:0.004,rate-limit-after:0.0005,reset-before:0.002,reset-after:0.002"
	smallFaults = "rate-limit:0.01,reset-after:0.02"
)

// parseOptions reads the command line.
func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("bigrun", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "the small form: 100 sites, 2,000 endpoints, 20 ms, 100 calls a second, no minute of reading")
	f.IntVar(&o.sites, "sites", 0, "number of sites; 0 means 1500, or 100 with -quick")
	f.IntVar(&o.endpoints, "endpoints", 0, "number of endpoints; 0 means 50000, or 2000 with -quick")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the world and of the faults")
	f.DurationVar(&o.latency, "latency", 0, "time of a call; 0 means 80 ms, or 20 ms with -quick")
	f.Float64Var(&o.rate, "rate", 0, "calls per second that the server allows; 0 means 40, or 100 with -quick")
	f.StringVar(&o.faults, "faults", "-", "faults of the proxy with their rates, or nothing; there are "+strings.Join(wiretap.Presets(), " ")+
		"; - means "+largeFaults+", or "+smallFaults+" with -quick")
	f.StringVar(&o.where, "where", "seen:<7d type:pc", "selector of the machines")
	f.StringVar(&o.bin, "bin", "", "program to use; built from this tree when empty")
	f.StringVar(&o.calls, "calls", "", "write every call of the second run to this file, as JSON lines")
	if err := driver.Parse(f, args, out); err != nil {
		return o, err
	}
	o.fill()
	return o, o.check()
}

// fill puts in what was not given.
func (o *options) fill() {
	d := options{sites: 1500, endpoints: 50_000, latency: 80 * time.Millisecond, rate: 40, faults: largeFaults}
	if o.quick {
		d = options{sites: 100, endpoints: 2000, latency: 20 * time.Millisecond, rate: 100, faults: smallFaults}
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
	if o.rate == 0 {
		o.rate = d.rate
	}
	if o.faults == "-" {
		o.faults = d.faults
	}
}

// check refuses what cannot be meant.
func (o options) check() error {
	if o.sites < 1 || o.endpoints < 1 || o.latency < 0 || o.rate <= 0 {
		return fmt.Errorf("-sites, -endpoints and -rate have to be positive, -latency not negative")
	}
	if strings.TrimSpace(o.where) == "" {
		return fmt.Errorf("-where is empty")
	}
	_, err := o.rules()
	return err
}

// rules are the faults as the proxy takes them. Sign-in is left alone: this is about what comes after it.
func (o options) rules() ([]wiretap.Rule, error) {
	var out []wiretap.Rule
	for part := range strings.SplitSeq(o.faults, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, text, _ := strings.Cut(part, ":")
		rate, err := strconv.ParseFloat(text, 64)
		if err != nil || rate <= 0 || rate > 1 {
			return nil, fmt.Errorf("-faults %s: write name:rate with a rate above 0, up to 1", part)
		}
		fault, err := wiretap.Preset(name)
		if err != nil {
			return nil, err
		}
		out = append(out, wiretap.Rule{Name: name, Path: servicePath(), Rate: rate, Fault: fault})
	}
	return out, nil
}
