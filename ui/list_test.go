package ui_test

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
)

func TestFilterFlow(t *testing.T) {
	w := newWorld(t, 20)
	d := w.start(100, 20)
	d.Press("/")
	d.Type("host-00")
	want(t, d, "/ host-00", "10/20 rows")
	wantNot(t, d, "HOST-010")
	d.Press("enter")
	want(t, d, "10/20 rows")
	d.Press("j", "enter")
	want(t, d, "Machines > HOST-001")
	d.Press("esc")
	want(t, d, "/ host-00", "10/20 rows")
	if l := selected(t, d); !strings.Contains(l, "HOST-001") {
		t.Fatalf("the cursor is on %q", l)
	}
	d.Press("esc")
	want(t, d, "20 rows")
	if l := selected(t, d); !strings.Contains(l, "HOST-001") {
		t.Fatalf("clearing the filter moved the cursor to %q", l)
	}
}

// TestWhatAFilterFindsIsShownFromTheTop: with the cursor where it was, rows that match would be out of sight above it.
func TestWhatAFilterFindsIsShownFromTheTop(t *testing.T) {
	w := newWorld(t, 200)
	d := w.start(100, 20)
	d.Press("G", "/")
	d.Type("HOST-1")
	d.Press("enter")
	if l := selected(t, d); !strings.Contains(l, "HOST-100") {
		t.Errorf("the cursor is on %q", l)
	}
	d.Press("/", "down", "down", "enter")
	if l := selected(t, d); !strings.Contains(l, "HOST-102") {
		t.Errorf("accepting moved the cursor to %q", l)
	}
	d.Press("esc")
	if l := selected(t, d); !strings.Contains(l, "HOST-102") {
		t.Errorf("without the filter the cursor is on %q", l)
	}
}

func TestFilterTextIsNeverAKey(t *testing.T) {
	w := newWorld(t, 5)
	d := w.start(100, 20)
	d.Press("/")
	d.Type("qsRUJ? a")
	want(t, d, "/ qsRUJ? a")
	if d.Quit() {
		t.Fatal("q in the filter quit the program")
	}
	d.Press("esc")
	d.Press("/")
	d.Paste("host-003\n")
	want(t, d, "1/5 rows", "HOST-003")
}

func TestFilterFaultIsShownInPlace(t *testing.T) {
	w := newWorld(t, 5)
	r := w.resource()
	r.Filter = func(expr string) (func(*machine) bool, error) {
		if strings.HasSuffix(expr, ":") {
			return nil, errColumn
		}
		return func(m *machine) bool { return strings.Contains(m.name, expr) }, nil
	}
	r.Complete = func(expr string) []string { return []string{expr + "-002"} }
	w.cfg.Home = func() ui.Screen { return ui.NewList(r) }
	d := w.start(100, 20)
	d.Press("/")
	d.Type("HOST")
	d.Press("tab")
	want(t, d, "/ HOST-002", "1/5 rows")
	d.Type(":")
	want(t, d, "column 9: a value is missing", "1/5 rows")
	d.Press("backspace")
	wantNot(t, d, "column 9")
}

func TestEscapeClosesThenClearsThenGoesBackAndKeepsMarks(t *testing.T) {
	w := newWorld(t, 5)
	home := w.cfg.Home
	w.cfg.Home = func() ui.Screen { return ui.NewText("Start", "welcome") }
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "go.machines", Title: "machines", Keys: []string{"1"}}, Do: func() tea.Cmd { return ui.Push(home()) }}}
	d := w.start(100, 20)
	d.Press("1", "space", "/")
	d.Type("HOST")
	d.Press("enter", "?")
	want(t, d, "type to narrow")
	d.Press("esc")
	wantNot(t, d, "type to narrow")
	want(t, d, "/ HOST")
	d.Press("esc")
	wantNot(t, d, "/ HOST")
	want(t, d, "Start > Machines", "1 marked")
	d.Press("esc")
	want(t, d, "welcome", "1 marked")
	d.Press("esc")
	if d.Quit() {
		t.Fatal("esc on the first screen quit")
	}
}

