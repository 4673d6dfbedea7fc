package form

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

func testTheme(t testing.TB) theme.Theme {
	t.Helper()
	th, err := theme.New("ansi", "ascii", false)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

// keyMsg makes the message of a key by its name, or of a typed character.
func keyMsg(name string) tea.KeyPressMsg {
	codes := map[string]tea.KeyPressMsg{
		"enter": {Code: tea.KeyEnter}, "tab": {Code: tea.KeyTab}, "shift+tab": {Code: tea.KeyTab, Mod: tea.ModShift},
		"up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "left": {Code: tea.KeyLeft}, "right": {Code: tea.KeyRight},
		"backspace": {Code: tea.KeyBackspace}, "home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd},
		"space": {Code: tea.KeySpace, Text: " "}, "ctrl+v": {Code: 'v', Mod: tea.ModCtrl}, "ctrl+a": {Code: 'a', Mod: tea.ModCtrl},
	}
	if k, ok := codes[name]; ok {
		return k
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// press sends keys by name and reports whether the last one sent the form.
func press(t testing.TB, m *Model, keys ...string) (submitted bool) {
	t.Helper()
	for _, k := range keys {
		cmd, sent := m.Update(keyMsg(k))
		if cmd != nil {
			t.Fatalf("%s gave a command: the form starts nothing by itself", k)
		}
		submitted = sent
	}
	return submitted
}

func typed(t testing.TB, m *Model, text string) {
	t.Helper()
	for _, r := range text {
		name := string(r)
		if r == ' ' {
			name = "space"
		}
		press(t, m, name)
	}
}

func paste(m *Model, text string) { m.Update(tea.PasteMsg{Content: text}) }

func signIn(t testing.TB) *Model {
	return New([]Field{
		{ID: "id", Label: "Client ID", Required: true, Help: "from the Unity API page"},
		{ID: "secret", Label: "Secret", Secret: true, Required: true},
		{ID: "scope", Label: "Scope", Options: []string{"all", "read", "write"}, Value: "read"},
		{ID: "mail", Label: "Mail", Placeholder: "you@example.com", Validate: func(v string) string {
			if !strings.Contains(v, "@") {
				return "that is no address"
			}
			return ""
		}},
	}, testTheme(t))
}

func TestFillInMoveAndSend(t *testing.T) {
	m := signIn(t)
	typed(t, m, "abc q")
	if press(t, m, "enter") {
		t.Fatal("enter in the first field sent the form")
	}
	typed(t, m, "s3cret")
	press(t, m, "down", "right", "tab")
	if m.Focused() != "mail" {
		t.Fatalf("focus on %q", m.Focused())
	}
	typed(t, m, "a@b")
	if !press(t, m, "enter") {
		t.Fatalf("enter in the last field did not send: %q", m.Fault("mail"))
	}
	want := map[string]string{"id": "abc q", "secret": "s3cret", "scope": "write", "mail": "a@b"}
	for id, v := range want {
		if got := m.Values()[id]; got != v {
			t.Errorf("%s is %q, want %q", id, got, v)
		}
	}
	press(t, m, "tab")
	if m.Focused() != "id" {
		t.Error("tab does not go round")
	}
	press(t, m, "shift+tab", "up")
	if m.Focused() != "scope" {
		t.Errorf("focus on %q", m.Focused())
	}
	m.ForgetSecrets()
	if m.Value("secret") != "" || m.Value("id") == "" {
		t.Error("secrets and only they should be forgotten")
	}
}

// TestWhatIsNeededIsMarked before anybody is told so.
func TestWhatIsNeededIsMarked(t *testing.T) {
	m := signIn(t)
	for _, w := range []int{30, 60} {
		view := ansi.Strip(m.View(w, 20))
		for label, marked := range map[string]bool{"Client ID": true, "Secret": true, "Scope": false, "Mail": false} {
			if got := strings.Contains(view, label+" *"); got != marked {
				t.Errorf("at %d cells %s is marked: %v\n%s", w, label, got, view)
			}
		}
	}
}

func TestFaultsAreFoundWhereTheyAre(t *testing.T) {
	m := signIn(t)
	m.Focus("mail")
	if press(t, m, "enter") {
		t.Fatal("sent without what is needed")
	}
	if m.Focused() != "id" || m.Fault("id") == "" || m.Fault("secret") == "" || m.Fault("mail") != "" {
		t.Fatalf("focus on %q, faults %q %q %q", m.Focused(), m.Fault("id"), m.Fault("secret"), m.Fault("mail"))
	}
	typed(t, m, "x")
	if m.Fault("id") != "" {
		t.Error("the fault stays though the value is there")
	}
	m.Focus("mail")
	typed(t, m, "a")
	if m.Fault("mail") == "" {
		t.Error("validation waits for enter")
	}
	if !strings.Contains(ansi.Strip(m.View(80, 20)), "that is no address") {
		t.Error("the fault is not shown")
	}
	typed(t, m, "@")
	if m.Fault("mail") != "" {
		t.Error("the mended value is still called wrong")
	}
}

func TestAFaultFromOutsideStaysUntilTheValueChanges(t *testing.T) {
	m := signIn(t)
	typed(t, m, "abc")
	m.SetFault("id", "the server does not know it")
	m.SetFault("nobody", "x")
	press(t, m, "left", "tab", "shift+tab")
	if m.Fault("id") == "" {
		t.Fatal("moving about removed the fault")
	}
	press(t, m, "backspace")
	if m.Fault("id") != "" {
		t.Fatal("the fault outlived the value")
	}
}

func TestTheSameValueMayBeSentAgainAfterAFaultFromOutside(t *testing.T) {
	m := New([]Field{{ID: "a", Label: "A", Required: true}}, testTheme(t))
	m.SetFault("a", "server was down")
	if press(t, m, "enter") {
		t.Fatal("the empty value was sent")
	}
	typed(t, m, "x")
	m.SetFault("a", "server was down")
	if !press(t, m, "enter") {
		t.Fatal("the form cannot be sent again")
	}
}

func TestPastedValuesAreTrimmedAndItIsSaid(t *testing.T) {
	for in, want := range map[string]string{
		"  abc \r\n":             "abc",
		"\"abc\"":                "abc",
		"\u201cabc\u201d":        "abc",
		"\ufeffabc\u200b":        "abc",
		"'a b'":                  "a b",
		"\" abc \"\n":            "abc",
		"\"abc":                  "\"abc",
		"it's":                   "it's",
		"C57F-0000-1111-2222\n":  "C57F-0000-1111-2222",
		"\x1b[31mred\x1b[m text": "[31mred[m text",
	} {
		m := signIn(t)
		paste(m, in)
		if got := m.Value("id"); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		shown := strings.Contains(ansi.Strip(m.View(80, 20)), "trimmed")
		if said := in != want; shown != said {
			t.Errorf("%q: notice shown is %v", in, shown)
		}
		typed(t, m, "x")
		if strings.Contains(ansi.Strip(m.View(80, 20)), "trimmed") {
			t.Errorf("%q: the notice stays", in)
		}
	}
}

func TestAPasteInTheMidstKeepsItsBlanks(t *testing.T) {
	m := signIn(t)
	typed(t, m, "ab")
	press(t, m, "left")
	paste(m, " x \n")
	if got := m.Value("id"); got != "a x b" {
		t.Fatalf("value %q", got)
	}
}

func TestAPasteNeverSends(t *testing.T) {
	m := New([]Field{{ID: "a", Label: "A"}}, testTheme(t))
	if _, sent := m.Update(tea.PasteMsg{Content: "x\r\n"}); sent || m.Value("a") != "x" {
		t.Fatalf("sent %v, value %q", sent, m.Value("a"))
	}
}

func TestSecretsShowNeitherValueNorLength(t *testing.T) {
	views := map[string]bool{}
	for _, v := range []string{"s", "s3cret", strings.Repeat("s", 100)} {
		m := New([]Field{{ID: "s", Label: "Secret", Secret: true}}, testTheme(t))
		typed(t, m, v)
		view := m.View(60, 5)
		if strings.Contains(ansi.Strip(view), "s3") {
			t.Fatal("the secret is shown")
		}
		views[view] = true
		press(t, m, "home", "backspace")
		if got := m.Value("s"); got != v[:len(v)-1] {
			t.Fatalf("backspace after home left %d of %d characters", len(got), len(v))
		}
	}
	if len(views) != 1 {
		t.Fatalf("secrets of different length look different: %v", views)
	}
}

func TestNoKeyStartsAProgramOrTakesAPrefix(t *testing.T) {
	m := New([]Field{{ID: "a", Label: "A"}, {ID: "b", Label: "B", Multiline: true}}, testTheme(t))
	typed(t, m, "xy")
	press(t, m, "ctrl+v", "ctrl+a")
	typed(t, m, "z")
	m.Focus("b")
	press(t, m, "ctrl+v", "ctrl+a")
	typed(t, m, "z")
	if m.Value("a") != "xyz" || m.Value("b") != "z" {
		t.Fatalf("values %q", m.Values())
	}
}

func TestChoice(t *testing.T) {
	m := New([]Field{{ID: "c", Label: "C", Options: []string{"Ash", "Birch", "beech", "Cedar"}}}, testTheme(t))
	for _, step := range [][2]string{
		{"b", "Birch"}, {"b", "beech"}, {"b", "Birch"}, {"left", "Ash"}, {"left", "Cedar"}, {"space", "Ash"}, {"end", "Cedar"}, {"home", "Ash"}, {"z", "Ash"},
	} {
		press(t, m, step[0])
		if got := m.Value("c"); got != step[1] {
			t.Fatalf("after %s it is %q, want %q", step[0], got, step[1])
		}
	}
	paste(m, "Cedar\n")
	if m.Value("c") != "Cedar" || !strings.Contains(ansi.Strip(m.View(60, 3)), "< Cedar >  4/4") {
		t.Fatalf("value %q in\n%s", m.Value("c"), m.View(60, 3))
	}
	if _, _, ok := m.Cursor(); ok {
		t.Fatal("a choice has a text cursor")
	}
}

func TestMultilineKeepsEnterAndIsSentByItsButton(t *testing.T) {
	m := New([]Field{{ID: "a", Label: "A", Multiline: true, Value: "one"}}, testTheme(t))
	if press(t, m, "enter") {
		t.Fatal("enter in several lines sent the form")
	}
	typed(t, m, "two")
	press(t, m, "up", "end")
	typed(t, m, "!")
	if got := m.Value("a"); got != "one!\ntwo" {
		t.Fatalf("value %q", got)
	}
	press(t, m, "down", "down")
	if m.Focused() != "" {
		t.Fatalf("focus on %q", m.Focused())
	}
	if !press(t, m, "enter") {
		t.Fatal("the button did not send")
	}
}

func TestBusyTakesNothing(t *testing.T) {
	m := New([]Field{{ID: "a", Label: "A", Value: "x"}}, testTheme(t))
	m.SetBusy(true)
	typed(t, m, "y")
	paste(m, "z")
	if press(t, m, "enter") || m.Value("a") != "x" || !m.Busy() {
		t.Fatal("a busy form took input")
	}
	m.View(40, 3)
	if _, _, ok := m.Cursor(); ok {
		t.Fatal("a busy form shows a cursor")
	}
	m.SetBusy(false)
	if !press(t, m, "enter") {
		t.Fatal("the form stayed busy")
	}
}

// TestCursorCellWithWideCharacters is about names that editors count in runes and terminals in cells.
func TestCursorCellWithWideCharacters(t *testing.T) {
	for _, tc := range []struct {
		value string
		left  int
		want  int
	}{
		{"abc", 0, 3}, {"株式会社", 0, 8}, {"株式会社", 1, 6}, {"e\u0301t", 0, 2}, {"e\u0301t", 1, 1}, {"", 0, 0},
		{strings.Repeat("株", 100), 0, 36}, {strings.Repeat("a", 100), 0, 36}, {strings.Repeat("a", 100), 100, 0},
	} {
		m := New([]Field{{ID: "a", Label: "A", Value: tc.value}}, testTheme(t))
		for range tc.left {
			press(t, m, "left")
		}
		line := m.View(39, 2)
		x, y, ok := m.Cursor()
		indent := m.indent(39)
		if !ok || x-indent != tc.want {
			t.Errorf("%.12q after %d left: cursor at %d (line %d, shown %v), want %d in\n%s", tc.value, tc.left, x-indent, y, ok, tc.want, line)
		}
	}
}

func TestTheFocusedFieldStaysInView(t *testing.T) {
	var fields []Field
	for _, id := range strings.Split("abcdefghij", "") {
		fields = append(fields, Field{ID: id, Label: "Field " + id, Help: "help of " + id})
	}
	m := New(fields, testTheme(t))
	for range 2 * len(fields) {
		view := ansi.Strip(m.View(60, 4))
		if !strings.Contains(view, "> Field "+m.Focused()) || !strings.Contains(view, "help of "+m.Focused()) {
			t.Fatalf("field %q is not in view:\n%s", m.Focused(), view)
		}
		if _, y, ok := m.Cursor(); !ok || y < 0 || y > 3 {
			t.Fatalf("cursor on line %d, shown %v", y, ok)
		}
		press(t, m, "tab")
	}
}

func FuzzView(f *testing.F) {
	f.Add("株式会社", "help\x1b[2J", 60, 10, uint8(3))
	f.Add("👩‍👩‍👧 e\u0301 \u202e", "", 5, 2, uint8(0))
	f.Add("line\nline\n\n", "x", 0, 0, uint8(9))
	f.Fuzz(func(t *testing.T, text, help string, w, h int, moves uint8) {
		w, h = min(max(w, -1), 300), min(max(h, -1), 100)
		m := New([]Field{
			{ID: "a", Label: text, Value: text, Help: help},
			{ID: "b", Label: "B", Placeholder: text, Validate: func(string) string { return help }},
			{ID: "c", Label: "C", Options: []string{text, help}},
			{ID: "d", Label: help, Multiline: true, Value: text, Placeholder: help},
			{ID: "e", Label: "E", Secret: true, Value: text},
		}, testTheme(t))
		names := []string{"tab", "left", "backspace", "x", "enter", "shift+tab", "up"}
		for i := range int(moves % 24) {
			press(t, m, names[(i*5+len(text))%len(names)])
			paste(m, help)
			view := m.View(w, h)
			lines := strings.Split(view, "\n")
			if len(lines) > max(1, h) {
				t.Fatalf("%d lines at height %d", len(lines), h)
			}
			for _, line := range lines {
				if ansi.StringWidth(line) > max(0, w) {
					t.Fatalf("%q is wider than %d", line, w)
				}
				for _, part := range strings.Split(line, "\x1b")[1:] {
					if end := strings.IndexFunc(part, func(r rune) bool { return !strings.ContainsRune("[0123456789;", r) }); end < 0 || part[end] != 'm' {
						t.Fatalf("%q holds a sequence that is no style", line)
					}
				}
			}
			if x, y, ok := m.Cursor(); ok && (x < 0 || x >= w || y < 0 || y >= len(lines)) {
				t.Fatalf("cursor at %d,%d in %d×%d", x, y, w, h)
			}
		}
	})
}
