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
	"slices"
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
	// invert changes all marks, and again takes that back; order opens the menu of orders, in which each of columns goes to another
	// column, and take puts it into force.
	invert, order, take string
	columns             []string
	// bottom brings the cursor to the last line, so that the next step scrolls.
	bottom func(ctx context.Context) error
}

// down is the key of an arrow.
const down = "\x1b[B"

// size is a terminal, in cells.
type size struct{ w, h int }

func sizesOfScreens() []size { return []size{{160, 50}, {80, 24}} }

// listed is how many rows the lists on the screen have.
const listed = 100_000

// screenRows measures keys at both sizes.
func screenRows(ctx context.Context, b *bench) error {
	// Groups come with names, since reading a thousand lists of groups afterwards would go on beside all keys.
	w, err := serve(ctx, unitytest.Options{Sites: listed / 100, Endpoints: listed, Variants: []string{"endpoint-names"}})
	if err != nil {
		return err
	}
	defer w.close()
	file := filepath.Join(b.dir, "list")
	if err := b.writeList(file); err != nil {
		return err
	}
	b.forget()
	for _, at := range sizesOfScreens() {
		if err := b.screenAt(ctx, w, at, file); err != nil {
			return err
		}
	}
	return nil
}

// writeList writes the machines as lines as wide as those on the screen.
func (b *bench) writeList(file string) error {
	s, err := b.scanAt(listed)
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
	p, err := b.startUnitty(ctx, w, at, listed)
	if err != nil {
		return err
	}
	defer p.t.stop()
	// Reports of single sites are read behind the list, which by then has all rows and says that it was read.
	if err := w.silent(ctx, namesPatience); err != nil {
		return err
	}
	ours, err := p.drive(ctx, b.times())
	if err != nil {
		return err
	}
	if err := b.compare(at, ours, rivals); err != nil {
		return err
	}
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
	b.add(row{name: fmt.Sprintf("refresh at %d×%d, %s of %s rows changed: bytes", at.w, at.h, count(changed), count(listed)),
		value: float64(p.t.sent() - from), unit: unitBytes, note: fmt.Sprintf("%d cells changed, within %s", p.t.differs(before), refreshSpan)})
	return nil
}

// measured are the keys in the order of the table.
func measured() []part {
	return []part{{what: "step"}, {what: "scroll"}, {what: "page"}, {what: "filter key"}, {what: "step, all marked"}, {what: "sort"}, {what: "invert"}}
}

// compare adds the rows of one size. A key that does nothing would keep every budget, so it is an error.
func (b *bench) compare(at size, ours map[string]effects, rivals map[string]map[string]effects) error {
	limits := map[string]float64{"step": 400, "scroll": 400, "page": 2.2}
	for _, x := range measured() {
		what, all := x.what, ours[x.what]
		name := fmt.Sprintf("%s at %d×%d, %s rows", what, at.w, at.h, count(listed))
		if len(all) == 0 || all.middle(cellsOf) == 0 {
			return fmt.Errorf("%s: the key changes nothing on the screen", name)
		}
		// The cells that change are what no program can do without.
		r := row{name: name + ": bytes", value: all.middle(bytesOf), unit: unitBytes, yardstick: "cells that change:", yard: all.middle(cellsOf),
			budget: limits[what], absolute: what != "page"}
		if n := all.worst(wideOf); n > 0 {
			r.note = fmt.Sprintf("up to %.0f lines with wide characters on the screen", n)
		}
		b.add(r)
		b.add(row{name: name + ": key to bytes, median", value: all.middle(firstOf), unit: unitMS, budget: 20, absolute: true})
		b.add(row{name: name + ": key to bytes, worst", value: all.worst(firstOf), unit: unitMS, budget: 40, absolute: true})
		if what == "sort" || what == "invert" {
			b.add(row{name: name + ": until all is shown", value: all.middle(wholeOf), unit: unitMS})
		}
		for _, rival := range []string{"less", "fzf"} {
			if theirs := rivals[rival][what]; len(theirs) > 0 {
				b.add(row{name: name + ": bytes against " + rival, value: all.middle(bytesOf), unit: unitBytes, yardstick: rival, yard: theirs.middle(bytesOf)})
				b.add(row{name: name + ": time against " + rival, value: all.middle(firstOf), unit: unitMS, yardstick: rival, yard: theirs.middle(firstOf)})
			}
		}
	}
	return nil
}

// part is a key of the course that a program is driven through; one without a name is not measured.
type part struct{ what, keys string }

// drive presses each key several times. A list is at its top at first.
func (p *watched) drive(ctx context.Context, times int) (map[string]effects, error) {
	out := map[string]effects{}
	if p.bottom != nil {
		if err := p.course(ctx, slices.Repeat([]part{{"step", p.step}}, times), out); err != nil {
			return nil, err
		}
		if err := p.bottom(ctx); err != nil {
			return nil, err
		}
	}
	if err := p.course(ctx, slices.Concat(slices.Repeat([]part{{"scroll", p.step}}, times), slices.Repeat([]part{{"page", p.page}}, times)), out); err != nil {
		return nil, err
	}
	if err := p.reorder(ctx, times, out); err != nil {
		return nil, err
	}
	var all []part
	if p.invert != "" {
		for range times {
			all = append(all, part{"invert", p.invert}, part{"step, all marked", p.step}, part{"", p.invert})
		}
	}
	if p.filter != "" {
		all = append(all, part{"", p.ask})
		all = append(all, slices.Repeat([]part{{"filter key", p.filter}, {"", p.unfilter}}, times)...)
	}
	return out, p.course(ctx, all, out)
}

// reorder sorts by one column after another. What comes after a menu that has not opened would be something else.
func (p *watched) reorder(ctx context.Context, times int, out map[string]effects) error {
	for range times {
		for _, column := range p.columns {
			if err := p.t.send(p.order); err != nil {
				return err
			}
			if err := p.t.await(ctx, menuPatience, "menu of orders", menuIsOpen); err != nil {
				return err
			}
			if err := p.course(ctx, []part{{"", column}, {"sort", p.take}}, out); err != nil {
				return err
			}
			err := p.t.await(ctx, menuPatience, "sorted list", func(s string) bool { return !menuIsOpen(s) && !strings.Contains(s, "sorting") })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// menuPatience bounds the wait for a menu.
const menuPatience = 10 * time.Second

func menuIsOpen(screen string) bool {
	return strings.Contains(screen, "Sort ") && strings.Contains(screen, " by")
}

// course presses keys one after another.
func (p *watched) course(ctx context.Context, parts []part, out map[string]effects) error {
	for _, x := range parts {
		if x.keys == "" {
			continue
		}
		e, err := p.t.press(ctx, x.keys)
		if err != nil {
			return err
		}
		if x.what != "" {
			out[x.what] = append(out[x.what], e)
		}
	}
	return nil
}

// startUnitty signs in and opens the list of all machines.
func (b *bench) startUnitty(ctx context.Context, w *world, at size, machines int) (*watched, error) {
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
	p := &watched{name: "unitty", t: t, step: "j", page: "\x1b[6~", filter: "d", unfilter: "\x7f", ask: "/", invert: "A",
		order: "o", columns: []string{strings.Repeat(down, 4), ""}, take: "\r"}
	if err := p.open(ctx, machines); err != nil {
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
	atRest := regexp.MustCompile(count(machines) + ` rows - (just read|\d+ \w+ old)`)
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
	p := &watched{name: "fzf", t: t, step: down, page: "\x1b[6~", filter: "d", unfilter: "\x7f"}
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
