//go:build unix

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/cli/driver"
)

func main() { driver.Main(command) }

// options say what is measured.
type options struct {
	only     []string
	quick    bool
	markdown bool
	bin      string
	child    string
}

// measure is one group of rows.
type measure struct {
	name string
	run  func(context.Context, *bench) error
}

// measures lists all groups, the quick ones first.
func measures() []measure {
	return []measure{
		{"filter", filterRows}, {"fuzzy", fuzzyRows}, {"sort", sortRows}, {"memory", memoryRows}, {"growth", growthRows},
		{"snapshot", snapshotRows}, {"sync", syncRows}, {"start", startRows}, {"screen", screenRows}, {"idle", idleRows},
	}
}

func parseOptions(args []string, errs io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("measure", flag.ContinueOnError)
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	only := f.String("only", "", "measure these only, comma-separated: "+strings.Join(names, ", "))
	f.BoolVar(&o.quick, "quick", false, "leave out what takes long: a million endpoints, repetitions")
	f.BoolVar(&o.markdown, "markdown", false, "print the table once more at the end, as docs/speed.md has it")
	f.StringVar(&o.bin, "bin", "", "program to measure; built from this tree when empty")
	f.StringVar(&o.child, "child", "", "used by measure itself")
	if err := driver.Parse(f, args, errs); err != nil {
		return o, err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return o, fmt.Errorf("-only %s: there are %s", name, strings.Join(names, ", "))
		}
	}
	return o, nil
}

// command gives 0 when all budgets hold, 1 when one does not or nothing could be measured, 2 for a mistake in the arguments.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	return driver.Command[options]{Name: "measure", Parse: parseOptions, Run: func(ctx context.Context, o options, out, errs io.Writer) (int, error) {
		if o.child != "" {
			return 0, beChild(ctx, o.child, out)
		}
		return runAll(ctx, o, out, errs)
	}}.Do(ctx, args, out, errs)
}

// runAll measures one group after another and prints each as soon as it is there. It returns how many budgets do not hold.
func runAll(ctx context.Context, o options, out, errs io.Writer) (over int, err error) {
	b, err := newBench(o, errs)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := describe(out); err != nil {
		return 0, err
	}
	var all []row
	for _, m := range measures() {
		if len(o.only) > 0 && !slices.Contains(o.only, m.name) {
			continue
		}
		b.rows = nil
		began := time.Now()
		if err := m.run(ctx, b); err != nil {
			return over, fmt.Errorf("%s: %w", m.name, err)
		}
		b.say("%s took %s", m.name, time.Since(began).Round(time.Second))
		over += b.over()
		all = append(all, b.rows...)
		if err := printRows(out, b.rows); err != nil {
			return over, err
		}
	}
	if _, err := fmt.Fprintf(out, "\n%d budgets do not hold.\n", over); err != nil || !o.markdown {
		return over, err
	}
	return over, printMarkdown(out, all)
}

// newBench makes the folder for the files that are read, in memory where the system has such a place.
func newBench(o options, errs io.Writer) (*bench, error) {
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "unitty-measure-")
	if err != nil {
		return nil, err
	}
	if o.bin != "" {
		if o.bin, err = filepath.Abs(o.bin); err != nil {
			return nil, err
		}
	}
	return &bench{options: o, dir: dir, errs: errs}, nil
}