func TestMarksAreSharedByListsOfOneKind(t *testing.T) {
	w := newWorld(t, 6)
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "go.other", Title: "other", Keys: []string{"1"}}, Do: func() tea.Cmd {
		l := ui.NewList(w.resource())
		l.SetScope("Lakeside", func(m *machine) bool { return m.site == "Lakeside" })
		return ui.Push(l)
	}}}
	d := w.start(100, 20)
	d.Press("space", "1")
	want(t, d, "Lakeside - 3/6 rows", "1 marked")
	d.Press("space", "s")
	want(t, d, "2 machines", "HOST-000", "HOST-001")
}

func TestRefreshKeepsCursorAndMarksById(t *testing.T) {
	w := newWorld(t, 6)
	w.every = time.Minute
	d := w.start(100, 20)
	d.Press("j", "j", "space")
	if l := selected(t, d); !strings.Contains(l, "HOST-003") {
		t.Fatalf("the cursor is on %q", l)
	}
	w.mu.Lock()
	w.machines = append(w.machines[1:], &machine{"id-new", "AAA-NEW", "Harbour"})
	w.mu.Unlock()
	d.Advance(61 * time.Second)
	want(t, d, "AAA-NEW", "6 rows", "refresh 60 s")
	wantNot(t, d, "HOST-000")
	if l := selected(t, d); !strings.Contains(l, "HOST-003") {
		t.Fatalf("a refresh moved the cursor to %q", l)
	}
	if l := d.LineWith("HOST-002"); !strings.Contains(l, "*") {
		t.Fatalf("a refresh lost the mark: %q", l)
	}
}

func TestRefreshPausesWhileCoveredOrBlurred(t *testing.T) {
	w := newWorld(t, 3)
	w.every = time.Minute
	d := w.start(100, 20)
	d.Press("?")
	d.Advance(5 * time.Minute)
	if n := w.loadCount(); n != 1 {
		t.Fatalf("%d loads while an overlay covered the list", n)
	}
	d.Press("esc")
	if n := w.loadCount(); n != 2 {
		t.Fatalf("%d loads after the overlay closed, want the missed one", n)
	}
	d.Deliver(tea.BlurMsg{})
	d.Advance(5 * time.Minute)
	if n := w.loadCount(); n != 2 {
		t.Fatalf("%d loads without focus", n)
	}
	d.Deliver(tea.FocusMsg{})
	d.Settle()
	if n := w.loadCount(); n != 3 {
		t.Fatalf("%d loads after the focus came back", n)
	}
}

func TestLoadErrorKeepsTheRows(t *testing.T) {
	w := newWorld(t, 3)
	d := w.start(120, 20)
	w.mu.Lock()
	w.loadErr = errGateway
	w.mu.Unlock()
	d.Press("r")
	want(t, d, "HOST-002", "it failed: 504 gateway time-out")
	d.Press("d")
	want(t, d, "request id: req-77", "GET /machines", "status:     504")
	d.Press("y")
	if c := d.Clipboard(); !strings.Contains(c, "req-77") {
		t.Fatalf("the copied problem is %q", c)
	}
	w.mu.Lock()
	w.loadErr = nil
	w.mu.Unlock()
	before := w.loadCount()
	d.Press("r")
	if w.loadCount() != before+1 {
		t.Fatal("retry did not load again")
	}
	d.Press("x")
	wantNot(t, d, "504")
}

func TestProblemsAreNamed(t *testing.T) {
	w := newWorld(t, 3)
	w.problems = []string{"Harbour Dental: 504", "Lakeside: \x1b[2J refused"}
	d := w.start(120, 20)
	want(t, d, "2 parts failed (! to see): Harbour Dental: 504")
	d.Press("!")
	want(t, d, "What is missing", "Lakeside: [2J refused")
}

