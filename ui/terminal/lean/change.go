package lean

import (
	"bytes"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// change takes a sequence that changes cells or how they are changed, and tells whether it knows it.
func (s *Screen) change(c command, raw []byte) bool {
	n := c.arg(0, 1)
	switch c.final {
	case 'n', 'c': // questions
		s.pass(raw)
		return true
	case 's':
		s.pass(raw)
		return true
	case 'u':
		s.pass(raw)
		s.restored()
		return true
	case 'r':
		s.pass(raw)
		s.margins(c)
		return true
	case 'h', 'l':
		s.pass(raw)
		s.inserted, s.givenUp = c.final == 'h', c.params != "4"
		return true
	case 'b':
		return s.repeat(n, raw)
	case 'X':
		if !s.wrapping && s.isBlank(n) {
			return true
		}
	case 'J', 'K', '@', 'P', 'L', 'M', 'S', 'T':
	default:
		return false
	}
	s.pass(raw)
	if !s.known() {
		s.forgetCells()
		return true
	}
	defer s.strayed() // behind the last column some terminals take the cursor back, so that the next character stays in this line
	switch c.final {
	case 'J', 'K':
		s.eraseBy(c)
	case 'X':
		s.erase(s.y, s.x, s.x+n)
	case '@':
		s.shift(n)
	case 'P':
		s.shift(-n)
	case 'L', 'M':
		if c.final == 'L' {
			n = -n
		}
		if s.y >= s.top && s.y <= s.bottom {
			s.scroll(s.y, s.bottom, n)
		}
		switch {
		case s.top > 0 || s.bottom < s.h-1:
			s.lost() // between margins some take the line for one of the region
		case s.x != 0 || s.wrapping:
			s.x, s.wrapping = -1, false // some terminals go to the first column
		}
	case 'S':
		s.scroll(s.top, s.bottom, n)
	case 'T':
		s.scroll(s.top, s.bottom, -n)
	}
	return true
}

// isBlank reports whether erasing n cells from the cursor on would change nothing.
func (s *Screen) isBlank(n int) bool {
	if !s.known() || s.pen != "" {
		return false
	}
	for _, c := range s.lines[s.y].cells[s.x:min(s.x+n, s.w)] {
		if c != (cell{char: ' '}) {
			return false
		}
	}
	return true
}

// forgetCells forgets all cells, but not where the cursor is as far as that is known.
func (s *Screen) forgetCells() {
	x, y, vague, wrapping := s.x, s.y, s.vague, s.wrapping
	s.forget()
	s.x, s.y, s.vague, s.wrapping = x, y, vague, wrapping
}

// eraseBy erases a part of the line or of the screen.
func (s *Screen) eraseBy(c command) {
	switch mode := c.arg(0, 0); {
	case c.final == 'K' && mode == 0:
		s.erase(s.y, s.x, s.w)
	case c.final == 'K' && mode == 1:
		s.erase(s.y, 0, s.x+1)
	case c.final == 'K' && mode == 2:
		s.erase(s.y, 0, s.w)
	case c.final == 'J' && mode == 0:
		s.erase(s.y, s.x, s.w)
		for y := s.y + 1; y < s.h; y++ {
			s.erase(y, 0, s.w)
		}
	case c.final == 'J' && mode == 2:
		for y := range s.h {
			s.erase(y, 0, s.w)
		}
	default:
		s.givenUp = true
	}
}

// margins sets which lines scroll. Where the cursor is then is not relied on.
func (s *Screen) margins(c command) {
	top, bottom := c.arg(0, 1)-1, min(c.arg(1, s.h), s.h)-1
	s.lost()
	s.top, s.bottom = top, bottom
	s.givenUp = s.givenUp || top >= bottom
}

// repeat takes the order to repeat the last character, and tells whether that is known.
func (s *Screen) repeat(n int, raw []byte) bool {
	if s.said < ' ' || s.said >= ansi.DEL {
		return false
	}
	if !s.heard {
		s.pass([]byte{byte(s.said)})
		raw = []byte(ansi.RepeatPreviousCharacter(n - 1))
		if n-1 < len(raw) {
			raw = bytes.Repeat([]byte{byte(s.said)}, n-1)
		}
	}
	s.pass(raw)
	s.heard = true
	if !s.known() || s.wrapping || s.x+n > s.w {
		s.forget()
		return true
	}
	for range n {
		s.set(s.said)
	}
	return true
}

// private takes a sequence with a prefix or with something before its last byte, and tells whether it knows it. Nearly all of
// them are about keys, mice and questions.
func (s *Screen) private(c command, raw []byte) bool {
	switch {
	case c.prefix == '?' && c.inter == "" && (c.final == 'h' || c.final == 'l'):
		s.pass(raw)
		s.mode(c)
		return true
	case c.prefix == '?' && c.inter == "" && strings.IndexByte("nucW", c.final) >= 0,
		c.prefix == '>' && c.inter == "" && strings.IndexByte("mucq", c.final) >= 0,
		(c.prefix == '<' || c.prefix == '=') && c.inter == "" && c.final == 'u',
		c.inter == "$" && c.final == 'p',
		c.prefix == 0 && c.inter == " " && c.final == 'q':
		s.pass(raw)
		return true
	}
	return false
}

// mode notes a mode that was switched on or off.
func (s *Screen) mode(c command) {
	for number := range strings.SplitSeq(c.params, ";") {
		switch number {
		case "1049", "1047", "47":
			s.Forget()
			s.top, s.bottom = 0, s.h-1
		case "7":
			s.autowrap = c.final == 'h'
			s.wrapping = s.wrapping && s.autowrap
		case "1", "12", "25", "1000", "1002", "1003", "1004", "1005", "1006", "1015", "1016", "2004", "2026", "2027", "2031", "2048":
		default:
			s.givenUp = true
		}
	}
}
