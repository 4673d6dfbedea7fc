package ui_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
)

// stream is a live source of machines: what it is told to give next.
type stream struct {
	mu      sync.Mutex
	next    []ui.Delta[machine]
	err     error
	changed chan struct{}
	reads   int
	asked   int
}

func newStream(first ui.Delta[machine]) *stream {
	return &stream{next: []ui.Delta[machine]{first}, changed: make(chan struct{})}
}

func (s *stream) read(context.Context) (ui.Delta[machine], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.err != nil {
		return ui.Delta[machine]{}, s.err
	}
	if len(s.next) == 0 {
		return ui.Delta[machine]{Total: -1}, nil
	}
	d := s.next[0]
	s.next = s.next[1:]
	return d, nil
}

func (s *stream) more() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// push makes a delta the next one and says so.
func (s *stream) push(d ui.Delta[machine]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, d)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stream) readCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *stream) refresh(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.err
}

func machinesNamed(format string, n int) []*machine {
	var out []*machine
	for i := range n {
		name := fmt.Sprintf(format, i)
		out = append(out, &machine{machineID("id-" + name), name, "Harbour"})
	}
	return out
}

// startLive opens a console whose first screen follows a stream.
func startLive(t *testing.T, s *stream, width, height int) (*world, *uitest.Driver) {
	t.Helper()
	w := newWorld(t, 0)
	w.cfg.Home = func() ui.Screen {
		r := w.resource()
		r.Load = nil
		r.Live = &ui.Live[machine]{Read: s.read, Changed: s.more, Refresh: s.refresh}
		r.Aside = func() string { return "2 left out" }
		return ui.NewList(r)
	}
	return w, w.start(width, height)
}

// arrive waits until the screen shows what a push brought, pacing included.
func arrive(t *testing.T, d *uitest.Driver, text string) {
	t.Helper()
	if !d.WaitFor(text) {
		t.Fatalf("%q did not come:\n%s", text, d.Screen())
	}
}

func TestLiveListKeepsCursorAndMarks(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 20), Total: -1})
	w, d := startLive(t, s, 80, 20)
	want(t, d, "M-000", "20 rows", "kept current")
	d.Press("j", "j", "j", "space")
	if line := selected(t, d); !strings.Contains(line, "M-004") {
		t.Fatalf("the cursor is on %q", line)
	}
	before := lineOf(d.Screen(), "M-004")
	d.Advance(livePaceAndMore)
	s.push(ui.Delta[machine]{Items: machinesNamed("A-%03d", 3), Gone: machinesNamed("M-%03d", 2), Total: -1, Progress: "searched 1 of 2 sites", Source: "from disk"})
	arrive(t, d, "A-001")
	want(t, d, "21 rows", "searched 1 of 2 sites", "from disk")
	wantNot(t, d, "M-000", "M-001", "kept current")
	if line := selected(t, d); !strings.Contains(line, "M-004") {
		t.Fatalf("the cursor went to %q:\n%s", line, d.Screen())
	}
	if at := lineOf(d.Screen(), "M-004"); at != before {
		t.Fatalf("the row under the cursor went from line %d to %d:\n%s", before, at, d.Screen())
	}
	if keys := w.marks.Keys(); len(keys) != 1 || keys[0] != "id-M-003" {
		t.Fatalf("the marks are %v", keys)
	}
}

func TestLiveListFiltersWhatComes(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 5), Total: -1})
	_, d := startLive(t, s, 80, 20)
	d.Press("/")
	d.Type("9")
	d.Press("enter")
	want(t, d, "nothing matches the filter", "2 left out")
	d.Advance(livePaceAndMore)
	s.push(ui.Delta[machine]{Items: machinesNamed("N9-%03d", 1), Total: -1})
	arrive(t, d, "N9-000")
	want(t, d, "1/6 rows")
}

