//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

func TestBudgets(t *testing.T) {
	for _, c := range []struct {
		name  string
		row   row
		holds bool
		want  string
	}{
		{"no budget", row{value: 3, unit: unitMS, yard: 1}, true, "3.00 ×"},
		{"ratio kept", row{value: 2, unit: unitMS, yardstick: "grep", yard: 1, budget: 2}, true, "grep 1.00 ms"},
		{"ratio broken", row{value: 2.01, unit: unitMS, yardstick: "grep", yard: 1, budget: 2}, false, "OVER"},
		{"no yardstick", row{value: 2, unit: unitMS, yardstick: "grep", budget: 2}, false, "OVER"},
		{"value kept", row{value: 400, unit: unitBytes, budget: 400, absolute: true}, true, "≤ 400 B"},
		{"value broken", row{value: 401, unit: unitBytes, yard: 1000, budget: 400, absolute: true}, false, "OVER"},
		{"nothing measured", row{missing: "fzf is not installed", budget: 1, value: 9}, true, "not measured: fzf is not installed"},
	} {
		if got := c.row.holds(); got != c.holds {
			t.Errorf("%s: holds %v", c.name, got)
		}
		if line := strings.Join(c.row.cells(), " | "); !strings.Contains(line, c.want) {
			t.Errorf("%s: %q lacks %q", c.name, line, c.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	var out strings.Builder
	rows := []row{{name: "a|b", value: 3, unit: unitMS, yardstick: "grep", yard: 1, budget: 2}, {name: "c", missing: "no fzf"}}
	if err := printMarkdown(&out, rows); err != nil {
		t.Fatal(err)
	}
	const want = "\n| | value | yardstick | ratio | budget | |\n| --- | --- | --- | --- | --- | --- |\n" +
		"| a\\|b | 3.00 ms | grep 1.00 ms | 3.00 × | ≤ 2.00 × | OVER |\n| c | - | | - | - | not measured: no fzf |\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestGrowthOfASmallConsole does in this process what the child does.
func TestGrowthOfASmallConsole(t *testing.T) {
	b := &bench{options: options{quick: true}, dir: t.TempDir(), errs: io.Discard}
	f, err := b.snapshotAt(700)
	if err != nil {
		t.Fatal(err)
	}
	if err := save(t.Context(), f, picturetest.Random(seed, 20, 700)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := growInChild(t.Context(), order{Path: f.Path(), Times: 3}, &out); err != nil {
		t.Fatal(err)
	}
	var g growth
	if err := json.Unmarshal(out.Bytes(), &g); err != nil {
		t.Fatal(err)
	}
	if g.Machines != 700 || g.Load <= 0 || g.Filter <= 0 || g.Dense <= 0 || g.Scroll <= 0 {
		t.Errorf("%+v", g)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.0349: "0.03", 9.996: "10.00", 12.34: "12.3", 1234.5: "1234"} {
		if got := number(v); got != want {
			t.Errorf("%v is written %q, want %q", v, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
}

func TestWalk(t *testing.T) {
	w := walk{calls: 100, work: time.Second}
	if got := w.took(80 * time.Millisecond); got != 9*time.Second {
		t.Errorf("took %s", got)
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{{"-only", "nosuch"}, {"stray"}, {"-nosuch"}} {
		if code := command(t.Context(), args, io.Discard, io.Discard); code != 2 {
			t.Errorf("%v: code %d, want 2", args, code)
		}
	}
	var help bytes.Buffer
	if code := command(t.Context(), []string{"-h"}, io.Discard, &help); code != 0 || !strings.Contains(help.String(), "snapshot") {
		t.Errorf("-h: code %d, %q", code, help.String())
	}
}

// TestEffectOfAKey presses keys at a program whose bytes are known.
func TestEffectOfAKey(t *testing.T) {
	// It rests long enough for the screen to come, and sends one known change for each key.
	const script = `stty raw -echo; printf 'one  two'; dd bs=1 count=1 2>/dev/null >/dev/null; printf '\rONE'; dd bs=1 count=1 2>/dev/null >/dev/null`
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	p, err := start(ctx, 20, 5, nil, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	if err := p.await(ctx, 10*time.Second, "words", func(s string) bool { return strings.HasPrefix(s, "one  two") }); err != nil {
		t.Fatal(err)
	}
	e, err := p.press(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if e.bytes != 4 || e.cells != 3 || e.first <= 0 || e.whole < e.first {
		t.Errorf("effect %+v, want 4 bytes and 3 cells", e)
	}
	if e, err = p.press(ctx, ""); err != nil || e.bytes != 0 || e.first != 0 {
		t.Errorf("nothing pressed: %+v, %v", e, err)
	}
}

// TestAKeyThatDoesNothingIsNoResult: it would keep every budget.
func TestAKeyThatDoesNothingIsNoResult(t *testing.T) {
	ours := map[string]effects{}
	for _, x := range measured() {
		ours[x.what] = effects{{}, {bytes: 8, cells: 4, first: time.Millisecond}, {bytes: 8, cells: 4, first: time.Millisecond}}
	}
	b := &bench{}
	if err := b.compare(size{80, 24}, ours, nil); err != nil || b.over() > 0 {
		t.Errorf("one slow answer: %v, %d budgets do not hold", err, b.over())
	}
	ours["page"] = effects{{}, {}, {bytes: 8, cells: 4}}
	if err := b.compare(size{80, 24}, ours, nil); err == nil || !strings.Contains(err.Error(), "page at 80×24") {
		t.Errorf("a page that does not come: %v", err)
	}
	delete(ours, "step")
	if err := b.compare(size{80, 24}, ours, nil); err == nil || !strings.Contains(err.Error(), "step at 80×24") {
		t.Errorf("no step was measured: %v", err)
	}
}

func TestProcessorTimeOfOneself(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	for spun := time.Now(); cpuOf(os.Getpid()) == 0; {
		if time.Since(spun) > time.Minute {
			t.Fatal("a minute of work is no processor time")
		}
	}
	if peakOfSelf() < 1<<20 {
		t.Errorf("the peak is %d bytes", peakOfSelf())
	}
}

// TestFilterMeasuresTheSameRows runs one group at a small size: grep has to find what unitty finds.
func TestFilterMeasuresTheSameRows(t *testing.T) {
	b := &bench{options: options{quick: true}, dir: t.TempDir(), errs: io.Discard}
	s, err := b.scanAt(500)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range s.questions() {
		if err := s.filter(t.Context(), b, q); err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
	}
	if len(b.rows) != 7 {
		t.Errorf("%d rows", len(b.rows))
	}
}
