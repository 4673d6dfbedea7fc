//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/unitty/unitty/cli/driver"
)

func main() {
	if place := os.Getenv(childVariable); place != "" {
		os.Exit(child(place))
	}
	driver.Main(command)
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
	return driver.Command[options]{Name: "soak", Parse: parseOptions, Run: func(ctx context.Context, o options, out, errs io.Writer) (int, error) {
		r, err := run(ctx, o, errs)
		if err != nil {
			return 0, err
		}
		return len(r.broken()), show(r, o.json, out)
	}}.Do(ctx, args, out, errs)
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