// TestLiveListKeepsSayingThatAFilterIsWrong: what comes meanwhile is filtered by the last right one, and the mistake on the line stays.
func TestLiveListKeepsSayingThatAFilterIsWrong(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 5), Total: -1})
	w := newWorld(t, 0)
	w.cfg.Home = func() ui.Screen {
		r := w.resource()
		r.Load, r.Live = nil, &ui.Live[machine]{Read: s.read, Changed: s.more, Refresh: s.refresh}
		r.Filter = func(expr string) (func(*machine) bool, error) {
			if strings.HasSuffix(expr, ":") {
				return nil, errColumn
			}
			return func(m *machine) bool { return strings.Contains(m.name, expr) }, nil
		}
		return ui.NewList(r)
	}
	d := w.start(100, 20)
	d.Press("/")
	d.Type("9:")
	want(t, d, "nothing matches the filter", "column 9")
	d.Advance(livePaceAndMore)
	s.push(ui.Delta[machine]{Items: machinesNamed("N9-%03d", 1), Total: -1})
	arrive(t, d, "N9-000")
	want(t, d, "column 9", "1/6 rows")
	d.Press("backspace")
	wantNot(t, d, "column 9")
}

func TestLiveListMergesLargeDeltasInParts(t *testing.T) {
	const n = 20_000
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%05d", n), Total: -1})
	_, d := startLive(t, s, 80, 20)
	want(t, d, "20,000 rows", "M-00000")
	d.Press("G")
	want(t, d, "M-19999")
	if s.readCount() != 1 {
		t.Fatalf("read %d times", s.readCount())
	}
}

func TestCoveredLiveListCatchesUpWhenSeen(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 2), Total: -1})
	_, d := startLive(t, s, 80, 20)
	d.Press("enter")
	want(t, d, "Machine")
	s.push(ui.Delta[machine]{Items: machinesNamed("LATER-%d", 1), Total: -1})
	d.Advance(livePaceAndMore)
	if s.readCount() != 1 {
		t.Fatalf("a covered list was read: %d times", s.readCount())
	}
	d.Press("esc")
	arrive(t, d, "LATER-0")
}

func TestReloadOfALiveListAsksTheServer(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 2), Total: -1})
	_, d := startLive(t, s, 120, 20)
	d.Press("r")
	if s.asked != 1 {
		t.Fatalf("asked %d times", s.asked)
	}
	s.mu.Lock()
	s.err = errGateway
	s.mu.Unlock()
	d.Press("r")
	want(t, d, "504", "M-000")
}

func TestLiveListSaysWhyThereIsNothing(t *testing.T) {
	s := newStream(ui.Delta[machine]{})
	s.next = nil
	s.err = errors.New("the server cannot be reached")
	_, d := startLive(t, s, 80, 20)
	want(t, d, "the server cannot be reached")
	s.mu.Lock()
	s.err = nil
	s.mu.Unlock()
	d.Advance(livePaceAndMore)
	s.push(ui.Delta[machine]{Items: machinesNamed("M-%03d", 2), Total: -1})
	arrive(t, d, "M-001")
	wantNot(t, d, "cannot be reached")
}

// lineOf is the line of a screen on which a text stands, or -1.
func lineOf(screen, text string) int {
	return slices.IndexFunc(strings.Split(screen, "\n"), func(line string) bool { return strings.Contains(line, text) })
}

// TestOldRowsAreNotCalledCurrent: after hours in which the machine slept the rows are old, whatever was said of them before.
func TestOldRowsAreNotCalledCurrent(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 20), Total: -1, Age: time.Now()})
	_, d := startLive(t, s, 80, 20)
	want(t, d, "20 rows", "kept current")
	d.Advance(40 * time.Hour)
	want(t, d, "20 rows", "40 h old")
	wantNot(t, d, "kept current")
}

// TestNothingIsCurrentWhileTheServerIsAway: one line does not say that the server is out of reach and another that rows are current.
func TestNothingIsCurrentWhileTheServerIsAway(t *testing.T) {
	s := newStream(ui.Delta[machine]{Items: machinesNamed("M-%03d", 20), Total: -1, Age: time.Now()})
	w := newWorld(t, 0)
	network := make(chan ui.Connection, 1)
	w.cfg.Network = network
	w.cfg.Home = func() ui.Screen {
		r := w.resource()
		r.Load, r.Live = nil, &ui.Live[machine]{Read: s.read, Changed: s.more, Refresh: s.refresh}
		return ui.NewList(r)
	}
	d := w.start(100, 20)
	want(t, d, "20 rows", "kept current")
	network <- ui.Connection{Level: ui.Bad, Text: "out of reach since 12:03"}
	arrive(t, d, "out of reach since 12:03")
	wantNot(t, d, "kept current")
	network <- ui.Connection{Level: ui.Good, Text: "online"}
	arrive(t, d, "online")
	want(t, d, "kept current")
}
