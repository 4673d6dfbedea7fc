package ptytest

import (
	"bytes"
	"testing"
)

func TestScanNamesEachPiece(t *testing.T) {
	raw := "a株\x1b[1;31mb\x1b]2;t\a\x1b]8;;x\x1b\\\x1bPq\x1b\\\x1b7\x1b(0\r\x9b\u009b\u202e\xff\x1b[?25l\x1b[5 q"
	want := []struct {
		kind                 Kind
		params, inter, final string
		prefix               byte
	}{
		{kind: Text}, {kind: CSI, params: "1;31", final: "m"}, {kind: Text}, {kind: OSC, params: "2;t", final: "\a"},
		{kind: OSC, params: "8;;x", final: "\\"}, {kind: DCS, params: "q", final: "\\"}, {kind: ESC, final: "7"},
		{kind: ESC, inter: "(", final: "0"}, {kind: C0, final: "\r"}, {kind: C1, final: "\x9b"},
		{kind: C1, final: "\x9b"}, {kind: Bidi}, {kind: BadUTF8}, {kind: CSI, params: "25", final: "l", prefix: '?'},
		{kind: CSI, params: "5", inter: " ", final: "q"},
	}
	got := Scan([]byte(raw))
	if len(got) != len(want) {
		t.Fatalf("%d pieces, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		final := ""
		if got[i].Final != 0 {
			final = string([]byte{got[i].Final})
		}
		if got[i].Kind != w.kind || got[i].Params != w.params || got[i].Inter != w.inter || final != w.final || got[i].Prefix != w.prefix {
			t.Errorf("piece %d is %+v, want %+v", i, got[i], w)
		}
	}
}

func TestScanCallsCutOffSequencesBroken(t *testing.T) {
	for _, raw := range []string{"\x1b", "\x1b[", "\x1b[3", "\x1b]52;c;YQ", "\x1bPabc", "\x1b[3\x1b[m", "\x1b]0;a\x18"} {
		if got := Scan([]byte(raw)); got[0].Kind != Broken {
			t.Errorf("%q: first piece is %v, want broken", raw, got[0])
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte("\x1b[1;2H\x1b]0;t\a\x9b\xc2"))
	f.Add([]byte("\x1b\x1b]\x1b\\"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var joined []byte
		for _, s := range Scan(raw) {
			if s.Offset != len(joined) || len(s.Raw) == 0 {
				t.Fatalf("piece %v starts at %d after %d bytes", s, s.Offset, len(joined))
			}
			joined = append(joined, s.Raw...)
			if s.Kind == Text && bytes.ContainsAny(s.Raw, "\x1b\a\x00\x7f") {
				t.Fatalf("text holds a control: %q", s.Raw)
			}
		}
		if !bytes.Equal(joined, raw) {
			t.Fatalf("pieces join to %q, want %q", joined, raw)
		}
		Audit(raw)
	})
}
