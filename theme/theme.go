// Package theme turns meanings into colours, attributes and signs. It is the only package that makes a style or a colour:
// all others name a Tone. That keeps the program legible on every terminal from one place.
package theme

import (
	"strings"

	"charm.land/lipgloss/v2"
)

// paint is a tone ready to be written: the bytes before and after the text.
type paint struct {
	prefix, suffix string
	style          lipgloss.Style
}

// Theme is a palette with a set of signs. It is small, is copied freely and is never changed after New.
// The zero Theme paints nothing.
type Theme struct {
	// Name is "ansi", "dark" or "light".
	Name string
	// Glyphs are the signs to draw with.
	Glyphs Glyphs
	// NoColor is true when only attributes are used, no colours.
	NoColor bool

	paints *[toneCount]paint
}

// New makes a theme. The name is "ansi" (also ""), which uses only what works on dark and light backgrounds, or "dark" or
// "light". The glyphs are "ascii" (also "") or "unicode". With noColor no colour is used, but bold, faint, reverse and
// underline are kept. An unknown name is an error that says which there are.
func New(name, glyphs string, noColor bool) (Theme, error) {
	looks, full, err := newPalette(name)
	if err != nil {
		return Theme{}, err
	}
	signs, err := newGlyphs(glyphs)
	if err != nil {
		return Theme{}, err
	}
	t := Theme{Name: full, Glyphs: signs, NoColor: noColor, paints: new([toneCount]paint)}
	for tone, look := range looks {
		t.paints[tone] = newPaint(look.style(noColor))
	}
	return t, nil
}

// newPaint asks the style once what it writes around a text, so that a cell costs no call of lipgloss.
func newPaint(style lipgloss.Style) paint {
	const probe = "X"
	prefix, suffix, _ := strings.Cut(style.Render(probe), probe)
	return paint{prefix: prefix, suffix: suffix, style: style}
}

// Paint returns the text in a tone. The text must be one line; a tone inside it ends the outer one, so nothing is nested.
func (t Theme) Paint(tone Tone, text string) string {
	if text == "" || t.paints == nil || !tone.valid() {
		return text
	}
	p := &t.paints[tone]
	if p.prefix == "" {
		return text
	}
	return p.prefix + text + p.suffix
}

// Append is Paint that writes to a builder; the table uses it to draw a row without a string per cell.
func (t Theme) Append(b *strings.Builder, tone Tone, text string) {
	if text == "" {
		return
	}
	if t.paints == nil || !tone.valid() {
		b.WriteString(text)
		return
	}
	p := &t.paints[tone]
	b.WriteString(p.prefix)
	b.WriteString(text)
	b.WriteString(p.suffix)
}

// Painted reports whether the tone writes anything besides the text. Blanks at the end of a line that is not painted need
// not be sent.
func (t Theme) Painted(tone Tone) bool {
	return t.paints != nil && tone.valid() && t.paints[tone].prefix != ""
}

// Style returns the tone as a style, for boxes and for widgets that take one.
func (t Theme) Style(tone Tone) lipgloss.Style {
	if t.paints == nil || !tone.valid() {
		return lipgloss.NewStyle()
	}
	return t.paints[tone].style
}

// Border returns the frame of a box in the theme's signs.
func (t Theme) Border() lipgloss.Border {
	g := t.Glyphs
	return lipgloss.Border{
		Top: g.H, Bottom: g.H, Left: g.V, Right: g.V,
		TopLeft: g.TL, TopRight: g.TR, BottomLeft: g.BL, BottomRight: g.BR,
	}
}
