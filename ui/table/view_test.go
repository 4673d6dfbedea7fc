package table

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

func plainTheme(t testing.TB) theme.Theme {
	t.Helper()
	th, err := theme.New("ansi", "ascii", true)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func manyHosts(n int) []*host {
	all := make([]*host, 0, n)
	for i := range n {
		name := fmt.Sprintf("HOST-%06d", i)
		all = append(all, &host{id: hostID(name), name: name, n: i})
	}
	return all
}

func render(t testing.TB, v *View[host, hostID], r *Rows[host, hostID], w, h int) []string {
	t.Helper()
	lines := v.Render(r, plainTheme(t), w, h, true)
	for i, line := range lines {
		lines[i] = ansi.Strip(line)
	}
	return lines
}

func TestRenderShowsCursorMarkOrderAndChange(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "n", Desc: true}, {Column: "name"}})
	r.Merge(hosts("alpha", "beta", "gamma"))
	r.Begin()
	r.Merge([]*host{{id: "alpha", name: "ALPHA", n: 0}})
	r.MoveTo("beta")
	r.ToggleMark()
	var v View[host, hostID]
	got := render(t, &v, r, 40, 5)
	want := []string{
		"  Name ^2                       Count v1",
		"  gamma                                2",
		">*beta                                 1",
		"~ ALPHA                                0",
		"",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if line, ok := v.CursorLine(); !ok || line != 2 {
		t.Fatalf("cursor line %d %v", line, ok)
	}
	if at, ok := v.RowAt(3); !ok || r.KeyAt(at) != "alpha" {
		t.Fatalf("row at line 3 is %d %v", at, ok)
	}
	for _, line := range []int{-1, 0, 4, 5, 99} {
		if at, ok := v.RowAt(line); ok {
			t.Fatalf("there is a row %d at line %d", at, line)
		}
	}
}

func TestSelectedRowIsOneStyleForTheWholeWidth(t *testing.T) {
	r := NewRows(hostKey, []Column[host]{
		{ID: "a", Title: "A", Text: func(h *host) string { return h.name }, Tone: func(*host) theme.Tone { return theme.Bad }},
		{ID: "b", Title: "B", Text: func(h *host) string { return h.name }, Tone: func(*host) theme.Tone { return theme.Warn }},
	}, nil)
	r.Merge(hosts("one", "two"))
	th := plainTheme(t)
	var v View[host, hostID]
	lines := v.Render(r, th, 60, 3, true)
	if want := th.Paint(theme.Selected, fmt.Sprintf("%-60s", ">  one  one")); lines[1] != want {
		t.Fatalf("selected row %q, want %q", lines[1], want)
	}
	if lines[2] == ansi.Strip(lines[2]) || strings.HasSuffix(lines[2], " ") {
		t.Fatalf("row %q has no tones or ends in blanks", lines[2])
	}
	idle := v.Render(r, th, 60, 3, false)
	if idle[1] == lines[1] || !strings.HasPrefix(ansi.Strip(idle[1]), ">") {
		t.Fatalf("without focus the row is %q", idle[1])
	}
}

func TestRowsWithoutToneAreSentBare(t *testing.T) {
	r := newHosts(nil)
	r.Merge(hosts("one", "two"))
	var v View[host, hostID]
	lines := v.Render(r, plainTheme(t), 60, 3, true)
	if strings.Contains(lines[2], "\x1b") || strings.HasSuffix(lines[2], " ") {
		t.Fatalf("plain row is %q", lines[2])
	}
}

