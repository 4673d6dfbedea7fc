package ptytest

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// ColorKind says where a colour of a cell comes from.
type ColorKind uint8

// The kinds of colour a terminal cell can have.
const (
	// ColorDefault is the terminal's own foreground or background.
	ColorDefault ColorKind = iota
	// ColorBasic is one of the 16 colours the user's terminal theme defines; Index is 0 to 15.
	ColorBasic
	// ColorIndexed is one of the 256 palette colours; Index is 0 to 255.
	ColorIndexed
	// ColorRGB is a direct colour; R, G and B are 0 to 255.
	ColorRGB
)

// Color is the colour of a cell as the program asked for it, before any terminal theme is applied. Values compare with ==.
type Color struct {
	Kind    ColorKind
	Index   uint8
	R, G, B uint8
}

// Cell is one column of the screen with what stands in it.
type Cell struct {
	// Text is one grapheme cluster, a blank for an empty cell, or "" for the second column of a wide character.
	Text string
	// Width is the number of columns the text takes: 1 or 2, and 0 for the second column of a wide character.
	Width int
	// Fg and Bg are the colours asked for, before Reverse is applied.
	Fg, Bg Color
	// Bold, Faint, Italic, Underline, Blink, Reverse, Conceal and Strike are the SGR attributes.
	Bold, Faint, Italic, Underline, Blink, Reverse, Conceal, Strike bool
	// Link is the target of an OSC 8 hyperlink, or "".
	Link string
}

// Cursor is the place of the terminal's cursor, counted from 0, and whether the program shows it.
type Cursor struct {
	X, Y    int
	Visible bool
}

// Screen is an independent copy of what the terminal shows at one moment.
type Screen struct {
	Width, Height int
	// Cells holds Height rows of Width cells.
	Cells  [][]Cell
	Cursor Cursor
	// Title is the last window title the program set, unsanitised.
	Title string
	// Alt is true while the alternate screen is shown.
	Alt bool
}

// Line returns the text of row y, counted from 0, without blanks at its end. A row outside the screen is "".
func (s Screen) Line(y int) string {
	if y < 0 || y >= len(s.Cells) {
		return ""
	}
	var b strings.Builder
	for _, c := range s.Cells[y] {
		b.WriteString(c.Text)
	}
	return strings.TrimRight(b.String(), " ")
}

// Lines returns the text of all rows, each without blanks at its end.
func (s Screen) Lines() []string {
	lines := make([]string, len(s.Cells))
	for y := range s.Cells {
		lines[y] = s.Line(y)
	}
	return lines
}

// Text returns the rows joined by newlines, without empty rows at the end.
func (s Screen) Text() string {
	return strings.TrimRight(strings.Join(s.Lines(), "\n"), "\n")
}

// Contains reports whether some row contains text. Text that wraps over two rows is not found.
func (s Screen) Contains(text string) bool {
	_, _, ok := s.Find(text)
	return ok
}

// Find returns the column and row of the first occurrence of text, searching from the top.
func (s Screen) Find(text string) (x, y int, ok bool) {
	for y := range s.Cells {
		line := s.Line(y)
		if at := strings.Index(line, text); at >= 0 {
			return s.column(y, at), y, true
		}
	}
	return 0, 0, false
}

// column turns a byte offset in the text of a row into a column of the screen.
func (s Screen) column(y, offset int) int {
	for x, c := range s.Cells[y] {
		if offset <= 0 && c.Width > 0 {
			return x
		}
		offset -= len(c.Text)
	}
	return len(s.Cells[y])
}

// At returns the cell in column x of row y. A place outside the screen gives the zero Cell.
func (s Screen) At(x, y int) Cell {
	if y < 0 || y >= len(s.Cells) || x < 0 || x >= len(s.Cells[y]) {
		return Cell{}
	}
	return s.Cells[y][x]
}

// String draws the screen with a frame, for messages of failed tests.
func (s Screen) String() string {
	rule := strings.Repeat("─", s.Width)
	var b strings.Builder
	fmt.Fprintf(&b, "┌%s┐ %dx%d cursor %d,%d\n", rule, s.Width, s.Height, s.Cursor.X, s.Cursor.Y)
	for y := range s.Cells {
		b.WriteString("│")
		b.WriteString(s.Line(y))
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "└%s┘", rule)
	return b.String()
}

// convertColor maps the colour types of the emulator's style reader to Color.
func convertColor(c color.Color) Color {
	switch c := c.(type) {
	case nil:
		return Color{}
	case ansi.BasicColor:
		return Color{Kind: ColorBasic, Index: uint8(c)}
	case ansi.IndexedColor:
		if c < 16 {
			return Color{Kind: ColorBasic, Index: uint8(c)}
		}
		return Color{Kind: ColorIndexed, Index: uint8(c)}
	default:
		r, g, b, _ := c.RGBA()
		// RGBA gives 16 bits a channel; the upper eight are what the program sent.
		return Color{Kind: ColorRGB, R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8)} //nolint:gosec // r, g and b are at most 0xffff
	}
}
