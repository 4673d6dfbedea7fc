package ui_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
)

func TestNoColorUsesAttributesOnly(t *testing.T) {
	colour := regexp.MustCompile(`\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[;m]`)
	w := newWorld(t, 3)
	d := w.start(100, 24)
	for _, k := range []string{"space", "R", "esc", "?", "esc", "s", "y", "J"} {
		d.Press(k)
		if c := colour.FindString(d.Root.View().Content); c != "" {
			t.Fatalf("after %s the screen has the colour %q", k, c)
		}
	}
	th, err := theme.New("dark", "unicode", false)
	if err != nil {
		t.Fatal(err)
	}
	w.cfg.Theme = th
	if d = w.start(100, 24); !colour.MatchString(d.Root.View().Content) {
		t.Fatal("the check finds no colour where there is one")
	}
}

func TestPanesMoveFocusAndTellOfTheRow(t *testing.T) {
	w := newWorld(t, 6)
	below := ui.NewList(w.resource())
	left := w.resource()
	left.Marks = nil
	left.Title = "Groups"
	left.Moved = func(m *machine) tea.Cmd {
		below.SetScope(m.site, func(x *machine) bool { return x.site == m.site })
		return nil
	}
	w.cfg.Home = func() ui.Screen { return ui.NewPanes("Both", "", ui.NewList(left), below) }
	d := w.start(140, 20)
	want(t, d, "- Groups -", "- Machines -", "Harbour - 3/6 rows")
	d.Press("j")
	want(t, d, "Lakeside - 3/6 rows")
	d.Press("tab", "j")
	if x, _, _ := d.Cursor(); x < 60 {
		t.Fatalf("the cursor stands in column %d, not in the right pane", x)
	}
	d.Press("s")
	want(t, d, "scan HOST-003")
	d.Press("n")
	d.Resize(60, 30)
	want(t, d, "- Groups -", "- Machines -")
	d.Resize(40, 10)
	want(t, d, "Machines (2 of 2")
	wantNot(t, d, "- Groups")
	d.Press("shift+tab")
	want(t, d, "Groups (1 of 2")
}

// TestFieldsGetTheLinesThatListsDoNotFill has many fields above two lists: while these have few rows, all fields are shown, and each
// list shows its rows and its state; lists with many rows keep their share.
func TestFieldsGetTheLinesThatListsDoNotFill(t *testing.T) {
	for machines, fields := range map[int]int{0: 25, 2: 25, 60: 10} {
		w := newWorld(t, machines)
		r := w.resource()
		r.Detail = func(*machine) []ui.Field {
			var out []ui.Field
			for i := range 25 {
				out = append(out, ui.Field{Name: fmt.Sprintf("field %02d", i), Value: "x"})
			}
			return out
		}
		second := w.resource()
		second.Title = "Others"
		w.cfg.Home = func() ui.Screen {
			return ui.NewDetail(r, &machine{id: "m", name: "M"}, ui.NewList(w.resource()), ui.NewList(second))
		}
		d := w.start(100, 41)
		want(t, d, "- Machines -", "- Others -")
		if n := strings.Count(d.Screen(), "field "); n < fields {
			t.Errorf("%d machines: %d fields\n%s", machines, n, d.Screen())
		}
		if n := strings.Count(d.Screen(), " row"); n < 2 {
			t.Errorf("%d machines: a list does not tell its state\n%s", machines, d.Screen())
		}
		for i := range min(machines, 2) {
			if n := strings.Count(d.Screen(), w.machines[i].name); n != 2 {
				t.Errorf("%d machines: %s is shown %d times\n%s", machines, w.machines[i].name, n, d.Screen())
			}
		}
		d.Press("tab", "/")
		d.Type("nothing")
		if n := strings.Count(d.Screen(), " row"); n < 2 || machines > 0 && !d.Has("nothing matches the filter") {
			t.Errorf("%d machines: the filtered list does not tell its state\n%s", machines, d.Screen())
		}
	}
}