func TestScrollFollowsCursorAndKeepsItsLine(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(manyHosts(100))
	var v View[host, hostID]
	line := func(want, offset int) {
		t.Helper()
		render(t, &v, r, 40, 11)
		if got, _ := v.CursorLine(); got != want || v.Offset() != offset {
			t.Fatalf("cursor on line %d at offset %d, want %d at %d", got, v.Offset(), want, offset)
		}
	}
	line(1, 0)
	r.Move(9)
	line(10, 0)
	r.Move(1)
	line(10, 1)
	r.Move(-4)
	line(6, 1)
	// Rows that come in above do not move what the user looks at.
	r.Merge([]*host{{id: "A", name: "A"}, {id: "B", name: "B"}})
	line(6, 3)
	r.Remove("A")
	line(6, 2)
	// The row below takes the line of a row that goes.
	r.Remove(r.CursorKey())
	line(6, 2)
	r.Bottom()
	line(10, r.Len()-10)
	r.SetFilter(func(h *host) bool { return h.n < 3 })
	line(4, 0)
	r.SetFilter(func(*host) bool { return false })
	render(t, &v, r, 40, 11)
	if _, ok := v.CursorLine(); ok {
		t.Fatal("an empty list has a cursor line")
	}
}

func TestAtTheTopTheTopStaysInView(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(hosts("m"))
	var v View[host, hostID]
	render(t, &v, r, 40, 6)
	r.Merge(hosts("a", "b"))
	got := render(t, &v, r, 40, 6)
	if line, _ := v.CursorLine(); line != 3 || !strings.Contains(got[1], "a") {
		t.Fatalf("cursor on line %d of\n%s", line, strings.Join(got, "\n"))
	}
}

func TestColumnsDropByPriorityAndSpareGoesByFlex(t *testing.T) {
	text := func(s string) func(*host) string { return func(*host) string { return s } }
	r := NewRows(hostKey, []Column[host]{
		{ID: "a", Title: "A", Min: 10, Flex: 2, Text: text("a")},
		{ID: "b", Title: "B", Min: 10, Max: 14, Priority: 1, Flex: 1, Text: text("b")},
		{ID: "c", Title: "C", Min: 10, Priority: 2, Text: text("c")},
		{ID: "d", Title: "D", Min: 10, Priority: 2, Text: text("d")},
		{ID: "e", Title: "E", Min: 10, Hidden: true, Text: text("e")},
	}, nil)
	r.Merge(hosts("x"))
	var v View[host, hostID]
	if v.Layout(80) != nil {
		t.Fatal("a layout before the first Render")
	}
	for _, tc := range []struct {
		w    int
		want string
	}{
		{49, "a:3+10 b:15+10 c:27+10 d:39+10"},
		{55, "a:3+14 b:19+12 c:33+10 d:45+10"},
		{80, "a:3+37 b:42+14 c:58+10 d:70+10"},
		{47, "a:2+11 b:14+11 c:26+10 d:37+10"}, // margin and gaps are thinner below 48
		{40, "a:2+14 b:17+12 c:30+10"},
		{30, "a:2+15 b:18+12"},
		{22, "a:2+20"},
		{12, "a:2+10"},
		{7, "a:2+5"},
		{2, ""},
		{1, ""},
	} {
		render(t, &v, r, tc.w, 2)
		var got []string
		for _, c := range v.Layout(tc.w) {
			got = append(got, fmt.Sprintf("%s:%d+%d", c.ID, c.X, c.Width))
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("width %d: %q, want %q", tc.w, s, tc.want)
		}
	}
	v.SetColumns([]string{"e", "nothing", "a", "e"})
	render(t, &v, r, 30, 2)
	if got := v.Layout(30); len(got) != 2 || got[0].ID != "e" || got[1].ID != "a" {
		t.Fatalf("chosen columns %v", got)
	}
}

