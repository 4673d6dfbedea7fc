//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/snapshot"
	"github.com/unitty/unitty/unity/unitytest"
	"github.com/unitty/unitty/unity/unitytest/entry"
)

// perEndpoint is the memory that an endpoint may cost, everything included.
const perEndpoint = 1200

// noPeak is why memory is not measured.
const noPeak = "this system does not tell the peak of a process"

// What a child process does.
const (
	childNothing = "nothing"
	childLoad    = "load"
	childList    = "list"
	childSync    = "sync"
	childGrow    = "grow"
)

// order is what a child is told on its standard input.
type order struct {
	Path  string
	Times int
	Base  string
	Creds unitytest.Credentials
}

// handful is the number of endpoints whose memory is what the code and its connections need, whatever the number.
const handful = 10

// memoryRows measures the most memory that a process ever had, in processes of their own. What the same work takes for a handful
// of endpoints stands in a row by itself and is taken off the others.
func memoryRows(ctx context.Context, b *bench) error {
	empty, _, err := b.childPeak(ctx, childNothing, order{})
	if err != nil {
		return err
	}
	if empty == 0 {
		b.add(row{name: "memory per endpoint", missing: noPeak})
		return nil
	}
	few := map[string]int{}
	for _, n := range append([]int{handful}, b.sizes()[1:]...) {
		f, err := b.snapshotAt(n)
		if err != nil {
			return err
		}
		if err := save(ctx, f, b.console(n)); err != nil {
			return err
		}
		for _, what := range []struct{ child, name string }{{childLoad, "load"}, {childList, "load and list"}} {
			if err := b.peak(ctx, what.child, order{Path: f.Path()}, empty, few, n, what.name); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(filepath.Dir(f.Path())); err != nil {
			return err
		}
	}
	return b.syncPeaks(ctx, empty)
}

// syncPeaks lets children read whole consoles from a server in this process.
func (b *bench) syncPeaks(ctx context.Context, empty int) error {
	sizes := []int{10_000, 50_000, 200_000}
	if b.quick {
		sizes = sizes[:2]
	}
	few := map[string]int{}
	for _, n := range append([]int{handful}, sizes...) {
		w, err := serve(ctx, unitytest.Options{Sites: max(n/perSite, 1), Endpoints: n})
		if err != nil {
			return err
		}
		err = b.peak(ctx, childSync, order{Base: w.base, Creds: w.creds}, empty, few, n, "sync")
		w.close()
		if err != nil {
			return err
		}
	}
	return nil
}

// peak adds the row of one child. The first one, which has a handful of endpoints, is kept in few.
func (b *bench) peak(ctx context.Context, child string, o order, empty int, few map[string]int, n int, work string) error {
	name := "memory " + count(n) + ", " + work
	most, got, err := b.childPeak(ctx, child, o)
	if err != nil {
		return err
	}
	if got != n {
		return fmt.Errorf("%s: the child has %d of %d machines", name, got, n)
	}
	if n == handful {
		few[child] = most
		b.add(row{name: name + ", in all", value: float64(most - empty), unit: unitBytes, note: fmt.Sprintf("above an empty process of %s MB", count(empty>>20))})
		return nil
	}
	b.add(row{name: name + ", per endpoint", value: float64(most-few[child]) / float64(n-handful), unit: unitBytes, budget: perEndpoint, absolute: true,
		note: fmt.Sprintf("peak %s MB, of which %s MB are there for %d endpoints", count(most>>20), count(few[child]>>20), handful)})
	return nil
}

// childPeak gives the VmHWM of a child in bytes and the number of machines it ended with.
func (b *bench) childPeak(ctx context.Context, child string, o order) (most, machines int, err error) {
	out, err := b.runChild(ctx, child, o)
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(string(out), &most, &machines)
	return most, machines, err
}

// runChild runs this program again, and gives what it prints.
func (b *bench) runChild(ctx context.Context, child string, o order) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-child", child) //nolint:gosec // this program itself
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), b.errs
	return cmd.Output()
}

// beChild does what the parent wants to know the memory of, and prints the peak.
func beChild(ctx context.Context, what string, out io.Writer) error {
	var o order
	if err := json.NewDecoder(os.Stdin).Decode(&o); err != nil {
		return err
	}
	n, err := 0, error(nil)
	switch what {
	case childGrow:
		return growInChild(ctx, o, out)
	case childNothing:
	case childLoad, childList:
		n, err = loadInChild(ctx, o, what == childList)
	case childSync:
		n, err = syncInChild(ctx, o)
	default:
		err = fmt.Errorf("-child %s: there is no such child", what)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, peakOfSelf(), n)
	return err
}

func loadInChild(ctx context.Context, o order, list bool) (int, error) {
	f, err := snapshot.New(o.Path, snapshotKey(), snapshot.Binding{BaseURL: "https://measure.example"})
	if err != nil {
		return 0, err
	}
	p, _, err := load(ctx, f)
	if err != nil {
		return 0, err
	}
	if list {
		return (&scanned{n: p.Len(), p: p}).listed().Len(), nil
	}
	return p.Len(), nil
}

func syncInChild(ctx context.Context, o order) (int, error) {
	w := &world{base: o.Base, creds: o.Creds, tokens: &entry.Password{BaseURL: o.Base, Creds: o.Creds}}
	c, err := w.client()
	if err != nil {
		return 0, err
	}
	f := live.New(live.Options{Client: c})
	if err := f.Sync(ctx); err != nil {
		return 0, err
	}
	return f.Current().Len(), nil
}

// peakOfSelf is the most memory that this process had, in bytes; 0 where the system does not tell.
func peakOfSelf() int {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return n << 10
		}
	}
	return 0
}
