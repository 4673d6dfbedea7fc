package lean

import (
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// redraw takes a line that is erased from its first column and drawn again, which the library does in every frame with lines that
// have wide characters. Drawn with the same bytes as the time before, it is left out. It returns how many bytes behind the
// sequence that erases it has taken.
func (s *Screen) redraw(eraser, rest []byte) int {
	n, width, odd := extent(rest)
	l := &s.lines[s.y]
	if !odd || s.pen != "" || !s.autowrap || s.inserted || width > s.w {
		s.pass(eraser)
		s.erase(s.y, 0, s.w)
		return 0
	}
	drawn := string(rest[:n])
	if l.drawn != drawn {
		s.pass(eraser)
		s.erase(s.y, 0, s.w)
		for p := rest[:n]; len(p) > 0; {
			p = p[s.take(p):]
		}
		l.drawn = drawn
		return n
	}
	for p := rest[:n]; len(p) > 0; {
		size := 1
		if p[0] == ansi.ESC {
			_, size = parse(p)
			s.dip(string(p[:size]))
		}
		p = p[size:]
	}
	s.said = 0
	s.x = min(width, s.w-1)
	if !absolute(rest[n:]) {
		s.out = append(s.out, ansi.CursorHorizontalAbsolute(s.x+1)...)
	}
	return n
}

// extent is how many bytes draw characters one after another, how many cells they take, and whether any of them is odd.
func extent(p []byte) (n, width int, odd bool) {
	for n < len(p) {
		if p[n] == ansi.ESC {
			c, size := parse(p[n:])
			if n+1 >= len(p) || p[n+1] != '[' || size == 0 || c.final != 'm' || c.prefix != 0 || c.inter != "" {
				break
			}
			n += size
			continue
		}
		if p[n] < ' ' || p[n] == ansi.DEL {
			break
		}
		text, cells := ansi.FirstGraphemeCluster(p[n:], ansi.GraphemeWidth)
		r, size := utf8.DecodeRune(text)
		if len(text) == 0 || r == utf8.RuneError || r < 0xa0 && r > ansi.DEL {
			break
		}
		odd = odd || size < len(text) || cells != 1 || ansi.StringWidthWc(string(text)) != 1
		n += len(text)
		width += cells
	}
	return n, width, odd
}

// absolute reports whether what comes next does not depend on the column of the cursor.
func absolute(p []byte) bool {
	if len(p) == 0 {
		return false
	}
	if p[0] == '\r' {
		return true
	}
	if len(p) < 3 || p[0] != ansi.ESC || p[1] != '[' {
		return false
	}
	c, n := parse(p)
	return n > 0 && c.prefix == 0 && c.inter == "" && (c.final == 'H' || c.final == 'G')
}
