package ui

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

func TestExportIsHarmlessAndPrivate(t *testing.T) {
	dir := t.TempDir()
	rows := [][]string{{"=HYPERLINK(1)", "+1"}, {"-1", "@x"}, {"\tx", "\rx"}, {"plain, with \"quotes\"", ""}}
	path, err := writeExport(dir, "x.csv", "csv", sheet{head: []string{"A", "B"}, rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows[:3] {
		for j, c := range r {
			if got[i+1][j] != "'"+c {
				t.Errorf("%q was written as %q", c, got[i+1][j])
			}
		}
	}
	if got[4][0] != rows[3][0] {
		t.Errorf("%q was written as %q", rows[3][0], got[4][0])
	}
	if st, _ := os.Stat(path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	second, err := writeExport(dir, "x.csv", "json", sheet{head: []string{"A"}, rows: [][]string{{"1"}, {"2"}}, raw: [][]byte{[]byte(`{"k":1}`), []byte("broken")}})
	if err != nil || second == path {
		t.Fatalf("second export: %q, %v", second, err)
	}
	doc, _ := os.ReadFile(second)
	if string(doc) != "[\n{\"k\":1},\n{\"A\":\"2\"}\n]\n" {
		t.Errorf("json %q", doc)
	}
}

func TestCheckKeys(t *testing.T) {
	cat := []Spec{{ID: "endpoint.scan", Keys: []string{"s"}}, {ID: "endpoint.clean", Keys: []string{"c"}}, {ID: "site.new", Keys: []string{"s"}},
		{ID: "run.ping", Beside: "endpoint"}}
	for _, tc := range []struct {
		name string
		keys map[string][]string
		want []string
	}{
		{"defaults", nil, nil},
		{"moved", map[string][]string{"endpoint.scan": {"z"}, "app.help": {"f1"}}, nil},
		{"switched off", map[string][]string{"endpoint.scan": {}}, nil},
		{"two in one scope", map[string][]string{"endpoint.scan": {"c"}}, []string{"endpoint.clean and endpoint.scan", `"c"`}},
		{"with a table key", map[string][]string{"endpoint.scan": {"/"}}, []string{"endpoint.scan and table.filter"}},
		{"with a shell key", map[string][]string{"site.new": {"?"}}, []string{"app.help and site.new"}},
		{"different kinds do not meet", map[string][]string{"site.new": {"c"}}, nil},
		{"unknown id", map[string][]string{"endpoint.scna": {"z"}}, []string{`"endpoint.scna" is not an action`}},
		{"forbidden", map[string][]string{"endpoint.scan": {"ctrl+a"}}, []string{"endpoint.scan must not be on \"ctrl+a\""}},
		{"no key of that name", map[string][]string{"endpoint.scan": {"crtl+x"}}, []string{"not the name of a key"}},
		{"text in an entry", map[string][]string{"pick.accept": {"a"}}, []string{"it would be text there"}},
		{"cancel stays", map[string][]string{"endpoint.scan": {"ctrl+c"}}, []string{"always cancels"}},
		{"a program of the user", map[string][]string{"run.ping": {"ctrl+t"}}, nil},
		{"a program on the key of another action", map[string][]string{"run.ping": {"s"}}, []string{"endpoint.scan and run.ping", `"s"`}},
		{"a program on a key of the shell", map[string][]string{"run.ping": {"?"}}, []string{"app.help and run.ping"}},
		{"a program that is not there", map[string][]string{"run.pong": {"ctrl+t"}}, []string{`"run.pong" is not an action`}},
		{"in a dialog", map[string][]string{"dialog.refuse": {"y"}}, []string{"dialog.confirm and dialog.refuse"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := CheckKeys(Config{Catalog: cat, Keys: tc.keys})
			if (err != nil) != (len(tc.want) > 0) {
				t.Fatalf("error %v", err)
			}
			for _, s := range tc.want {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%v does not say %q", err, s)
				}
			}
		})
	}
}

func TestForbiddenKeysAreNeverDefaults(t *testing.T) {
	ids := map[string]bool{}
	for _, s := range Builtins() {
		if ids[s.ID] {
			t.Errorf("%s is there twice", s.ID)
		}
		ids[s.ID] = true
		for _, k := range s.Keys {
			if !validKey(k) {
				t.Errorf("%s: %q is not a key", s.ID, k)
			}
		}
	}
}

func TestFuzzyOrder(t *testing.T) {
	if fuzzy("scan", "scan machines") <= fuzzy("scan", "rescan") || fuzzy("scan", "rescan") <= fuzzy("scan", "some cats and nuts") {
		t.Error("a better match does not score higher")
	}
	if fuzzy("scan x", "scan") != 0 || fuzzy("", "anything") == 0 {
		t.Error("every word has to be found, and nothing finds all")
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("株式会社 e\u0301", "\x1b[2J\n", 3)
	f.Fuzz(func(t *testing.T, typed, pasted string, w int) {
		var e entry
		w = w%200 + 1
		e.key(tea.KeyPressMsg(tea.Key{Text: typed}))
		e.insert(pasted)
		e.key(tea.KeyPressMsg(tea.Key{Code: tea.KeyLeft}))
		e.key(tea.KeyPressMsg(tea.Key{Code: tea.KeyBackspace}))
		if e.pos < 0 || e.pos > len(e.text) {
			t.Fatalf("the cursor is at %d of %d", e.pos, len(e.text))
		}
		s, _ := e.view(theme.Theme{}, w, "")
		if w > 0 && ansi.StringWidth(s) > w {
			t.Fatalf("%d cells in %d", ansi.StringWidth(s), w)
		}
		if strings.ContainsFunc(e.String(), unicode.IsControl) {
			t.Fatalf("control characters in %q", e.String())
		}
	})
}

func TestLeft(t *testing.T) {
	for in, want := range map[int]string{-1: "over", 65: "1:00", 119: "1:40", 14 * 60: "14min", 13 * 24 * 3600: "13d"} {
		if got := left(time.Duration(in) * time.Second); got != want {
			t.Errorf("%d s is %q, want %q", in, got, want)
		}
	}
}
