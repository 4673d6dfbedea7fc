package ptytest

import "testing"

func TestEncodeKey(t *testing.T) {
	for name, want := range map[string]string{
		"j": "j", "G": "G", "?": "?", "+": "+", "株": "株", "enter": "\r", "esc": "\x1b", "space": " ", "tab": "\t",
		"backspace": "\x7f", "shift+tab": "\x1b[Z", "ctrl+p": "\x10", "ctrl+c": "\x03", "ctrl+z": "\x1a",
		"ctrl+space": "\x00", "alt+x": "\x1bx", "shift+a": "A", "up": "\x1b[A", "ctrl+up": "\x1b[1;5A",
		"alt+shift+left": "\x1b[1;4D", "home": "\x1b[H", "pgdown": "\x1b[6~", "pgdn": "\x1b[6~", "delete": "\x1b[3~",
		"f1": "\x1bOP", "f5": "\x1b[15~", "shift+f5": "\x1b[15;2~", "ctrl+]": "\x1d", "alt++": "\x1b+",
	} {
		got, err := encodeKey(name)
		if err != nil || string(got) != want {
			t.Errorf("%s gives %q %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", "nosuch", "ctrl+é", "ctrl+1", "hyper+x", "ctrl+enter"} {
		if got, err := encodeKey(name); err == nil {
			t.Errorf("%q was accepted as %q", name, got)
		}
	}
}
