package theme

import (
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
)

func mustNew(t *testing.T, name, glyphs string, noColor bool) Theme {
	t.Helper()
	th, err := New(name, glyphs, noColor)
	if err != nil {
		t.Fatal(err)
	}
	return th
}

func TestNewKnowsItsNamesAndSaysThem(t *testing.T) {
	for _, name := range []string{"", "ansi", "dark", "light"} {
		th := mustNew(t, name, "", false)
		if want := name; th.Name != want && (want != "" || th.Name != "ansi") {
			t.Errorf("theme %q is named %q", name, th.Name)
		}
		if th.Glyphs.Name != "ascii" {
			t.Errorf("glyphs are %q by default", th.Glyphs.Name)
		}
	}
	for _, bad := range [][2]string{{"solar", ""}, {"", "nerd"}} {
		if _, err := New(bad[0], bad[1], false); err == nil || !strings.Contains(err.Error(), "there are") {
			t.Errorf("New(%q, %q) says %v", bad[0], bad[1], err)
		}
	}
}

// TestPaintIsWhatTheStyleWrites ties the fast path to the style it was made from.
func TestPaintIsWhatTheStyleWrites(t *testing.T) {
	for _, name := range []string{"ansi", "dark", "light"} {
		for _, noColor := range []bool{false, true} {
			th := mustNew(t, name, "", noColor)
			for _, tone := range Tones() {
				const text = "FRONTDESK-02 is well"
				painted := th.Paint(tone, text)
				if want := th.Style(tone).Render(text); ansi.Strip(painted) != text || sgrOf(painted) != sgrOf(want) {
					t.Errorf("%s tone %d: %q, the style writes %q", name, tone, painted, want)
				}
				var b strings.Builder
				th.Append(&b, tone, text)
				if b.String() != painted || th.Painted(tone) != (painted != text) {
					t.Errorf("%s tone %d: Append writes %q, Paint %q", name, tone, b.String(), painted)
				}
			}
		}
	}
}

// sgrOf is the style at the start of a text.
func sgrOf(s string) string {
	if end := strings.IndexByte(s, 'm'); strings.HasPrefix(s, "\x1b[") && end > 0 {
		return s[:end+1]
	}
	return ""
}

func TestOddTonesAndTheZeroThemePaintNothing(t *testing.T) {
	var zero Theme
	th := mustNew(t, "", "", false)
	for _, got := range []string{zero.Paint(Bad, "x"), th.Paint(-1, "x"), th.Paint(toneCount, "x"), th.Paint(Plain, "x")} {
		if got != "x" {
			t.Errorf("painted %q", got)
		}
	}
	if th.Paint(Bad, "") != "" || zero.Style(Bad).Render("x") != "x" || zero.Painted(Bad) {
		t.Error("an empty text or the zero theme is painted")
	}
}

// TestNoColorKeepsAttributes checks that without colours what must stand out still does.
func TestNoColorKeepsAttributes(t *testing.T) {
	for _, name := range []string{"ansi", "dark", "light"} {
		th := mustNew(t, name, "", true)
		for _, tone := range Tones() {
			s := th.Style(tone)
			if !isNone(s.GetForeground()) || !isNone(s.GetBackground()) {
				t.Errorf("%s tone %d has a colour", name, tone)
			}
		}
		for _, tone := range []Tone{Selected, SelectedIdle, Badge, BadgeWarn, BadgeBad, Header, Bad, Error, Title, Key, Cursor, ButtonFocus, ButtonDanger, Match} {
			if !th.Painted(tone) {
				t.Errorf("%s tone %d is not to be seen without colours", name, tone)
			}
		}
		if !th.Style(Selected).GetReverse() || !th.Style(Badge).GetReverse() {
			t.Errorf("%s: selection or badge is not reversed", name)
		}
	}
}

func isNone(c color.Color) bool {
	_, none := c.(lipgloss.NoColor)
	return c == nil || none
}

// terminalColors are the sixteen colours of a terminal and the backgrounds it is used with.
type terminalColors struct {
	name        string
	backgrounds []string
	colors      [16]string
}

func terminals() []terminalColors {
	return []terminalColors{
		{"xterm", []string{"#000000", "#ffffff"}, [16]string{
			"#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5",
			"#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff",
		}},
		{"Tango", []string{"#000000", "#ffffff"}, [16]string{
			"#2e3436", "#cc0000", "#4e9a06", "#c4a000", "#3465a4", "#75507b", "#06989a", "#d3d7cf",
			"#555753", "#ef2929", "#8ae234", "#fce94f", "#729fcf", "#ad7fa8", "#34e2e2", "#eeeeec",
		}},
		{"Campbell", []string{"#0c0c0c", "#ffffff"}, [16]string{
			"#0c0c0c", "#c50f1f", "#13a10e", "#c19c00", "#0037da", "#881798", "#3a96dd", "#cccccc",
			"#767676", "#e74856", "#16c60c", "#f9f1a5", "#3b78ff", "#b4009e", "#61d6d6", "#f2f2f2",
		}},
		{"Solarized", []string{"#002b36", "#fdf6e3"}, [16]string{
			"#073642", "#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198", "#eee8d5",
			"#002b36", "#cb4b16", "#586e75", "#657b83", "#839496", "#6c71c4", "#93a1a1", "#fdf6e3",
		}},
	}
}

