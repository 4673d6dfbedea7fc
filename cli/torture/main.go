//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/unitty/unitty/cli/driver"
)

func main() {
	driver.Main(func(ctx context.Context, args []string, out, errs io.Writer) int {
		if plan := os.Getenv(shiftedVariable); plan != "" {
			return shifted(ctx, plan, out, errs)
		}
		return command(ctx, args, out, errs)
	})
}

// command gives 0 when every promise was kept, 1 when one was broken or the rig failed, 2 for a mistake in the arguments.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	return driver.Command[options]{Name: "torture", Parse: parseOptions, Run: func(ctx context.Context, o options, out, _ io.Writer) (int, error) {
		rep, err := torment(ctx, o)
		if rep.Processes == 0 {
			return 1, err
		}
		show := rep.print
		if o.json {
			show = rep.printJSON
		}
		return len(rep.BrokenPromises), errors.Join(err, show(out))
	}}.Do(ctx, args, out, errs)
}
