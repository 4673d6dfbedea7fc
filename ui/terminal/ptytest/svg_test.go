package ptytest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// screenOf returns the screen after raw was written to a w×h terminal.
func screenOf(w, h int, raw string) Screen {
	e := newEmulator(w, h)
	e.write([]byte(raw))
	return e.screen()
}

func TestScreenReadsCellsAndStyles(t *testing.T) {
	s := screenOf(20, 3, "\x1b[1;31mred\x1b[m \x1b[38;5;200;4;48;2;1;2;3mx\x1b[m\r\n株z\x1b]2;title\a\x1b[?25l\x1b[7mr")
	if s.Line(0) != "red x" || s.Line(1) != "株zr" {
		t.Fatalf("lines %q", s.Lines())
	}
	if c := s.At(0, 0); !c.Bold || c.Fg != (Color{Kind: ColorBasic, Index: 1}) {
		t.Errorf("bold red cell is %+v", c)
	}
	if c := s.At(4, 0); !c.Underline || c.Fg != (Color{Kind: ColorIndexed, Index: 200}) || c.Bg != (Color{Kind: ColorRGB, R: 1, G: 2, B: 3}) {
		t.Errorf("styled cell is %+v", c)
	}
	if a, b := s.At(0, 1), s.At(1, 1); a.Width != 2 || b.Width != 0 || b.Text != "" {
		t.Errorf("wide cell is %+v, then %+v", a, b)
	}
	if x, y, ok := s.Find("z"); !ok || x != 2 || y != 1 {
		t.Errorf("z found at %d,%d %v, want 2,1", x, y, ok)
	}
	if s.Title != "title" || s.Cursor != (Cursor{X: 4, Y: 1}) || !s.At(3, 1).Reverse {
		t.Errorf("title %q cursor %+v reverse %+v", s.Title, s.Cursor, s.At(3, 1))
	}
}

func TestSVGIsDeterministicAndWellFormed(t *testing.T) {
	s := screenOf(24, 3, "a<b & \"c\"\r\n\x1b[7;32mgreen\x1b[m 株式\r\n\x1b[4munder line\x1b[m\x1b[8msecret")
	one, two := SVG(s, "A & <B>\x1b"), SVG(s, "A & <B>\x1b")
	if !bytes.Equal(one, two) {
		t.Error("two drawings differ")
	}
	d := xml.NewDecoder(bytes.NewReader(one))
	var all strings.Builder
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, one)
		}
		if text, ok := tok.(xml.CharData); ok {
			all.Write(text)
		}
	}
	for _, want := range []string{"A & <B>\uFFFD", `a<b & "c"`, "green", "株", "under line"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("text %q is missing", want)
		}
	}
	if strings.Contains(all.String(), "secret") {
		t.Error("concealed text is drawn")
	}
	green := `<rect x="0" y="19" width="45" height="19" fill="` + basicColour(2) + `"/>`
	if !strings.Contains(string(one), green) {
		t.Errorf("reversed run has no background %s in\n%s", green, one)
	}
	if !strings.Contains(string(one), `textLength="18" lengthAdjust="spacingAndGlyphs" fill="#d7dae0">株<`) {
		t.Errorf("wide character does not take two columns:\n%s", one)
	}
}

func TestSVGRunsKeepColumns(t *testing.T) {
	s := screenOf(10, 1, "ab   é\x1b[?25l")
	if got := string(SVG(s, "t")); !strings.Contains(got, `<text x="0" y="14" textLength="54"`) {
		t.Errorf("run of six columns is not 54 pixels wide:\n%s", got)
	}
}

func TestIndexedColours(t *testing.T) {
	for i, want := range map[uint8]string{16: "#000000", 196: "#ff0000", 231: "#ffffff", 232: "#080808", 255: "#eeeeee", 110: "#87afd7"} {
		if got := indexedColour(i); got != want {
			t.Errorf("colour %d is %s, want %s", i, got, want)
		}
	}
}
