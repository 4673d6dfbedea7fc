package ui

import (
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// entry is a line of text being typed. Its zero value is empty and ready.
type entry struct {
	text []rune
	pos  int
}

// entryMax keeps a stray paste from filling the memory.
const entryMax = 4096

func (e *entry) String() string { return string(e.text) }

func (e *entry) set(s string) {
	e.text = []rune(clean(s))
	e.pos = len(e.text)
}

// insert puts printable text at the cursor and says whether anything changed.
func (e *entry) insert(s string) bool {
	s = strings.TrimRight(s, "\r\n")
	in := []rune(clean(strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ").Replace(s)))
	if room := entryMax - len(e.text); len(in) > room {
		in = in[:max(room, 0)]
	}
	if len(in) == 0 {
		return false
	}
	out := make([]rune, 0, len(e.text)+len(in))
	out = append(append(append(out, e.text[:e.pos]...), in...), e.text[e.pos:]...)
	e.text, e.pos = out, e.pos+len(in)
	return true
}

func (e *entry) cut(from, to int) bool {
	from, to = max(from, 0), min(to, len(e.text))
	if from >= to {
		return false
	}
	e.text = append(e.text[:from:from], e.text[to:]...)
	e.pos = from
	return true
}

// key edits the line and says whether its text changed. Movement inside a line is the same in every entry and not remapped.
func (e *entry) key(k tea.KeyPressMsg) bool {
	if k.Text != "" && k.Mod&(tea.ModCtrl|tea.ModAlt) == 0 {
		return e.insert(k.Text)
	}
	switch k.Keystroke() {
	case "backspace":
		return e.cut(e.pos-1, e.pos)
	case "delete":
		return e.cut(e.pos, e.pos+1)
	case "left":
		e.pos = max(e.pos-1, 0)
	case "right":
		e.pos = min(e.pos+1, len(e.text))
	case "home":
		e.pos = 0
	case "end", "ctrl+e":
		e.pos = len(e.text)
	case "ctrl+u":
		return e.cut(0, e.pos)
	case "ctrl+k":
		return e.cut(e.pos, len(e.text))
	case "ctrl+w", "alt+backspace":
		return e.cut(e.wordStart(), e.pos)
	}
	return false
}

func (e *entry) wordStart() int {
	i := e.pos
	for i > 0 && unicode.IsSpace(e.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(e.text[i-1]) {
		i--
	}
	return i
}

// view draws the line in w cells and says in which cell the cursor stands. A long line shows the part around the cursor.
func (e *entry) view(th theme.Theme, w int, placeholder string) (string, int) {
	if w <= 0 {
		return "", 0
	}
	if len(e.text) == 0 {
		return th.Paint(theme.Placeholder, ansi.Truncate(placeholder, w, "")), 0
	}
	from := 0
	for from < e.pos && ansi.StringWidth(string(e.text[from:e.pos])) >= w {
		from++
	}
	return th.Paint(theme.Input, ansi.Truncate(string(e.text[from:]), w, "")), ansi.StringWidth(string(e.text[from:e.pos]))
}

// clean takes out what moves a cursor or hides text: control characters and the marks that turn the reading direction.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}
