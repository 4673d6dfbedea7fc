package ptytest

import (
	"fmt"
	"unicode/utf8"
)

// Kind is the kind of a piece of terminal output.
type Kind string

// The kinds of pieces that Scan finds.
const (
	// Text is printable text.
	Text Kind = "text"
	// C0 is a single control character below 0x20, or DEL.
	C0 Kind = "C0"
	// C1 is a control of the range 0x80–0x9f, as a raw byte or encoded as UTF-8.
	C1 Kind = "C1"
	// ESC is an escape sequence without parameters, such as ESC 7.
	ESC Kind = "ESC"
	// CSI is a control sequence with a final byte.
	CSI Kind = "CSI"
	// OSC is an operating system command.
	OSC Kind = "OSC"
	// DCS, APC, PM and SOS are device control and other strings that no part of the product needs.
	DCS Kind = "DCS"
	// APC is an application program command.
	APC Kind = "APC"
	// PM is a privacy message.
	PM Kind = "PM"
	// SOS is a start-of-string.
	SOS Kind = "SOS"
	// Bidi is a character that changes the direction of text.
	Bidi Kind = "bidi"
	// BadUTF8 is a byte that belongs to no character.
	BadUTF8 Kind = "bad UTF-8"
	// Broken is a sequence that was cut off or interrupted.
	Broken Kind = "broken"
)

// Sequence is one piece of terminal output.
type Sequence struct {
	// Offset is the place of the first byte in the stream.
	Offset int
	Kind   Kind
	// Raw is the piece as it was sent.
	Raw []byte
	// Prefix is the private marker of a CSI (one of < = > ?), or 0.
	Prefix byte
	// Params is the text of the parameters of a CSI without Prefix, or the payload of an OSC or other string.
	Params string
	// Inter are the intermediate bytes of a CSI or ESC.
	Inter string
	// Final is the last byte of a CSI or ESC.
	Final byte
}

// String shows the sequence with escapes, safe to print.
func (s Sequence) String() string {
	return fmt.Sprintf("%s %q at byte %d", s.Kind, clip(s.Raw), s.Offset)
}

// clip shortens long sequences for messages.
func clip(p []byte) string {
	const most = 80
	if len(p) <= most {
		return string(p)
	}
	return string(p[:most]) + "…"
}

// Scan cuts a byte stream into text and control sequences. It reads UTF-8, so that bytes 0x80–0x9f count as controls
// only where they are not part of a character. Joined together, the Raw parts are the input.
func Scan(raw []byte) []Sequence {
	var out []Sequence
	for at := 0; at < len(raw); {
		s := next(raw, at)
		s.Offset = at
		at += len(s.Raw)
		if last := len(out) - 1; s.Kind == Text && last >= 0 && out[last].Kind == Text {
			out[last].Raw = raw[out[last].Offset:at]
			continue
		}
		out = append(out, s)
	}
	return out
}

// next reads one piece at the given place.
func next(raw []byte, at int) Sequence {
	c := raw[at]
	switch {
	case c == 0x1b:
		return escape(raw, at)
	case c < 0x20 || c == 0x7f:
		return Sequence{Kind: C0, Raw: raw[at : at+1], Final: c}
	case c < 0x80:
		return Sequence{Kind: Text, Raw: raw[at : at+1]}
	}
	r, size := utf8.DecodeRune(raw[at:])
	piece := raw[at : at+size]
	switch {
	case r == utf8.RuneError && size == 1 && c <= 0x9f:
		return Sequence{Kind: C1, Raw: piece, Final: c}
	case r == utf8.RuneError && size == 1:
		return Sequence{Kind: BadUTF8, Raw: piece}
	case r >= 0x80 && r <= 0x9f:
		return Sequence{Kind: C1, Raw: piece, Final: byte(r)}
	case isBidi(r):
		return Sequence{Kind: Bidi, Raw: piece}
	default:
		return Sequence{Kind: Text, Raw: piece}
	}
}

// isBidi reports whether r steers the direction of the text around it.
func isBidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069)
}

// escape reads what starts with ESC.
func escape(raw []byte, at int) Sequence {
	if at+1 >= len(raw) {
		return Sequence{Kind: Broken, Raw: raw[at:]}
	}
	switch raw[at+1] {
	case '[':
		return control(raw, at)
	case ']':
		return text(raw, at, OSC)
	case 'P':
		return text(raw, at, DCS)
	case '_':
		return text(raw, at, APC)
	case '^':
		return text(raw, at, PM)
	case 'X':
		return text(raw, at, SOS)
	}
	end := at + 1
	for end < len(raw) && raw[end] >= 0x20 && raw[end] <= 0x2f {
		end++
	}
	if end >= len(raw) || raw[end] < 0x30 || raw[end] > 0x7e {
		return Sequence{Kind: Broken, Raw: raw[at:end]}
	}
	return Sequence{Kind: ESC, Raw: raw[at : end+1], Inter: string(raw[at+1 : end]), Final: raw[end]}
}

// control reads a CSI sequence: parameters, intermediates, final byte. Anything else inside breaks it.
func control(raw []byte, at int) Sequence {
	params := at + 2
	inter := params
	for inter < len(raw) && raw[inter] >= 0x30 && raw[inter] <= 0x3f {
		inter++
	}
	end := inter
	for end < len(raw) && raw[end] >= 0x20 && raw[end] <= 0x2f {
		end++
	}
	if end >= len(raw) || raw[end] < 0x40 || raw[end] > 0x7e {
		return Sequence{Kind: Broken, Raw: raw[at:end]}
	}
	s := Sequence{Kind: CSI, Raw: raw[at : end+1], Inter: string(raw[inter:end]), Final: raw[end]}
	if params < inter && raw[params] >= '<' {
		s.Prefix = raw[params]
		params++
	}
	s.Params = string(raw[params:inter])
	return s
}

// text reads a string command up to BEL (OSC only), ESC \ or the end of a broken one.
func text(raw []byte, at int, kind Kind) Sequence {
	start := at + 2
	for i := start; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == 0x07 && kind == OSC:
			return Sequence{Kind: kind, Raw: raw[at : i+1], Params: string(raw[start:i]), Final: c}
		case c == 0x1b && i+1 < len(raw) && raw[i+1] == '\\':
			return Sequence{Kind: kind, Raw: raw[at : i+2], Params: string(raw[start:i]), Final: '\\'}
		case c == 0x1b, c == 0x18, c == 0x1a:
			return Sequence{Kind: Broken, Raw: raw[at:i]}
		}
	}
	return Sequence{Kind: Broken, Raw: raw[at:]}
}
