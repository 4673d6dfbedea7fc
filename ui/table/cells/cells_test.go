package cells

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  string
	}{
		{"FRONTDESK-02", 20, "FRONTDESK-02"},
		{"FRONTDESK-02", 12, "FRONTDESK-02"},
		{"FRONTDESK-02", 11, "FRONTDESK-~"},
		{"FRONTDESK-02", 1, "F"},
		{"FRONTDESK-02", 0, ""},
		{"FRONTDESK-02", -3, ""},
		{"株式会社", 8, "株式会社"},
		{"株式会社", 7, "株式会~"},
		{"株式会社", 6, "株式~"},
		{"株式会社", 1, ""},
		{"e\u0301te\u0301", 3, "e\u0301te\u0301"},
		{"e\u0301te\u0301s", 3, "e\u0301t~"},
		{"a\x1b[2Jb", 10, "a?[2Jb"},
		{"a\u202eb\u2066c\u200fd\u061ce", 10, "a?b?c?d?e"},
		{"a\r\nb\tc\x00d\x7fe\u0085", 12, "a?b?c?d?e?"},
		{"bad \xff byte", 12, "bad ? byte"},
		{"שלום", 10, "שלום"},
		{"e" + strings.Repeat("\u0301", 40), 5, "?"},
	} {
		got, n := Fit(tc.text, tc.width, "~")
		if got != tc.want || n != ansi.StringWidth(tc.want) {
			t.Errorf("%q at %d became %q of %d cells, want %q", tc.text, tc.width, got, n, tc.want)
		}
	}
}

// TestJoinedEmojiTakeOneKnownWidth is about characters of which terminals disagree how wide they are.
func TestJoinedEmojiTakeOneKnownWidth(t *testing.T) {
	for _, text := range []string{"👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "❤️", "☎️", "한국", "\u1112\u1161\u11ab"} {
		got, n := Fit(text+"x", 20, "~")
		if ansi.StringWidth(got) != n || ansi.StringWidthWc(got) != n || !strings.HasSuffix(got, "x") {
			t.Errorf("%q became %q: %d, %d or %d cells", text, got, n, ansi.StringWidth(got), ansi.StringWidthWc(got))
		}
	}
}

func TestHugeTextsAreNotRead(t *testing.T) {
	huge := strings.Repeat("ü", 10<<20)
	allocated := testing.AllocsPerRun(5, func() { Fit(huge, 20, "~") })
	got, n := Fit(huge, 20, "~")
	if n != 20 || got != strings.Repeat("ü", 19)+"~" {
		t.Fatalf("%q of %d cells", got, n)
	}
	if allocated > 50 {
		t.Fatalf("%.0f allocations for one cell", allocated)
	}
}

func TestCleanIsSafeAndCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.StringOf(rapid.SampledFrom([]rune("a 株é\u0301\u200d\ufe0f👩🏽🇩🇪\u1100\u1161\u0600\u0d4e\u202e\x1b\u200b\u0e33क्ष"))),
		).Draw(t, "text")
		width := rapid.IntRange(0, 60).Draw(t, "width")
		got, n, cut := Clean(text, width)
		if n > width || ansi.StringWidth(got) != n || ansi.StringWidthWc(got) != n {
			t.Fatalf("%q became %q: said %d cells of %d, counted %d or %d", text, got, n, width, ansi.StringWidth(got), ansi.StringWidthWc(got))
		}
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\r\n\u202e\u200b") {
			t.Fatalf("%q became %q", text, got)
		}
		if again, _, _ := Clean(got, width); again != got {
			t.Fatalf("%q became %q and then %q", text, got, again)
		}
		if whole, _, more := Clean(text, 16*len(text)+1); !more && cut == (whole == got) && whole != "" {
			t.Fatalf("%q at %d: cut is %v, %q of %q", text, width, cut, got, whole)
		}
	})
}

func TestClustersCoverAllRunes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		runes := 0
		for _, c := range Clusters(text) {
			runes += c.Runes
			if ansi.StringWidth(c.Text) != c.Width || c.Runes < 1 {
				t.Fatalf("cluster %+v of %q", c, text)
			}
		}
		if want := utf8.RuneCountInString(text); runes != want {
			t.Fatalf("%d runes of %d", runes, want)
		}
	})
}

func TestBlanks(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 100, 101, 500} {
		if got := Blanks(n); got != strings.Repeat(" ", max(0, n)) {
			t.Errorf("%d blanks are %d", n, len(got))
		}
	}
}
