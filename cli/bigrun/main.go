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

	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
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
		_, _ = fmt.Fprintln(errs, "bigrun:", err)
		return 2
	}
	r, err := drive(ctx, o, errs)
	if err == nil {
		err = r.print(out)
	}
	if err != nil {
		_, _ = fmt.Fprintln(errs, "bigrun:", err)
		return 1
	}
	if len(r.broken()) > 0 {
		return 1
	}
	return 0
}

// drive does a whole run and gives what came of it.
func drive(ctx context.Context, o options, errs io.Writer) (r *report, err error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(errs, format+"\n", args...) }
	r = &report{options: o, loadBefore: loadAverage()}
	say("plan …")
	if r.plan, err = w.plan(ctx, o); err != nil {
		return nil, err
	}
	say("%d machines at %d sites; send …", len(r.plan.Targets), r.plan.Sites)
	if err := w.send(ctx, o, r); err != nil {
		return nil, err
	}
	r.loadAfter = loadAverage()
	r.verdict = judge(r.plan, r.job, r.sent.changes, w.truth(r.sent.from))
	if o.calls != "" {
		return r, writeCalls(o.calls, r.sent.calls)
	}
	return r, nil
}

func writeCalls(path string, calls []wiretap.Exchange) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	for i := range calls {
		if err := e.Encode(calls[i]); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