// TestAnsiThemeIsLegibleOnDarkAndLight computes the contrast of every colour in four widespread palettes, each on its dark and
// its light background. Three to one is the least for bold and large text in WCAG 2.
func TestAnsiThemeIsLegibleOnDarkAndLight(t *testing.T) {
	const least = 3.0
	for _, term := range terminals() {
		for tone, look := range ansiPalette() {
			if look.fg == nil {
				if look.bg != nil {
					t.Errorf("tone %d has a background but leaves the text to the terminal", tone)
				}
				continue
			}
			behind := term.backgrounds
			if look.bg != nil {
				behind = []string{term.resolve(t, look.bg)}
			}
			for _, back := range behind {
				if c := contrast(lipgloss.Color(term.resolve(t, look.fg)), lipgloss.Color(back)); c < least {
					t.Errorf("%s: tone %d has contrast %.1f on %s", term.name, tone, c, back)
				}
			}
		}
	}
}

func (p terminalColors) resolve(t *testing.T, c color.Color) string {
	t.Helper()
	n, ok := c.(ansi.BasicColor)
	if !ok {
		t.Fatalf("%T is none of the sixteen colours", c)
	}
	return p.colors[n]
}

// TestRichThemesAreLegible asks for 4.5 to one, the least for text in WCAG 2, also on a background a bit off the one
// the theme is made for.
func TestRichThemesAreLegible(t *testing.T) {
	const least = 4.5
	for name, tc := range map[string]struct {
		colors      colors
		backgrounds []string
	}{
		"dark":  {darkColors(), []string{"#000000", "#1c1c1c", "#282c34"}},
		"light": {lightColors(), []string{"#ffffff", "#fafafa", "#f2f2f2"}},
	} {
		for tone, look := range richPalette(tc.colors) {
			if look.fg == nil {
				continue
			}
			behind := []color.Color{look.bg}
			if look.bg == nil {
				behind = nil
				for _, hex := range tc.backgrounds {
					behind = append(behind, lipgloss.Color(hex))
				}
			}
			for _, back := range behind {
				if c := contrast(look.fg, back); c < least {
					t.Errorf("%s: tone %d has contrast %.1f on %v", name, tone, c, back)
				}
			}
		}
	}
}

// contrast is the ratio of WCAG 2, from 1 to 21.
func contrast(a, b color.Color) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func luminance(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	lin := func(v uint32) float64 {
		s := float64(v) / 0xffff
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(r) + 0.7152*lin(g) + 0.0722*lin(b)
}

// TestStateIsNotToldByColourAlone checks that the signs of different states differ within a set.
func TestStateIsNotToldByColourAlone(t *testing.T) {
	for _, name := range []string{"ascii", "unicode"} {
		g := mustNew(t, "", name, false).Glyphs
		for _, group := range [][]string{{g.Tick, g.Cross, g.Dot, g.Run, g.Warn}, {g.Cursor, g.Mark, g.Changed, " "}, {g.Up, g.Down}, {g.BarFull, g.BarEmpty}} {
			sorted := slices.Clone(group)
			slices.Sort(sorted)
			if len(slices.Compact(sorted)) != len(group) {
				t.Errorf("%s: signs %q are not all different", name, group)
			}
		}
	}
}

func TestGlyphsAreOneCellWide(t *testing.T) {
	for _, name := range []string{"ascii", "unicode"} {
		g := mustNew(t, "", name, false).Glyphs
		one := append([]string{
			g.Mark, g.Cursor, g.Changed, g.Up, g.Down, g.Left, g.Right, g.Ellipsis, g.H, g.V, g.TL, g.TR, g.BL, g.BR,
			g.Tick, g.Cross, g.Dot, g.Run, g.Warn, g.BarFull, g.BarEmpty, g.Mask, g.Dash,
		}, g.Spinner...)
		for _, s := range one {
			if ansi.StringWidth(s) != 1 || ansi.StringWidthWc(s) != 1 {
				t.Errorf("%s: %q is not one cell wide", name, s)
			}
			if name == "ascii" && (len(s) != 1 || s[0] < ' ' || s[0] > '~') {
				t.Errorf("%q is not ASCII", s)
			}
			if r := []rune(s)[0]; r >= 0xe000 && r <= 0xf8ff {
				t.Errorf("%q needs a special font", s)
			}
		}
	}
}
