package lean

import (
	"github.com/charmbracelet/x/ansi"
)

// redraw takes a line that is erased from its first column and drawn again, which the library does in every frame with lines that
// have wide characters. Drawn with the same bytes as the time before, it is left out, unless what follows depends on where that
// leaves the cursor. It returns how many bytes behind the sequence that erases it has taken.
func (s *Screen) redraw(eraser, rest []byte) int {
	n, most := extent(rest)
	l := &s.lines[s.y]
	drawn := string(rest[:n])
	whole := s.pen == "" && s.autowrap && !s.inserted && most <= s.w
	if whole && n > 0 && l.drawn == drawn && absolute(rest[n:]) {
		s.dipAll(rest[:n])
		s.said = 0
		return n
	}
	s.pass(eraser)
	s.erase(s.y, 0, s.w)
	if !whole {
		return 0
	}
	for p := rest[:n]; len(p) > 0; {
		p = p[s.take(p):]
	}
	if l.odd {
		l.drawn = drawn
	}
	return n
}

// dipAll adds all sequences among characters to the attributes in force.
func (s *Screen) dipAll(p []byte) {
	for len(p) > 0 {
		size := 1
		if p[0] == ansi.ESC {
			_, size = parse(p)
			s.dip(string(p[:size]))
		}
		p = p[size:]
	}
}

// extent is how many bytes draw characters one after another, and the most cells that a terminal may give them.
func extent(p []byte) (n, most int) {
	for n < len(p) {
		if p[n] == ansi.ESC {
			c, size := parse(p[n:])
			if n+1 >= len(p) || p[n+1] != '[' || size == 0 || c.final != 'm' || c.prefix != 0 || c.inter != "" {
				break
			}
			n += size
			continue
		}
		text, cells := character(p[n:])
		if cells == 0 {
			break
		}
		n += len(text)
		most += cells
	}
	return n, most
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
