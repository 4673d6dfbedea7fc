package unity

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is a string that came from the server. A machine names itself and malware names its files, so the raw value may
// hold anything; it cannot be printed by accident, because String gives the sanitised view.
type Text struct{ raw string }

// NewText wraps a raw value.
func NewText(raw string) Text { return Text{raw} }

// Raw is the value as the server sent it: for what is sent back and for JSON, never for a terminal.
func (t Text) Raw() string { return t.raw }

// String is the sanitised view: one line, no control or invisible characters, oddities visible.
func (t Text) String() string { return Clean(t.raw) }

// Odd tells that the view differs from the raw value.
func (t Text) Odd() bool { return Clean(t.raw) != t.raw }

// Empty tells that the server sent nothing, null or blanks.
func (t Text) Empty() bool { return strings.TrimSpace(t.raw) == "" }

// MarshalJSON writes the raw value; what a terminal would obey is escaped.
func (t Text) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(t.raw)
	return escapeJSON(b), err
}

// UnmarshalJSON accepts strings, numbers, booleans and null.
func (t *Text) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	t.raw = s
	return nil
}

// maxView caps a sanitised view, in runes; maxMarks caps combining marks on one base character.
const (
	maxView  = 2000
	maxMarks = 8
)

// Clean gives the sanitised one-line view of s: control characters in caret notation, format characters (bidi, zero
// width, tags) and separators as \u{…}, invalid UTF-8 as U+FFFD, and at most a few thousand characters.
func Clean(s string) string { return sanitise(s, false) }

// CleanLines is Clean for text of several lines: line feeds stay.
func CleanLines(s string) string { return sanitise(s, true) }

func sanitise(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	marks := 0
	// Counting what is written, not what is read, makes the view of a view the same view. A rune has at most four bytes.
	for i := 0; i < len(s) && b.Len() <= 4*maxView; {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		if unicode.Is(unicode.M, r) {
			if marks++; marks > maxMarks || b.Len() == 0 {
				continue
			}
		} else {
			marks = 0
		}
		writeRune(&b, r, size, lines)
	}
	return cut(b.String())
}

// cut caps a view; the ellipsis counts.
func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxView {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == maxView {
			return s[:i] + "…"
		}
	}
	return s
}

// plain is the fast path: printable ASCII of a sane length needs no work.
func plain(s string) bool {
	if len(s) > maxView {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func writeRune(b *strings.Builder, r rune, size int, lines bool) {
	switch {
	case r == utf8.RuneError && size <= 1:
		b.WriteRune(utf8.RuneError)
	case r == '\n' && lines:
		b.WriteByte('\n')
	case r < 0x20:
		b.WriteByte('^')
		b.WriteRune(r + '@')
	case r == 0x7f:
		b.WriteString("^?")
	case hidden(r):
		b.WriteString(`\u{`)
		b.WriteString(strings.ToUpper(strconv.FormatInt(int64(r), 16)))
		b.WriteByte('}')
	default:
		b.WriteRune(r)
	}
}

// hidden tells runes that a terminal obeys or that cannot be seen: C1, format characters, line and paragraph
// separators, blanks other than the plain one, private use, non-characters, variation selectors and fillers.
func hidden(r rune) bool {
	switch {
	case r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0x3164, r == 0x115f, r == 0x1160, r == 0xffa0:
		return true
	case r == 0x34f, r == 0x17b4, r == 0x17b5, r >= 0x180b && r <= 0x180f, r == 0x2800:
		return true
	case r >= 0xfdd0 && r <= 0xfdef, r&0xfffe == 0xfffe:
		return true
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true
	case r != ' ' && unicode.IsSpace(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
		return true
	}
	return !unicode.IsGraphic(r)
}
