package lean

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Screen thins out the output for one terminal. The zero Screen passes everything on until it is told a size. It must be
// used from one goroutine at a time.
type Screen struct {
	grid
	// given up is true once something was sent that is not understood: from then on everything is passed on.
	givenUp bool

	out []byte
	// behind is how many cells the cursor of the terminal stands to the left of that of the grid: they show already what they should.
	behind int
	// sent is the pen of the terminal.
	sent string
	// said is the last character, for one that is to be repeated; 0 when it cannot be. The terminal may not have heard it.
	said  rune
	heard bool
}

// Resize tells the size of the terminal in cells. With another one than before nothing is known of it any more.
func (s *Screen) Resize(w, h int) {
	if w != s.w || h != s.h {
		s.resize(max(w, 0), max(h, 0))
		s.sent = s.pen
	}
}

// Forget takes back what the terminal is thought to show.
func (s *Screen) Forget() {
	s.forget()
	s.pen, s.sent = unknown, unknown
}

// Thin returns what has to be sent instead of p, which is valid until the next call. A sequence must not be cut in two.
func (s *Screen) Thin(p []byte) []byte {
	if s.givenUp || s.w < 1 || s.h < 1 {
		return p
	}
	s.out = s.out[:0]
	for len(p) > 0 && !s.givenUp {
		p = p[s.take(p):]
	}
	s.pass(p)
	return s.out
}

// take works off what comes next and returns the number of its bytes.
func (s *Screen) take(p []byte) int {
	switch c := p[0]; {
	case c == ansi.ESC:
		return s.escape(p)
	case c < ' ' || c == ansi.DEL:
		return s.control(p)
	case c < ansi.DEL && (len(p) == 1 || p[1] < utf8.RuneSelf):
		s.put(rune(c), p[:1])
		return 1
	default:
		return s.cluster(p)
	}
}

// cluster takes a character that is not ASCII, or more than a rune.
func (s *Screen) cluster(p []byte) int {
	switch text, most := character(p); most {
	case 0:
		return s.giveUp(p)
	case 1:
		r, _ := utf8.DecodeRune(text)
		s.put(r, text)
		return len(text)
	default:
		s.putOdd(text, most)
		return len(text)
	}
}

// character gives what comes next, when it is a character, and the most cells that a terminal may give it: one where all agree
// about that, two for each of its runes where they may not, and none where it is no character.
func character(p []byte) (text []byte, most int) {
	text, width := ansi.FirstGraphemeCluster(p, ansi.GraphemeWidth)
	r, n := utf8.DecodeRune(text)
	switch {
	case len(text) == 0 || r == utf8.RuneError || r < ' ' || r >= ansi.DEL && r < 0xa0:
		return nil, 0
	case n == len(text) && width == 1 && ansi.StringWidthWc(string(text)) == 1:
		return text, 1
	}
	return text, 2 * utf8.RuneCount(text)
}

// put writes a character of one cell, unless it is there. The last column is always written, because that decides where the
// next character goes, and so is what goes to the next line by itself, since it is what takes the terminal there.
func (s *Screen) put(char rune, raw []byte) {
	s.said, s.heard = char, true
	wrapped := s.wrapping
	s.wrap()
	if !s.placed() {
		s.forget()
		s.pass(raw)
		return
	}
	if s.x < s.w-1 && !wrapped && !s.vague && !s.inserted && s.lines[s.y].cells[s.x] == (cell{pen: s.pen, char: char}) {
		s.behind++
		s.x++
		s.heard = false
		return
	}
	s.pass(raw)
	s.set(char)
}

// putOdd writes a character on whose width terminals may disagree, and the most cells that one may give it.
func (s *Screen) putOdd(raw []byte, most int) {
	s.said = 0
	s.pass(raw)
	if s.wrapping || !s.placed() { // what has no width joins the last column instead of going to the next line
		s.forget()
		return
	}
	l := &s.lines[s.y]
	l.clear(0, s.w, cell{})
	l.odd, s.vague, s.some = true, true, true
	s.advance(most)
}

// pass sends something as it is, with cursor and attributes where they should be.
func (s *Screen) pass(raw []byte) {
	s.catchUp()
	s.ink()
	s.out = append(s.out, raw...)
}

// giveUp passes on everything, now and from now on.
func (s *Screen) giveUp(p []byte) int {
	s.pass(p)
	s.givenUp = true
	return len(p)
}

// catchUp brings the cursor of the terminal to where it should be: by what is there already, or by a move where that is shorter.
func (s *Screen) catchUp() {
	if s.behind == 0 {
		return
	}
	skipped := s.lines[s.y].cells[s.x-s.behind : s.x]
	move := ansi.CursorForward(s.behind)
	s.behind = 0
	cost := 0
	for i := range skipped {
		cost += utf8.RuneLen(skipped[i].char)
		if skipped[i].pen != s.sent || cost > len(move) {
			s.out = append(s.out, move...)
			return
		}
	}
	for i := range skipped {
		s.out = utf8.AppendRune(s.out, skipped[i].char)
	}
}

// ink brings the attributes of the terminal to what they should be.
func (s *Screen) ink() {
	if s.sent == s.pen {
		return
	}
	more, ok := strings.CutPrefix(s.pen, s.sent)
	if !ok {
		s.out = append(s.out, ansi.ResetStyle...)
		more = s.pen
	}
	s.out = append(s.out, more...)
	s.sent = s.pen
}

// longest is how long a pen grows before it is taken for unknown.
const longest = 400

// dip adds a sequence to the attributes in force.
func (s *Screen) dip(seq string) {
	switch {
	case seq == "\x1b[m" || seq == "\x1b[0m":
		s.pen = ""
	case strings.HasPrefix(seq, "\x1b[0;") || strings.HasPrefix(seq, "\x1b[;"):
		s.pen = seq
	default:
		s.pen += seq
	}
	if len(s.pen) > longest {
		s.catchUp()
		s.ink()
		s.pen, s.sent = unknown, unknown
	}
}
