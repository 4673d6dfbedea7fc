package uitest

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
)

func named() map[string]rune {
	return map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
		"insert": tea.KeyInsert, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "space": tea.KeySpace,
	}
}

// Key makes the message of a key from its name as the configuration writes it: "j", "R", "space", "ctrl+p", "shift+tab", "f2".
func Key(name string) tea.KeyPressMsg {
	var k tea.Key
	rest := name
	for {
		head, tail, ok := strings.Cut(rest, "+")
		mod, known := map[string]tea.KeyMod{"ctrl": tea.ModCtrl, "alt": tea.ModAlt, "shift": tea.ModShift}[head]
		if !ok || tail == "" || !known {
			break
		}
		k.Mod |= mod
		rest = tail
	}
	if code, ok := named()[rest]; ok {
		k.Code = code
		if rest == "space" && k.Mod == 0 {
			k.Text = " "
		}
		return tea.KeyPressMsg(k)
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(rest, "f")); err == nil && strings.HasPrefix(rest, "f") && n >= 1 && n <= 12 {
		k.Code = tea.KeyF1 + rune(n-1)
		return tea.KeyPressMsg(k)
	}
	r, _ := utf8.DecodeRuneInString(rest)
	k.Code = unicode.ToLower(r)
	if k.Mod&(tea.ModCtrl|tea.ModAlt) == 0 {
		k.Text = rest
		if unicode.IsUpper(r) {
			k.Mod |= tea.ModShift
			k.ShiftedCode = r
		}
	}
	return tea.KeyPressMsg(k)
}
