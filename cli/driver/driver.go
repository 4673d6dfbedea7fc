// Package driver is what the programs share that drive unitty as a whole and judge or measure it: how they start and end, the
// codes they end with, and how they write what they counted.
package driver

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// The exit codes: every promise was kept, one was broken or the rig failed, the arguments are wrong.
const (
	Kept   = 0
	Broken = 1
	Usage  = 2
)

// Main runs a command with the arguments of the process and ends the process with its code. Its context ends with an interrupt or
// SIGTERM, so that whatever it has started is ended first.
func Main(command func(ctx context.Context, args []string, out, errs io.Writer) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Command is one of the programs, whose options are an O.
type Command[O any] struct {
	// Name stands before what it says of itself.
	Name string
	// Parse reads the arguments; help goes to errs.
	Parse func(args []string, errs io.Writer) (O, error)
	// Run does it and writes what came of it. It gives the number of promises that were broken.
	Run func(ctx context.Context, o O, out, errs io.Writer) (broken int, err error)
}

// Do runs the program and gives its exit code.
func (c Command[O]) Do(ctx context.Context, args []string, out, errs io.Writer) int {
	o, err := c.Parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return Kept
	case err != nil:
		_, _ = fmt.Fprintf(errs, "%s: %v\n", c.Name, err)
		return Usage
	}
	broken, err := c.Run(ctx, o, out, errs)
	if err != nil {
		_, _ = fmt.Fprintf(errs, "%s: %v\n", c.Name, err)
	}
	if err != nil || broken > 0 {
		return Broken
	}
	return Kept
}

// Parse reads the flags of a program that takes nothing else. Help and mistakes go to errs.
func Parse(f *flag.FlagSet, args []string, errs io.Writer) error {
	f.SetOutput(errs)
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return nil
}

// Counted lists counts by name, "none" where there are none.
func Counted(n map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, n[name]))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// LoadAverage is what the kernel says of the past minutes, "unknown" where it says nothing.
func LoadAverage() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(raw))[:3], " ")
}
