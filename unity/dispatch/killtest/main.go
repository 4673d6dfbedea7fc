//go:build unix

// Command killtest kills jobs at every edge of a request and has them resumed, also by two processes at once, and prints
// what a recording proxy in front of the simulated console saw: no machine may get a command twice, and none that did not
// get it may count as sent. Run it as
//
//	go run ./unity/dispatch/killtest -n 200
//
// The run with -n 200 covers each edge at least twenty times with every way of dying and every lag of the command list.
// It exits with 1 when a count that has to be 0 is not.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	if os.Getenv(childVariable) != "" {
		os.Exit(child())
	}
	n := flag.Int("n", 200, "number of trials")
	parallel := flag.Int("parallel", runtime.NumCPU(), "trials at a time")
	verbose := flag.Bool("v", false, "print every trial")
	flag.Parse()
	var seen tally
	start := time.Now()
	if err := trials(context.Background(), *n, *parallel, func(t trial, r result) {
		seen.add(t, r)
		if *verbose || !r.good() {
			_, _ = fmt.Fprintf(os.Stdout, "%s: %s\n", t, r)
		}
	}); err != nil {
		fmt.Fprintln(os.Stderr, "killtest:", err)
		os.Exit(1)
	}
	_, _ = fmt.Fprint(os.Stdout, seen.String())
	_, _ = fmt.Fprintf(os.Stdout, "took %s\n", time.Since(start).Round(time.Second))
	if !seen.good() {
		os.Exit(1)
	}
}

// trials runs n trials and reports each.
func trials(ctx context.Context, n, parallel int, report func(trial, result)) error {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		first error
	)
	places := make(chan struct{}, max(parallel, 1))
	for i := range n {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			t := trialOf(i)
			r, err := t.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				if first == nil {
					first = fmt.Errorf("%s: %w", t, err)
				}
				return
			}
			report(t, r)
		})
	}
	wg.Wait()
	return first
}