// TestNumbersAreNotCut: where there is no room for a number its column goes, since a number that was cut is another one.
func TestNumbersAreNotCut(t *testing.T) {
	r := NewRows(hostKey, []Column[host]{
		{ID: "name", Title: "Name", Min: 10, Flex: 1, Text: func(h *host) string { return h.name }},
		{ID: "n", Title: "N", Min: 2, Right: true, Priority: 1, Text: func(*host) string { return "406/383!" }},
		{ID: "note", Title: "Note", Min: 6, Priority: 2, Text: func(*host) string { return "something long" }},
	}, nil)
	r.Merge(hosts("alpha-beta-gamma-delta"))
	var v View[host, hostID]
	for w := 4; w < 60; w++ {
		line := render(t, &v, r, w, 2)[1]
		if strings.Contains(line, "406") && !strings.Contains(line, "406/383!") || w > 24 && !strings.Contains(line, "406/383!") {
			t.Errorf("%d cells: %q", w, line)
		}
	}
}

// TestTheHeadingSaysThatThereIsMoreAbove marks the corner of a list that is scrolled.
func TestTheHeadingSaysThatThereIsMoreAbove(t *testing.T) {
	r := newHosts(nil)
	r.SetSort([]SortKey{{Column: "name"}})
	r.Merge(manyHosts(100))
	var v View[host, hostID]
	if got := render(t, &v, r, 40, 6)[0]; strings.HasPrefix(got, "^") {
		t.Errorf("at the top: %q", got)
	}
	r.Move(5)
	if got := render(t, &v, r, 40, 6)[0]; !strings.HasPrefix(got, "^ ") {
		t.Errorf("one row is above: %q", got)
	}
	r.Top()
	if got := render(t, &v, r, 40, 6)[0]; strings.HasPrefix(got, "^") {
		t.Errorf("at the top again: %q", got)
	}
}

func TestColumnWidthsKeepStillWhileScrollingAndFiltering(t *testing.T) {
	r := newHosts(nil)
	r.Merge(hosts("short"))
	r.Merge(manyHosts(1000))
	var v View[host, hostID]
	render(t, &v, r, 100, 20)
	before := fmt.Sprint(v.Layout(100))
	for range 50 {
		r.Move(17)
		render(t, &v, r, 100, 20)
	}
	r.SetFilter(func(h *host) bool { return h.name == "short" })
	render(t, &v, r, 100, 20)
	if after := fmt.Sprint(v.Layout(100)); after != before {
		t.Fatalf("layout went from %s to %s", before, after)
	}
}

func TestASampleIsMeasuredOncePerVersion(t *testing.T) {
	calls := 0
	r := NewRows(hostKey, []Column[host]{{ID: "name", Title: "N", Text: func(h *host) string { calls++; return h.name }}}, nil)
	r.Merge(manyHosts(10_000))
	var v View[host, hostID]
	render(t, &v, r, 80, 11)
	if calls > 2*sampled+10 {
		t.Fatalf("the first frame asked for %d texts", calls)
	}
	calls = 0
	r.Move(1)
	render(t, &v, r, 80, 11)
	if calls != 10 {
		t.Fatalf("a frame of 10 rows asked for %d texts", calls)
	}
}

