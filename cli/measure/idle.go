//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

const (
	// namesPatience bounds the wait for the names of groups, which are read a site every two seconds.
	namesPatience = 5 * time.Minute
	// silence is how long a server must not have been asked anything for a program to have read everything.
	silence = 6 * time.Second
)

// idler is a console that a program shows while nobody touches it.
type idler struct {
	sites, machines int
	// wide gives a machine a name in wide characters that stands first in the list, before those without a name.
	wide bool
	note string
}

// idleRows watches the real program while nobody touches it, after it has read everything.
func idleRows(ctx context.Context, b *bench) error {
	all := []idler{{sites: 5, machines: 10_000}, {sites: 5, machines: 10_000, wide: true, note: ", one row in wide characters"},
		{sites: 100, machines: 10_000}}
	if b.quick {
		all = all[:2]
	}
	for _, x := range all {
		if err := b.idle(ctx, x); err != nil {
			return fmt.Errorf("%d sites%s: %w", x.sites, x.note, err)
		}
	}
	return nil
}

func (b *bench) idle(ctx context.Context, x idler) error {
	w, err := serve(ctx, unitytest.Options{Sites: x.sites, Endpoints: x.machines})
	if err != nil {
		return err
	}
	defer w.close()
	if x.wide {
		if err := w.sim.RenameEndpoint(w.sim.World().Endpoints[0].ID, "!東京営業所"); err != nil {
			return err
		}
	}
	p, err := b.startUnitty(ctx, w, size{160, 50}, x.machines)
	if err != nil {
		return err
	}
	defer p.t.stop()
	if x.wide && !strings.Contains(p.t.text(), "東京") {
		return fmt.Errorf("the row in wide characters is not on the screen:\n%s", p.t.text())
	}
	if err := w.silent(ctx, namesPatience); err != nil {
		return err
	}
	span := 30 * time.Second
	if b.quick {
		span = 10 * time.Second
	}
	bytes, cpu, began := p.t.sent(), cpuOf(p.t.cmd.Process.Pid), time.Now()
	if err := pause(ctx, span); err != nil {
		return err
	}
	took := time.Since(began)
	spent := cpuOf(p.t.cmd.Process.Pid) - cpu
	name := fmt.Sprintf("idle at 160×50, %s rows of %d sites%s", count(x.machines), x.sites, x.note)
	b.add(row{name: name + ": bytes a second", value: float64(p.t.sent()-bytes) / took.Seconds(), unit: unitBytes, budget: 30, absolute: true})
	busy := row{name: name + ": part of a core", value: 100 * float64(spent) / float64(took), unit: unitPart, budget: 1, absolute: true}
	if cpu == 0 {
		busy.missing = "this system does not tell the processor time of a process"
	}
	b.add(busy)
	return nil
}

// silent waits until nothing has been asked of the server for a while.
func (w *world) silent(ctx context.Context, limit time.Duration) error {
	last := 0
	for end := time.Now().Add(limit); ; {
		log := w.sim.Log()
		if now := log[len(log)-1].N; now == last {
			return nil
		} else if last = now; time.Now().After(end) {
			return fmt.Errorf("the server is still asked after %s", limit)
		}
		if err := pause(ctx, silence); err != nil {
			return err
		}
	}
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tick is the unit of times in /proc, on all systems that Go knows.
const tick = 10 * time.Millisecond

// cpuOf is the processor time of a process so far; 0 where the system does not tell.
func cpuOf(pid int) time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name of the program stands in brackets and may hold anything.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var sum time.Duration
	for _, i := range []int{11, 12} {
		if len(fields) > i {
			n, _ := strconv.Atoi(fields[i])
			sum += time.Duration(n) * tick
		}
	}
	return sum
}
