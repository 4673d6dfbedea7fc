//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if place := os.Getenv(childVariable); place != "" {
		os.Exit(child(place))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// result is what comes of a run.
type result interface {
	// broken lists the promises that were not kept.
	broken() []string
	// rows gives the table, a name and a text each.
	rows() [][2]string
}

// command gives 0 when every promise was kept, 1 when one was broken or the rig failed, 2 for a mistake in the arguments.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parseOptions(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "soak:", err)
		return 2
	}
	r, err := run(ctx, o, errs)
	if err == nil {
		err = show(r, o.json, out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "soak:", err)
		return 1
	}
	if len(r.broken()) > 0 {
		return 1
	}
	return 0
}

// run does what the mode says.
func run(ctx context.Context, o options, errs io.Writer) (result, error) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(errs, format+"\n", args...) }
	if o.mode == modeTenKeys {
		return tenKeys(ctx, o, say)
	}
	return soak(ctx, o, say)
}

// show prints a table, or JSON.
func show(r result, asJSON bool, out io.Writer) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Result         result   `json:"result"`
			BrokenPromises []string `json:"broken_promises"`
		}{r, append([]string{}, r.broken()...)})
	}
	return table(r, out)
}
