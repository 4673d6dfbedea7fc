//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if plan := os.Getenv(shiftedVariable); plan != "" {
		code := shifted(ctx, plan, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command gives 0 when every promise was kept, 1 when one was broken or the rig failed, 2 for a mistake in the arguments.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := parseOptions(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "torture:", err)
		return 2
	}
	rep, err := torment(ctx, o)
	if err != nil {
		_, _ = fmt.Fprintln(errs, "torture:", err)
	}
	if rep.Processes == 0 {
		return 1
	}
	show := rep.print
	if o.json {
		show = rep.printJSON
	}
	if perr := show(out); perr != nil {
		_, _ = fmt.Fprintln(errs, "torture:", perr)
		return 1
	}
	if err != nil || len(rep.BrokenPromises) > 0 {
		return 1
	}
	return 0
}
