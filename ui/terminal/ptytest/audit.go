package ptytest

import (
	"fmt"
	"slices"
	"strings"
)

// Violation is a sequence that a well-behaved program does not send.
type Violation struct {
	Sequence
	// Why says in one sentence what is wrong with it.
	Why string
}

// String shows the violation, safe to print.
func (v Violation) String() string { return v.Sequence.String() + ": " + v.Why }

// Allow widens what Audit accepts.
type Allow func(*allowance)

// allowance is what a call of Audit accepts beyond the fixed list.
type allowance struct {
	titles []string
	osc    []string
}

// AllowTitle accepts window titles (OSC 0 and 2) that are equal to one of these.
func AllowTitle(titles ...string) Allow {
	return func(a *allowance) { a.titles = append(a.titles, titles...) }
}

// AllowClipboard accepts writes to the clipboard (OSC 52). Reading it is never accepted.
func AllowClipboard() Allow { return AllowOSC("52") }

// AllowOSC accepts operating system commands by number: "8" for links, "11" for the background colour.
func AllowOSC(numbers ...string) Allow {
	return func(a *allowance) { a.osc = append(a.osc, numbers...) }
}

// Audit judges a recorded output stream. It accepts styles, cursor moves, erasing, scroll regions, the modes and
// queries that Bubble Tea and its renderer use, and what the Allow values add; everything else is returned, in order:
// C1 controls, bells, device control strings, mode changes nobody asked for, titles, clipboard writes, broken
// sequences, text that changes the direction of other text.
func Audit(raw []byte, allow ...Allow) []Violation {
	var a allowance
	for _, set := range allow {
		set(&a)
	}
	var out []Violation
	for _, s := range Scan(raw) {
		if why := a.judge(s); why != "" {
			s.Raw = slices.Clone(s.Raw)
			out = append(out, Violation{Sequence: s, Why: why})
		}
	}
	return out
}

// judge returns what is wrong with one piece, or "".
func (a allowance) judge(s Sequence) string {
	switch s.Kind {
	case Text:
		return ""
	case C0:
		return judgeC0(s.Final)
	case ESC:
		return judgeESC(s)
	case CSI:
		return judgeCSI(s)
	case OSC:
		return a.judgeOSC(s)
	case C1:
		return "C1 control"
	case Bidi:
		return "changes the direction of text"
	case BadUTF8:
		return "is not UTF-8"
	case Broken:
		return "is cut off or interrupted"
	default:
		return "no such string is ever needed"
	}
}

// judgeC0 accepts the controls that move the cursor.
func judgeC0(c byte) string {
	switch c {
	case '\b', '\t', '\n', '\r':
		return ""
	case 0x07:
		return "bell"
	}
	return fmt.Sprintf("control character 0x%02x", c)
}

// judgeESC accepts saving and restoring the cursor, index moves and keypad modes.
func judgeESC(s Sequence) string {
	if s.Inter == "" && strings.IndexByte("78DEM=>", s.Final) >= 0 {
		return ""
	}
	return "escape sequence outside the list"
}

// judgeCSI accepts by prefix, intermediate and final byte, and looks at the parameters where they decide.
func judgeCSI(s Sequence) string {
	key := s.Inter + string(s.Final)
	if s.Prefix != 0 {
		key = string(s.Prefix) + key
	}
	switch key {
	case "m", "A", "B", "C", "D", "E", "F", "G", "H", "I", "Z", "d", "f", "a", "e", "`",
		"K", "X", "P", "@", "L", "M", "S", "T", "r", "b", " q":
		return ""
	case "J":
		if s.Params == "3" {
			return "erases the user's scrollback"
		}
		return ""
	case "h", "l":
		return judgeModes(s, "4")
	case "?h", "?l":
		return judgeModes(s, "1", "7", "25", "1000", "1002", "1003", "1004", "1006", "1047", "1048", "1049",
			"2004", "2026", "2027", "2031")
	case "?$p":
		return judgeModes(s, "2026", "2027", "2031")
	case "?W":
		return onlyParam(s, "5", "tab stops")
	case "?u", ">u", "<u", "=u":
		return ""
	case ">m":
		return onlyParam(s, "4", "key modifier settings")
	}
	return "control sequence outside the list"
}

// judgeModes accepts a sequence whose parameters are all among the known modes.
func judgeModes(s Sequence, known ...string) string {
	for mode := range strings.SplitSeq(s.Params, ";") {
		if !slices.Contains(known, mode) {
			return fmt.Sprintf("mode %q is not one the program needs", mode)
		}
	}
	return ""
}

// onlyParam accepts a sequence whose first parameter is want.
func onlyParam(s Sequence, want, what string) string {
	if first, _, _ := strings.Cut(s.Params, ";"); first == want {
		return ""
	}
	return what + " outside the list"
}

// judgeOSC accepts titles and numbers that were allowed.
func (a allowance) judgeOSC(s Sequence) string {
	number, payload, _ := strings.Cut(s.Params, ";")
	switch {
	case number == "0" || number == "2":
		// A program that may set a title may also clear it at its end.
		if slices.Contains(a.titles, payload) || (payload == "" && len(a.titles) > 0) {
			return ""
		}
		return fmt.Sprintf("window title %q", clip([]byte(payload)))
	case number == "52" && strings.HasSuffix(payload, "?"):
		return "reads the clipboard"
	case slices.Contains(a.osc, number):
		return ""
	}
	return "operating system command " + fmt.Sprintf("%q", clip([]byte(number)))
}
