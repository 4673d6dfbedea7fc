package theme

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestSpellWritesSignsAndKeepsNames(t *testing.T) {
	th := mustNew(t, "", "ascii", false)
	for in, want := range map[string]string{
		"12 rows · just read":          "12 rows - just read",
		"Seats: 3 → 5":                 "Seats: 3 > 5",
		"…":                            "~",
		"abc… and 7 ids …def":          "abc~ and 7 ids ~def",
		"ends with ·\n· begins":        "ends with -\n- begins",
		"· a ·":                        "- a -",
		"Clínica Paral·lel · Straße":   "Clínica Paral·lel - Straße",
		"株→式":                          "株→式",
		"plain":                        "plain",
		"":                             "",
		th.Paint(Muted, "·") + "x":     th.Paint(Muted, "-") + "x",
		"x" + th.Paint(Bad, "·") + "x": "x" + th.Paint(Bad, "-") + "x",
		"m·m":                          "m·m",
		"\x1b[1mname\x1b[m m·m":        "\x1b[1mname\x1b[m m·m",
		"15:04–16:10 and 3 – 4 — that is all": "15:04–16:10 and 3 - 4 - that is all",
	} {
		if got := th.Glyphs.Spell(in); got != want {
			t.Errorf("%q becomes %q, not %q", in, got, want)
		}
		if got := mustNew(t, "", "unicode", false).Glyphs.Spell(in); got != in {
			t.Errorf("in unicode %q becomes %q", in, got)
		}
	}
}

// TestSpellKeepsCells checks on any text that nothing moves, that a second time changes nothing, and that only the signs do.
func TestSpellKeepsCells(t *testing.T) {
	g := mustNew(t, "", "ascii", false).Glyphs
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("a m·→…–— \n株é[1"))).Draw(t, "s")
		got := g.Spell(s)
		if ansi.StringWidth(got) != ansi.StringWidth(s) || len([]rune(got)) != len([]rune(s)) {
			t.Fatalf("%q becomes %q: not the same cells", s, got)
		}
		was := []rune(s)
		for i, r := range []rune(got) {
			if r != was[i] && !strings.ContainsRune("·→…–—", was[i]) {
				t.Fatalf("%q becomes %q: %q was no sign", s, got, was[i])
			}
		}
	})
}

// BenchmarkSpell is what a frame of 50 lines costs.
func BenchmarkSpell(b *testing.B) {
	g := Glyphs{Name: "ascii"}
	lines := strings.Split(strings.Repeat("FRONTDESK-02   Harbour Dental   ok   3 min ago   Recommended Defaults   Clínica Norte      \n", 49)+"160 rows · just read", "\n")
	for b.Loop() {
		for _, l := range lines {
			g.Spell(l)
		}
	}
}
