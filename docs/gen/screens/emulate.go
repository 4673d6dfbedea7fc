package main

import (
	"image/color"
	"strings"

	uv "github.com/charmbracelet/ultraviolet" //nolint:depguard // the pictures are drawn by the emulator the tests use
	"github.com/charmbracelet/x/ansi"         //nolint:depguard // its colours come with the emulator's cells
	"github.com/charmbracelet/x/vt"           //nolint:depguard // the pictures are drawn by the emulator the tests use

	"github.com/unitty/unitty/ui/terminal/ptytest"
)

// emulate shows a frame on a terminal and copies what is then to be seen.
func emulate(frame string, w, h int) ptytest.Screen {
	em := vt.NewEmulator(w, h)
	_, _ = em.Write([]byte(strings.ReplaceAll(frame, "\n", "\r\n"))) // it fails only once it is closed
	s := ptytest.Screen{Width: w, Height: h, Cells: make([][]ptytest.Cell, h)}
	for y := range s.Cells {
		s.Cells[y] = make([]ptytest.Cell, w)
		covered := 0
		for x := range s.Cells[y] {
			c := &s.Cells[y][x]
			*c = cell(em.CellAt(x, y))
			switch {
			case covered > 0:
				c.Text, c.Width = "", 0
				covered--
			case c.Text == "" || c.Width < 1:
				c.Text, c.Width = " ", 1
			default:
				covered = c.Width - 1
			}
		}
	}
	return s
}

func cell(c *uv.Cell) ptytest.Cell {
	if c == nil {
		return ptytest.Cell{}
	}
	attrs := c.Style.Attrs
	return ptytest.Cell{Text: c.Content, Width: c.Width, Fg: colour(c.Style.Fg), Bg: colour(c.Style.Bg),
		Bold: attrs&uv.AttrBold != 0, Faint: attrs&uv.AttrFaint != 0, Italic: attrs&uv.AttrItalic != 0,
		Underline: c.Style.Underline != uv.UnderlineNone, Reverse: attrs&uv.AttrReverse != 0, Strike: attrs&uv.AttrStrikethrough != 0}
}

func colour(c color.Color) ptytest.Color {
	switch c := c.(type) {
	case nil:
		return ptytest.Color{}
	case ansi.BasicColor:
		return ptytest.Color{Kind: ptytest.ColorBasic, Index: uint8(c)}
	case ansi.IndexedColor:
		return ptytest.Color{Kind: ptytest.ColorIndexed, Index: uint8(c)}
	default:
		r, g, b, _ := c.RGBA()
		return ptytest.Color{Kind: ptytest.ColorRGB, R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8)} //nolint:gosec // at most 0xffff
	}
}
