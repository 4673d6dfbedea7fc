package ptytest

import (
	"fmt"
	"strings"
)

// The measures of a drawn cell and of the frame around the screen, in pixels.
const (
	svgCellW    = 9
	svgCellH    = 19
	svgBaseline = 14
	svgFont     = 15
	svgPad      = 12
	svgBar      = 30
)

// SVG draws the screen as a picture with a title bar. The file refers to nothing outside itself, and the same screen
// always gives the same bytes. Every run of text is stretched to its columns, so that the picture is aligned whatever
// monospace font the reader has. Concealed text is left out; blinking text stands still.
func SVG(s Screen, title string) []byte {
	var b strings.Builder
	w, h := s.Width*svgCellW+2*svgPad, s.Height*svgCellH+2*svgPad+svgBar
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n",
		w, h, w, h, escapeXML(title))
	fmt.Fprintf(&b, `<title>%s</title>`+"\n", escapeXML(title))
	fmt.Fprintf(&b, `<style>text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:%dpx;white-space:pre}</style>`+"\n", svgFont)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="%s"/>`+"\n", w, h, svgBackground)
	fmt.Fprintf(&b, `<text x="%d" y="20" text-anchor="middle" fill="#8a8f98">%s</text>`+"\n", w/2, escapeXML(title))
	fmt.Fprintf(&b, `<g transform="translate(%d %d)" xml:space="preserve">`+"\n", svgPad, svgPad+svgBar)
	for y := range s.Cells {
		drawBackgrounds(&b, s.Cells[y], y)
	}
	for y := range s.Cells {
		drawText(&b, s.Cells[y], y)
	}
	drawCursor(&b, s)
	b.WriteString("</g>\n</svg>\n")
	return []byte(b.String())
}

// drawBackgrounds draws one rectangle for each run of equal background that is not the terminal's own.
func drawBackgrounds(b *strings.Builder, row []Cell, y int) {
	for x := 0; x < len(row); {
		_, fill := colours(row, x)
		end := x + 1
		for end < len(row) {
			if _, other := colours(row, end); other != fill {
				break
			}
			end++
		}
		if fill != svgBackground {
			fmt.Fprintf(b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/>`+"\n",
				x*svgCellW, y*svgCellH, (end-x)*svgCellW, svgCellH, fill)
		}
		x = end
	}
}

// drawText draws one element for each run of cells with the same style. Wide characters stand alone, since their
// columns cannot be shared out evenly with narrow ones.
func drawText(b *strings.Builder, row []Cell, y int) {
	for x := 0; x < len(row); {
		c := row[x]
		if c.Conceal || (!c.Underline && !c.Strike && strings.TrimSpace(c.Text) == "") {
			x++
			continue
		}
		end, text := x+1, c.Text
		if c.Width == 2 {
			end = min(x+2, len(row))
		} else {
			for end < len(row) && sameStyle(row[end], c) {
				text += row[end].Text
				end++
			}
			if !c.Underline && !c.Strike {
				trimmed := strings.TrimRight(text, " ")
				end -= len(text) - len(trimmed)
				text = trimmed
			}
		}
		drawRun(b, row, x, end, y, text)
		x = end
	}
}

// sameStyle reports whether a narrow cell can be drawn in one run with c.
func sameStyle(o, c Cell) bool {
	o.Text, o.Link = c.Text, c.Link
	c.Width = 1
	return o == c
}

// drawRun draws the text of the columns x to end.
func drawRun(b *strings.Builder, row []Cell, x, end, y int, text string) {
	c := row[x]
	fg, _ := colours(row, x)
	style := ""
	if c.Bold {
		style += ` font-weight="bold"`
	}
	if c.Italic {
		style += ` font-style="italic"`
	}
	if c.Faint {
		style += ` opacity="0.6"`
	}
	switch {
	case c.Underline && c.Strike:
		style += ` text-decoration="underline line-through"`
	case c.Underline:
		style += ` text-decoration="underline"`
	case c.Strike:
		style += ` text-decoration="line-through"`
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" textLength="%d" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
		x*svgCellW, y*svgCellH+svgBaseline, (end-x)*svgCellW, fg, style, escapeXML(text))
}

// drawCursor draws a visible cursor as an outline.
func drawCursor(b *strings.Builder, s Screen) {
	c := s.Cursor
	if !c.Visible || c.X < 0 || c.X >= s.Width || c.Y < 0 || c.Y >= s.Height {
		return
	}
	fmt.Fprintf(b, `<rect x="%d.5" y="%d.5" width="%d" height="%d" fill="none" stroke="%s"/>`+"\n",
		c.X*svgCellW, c.Y*svgCellH, svgCellW-1, svgCellH-1, svgForeground)
}

// colours returns the drawn foreground and background of a cell, with Reverse applied. The second column of a wide
// character takes the style of the first.
func colours(row []Cell, x int) (fg, bg string) {
	if row[x].Width == 0 && x > 0 {
		x--
	}
	c := row[x]
	fg, bg = hexColour(c.Fg, svgForeground), hexColour(c.Bg, svgBackground)
	if c.Reverse {
		fg, bg = bg, fg
	}
	return fg, bg
}

// escapeXML makes text safe inside an element or attribute. Characters XML 1.0 forbids become U+FFFD.
func escapeXML(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r < 0x20, r == 0x7f, r >= 0x80 && r <= 0x9f, r == 0xfffe, r == 0xffff:
			b.WriteRune('\uFFFD')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
