package ptytest

import (
	"strings"
	"testing"
)

func TestAuditAcceptsWhatARendererSends(t *testing.T) {
	raw := "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[2J\x1b[H\x1b[38;5;4;7mHi 株式\x1b[m\r\n\x1b[K\x1b[3;10r\x1bM\x1b[2S" +
		"\x1b[?2026$p\x1b[?u\x1b[5C\b\t\x1b[4X\x1b[3b\x1b[?5W\x1b[>4;2m\x1b[2 q\x1b[?1049l"
	if got := Audit([]byte(raw)); len(got) > 0 {
		t.Errorf("violations in a clean stream: %v", got)
	}
}

func TestAuditNamesWhatIsForbidden(t *testing.T) {
	cases := map[string]string{
		"\x1b]52;c;aGk=\a":    "operating system command",
		"\x1b]0;pwned\a":      "window title",
		"\x1b]8;;http://x\a":  "operating system command",
		"\x1b]52;c;?\x1b\\":   "reads the clipboard",
		"\x1bP$q m\x1b\\":     "no such string",
		"\x1b_G\x1b\\":        "no such string",
		"\x9b2J":              "C1",
		"\u009b2J":            "C1",
		"\a":                  "bell",
		"\x0e":                "control character 0x0e",
		"\x7f":                "control character 0x7f",
		"\x1bc":               "escape sequence",
		"\x1b(0":              "escape sequence",
		"\x1b[6n":             "control sequence",
		"\x1b[c":              "control sequence",
		"\x1b[22t":            "control sequence",
		"\x1b[3J":             "scrollback",
		"\x1b[?1000;5h":       `mode "5"`,
		"\x1b[20h":            `mode "20"`,
		"\x1b[?996$p":         `mode "996"`,
		"\x1b[>1;2m":          "key modifier",
		"\u202eevil":          "direction",
		"\xfe":                "UTF-8",
		"\x1b]0;never closed": "cut off",
	}
	for raw, why := range cases {
		got := Audit([]byte("ok" + raw))
		if len(got) == 0 || !strings.Contains(got[0].Why, why) || got[0].Offset != 2 {
			t.Errorf("%q: violations %v, want one at 2 that says %q", raw, got, why)
		}
	}
}

func TestAuditAllowances(t *testing.T) {
	raw := []byte("\x1b]2;unitty\a\x1b]52;c;aGk=\a\x1b]11;?\a")
	if got := Audit(raw, AllowTitle("unitty"), AllowClipboard(), AllowOSC("11")); len(got) > 0 {
		t.Errorf("allowed sequences were refused: %v", got)
	}
	if got := Audit(raw, AllowTitle("unitty "), AllowClipboard(), AllowOSC("11")); len(got) != 1 {
		t.Errorf("another title passed: %v", got)
	}
	if got := Audit([]byte("\x1b]52;c;?\a"), AllowClipboard()); len(got) != 1 {
		t.Errorf("reading the clipboard passed: %v", got)
	}
}

func TestViolationIsSafeToPrint(t *testing.T) {
	v := Audit([]byte("\x1b]0;" + strings.Repeat("\x1b", 1) + "x"))
	if len(v) == 0 || strings.ContainsRune(v[0].String(), 0x1b) {
		t.Errorf("violation %q carries an escape", v)
	}
}
