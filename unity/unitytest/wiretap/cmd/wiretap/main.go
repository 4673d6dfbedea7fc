// Command wiretap runs the recording proxy of package wiretap in front of a server.
//
//	wiretap --target http://127.0.0.1:8080 --listen 127.0.0.1:0 --hostile --fault reset-after:0.1 --log calls.ndjson
//
// It prints one line of JSON with the address to use, then serves until it is interrupted. Each --fault is
// NAME[:RATE][@PATH-REGEXP] and may be given more than once; a rate of "once" breaks the first matching call only.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		_, _ = fmt.Fprintln(os.Stderr, "wiretap:", err)
		os.Exit(1)
	}
}

// settings are the values of the command line.
type settings struct {
	target string
	log    string
	opt    wiretap.Options
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	set, err := parse(args, stderr)
	if err != nil {
		return err
	}
	target, err := url.Parse(set.target)
	if err != nil {
		return fmt.Errorf("--target: %w", err)
	}
	if set.log != "" {
		f, openErr := os.OpenFile(set.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if openErr != nil {
			return fmt.Errorf("--log: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		set.opt.Log = f
	}
	p, err := wiretap.New(target, set.opt) //nolint:contextcheck // the proxy lives until Close
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := json.NewEncoder(stdout).Encode(map[string]string{"base_url": p.URL().String()}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (settings, error) {
	var set settings
	fs := flag.NewFlagSet("wiretap", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&set.target, "target", "", "`address` of the server")
	fs.StringVar(&set.opt.Listen, "listen", "127.0.0.1:0", "`address` to listen on")
	fs.BoolVar(&set.opt.Hostile, "hostile", false, "rewrite every text of the answers into hostile text")
	fs.BoolVar(&set.opt.OwnHost, "own-host", false, "send the server its own name in the Host header")
	fs.Uint64Var(&set.opt.Seed, "seed", 1, "`number` that makes faults and texts repeatable")
	fs.StringVar(&set.log, "log", "", "append one line of JSON for each call to `file`")
	fs.Func("fault", "`name[:rate][@path]`, one of "+strings.Join(wiretap.Presets(), " "), func(text string) error {
		r, err := parseFault(text)
		set.opt.Rules = append(set.opt.Rules, r)
		return err
	})
	if err := fs.Parse(args); err != nil {
		return settings{}, err
	}
	if fs.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return set, nil
}

// parseFault reads NAME[:RATE][@PATH].
func parseFault(text string) (wiretap.Rule, error) {
	head, path, hasPath := strings.Cut(text, "@")
	name, rate, hasRate := strings.Cut(head, ":")
	f, err := wiretap.Preset(name)
	if err != nil {
		return wiretap.Rule{}, err
	}
	r := wiretap.Rule{Name: name, Fault: f}
	if hasPath {
		if r.Path, err = regexp.Compile(path); err != nil {
			return wiretap.Rule{}, err
		}
	}
	switch {
	case !hasRate:
	case rate == "once":
		r.Limit = 1
	default:
		r.Rate, err = strconv.ParseFloat(rate, 64)
		if err != nil || !(r.Rate > 0 && r.Rate <= 1) {
			return wiretap.Rule{}, fmt.Errorf("the rate %q is not between 0 and 1", rate)
		}
	}
	return r, nil
}
