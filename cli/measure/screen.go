//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/unitytest"
)

const (
	// loadPatience bounds the wait for a whole console on the screen.
	loadPatience = 3 * time.Minute
	// settle is how long the program is left alone before it is measured, so that what it does once is over.
	settle = 2 * time.Second
)

// watched is a program on a screen, and how it is told to do what is measured.
type watched struct {
	name string
	t    *wire
	// step, page, filter and unfilter are what to type for a row further, a page further, one character of a filter, and to take the
	// character back; ask opens the filter.
	step, page, filter, unfilter, ask string
	// bottom brings the cursor to the last line, so that the next step scrolls.
	bottom func(ctx context.Context) error
}

// size is a terminal, in cells.
type size struct{ w, h int }

func sizesOfScreens() []size { return []size{{160, 50}, {80, 24}} }

// machines is how many rows the lists on the screen have.
func (b *bench) machines() int {
	if b.quick {
		return 10_000
	}
	return 100_000
}

// screenRows measures keys at both sizes.
func screenRows(ctx context.Context, b *bench) error {
	w, err := serve(ctx, unitytest.Options{Sites: b.machines() / 100, Endpoints: b.machines()})
	if err != nil {
		return err
	}
	defer w.close()
	file := filepath.Join(b.dir, "list")
	if err := b.writeList(file); err != nil {
		return err
	}
	for _, at := range sizesOfScreens() {
		if err := b.screenAt(ctx, w, at, file); err != nil {
			return err
		}
	}
	return nil
}

// writeList writes the machines as lines as wide as those on the screen.
func (b *bench) writeList(file string) error {
	s, err := b.scanAt(b.machines())
	if err != nil {
		return err
	}
	var out strings.Builder
	for r := range s.p.Rows() {
		_, _ = fmt.Fprintf(&out, "%-40s  %-11s  %-20s  %-12s  %-10s  %-9s  %s\n", r.HostName(), r.GroupLabel(), r.SiteName(), r.Seen().Format("2006-01-02"),
			r.User(), r.Version(), r.OS())
	}
	return os.WriteFile(file, []byte(out.String()), 0o600)
}

