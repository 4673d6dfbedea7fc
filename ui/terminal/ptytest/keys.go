package ptytest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// encodeKey returns the bytes a terminal without the Kitty protocol sends for a key. Names are those of Bubble Tea:
// single characters, enter tab esc space backspace delete insert up down left right home end pgup pgdown (or pgdn)
// f1…f12, with the prefixes ctrl+ alt+ shift+.
func encodeKey(name string) ([]byte, error) {
	base, mods := splitModifiers(name)
	if base == "" {
		return nil, fmt.Errorf("ptytest: unknown key %q", name)
	}
	if seq, ok := cursorKey(base, mods); ok {
		return []byte(seq), nil
	}
	seq, ok := plainKey(base, mods)
	if !ok {
		return nil, fmt.Errorf("ptytest: unknown key %q", name)
	}
	if mods.alt {
		seq = "\x1b" + seq
	}
	return []byte(seq), nil
}

// modifiers are the keys held down.
type modifiers struct{ shift, alt, ctrl bool }

// number is the modifier parameter of xterm's sequences: 1 plus a bit for each key.
func (m modifiers) number() int {
	n := 1
	if m.shift {
		n++
	}
	if m.alt {
		n += 2
	}
	if m.ctrl {
		n += 4
	}
	return n
}

// splitModifiers takes the prefixes off a key's name. A lone "+" is a key.
func splitModifiers(name string) (string, modifiers) {
	var m modifiers
	for {
		head, rest, ok := strings.Cut(name, "+")
		if !ok || rest == "" {
			return name, m
		}
		switch head {
		case "ctrl":
			m.ctrl = true
		case "alt":
			m.alt = true
		case "shift":
			m.shift = true
		default:
			return name, m
		}
		name = rest
	}
}

// cursorKey encodes the keys whose sequences carry the modifiers as a number.
func cursorKey(base string, m modifiers) (string, bool) {
	letters := map[string]string{
		"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F",
		"f1": "P", "f2": "Q", "f3": "R", "f4": "S",
	}
	numbers := map[string]int{
		"insert": 2, "delete": 3, "pgup": 5, "pgdown": 6, "pgdn": 6,
		"f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24,
	}
	n := m.number()
	if letter, ok := letters[base]; ok {
		switch {
		case n > 1:
			return fmt.Sprintf("\x1b[1;%d%s", n, letter), true
		case base[0] == 'f':
			return "\x1bO" + letter, true
		default:
			return "\x1b[" + letter, true
		}
	}
	if number, ok := numbers[base]; ok {
		if n > 1 {
			return fmt.Sprintf("\x1b[%d;%d~", number, n), true
		}
		return fmt.Sprintf("\x1b[%d~", number), true
	}
	if base == "tab" && m.shift {
		return "\x1b[Z", true
	}
	return "", false
}

// plainKey encodes characters and the keys that are control characters, without alt.
func plainKey(base string, m modifiers) (string, bool) {
	named := map[string]string{
		"enter": "\r", "tab": "\t", "esc": "\x1b", "escape": "\x1b", "space": " ", "backspace": "\x7f",
	}
	if seq, ok := named[base]; ok {
		if m.ctrl && base == "space" {
			return "\x00", true
		}
		return seq, !m.ctrl
	}
	if utf8.RuneCountInString(base) != 1 {
		return "", false
	}
	if m.shift {
		base = strings.ToUpper(base)
	}
	if !m.ctrl {
		return base, true
	}
	c := strings.ToUpper(base)[0]
	if c < '@' || c > '_' {
		return "", false
	}
	return string(rune(c & 0x1f)), true
}
