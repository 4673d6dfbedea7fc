package lean

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// tabStop is the distance of the terminal's tab stops.
const tabStop = 8

// control takes a control character.
func (s *Screen) control(p []byte) int {
	raw := p[:1]
	switch p[0] {
	case '\r':
		s.behind = 0
		s.column(0)
		s.out = append(s.out, raw...)
	case '\n':
		s.pass(raw)
		s.strayed()
		s.feed()
	case '\b':
		s.pass(raw)
		s.strayed()
		s.x = max(s.x-1, min(s.x, 0))
	case '\t':
		s.pass(raw)
		s.strayed()
		s.tab(1)
	case '\a':
		s.out = append(s.out, raw...)
	default:
		return s.giveUp(p)
	}
	return 1
}

// tab moves the cursor by tab stops.
func (s *Screen) tab(n int) {
	if s.x >= 0 {
		s.x = min((s.x/tabStop+n)*tabStop, s.w-1)
	}
}

// strayed notes a move that terminals make differently behind the last column.
func (s *Screen) strayed() {
	if s.wrapping {
		s.wrapping, s.x = false, -1
	}
}

// escape takes an escape sequence.
func (s *Screen) escape(p []byte) int {
	if len(p) < 2 {
		return s.giveUp(p)
	}
	switch p[1] {
	case '[':
		return s.sequence(p)
	case ']', 'P', '_', '^', 'X':
		return s.text(p)
	case 'M':
		s.pass(p[:2])
		s.strayed()
		s.back()
	case '8':
		s.pass(p[:2])
		s.restored()
	case '7', '=', '>':
		s.pass(p[:2])
	default:
		return s.giveUp(p)
	}
	return 2
}

// restored notes that cursor and attributes are what they once were.
func (s *Screen) restored() {
	s.lost()
	s.pen, s.sent = unknown, unknown
}

// text takes a sequence that carries a text, such as the title of the window or what goes to the clipboard. None that is sent here
// touches the cells, but links belong to the attributes.
func (s *Screen) text(p []byte) int {
	end, size := bytes.IndexByte(p, ansi.BEL), 1
	if st := bytes.Index(p[2:], []byte("\x1b\\")); st >= 0 && (end < 0 || p[1] != ']' || st+2 < end) {
		end, size = st+2, 2
	} else if p[1] != ']' {
		end = -1
	}
	if end < 0 || p[1] == ']' && bytes.HasPrefix(p[2:], []byte("8;")) || p[1] == 'P' && !bytes.ContainsAny(p[2:3], "+$") {
		return s.giveUp(p)
	}
	s.out = append(s.out, p[:end+size]...)
	return end + size
}

// command is a control sequence: its prefix such as '?', its numbers, what stands before its last byte, and that byte.
type command struct {
	prefix byte
	params string
	inter  string
	final  byte
}

// parse reads a control sequence and the number of its bytes, 0 when it is none.
func parse(p []byte) (c command, n int) {
	i := 2
	if i < len(p) && p[i] >= '<' && p[i] <= '?' {
		c.prefix = p[i]
		i++
	}
	from := i
	for i < len(p) && p[i] >= '0' && p[i] <= ';' {
		i++
	}
	c.params = string(p[from:i])
	from = i
	for i < len(p) && p[i] >= ' ' && p[i] <= '/' {
		i++
	}
	c.inter = string(p[from:i])
	if i >= len(p) || p[i] < '@' || p[i] > '~' {
		return c, 0
	}
	c.final = p[i]
	return c, i + 1
}

// most bounds numbers, so that sums of them do not overflow.
const most = 1 << 20

// arg is a number of the sequence by its place, otherwise where it is missing or zero.
func (c *command) arg(i, otherwise int) int {
	parts := strings.Split(c.params, ";")
	if i >= len(parts) {
		return otherwise
	}
	n, err := strconv.Atoi(parts[i])
	if err != nil || n == 0 {
		return otherwise
	}
	return min(n, most)
}

// sequence takes a control sequence.
func (s *Screen) sequence(p []byte) int {
	c, n := parse(p)
	if n == 0 {
		return s.giveUp(p)
	}
	raw := p[:n]
	switch {
	case c.prefix != 0 || c.inter != "":
		if !s.private(c, raw) {
			return s.giveUp(p)
		}
	case c.final == 'm':
		s.dip(string(raw))
	case strings.ContainsRune(c.params, ':'):
		return s.giveUp(p)
	case c.final == 'K' && c.arg(0, 0) == 0 && s.x == 0 && s.y >= 0:
		return n + s.redraw(raw, p[n:])
	case !s.move(c, raw) && !s.change(c, raw):
		return s.giveUp(p)
	}
	return n
}

// move takes a sequence that moves the cursor, and tells whether it was one. One that says where to go makes up for cells that
// were left out.
func (s *Screen) move(c command, raw []byte) bool {
	switch c.final {
	case 'H', 'f', 'G', '`':
		s.behind = 0
		s.out = append(s.out, raw...)
		if c.final == 'G' || c.final == '`' {
			s.column(min(c.arg(0, 1), s.w) - 1)
		} else {
			s.y = min(c.arg(0, 1), s.h) - 1
			s.column(min(c.arg(1, 1), s.w) - 1)
		}
		return true
	case 'A', 'B', 'C', 'D', 'I', 'Z', 'd':
	default:
		return false
	}
	s.pass(raw)
	s.strayed()
	n := c.arg(0, 1)
	switch c.final {
	case 'A':
		s.climb(-n)
	case 'B':
		s.climb(n)
	case 'C':
		if s.x >= 0 {
			s.x = min(s.x+n, s.w-1)
		}
	case 'D':
		s.x = max(s.x-n, min(s.x, 0))
	case 'I':
		s.tab(n)
	case 'Z':
		if s.x >= 0 {
			s.x = max((s.x+tabStop-1)/tabStop-n, 0) * tabStop
		}
	case 'd':
		s.y = min(n, s.h) - 1
	}
	return true
}

// climb moves the cursor by lines, which may end at the margins where there are any.
func (s *Screen) climb(n int) {
	if s.y < 0 || s.top > 0 || s.bottom < s.h-1 {
		s.y = -1
		return
	}
	s.y = max(0, min(s.y+n, s.h-1))
}