// screenAt measures unitty, less and fzf at one size.
func (b *bench) screenAt(ctx context.Context, w *world, at size, file string) error {
	rivals := map[string]map[string]effects{}
	for _, rival := range []func(context.Context, size, string) (*watched, error){b.startLess, b.startFzf} {
		p, err := rival(ctx, at, file)
		if errors.Is(err, exec.ErrNotFound) {
			b.say("%v", err)
			continue
		}
		if err != nil {
			return err
		}
		rivals[p.name], err = p.drive(ctx, b.times())
		p.t.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	p, err := b.startUnitty(ctx, w, at)
	if err != nil {
		return err
	}
	defer p.t.stop()
	ours, err := p.drive(ctx, b.times())
	if err != nil {
		return err
	}
	b.compare(at, ours, rivals)
	return b.refresh(ctx, w, p, at)
}

// refreshSpan is how long a reload is given to read what changed and to show it.
const refreshSpan = 5 * time.Second

// refresh infects every hundredth machine on the server, lets the program read what changed, and counts what that sends.
func (b *bench) refresh(ctx context.Context, w *world, p *watched, at size) error {
	if _, err := p.t.press(ctx, "\x1b"); err != nil {
		return err
	}
	changed := 0
	for i, m := range w.sim.World().Endpoints {
		if i%100 != 0 {
			continue
		}
		if err := w.sim.Infect(m.ID, "invoice.exe", "W32.Measure"); err != nil {
			return err
		}
		changed++
	}
	from, before := p.t.sent(), p.t.screen()
	if err := p.t.send("r"); err != nil {
		return err
	}
	if err := pause(ctx, refreshSpan); err != nil {
		return err
	}
	b.add(row{name: fmt.Sprintf("refresh at %d×%d, %s of %s rows changed: bytes", at.w, at.h, count(changed), count(b.machines())),
		value: float64(p.t.sent() - from), unit: unitBytes, note: fmt.Sprintf("%d cells changed, within %s", p.t.differs(before), refreshSpan)})
	return nil
}

// compare adds the rows of one size.
func (b *bench) compare(at size, ours map[string]effects, rivals map[string]map[string]effects) {
	limits := map[string]float64{"step": 400, "scroll": 400}
	for _, what := range []string{"step", "scroll", "page", "filter key"} {
		all := ours[what]
		name := fmt.Sprintf("%s at %d×%d, %s rows", what, at.w, at.h, count(b.machines()))
		r := row{name: name + ": bytes", value: all.middle(bytesOf), unit: unitBytes, budget: limits[what], absolute: true,
			note: fmt.Sprintf("%.0f cells change", all.middle(func(e effect) float64 { return float64(e.cells) }))}
		if what == "page" {
			r.yardstick, r.yard, r.budget, r.absolute, r.note = "cells that change,", all.middle(func(e effect) float64 { return float64(e.cells) }), 2.2, false, ""
		}
		b.add(r)
		b.add(row{name: name + ": key to bytes, median", value: all.middle(firstOf), unit: unitMS, budget: 20, absolute: true})
		b.add(row{name: name + ": key to bytes, worst", value: all.worst(firstOf), unit: unitMS, budget: 40, absolute: true})
		for _, rival := range []string{"less", "fzf"} {
			if theirs := rivals[rival][what]; len(theirs) > 0 {
				b.add(row{name: name + ": bytes against " + rival, value: all.middle(bytesOf), unit: unitBytes, yardstick: rival, yard: theirs.middle(bytesOf)})
				b.add(row{name: name + ": time against " + rival, value: all.middle(firstOf), unit: unitMS, yardstick: rival, yard: theirs.middle(firstOf)})
			}
		}
	}
}

// drive presses each key several times. A list is at its top at first.
func (p *watched) drive(ctx context.Context, times int) (map[string]effects, error) {
	out := map[string]effects{}
	press := func(what, keys string) error {
		e, err := p.t.press(ctx, keys)
		if err == nil && what != "" {
			out[what] = append(out[what], e)
		}
		return err
	}
	type part struct{ what, keys string }
	var parts []part
	if p.bottom != nil {
		for range times {
			parts = append(parts, part{"step", p.step})
		}
	}
	for _, x := range parts {
		if err := press(x.what, x.keys); err != nil {
			return nil, err
		}
	}
	if p.bottom != nil {
		if err := p.bottom(ctx); err != nil {
			return nil, err
		}
	}
	parts = nil
	for range times {
		parts = append(parts, part{"scroll", p.step})
	}
	for range times {
		parts = append(parts, part{"page", p.page})
	}
	if p.filter != "" {
		if p.ask != "" {
			parts = append(parts, part{"", p.ask})
		}
		for range times {
			parts = append(parts, part{"filter key", p.filter}, part{"", p.unfilter})
		}
	}
	for _, x := range parts {
		if err := press(x.what, x.keys); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// startUnitty signs in and opens the list of all machines.
func (b *bench) startUnitty(ctx context.Context, w *world, at size) (*watched, error) {
	bin, err := b.program(ctx)
	if err != nil {
		return nil, err
	}
	// A home of its own has no session to restore.
	home, err := b.home(fmt.Sprintf("home-%d", b.homes))
	if err != nil {
		return nil, err
	}
	b.homes++
	t, err := start(ctx, at.w, at.h, w.environment(home), bin)
	if err != nil {
		return nil, err
	}
	p := &watched{name: "unitty", t: t, step: "j", page: "\x1b[6~", filter: "d", unfilter: "\x7f", ask: "/"}
	if err := p.open(ctx, b.machines()); err != nil {
		t.stop()
		return nil, err
	}
	p.bottom = func(ctx context.Context) error {
		for range at.h {
			if err := t.send("j"); err != nil {
				return err
			}
		}
		return t.rest(ctx, settle)
	}
	return p, nil
}

// open shows all machines and waits until they have come.
func (p *watched) open(ctx context.Context, machines int) error {
	err := p.t.await(ctx, loadPatience, "list of sites", func(s string) bool { return strings.Contains(s, "Keycode") || strings.Contains(s, "Seats") })
	if err != nil {
		return err
	}
	if _, err := p.t.press(ctx, "0"); err != nil {
		return err
	}
	// While anything is being read, the status line says so in front of the age.
	atRest := regexp.MustCompile(count(machines) + ` rows · (just read|\d+ \w+ old)`)
	if err := p.t.await(ctx, loadPatience, "all machines", atRest.MatchString); err != nil {
		return err
	}
	if err := p.t.rest(ctx, settle); err != nil {
		return err
	}
	// The cursor has stayed on the machine that came first, wherever that is by now.
	_, err = p.t.press(ctx, "g")
	return err
}

// startLess shows the same lines.
func (b *bench) startLess(ctx context.Context, at size, file string) (*watched, error) {
	t, err := b.startTool(ctx, at, "less", "-S", file)
	if err != nil {
		return nil, err
	}
	return &watched{name: "less", t: t, step: "j", page: " "}, t.rest(ctx, settle)
}

// startFzf shows the same lines and can be typed at.
func (b *bench) startFzf(ctx context.Context, at size, file string) (*watched, error) {
	t, err := b.startTool(ctx, at, "sh", "-c", `command -v fzf >/dev/null && exec fzf --layout=reverse --no-mouse <"$0"`, file)
	if err != nil {
		return nil, err
	}
	if _, err := exec.LookPath("fzf"); err != nil {
		t.stop()
		return nil, err
	}
	p := &watched{name: "fzf", t: t, step: "\x1b[B", page: "\x1b[6~", filter: "d", unfilter: "\x7f"}
	p.bottom = func(ctx context.Context) error {
		for range at.h {
			if err := t.send(p.step); err != nil {
				return err
			}
		}
		return t.rest(ctx, settle)
	}
	return p, t.rest(ctx, settle)
}

func (b *bench) startTool(ctx context.Context, at size, name string, args ...string) (*wire, error) {
	home, err := b.home("home-of-tools")
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return nil, err
	}
	return start(ctx, at.w, at.h, []string{"HOME=" + home, "SHELL=/bin/sh"}, path, args...)
}

// idleRows watches the real program while nobody touches it.
func idleRows(ctx context.Context, b *bench) error {
	w, err := serve(ctx, unitytest.Options{Sites: b.machines() / 100, Endpoints: b.machines()})
	if err != nil {
		return err
	}
	defer w.close()
	p, err := b.startUnitty(ctx, w, size{160, 50})
	if err != nil {
		return err
	}
	defer p.t.stop()
	span := 30 * time.Second
	if b.quick {
		span = 10 * time.Second
	}
	if err := pause(ctx, settle); err != nil {
		return err
	}
	bytes, cpu, began := p.t.sent(), cpuOf(p.t.cmd.Process.Pid), time.Now()
	if err := pause(ctx, span); err != nil {
		return err
	}
	took := time.Since(began)
	spent := cpuOf(p.t.cmd.Process.Pid) - cpu
	name := fmt.Sprintf("idle at 160×50, %s rows", count(b.machines()))
	b.add(row{name: name + ": bytes a second", value: float64(p.t.sent()-bytes) / took.Seconds(), unit: unitBytes, budget: 30, absolute: true})
	b.add(row{name: name + ": part of a core", value: 100 * float64(spent) / float64(took), unit: unitPart, budget: 1, absolute: true})
	return nil
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
