package ui_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
)

// TestAHitUnderTheCursorStaysWhenBetterOnesPushItOut chooses a hit of a search whose list is full; then so many better ones come
// that it is no longer among them.
func TestAHitUnderTheCursorStaysWhenBetterOnesPushItOut(t *testing.T) {
	w := newWorld(t, 3)
	more := make(chan struct{})
	w.cfg.Find = func(ctx context.Context, _ string, emit func([]ui.Hit, string)) {
		hits := func(name string) (out []ui.Hit) {
			for i := range 40 {
				title := fmt.Sprintf("%s-%03d", name, i)
				out = append(out, ui.Hit{Key: title, Title: title, Open: func() tea.Cmd { return ui.Push(ui.NewText("Opened", "this is "+title)) }})
			}
			return out
		}
		emit(hits("EARLY"), "searched 1 of 2 sites")
		select {
		case <-more:
			emit(hits("LATER"), "searched 2 of 2 sites")
		case <-ctx.Done():
		}
	}
	d := w.start(100, 24)
	d.Press("f")
	d.Deliver(tea.PasteMsg{Content: "x"})
	if !d.Until(func() bool { d.Elapse(100 * time.Millisecond); return d.Has("EARLY-000") }) {
		t.Fatal(d.Screen())
	}
	for range 2 {
		d.Deliver(tea.KeyPressMsg{Code: tea.KeyDown}) // the search goes on, so nothing settles yet
	}
	close(more)
	if !d.WaitFor("searched 2 of 2 sites") {
		t.Fatal(d.Screen())
	}
	want(t, d, "EARLY-000", "EARLY-001", "EARLY-002", "3 of ")
	d.Press("pgdown")
	want(t, d, "LATER-000")
	d.Press("pgup", "enter")
	want(t, d, "this is EARLY-002")
}

// TestSearchOpensFromWhereverNothingIsLost: text that narrows, help, palette, jobs and the search itself give way to it; a question
// does not, and what is typed into a form stays.
func TestSearchOpensFromWhereverNothingIsLost(t *testing.T) {
	w := newWorld(t, 3)
	w.cfg.Find = func(_ context.Context, _ string, emit func([]ui.Hit, string)) { emit(nil, "searched 2 of 2 sites") }
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "test.form", Title: "a form", Help: "Asks.", Keys: []string{"f6"}},
		Do: func() tea.Cmd {
			return ui.Ask("A form", []form.Field{{ID: "name", Label: "Name"}}, func(map[string]string) tea.Cmd { return nil })
		}}}
	for name, c := range map[string]struct {
		keys  []string
		opens bool
	}{
		"a list":   {nil, true},
		"a filter": {[]string{"/", "H"}, true},
		"help":     {[]string{"?"}, true},
		"palette":  {[]string{":", "q"}, true},
		"jobs":     {[]string{"J"}, true},
		"itself":   {[]string{"f", "x"}, true},
		"form":     {[]string{"f6", "a"}, false},
		"question": {[]string{"R"}, false},
	} {
		d := w.start(100, 24)
		d.Press(c.keys...)
		before := d.Screen()
		d.Press("ctrl+p")
		if got := d.Has("host, user, IP, MAC, keycode or site"); got != c.opens {
			t.Errorf("%s: the search is open: %v\n%s", name, got, d.Screen())
		}
		if !c.opens && d.Screen() != before {
			t.Errorf("%s changed:\n%s\nbefore:\n%s", name, d.Screen(), before)
		}
		d.Press("esc")
		if c.opens && d.Has("host, user, IP, MAC, keycode or site") || d.Has("+- Jobs") {
			t.Errorf("%s: the search does not close, or something is left below it:\n%s", name, d.Screen())
		}
	}
}