func TestInvalidationReloadsNowAndCoveredListsOnReveal(t *testing.T) {
	w := newWorld(t, 3)
	d := w.start(100, 20)
	d.Deliver(ui.InvalidateMsg{Keys: []string{"others"}})
	d.Settle()
	if n := w.loadCount(); n != 1 {
		t.Fatalf("%d loads after an invalidation of something else", n)
	}
	d.Deliver(ui.InvalidateMsg{Keys: []string{"machines"}})
	d.Settle()
	if n := w.loadCount(); n != 2 {
		t.Fatalf("%d loads after an invalidation", n)
	}
	d.Press("enter")
	d.Deliver(ui.InvalidateMsg{Keys: []string{"machines"}})
	d.Settle()
	if n := w.loadCount(); n != 2 {
		t.Fatalf("%d loads while covered", n)
	}
	d.Press("esc")
	if n := w.loadCount(); n != 3 {
		t.Fatalf("%d loads after coming back", n)
	}
}

// slow is a resource whose loads end when they are told to.
func slow(w *world, step chan []*machine) ui.Resource[machine, machineID] {
	r := w.resource()
	r.Load = func(ctx context.Context, emit func(ui.Page[machine])) error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case items, ok := <-step:
				if !ok {
					return nil
				}
				emit(ui.Page[machine]{Items: items, Total: 48213, Progress: "searched 12 of 40 sites"})
			}
		}
	}
	return r
}

func TestListIsUsableWhileItLoads(t *testing.T) {
	w := newWorld(t, 12)
	step := make(chan []*machine, 1)
	w.cfg.Home = func() ui.Screen { return ui.NewList(slow(w, step)) }
	d := w.startSlow(120, 20)
	step <- w.machines[:10]
	if !d.WaitFor("10 loaded 10 of 48,213 - searched 12 of 40 sites") {
		t.Fatalf("no progress:\n%s", d.Screen())
	}
	d.Deliver(uitest.Key("j"))
	if l := selected(t, d); !strings.Contains(l, "HOST-001") {
		t.Fatalf("the cursor does not move while loading: %q", l)
	}
	d.Deliver(uitest.Key("ctrl+c"))
	if !d.WaitFor("loading was cancelled") || !d.Has("HOST-009") {
		t.Fatalf("cancel:\n%s", d.Screen())
	}
}

func TestLatePageOfClosedScreenIsDropped(t *testing.T) {
	w := newWorld(t, 3)
	d := w.start(100, 20)
	late := ui.To{Screen: ui.NewID(), Gen: 1, Msg: tea.KeyPressMsg(tea.Key{Code: 'q', Text: "q"})}
	d.Deliver(late)
	d.Settle()
	if d.Quit() {
		t.Fatal("a result for a closed screen reached something")
	}
}

func TestOldGenerationIsDropped(t *testing.T) {
	w := newWorld(t, 3)
	s := &probe{id: ui.NewID(), gen: 7}
	w.cfg.Home = func() ui.Screen { return s }
	d := w.start(80, 20)
	d.Deliver(ui.To{Screen: s.id, Gen: 6, Msg: note("old")})
	d.Deliver(ui.To{Screen: s.id, Gen: 7, Msg: note("new")})
	d.Deliver(ui.To{Screen: s.id, Msg: note("ageless")})
	d.Press("1")
	d.Deliver(ui.To{Screen: s.id + 1, Msg: note("stranger")})
	if got := strings.Join(s.got, " "); got != "new ageless" {
		t.Fatalf("the screen got %q", got)
	}
}

// TestColumnWithoutRoom: a column that was chosen and does not fit says so, instead of nothing happening.
func TestColumnWithoutRoom(t *testing.T) {
	w := newWorld(t, 4)
	d := w.start(100, 20)
	d.Press("C")
	wantNot(t, d, "[-]")
	d.Press("esc")
	d.Resize(16, 20)
	d.Press("C")
	want(t, d, "[-] SITE")
}

func TestSortColumnsCopyAndRaw(t *testing.T) {
	w := newWorld(t, 4)
	d := w.start(100, 20)
	d.Press("o", "down", "enter")
	if lines := d.Screen(); strings.Index(lines, "HOST-002") > strings.Index(lines, "HOST-001") {
		t.Fatalf("not sorted by site, then name:\n%s", lines)
	}
	d.Press("C", "down", "enter", "esc")
	wantNot(t, d, "SITE", "Lakeside")
	d.Press("y", "enter")
	if c := d.Clipboard(); c != "HOST-000" {
		t.Fatalf("copied %q", c)
	}
	d.Press("w")
	want(t, d, `"HostName": "HOST-000"`)
}
