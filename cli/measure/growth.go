//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// growth is what a process that loads, lists, filters and scrolls a console needs for that.
type growth struct {
	Machines, Peak int
	// Load ends when the list has all rows; Filter and Scroll are one key, until its frame is made.
	Load, Filter, Dense, Scroll time.Duration
}

// Budgets of a key at 100,000 endpoints; at other sizes they are in proportion, but never below that.
const (
	keyBudget   = 20 * time.Millisecond
	keyMachines = 100_000
)

// growthRows measures the same work at all sizes, each in a process of its own, and what an endpoint costs in the largest one
// against smaller ones.
func growthRows(ctx context.Context, b *bench) error {
	empty, _, err := b.childPeak(ctx, childNothing, order{})
	if err != nil {
		return err
	}
	var all []growth
	for _, n := range b.sizes() {
		g, err := b.grow(ctx, n)
		if err != nil {
			return err
		}
		all = append(all, g)
		name := "growth " + count(n)
		limit := ms(keyBudget) * max(1, float64(n)/keyMachines)
		b.add(row{name: name + ": load and list", value: ms(g.Load), unit: unitMS, note: fmt.Sprintf("%.0f ns an endpoint", perOne(g, g.Load))})
		b.add(row{name: name + ": filter, few match", value: ms(g.Filter), unit: unitMS, budget: limit, absolute: true, note: fmt.Sprintf("%.0f ns an endpoint", perOne(g, g.Filter))})
		b.add(row{name: name + ": filter, most match", value: ms(g.Dense), unit: unitMS, budget: limit, absolute: true, note: fmt.Sprintf("%.0f ns an endpoint", perOne(g, g.Dense))})
		b.add(row{name: name + ": scroll", value: ms(g.Scroll), unit: unitMS, budget: ms(keyBudget), absolute: true})
		memory := row{name: name + ": memory per endpoint", value: float64(g.Peak-empty) / float64(n), unit: unitBytes, budget: memoryBudget(n), absolute: true,
			note: fmt.Sprintf("peak %s MB", count(g.Peak>>20))}
		if empty == 0 {
			memory.missing = noPeak
		}
		b.add(memory)
	}
	b.linear(all)
	return nil
}

// memoryBudget leaves out the small sizes, where what a program needs at all is spread over few endpoints.
func memoryBudget(n int) float64 {
	if n < keyMachines {
		return 0
	}
	return perEndpoint
}

// linear compares what an endpoint costs in the largest console with smaller ones: 1 is growth in proportion. Caches, which hold all
// of a small console, make it more.
func (b *bench) linear(all []growth) {
	most := all[len(all)-1]
	for _, less := range all[1 : len(all)-1] {
		for _, x := range []struct {
			name       string
			most, less time.Duration
		}{{"load and list", most.Load, less.Load}, {"filter, few match", most.Filter, less.Filter}, {"filter, most match", most.Dense, less.Dense}} {
			b.add(row{name: fmt.Sprintf("growth, %s: an endpoint of %s", x.name, count(most.Machines)), value: perOne(most, x.most), unit: "ns",
				yardstick: "one of " + count(less.Machines), yard: perOne(less, x.less)})
		}
		b.add(row{name: fmt.Sprintf("growth, scroll: a key at %s", count(most.Machines)), value: ms(most.Scroll), unit: unitMS,
			yardstick: "at " + count(less.Machines), yard: ms(less.Scroll)})
	}
}

func perOne(g growth, d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(g.Machines) }

// grow writes a snapshot and lets a child work on it.
func (b *bench) grow(ctx context.Context, n int) (growth, error) {
	f, err := b.snapshotAt(n)
	if err != nil {
		return growth{}, err
	}
	if err := save(ctx, f, b.console(n)); err != nil {
		return growth{}, err
	}
	out, err := b.runChild(ctx, childGrow, order{Path: f.Path(), Times: b.times()})
	if err != nil {
		return growth{}, err
	}
	var g growth
	if err := json.Unmarshal(out, &g); err != nil {
		return growth{}, err
	}
	if g.Machines != n {
		return growth{}, fmt.Errorf("the child has %d of %d machines", g.Machines, n)
	}
	return g, os.RemoveAll(filepath.Dir(f.Path()))
}

// growInChild loads a console into a list, and works with that.
func growInChild(ctx context.Context, o order, out io.Writer) error {
	f, err := snapshot.New(o.Path, snapshotKey(), snapshot.Binding{BaseURL: "https://measure.example"})
	if err != nil {
		return err
	}
	began := time.Now()
	p, _, err := load(ctx, f)
	if err != nil {
		return err
	}
	l := &lister{p: p, rows: (&scanned{n: p.Len(), p: p}).listed(), grammar: picture.Language(false, 0, picturetest.Now, nil)}
	g := growth{Machines: l.rows.Len(), Load: time.Since(began)}
	if l.th, err = theme.New("", "", true); err != nil {
		return err
	}
	l.frame()
	var few, most, scroll []time.Duration
	for range o.Times {
		for _, x := range []struct {
			expr string
			into *[]time.Duration
		}{{"7f3k", &few}, {"", nil}, {"desktop", &most}, {"", nil}} {
			took, err := l.filter(ctx, x.expr)
			if err != nil {
				return err
			}
			if x.into != nil {
				*x.into = append(*x.into, took)
			}
		}
		l.rows.Bottom()
		l.frame()
		began := time.Now()
		l.rows.Move(-l.view.Page())
		l.frame()
		scroll = append(scroll, time.Since(began))
	}
	g.Filter, g.Dense, g.Scroll, g.Peak = middle(few), middle(most), middle(scroll), peakOfSelf()
	return json.NewEncoder(out).Encode(g)
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// lister is a list without its shell.
type lister struct {
	p       *picture.Picture
	rows    *table.Rows[picture.Row, unity.EndpointID]
	view    table.View[picture.Row, unity.EndpointID]
	grammar *picture.Grammar
	th      theme.Theme
}

// frame draws the list at a usual size and gives the number of its bytes.
func (l *lister) frame() int {
	return len(strings.Join(l.view.Render(l.rows, l.th, 160, 50, true), "\n"))
}

// filter is one key in the filter line, until its frame is made.
func (l *lister) filter(ctx context.Context, expr string) (time.Duration, error) {
	began := time.Now()
	if expr == "" {
		l.rows.SetFilter(nil)
	} else {
		q, err := l.grammar.Compile(expr)
		if err != nil {
			return 0, err
		}
		set := l.p.Select(ctx, q, picturetest.Now())
		l.rows.SetFilter(func(r *picture.Row) bool { in, _ := set.Ask(*r); return in })
	}
	l.frame()
	return time.Since(began), nil
}