// checkFrame checks what must hold for every frame whatever the texts are.
func checkFrame(t *testing.T, lines []string, w, h int) {
	t.Helper()
	if len(lines) != max(0, h) {
		t.Fatalf("%d lines at height %d", len(lines), h)
	}
	for _, line := range lines {
		bare := ansi.Strip(line)
		if n := ansi.StringWidth(line); n > w {
			t.Fatalf("%d cells at width %d: %q", n, w, line)
		}
		if a, b := ansi.StringWidth(bare), ansi.StringWidthWc(bare); a != b {
			t.Fatalf("terminals disagree on the width (%d or %d) of %q", a, b, bare)
		}
		for _, r := range bare {
			if unicode.IsControl(r) || r == unicode.ReplacementChar {
				t.Fatalf("%q is drawn", line)
			}
		}
		for _, part := range strings.Split(line, "\x1b")[1:] {
			if end := strings.IndexFunc(part, func(r rune) bool { return !strings.ContainsRune("[0123456789;", r) }); end < 0 || part[end] != 'm' {
				t.Fatalf("%q holds a sequence that is no style", line)
			}
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range []string{
		"FRONTDESK-02", "", "株式会社", "e\u0301te\u0301", "👩‍👩‍👧‍👦 family", "שלום \u202eevil", "\x1b[2J\x1b]0;title\a", "\xff\xfe",
		"🇩🇪🇩", "한국어 \u1100\u1161\u11a8", "a\u0600b", "👍🏽", "❤️", strings.Repeat("\u0301", 300), "x\u200b\u200d\u2028y", "\U000e0041", "\u0d4e ", "क्षि",
	} {
		f.Add(s, "two", uint16(80), uint16(24))
		f.Add(s+s, s, uint16(17), uint16(3))
	}
	themes := map[bool]theme.Theme{}
	for _, unicodeGlyphs := range []bool{false, true} {
		name := "ascii"
		if unicodeGlyphs {
			name = "unicode"
		}
		th, err := theme.New("dark", name, false)
		if err != nil {
			f.Fatal(err)
		}
		themes[unicodeGlyphs] = th
	}
	f.Fuzz(func(t *testing.T, a, b string, w, h uint16) {
		w, h = w%301, h%301
		cols := []Column[host]{
			{ID: "a", Title: b, Text: func(h *host) string { return h.name }, Flex: 1, Tone: func(*host) theme.Tone { return theme.Bad }},
			{ID: "b", Title: a, Text: func(*host) string { return b }, Right: true, Priority: 1},
			{ID: "c", Title: "c", Text: func(h *host) string { return h.name + b }, Min: int(w) % 40, Max: int(h) % 50, Priority: 2},
		}
		r := NewRows(hostKey, cols, nil)
		r.SetSort([]SortKey{{Column: "a"}, {Column: "b", Desc: true}})
		r.Merge([]*host{{"1", a, 1}, {"2", b, 2}, {"3", a + b, 3}, {"4", b + " " + a, 4}})
		r.ToggleMark()
		r.Bottom()
		var v View[host, hostID]
		for _, unicodeGlyphs := range []bool{false, true} {
			checkFrame(t, v.Render(r, themes[unicodeGlyphs], int(w), int(h), true), int(w), int(h))
			checkFrame(t, v.Render(r, themes[unicodeGlyphs], int(h), int(w), false), int(h), int(w))
		}
	})
}

func TestEverySizeIsDrawn(t *testing.T) {
	r := newHosts(nil)
	r.Merge(manyHosts(40))
	r.Move(30)
	var v View[host, hostID]
	for w := -1; w <= 300; w += 3 {
		for _, h := range []int{-1, 0, 1, 2, 10, 60, 300} {
			checkFrame(t, v.Render(r, plainTheme(t), w, h, true), max(0, w), h)
		}
	}
}

// TestFewLongNamesLeaveRoom gives a column the width of most of its cells first, and the rest only where nobody else needs it.
func TestFewLongNamesLeaveRoom(t *testing.T) {
	r := NewRows(func(s *string) string { return *s }, []Column[string]{
		{ID: "name", Title: "Name", Min: 4, Max: 40, Text: func(s *string) string { return *s }},
		{ID: "twice", Title: "Twice", Min: 4, Max: 40, Priority: 1, Text: func(s *string) string { return *s + *s }},
	}, nil)
	items := make([]*string, 40)
	for i := range items {
		text := fmt.Sprintf("host%04d", i)
		if i == 7 {
			text = "host-with-a-name-of-forty-cells-or-so-00"
		}
		items[i] = &text
	}
	r.Merge(items)
	var v View[string, string]
	v.Render(r, theme.Theme{}, 40, 10, true)
	for w, want := range map[int][2]int{40: {21, 16}, 30: {11, 16}, 27: {8, 16}, 26: {8, 15}, 200: {40, 40}} {
		if plan := v.Layout(w); plan[0].Width != want[0] || plan[1].Width != want[1] {
			t.Errorf("at %d cells the widths are %d and %d, want %v", w, plan[0].Width, plan[1].Width, want)
		}
	}
}
