//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/unitty/unitty/cli/driver"
	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

func main() { driver.Main(command) }

// command gives 0 when every promise was kept, 1 when one was broken or the rig failed, 2 for a mistake in the arguments.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	return driver.Command[options]{Name: "bigrun", Parse: parseOptions, Run: func(ctx context.Context, o options, out, errs io.Writer) (int, error) {
		r, err := drive(ctx, o, errs)
		if err != nil {
			return 0, err
		}
		return len(r.broken()), r.print(out)
	}}.Do(ctx, args, out, errs)
}

// drive does a whole run and gives what came of it.
func drive(ctx context.Context, o options, errs io.Writer) (r *report, err error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(errs, format+"\n", args...) }
	r = &report{options: o, loadBefore: driver.LoadAverage()}
	say("plan …")
	if r.plan, err = w.plan(ctx, o); err != nil {
		return nil, err
	}
	say("%d machines at %d sites; send …", len(r.plan.Targets), r.plan.Sites)
	if err := w.send(ctx, o, r); err != nil {
		return nil, err
	}
	r.loadAfter = driver.LoadAverage()
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