func TestLateScreenOfAnOldProfileIsDropped(t *testing.T) {
	w, other := newWorld(t, 3), newWorld(t, 1)
	release := make(chan struct{})
	other.cfg.Home = func() ui.Screen { return ui.NewText("Other", "the other console") }
	w.cfg.Commands = []ui.Command{{Spec: ui.Spec{ID: "go.late", Title: "late", Keys: []string{"1"}}, Do: func() tea.Cmd {
		return func() tea.Msg {
			return ui.Wait{Do: func() tea.Msg { <-release; return ui.Push(ui.NewText("Late", "too late"))() }}
		}
	}}}
	w.cfg.Profiles = func() []ui.Profile { return []ui.Profile{{Name: "second"}} }
	w.cfg.UseProfile = func(string) (*ui.Config, error) { return &other.cfg, nil }
	d := w.start(100, 24)
	d.Press("1", "P", "enter")
	want(t, d, "the other console")
	close(release)
	d.Patience = 100 * time.Millisecond
	if d.WaitFor("too late") {
		t.Fatal("a screen of the old profile opened in the new one")
	}
}

func TestAskChooseAndCalls(t *testing.T) {
	w := newWorld(t, 3)
	var got string
	w.cfg.Calls = func() []ui.Call {
		return []ui.Call{{N: 1, Method: "GET", Path: "/old", Status: 200}, {N: 2, Method: "POST", Path: "/new", Status: 504, RequestID: "req-2", Curl: "curl -X POST /new"}}
	}
	w.cfg.Commands = []ui.Command{
		{Spec: ui.Spec{ID: "go.ask", Title: "ask", Keys: []string{"1"}}, Do: func() tea.Cmd {
			return ui.Ask("Name it", []form.Field{{ID: "name", Label: "Name", Required: true}}, func(v map[string]string) tea.Cmd {
				got = v["name"]
				return ui.Toast(ui.Good, "named "+got)
			})
		}},
		{Spec: ui.Spec{ID: "go.choose", Title: "choose", Keys: []string{"2"}}, Do: func() tea.Cmd {
			return ui.Choose("Which", []ui.Option{{ID: "a", Title: "Apple"}, {ID: "b", Title: "Birne"}, {ID: "c", Title: "Cherry", Reason: "eaten"}},
				func(o ui.Option) tea.Cmd { got = o.ID; return nil })
		}},
	}
	d := w.start(120, 24)
	d.Press("1", "enter")
	want(t, d, "Name it")
	d.Type("quick")
	d.Press("enter")
	want(t, d, "named quick")
	d.Press("2")
	d.Type("brn")
	d.Press("enter")
	if got != "b" {
		t.Fatalf("chose %q", got)
	}
	d.Press("2")
	d.Type("cherry")
	d.Press("enter")
	want(t, d, "Cherry is not available: eaten")
	if got != "b" {
		t.Fatal("an option that is not available was taken")
	}
	d.Press("esc", "L")
	want(t, d, "POST /new", "504", "req-2")
	d.Press("enter")
	if c := d.Clipboard(); c != "curl -X POST /new" {
		t.Fatalf("copied %q", c)
	}
}

func TestHostileTextNeverReachesTheTerminal(t *testing.T) {
	w := newWorld(t, 1)
	w.machines[0].name = "H\x1b]0;pwned\x07\x1b[2J\u202eX"
	w.cfg.Header = func() ui.Header { return ui.Header{Profile: "main", Console: "C\x1b[2J"} }
	d := w.start(100, 24)
	for _, keys := range [][]string{{}, {"s"}, {"n", "y"}, {"esc", "enter"}, {"esc", "R", "y"}, {"J"}} {
		d.Press(keys...)
		d.Settle()
		v := d.Root.View()
		if s := v.Content + v.WindowTitle; strings.Contains(s, "\x1b]") || strings.Contains(s, "\x1b[2J") || strings.ContainsAny(s, "\x07\u202e") {
			t.Fatalf("after %v: %q", keys, s)
		}
	}
}

// BenchmarkKey measures a cursor key with 100,000 rows: handling it and drawing the screen.
func BenchmarkKey(b *testing.B) {
	w := newWorld(b, 0)
	for i := range 100_000 {
		w.machines = append(w.machines, &machine{machineID(fmt.Sprint(i)), fmt.Sprintf("HOST-%06d", i), "Harbour"})
	}
	d := w.start(160, 50)
	for b.Loop() {
		d.Press("j")
		_ = d.Root.View()
	}
}
