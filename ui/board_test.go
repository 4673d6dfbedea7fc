package ui_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
)

// livePaceAndMore is longer than a live list or a board waits between two reads.
const livePaceAndMore = 2 * time.Second

func startBoard(t *testing.T, look string, n, width, height int) (*world, *uitest.Driver) {
	t.Helper()
	w := newWorld(t, 5)
	th, err := theme.New(look, "ascii", look == "")
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Theme = th
	w.cfg.Home = func() ui.Screen {
		board := ui.NewBoard(ui.Board{Title: "Console", Read: func(context.Context) ([]ui.Tile, string) {
			var tiles []ui.Tile
			for i := range n {
				tiles = append(tiles, ui.Tile{Key: fmt.Sprint(i), Label: fmt.Sprint(i), Name: fmt.Sprintf("number %d", i), Value: fmt.Sprint(100 + i),
					Part: i, Whole: n, Tone: theme.Good,
					Open: func() tea.Cmd { return ui.Push(ui.NewText(fmt.Sprintf("behind %d", i), "the list")) }})
			}
			return tiles, "40 sites"
		}})
		return ui.NewPanes("Console", "console", board, ui.NewList(w.resource()).Main())
	}
	return w, w.start(width, height)
}

func TestBoardStandsAboveTheListWhichHasTheKeys(t *testing.T) {
	_, d := startBoard(t, "", 9, 80, 24)
	want(t, d, "Console - 40 sites", "number 0", "108", "HOST-000", "jobs under way", "Machines")
	if line := selected(t, d); !strings.Contains(line, "HOST-000") {
		t.Fatalf("the cursor is on %q", line)
	}
	d.Press("j", "enter")
	want(t, d, "Console > HOST-001")
}

func TestEveryNumberOfABoardOpensWhatIsBehindIt(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 60}, {40, 10}} {
		for i := range 9 {
			_, d := startBoard(t, "", 9, size[0], size[1])
			d.Press("tab")
			for range i {
				d.Press("j")
			}
			want(t, d, fmt.Sprintf("number %d", i))
			d.Press("enter")
			want(t, d, fmt.Sprintf("behind %d", i))
			d.Press("esc", "tab")
			want(t, d, "HOST-000")
		}
	}
}

func TestBoardGivesWayOnASmallScreen(t *testing.T) {
	_, d := startBoard(t, "", 9, 40, 10)
	wantNot(t, d, "number 0")
	want(t, d, "HOST-000", "5 rows", "tab for the next")
	d.Press("tab")
	want(t, d, "number 0", "100")
}

func TestBoardNeverDrawsBeyondItsRoom(t *testing.T) {
	for _, look := range []string{"", "light", "dark"} {
		for width := 20; width <= 210; width += 13 {
			for _, height := range []int{6, 10, 16, 24, 50} {
				_, d := startBoard(t, look, 17, width, height)
				lines := strings.Split(d.Screen(), "\n")
				if len(lines) > height {
					t.Fatalf("%d lines of %d", len(lines), height)
				}
				d.Press("tab", "G")
				if x, y, ok := d.Cursor(); ok && (x >= width || y >= height) {
					t.Fatalf("%dx%d: the cursor is at %d, %d", width, height, x, y)
				}
			}
		}
	}
}

func TestBarsArePlainWithoutColour(t *testing.T) {
	_, d := startBoard(t, "", 4, 200, 30)
	want(t, d, "#", "...")
	if strings.ContainsAny(d.Screen(), "█░") {
		t.Fatalf("a bar is not plain:\n%s", d.Screen())
	}
}

func TestQAtTheBoardQuits(t *testing.T) {
	_, d := startBoard(t, "", 4, 80, 24)
	d.Press("esc")
	want(t, d, "number 0")
	d.Press("q")
	if !d.Quit() {
		t.Fatal("q at the first screen does not quit")
	}
}

// TestHitsCanBeActedOn scans the highlighted hit of a search without opening it.
func TestHitsCanBeActedOn(t *testing.T) {
	w := newWorld(t, 5)
	w.cfg.Find = func(_ context.Context, query string, emit func([]ui.Hit, string)) {
		var hits []ui.Hit
		for _, m := range w.machines {
			if strings.Contains(strings.ToLower(m.name), query) {
				hits = append(hits, ui.Hit{Key: string(m.id), Title: m.name, Kind: "machine", Actions: func() []ui.Command {
					return []ui.Command{ui.On(w.resource().Actions[0], string(m.id), m)}
				}})
			}
		}
		emit(hits, "searched 2 of 2 sites")
	}
	d := w.start(80, 24)
	d.Press("f")
	d.Type("host")
	want(t, d, "HOST-002", "searched 2 of 2 sites")
	d.Press("down", "tab")
	want(t, d, "keys act on the chosen line")
	d.Press("z", "j")
	want(t, d, "> host") // letters are no text now
	d.Press("s")
	want(t, d, "scan HOST-001")
	d.Press("y")
	d.Settle()
	if got := w.sentNames(); got != "HOST-001" {
		t.Fatalf("sent to %q", got)
	}
	d.Press("tab")
	d.Type("-004")
	want(t, d, "> host-004", "| HOST-004")
	wantNot(t, d, "| HOST-001")
}

// TestLaterHitsComeBehind holds the cursor and the lines above it while hits come in.
func TestLaterHitsComeBehind(t *testing.T) {
	w := newWorld(t, 1)
	w.cfg.Find = func(_ context.Context, _ string, emit func([]ui.Hit, string)) {
		emit([]ui.Hit{{Key: "b", Title: "second best"}}, "searched 1 of 2 sites")
		emit([]ui.Hit{{Key: "a", Title: "best"}, {Key: "b", Title: "second best"}}, "searched 2 of 2 sites")
	}
	d := w.startSlow(80, 24)
	d.Press("f")
	d.Type("x")
	d.Press("enter")
	d.Press("f")
	d.Type("x")
	want(t, d, "second best", "searched 2 of 2 sites")
}

// TestWaitsForNewsDoNotPileUp stays on numbers and lists that never change for half an hour, opens and leaves some, and counts who
// still waits.
func TestWaitsForNewsDoNotPileUp(t *testing.T) {
	w := newWorld(t, 5)
	never := make(chan struct{})
	var reads atomic.Int32
	w.cfg.Home = func() ui.Screen {
		return ui.NewBoard(ui.Board{Title: "Console", Changed: func() <-chan struct{} { return never }, Read: func(context.Context) ([]ui.Tile, string) {
			reads.Add(1)
			res := w.resource()
			source := newStream(ui.Delta[machine]{})
			res.Load, res.Live = nil, &ui.Live[machine]{Read: source.read, Changed: source.more, Refresh: source.refresh}
			return []ui.Tile{{Key: "a", Name: "number", Value: "1", Open: func() tea.Cmd { return ui.Push(ui.NewList(res)) }}}, ""
		}})
	}
	d := w.start(100, 30)
	d.Settle()
	before := runtime.NumGoroutine()
	for range 60 {
		d.Advance(30 * time.Second)
		d.Press("enter")
		d.Settle()
		d.Press("esc")
		d.Settle()
	}
	if n := reads.Load(); n < 60 {
		t.Fatalf("the numbers were read %d times only", n)
	}
	if !d.Until(func() bool { return runtime.NumGoroutine() <= before+10 }) {
		t.Errorf("%d goroutines, %d at first", runtime.NumGoroutine(), before)
	}
}
