package lean

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
	"pgregory.net/rapid"
)

// pair is a terminal that gets everything, and one that gets what Thin leaves of it. Both show what widths makes of it, nil for
// what it is.
type pair struct {
	screen     Screen
	full, thin *vt.Emulator
	widths     *strings.Replacer
}

func newPair(t testing.TB, w, h int) *pair {
	t.Helper()
	p := &pair{full: vt.NewEmulator(w, h), thin: vt.NewEmulator(w, h)}
	for _, e := range []*vt.Emulator{p.full, p.thin} {
		go func() { _, _ = io.Copy(io.Discard, e) }() // nobody reads the answers
		t.Cleanup(func() {
			if c, ok := e.InputPipe().(io.Closer); ok {
				_ = c.Close()
			}
		})
	}
	p.screen.Resize(w, h)
	return p
}

func (p *pair) write(raw string) (sent string) {
	sent = string(p.screen.Thin([]byte(raw)))
	shown := []string{raw, sent}
	for i := range shown {
		if p.widths != nil {
			shown[i] = p.widths.Replace(shown[i])
		}
	}
	_, _ = p.full.WriteString(shown[0])
	_, _ = p.thin.WriteString(shown[1])
	return sent
}

// difference names the first cell that is not the same on both, or the cursor; "" when they are the same.
func (p *pair) difference() string {
	if a, b := p.full.CursorPosition(), p.thin.CursorPosition(); a != b {
		return fmt.Sprintf("the cursor is at %v instead of %v", b, a)
	}
	for y := range p.full.Height() {
		for x := range p.full.Width() {
			a, b := p.full.CellAt(x, y), p.thin.CellAt(x, y)
			if a == nil || b == nil {
				if a != b {
					return fmt.Sprintf("column %d of line %d is %v instead of %v", x, y, b, a)
				}
				continue
			}
			if !a.Equal(b) {
				return fmt.Sprintf("column %d of line %d is %q %v instead of %q %v", x, y, b.Content, b.Style, a.Content, a.Style)
			}
		}
	}
	return ""
}

// painter draws frames as Bubble Tea does, and hands over the bytes of each.
type painter struct {
	r   *uv.TerminalRenderer
	buf uv.ScreenBuffer
	out strings.Builder
}

func newPainter(term string, w, h int) *painter {
	p := &painter{buf: uv.NewScreenBuffer(w, h)}
	p.r = uv.NewTerminalRenderer(&p.out, []string{"TERM=" + term, "COLORTERM=truecolor", "TTY_FORCE=1"})
	p.r.SetFullscreen(true)
	p.r.SetRelativeCursor(false)
	p.r.SetScrollOptim(true)
	p.r.SetTabStops(w)
	p.r.SetBackspace(true)
	p.r.Erase()
	return p
}

// frame draws lines and puts the cursor at x and y.
func (p *painter) frame(lines []string, x, y int) string {
	p.buf.Clear()
	uv.NewStyledString(strings.Join(lines, "\n")).Draw(&p.buf, p.buf.Bounds())
	p.r.Render(p.buf.RenderBuffer)
	p.r.MoveTo(x, y)
	_ = p.r.Flush() // into a builder
	defer p.out.Reset()
	return p.out.String()
}

// words are what the lines of random frames are made of.
func words() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"ok", "ok          ", "infected", "DESKTOP-7F3K", "a", "b", "  ", "                       ", "0123456789", "grüße", "…", "日本", "é", "👍🏽", "xx",
		"❤️", "1️⃣", "ｶﾞ", "\x1b[7m👨‍👩‍👧                                        \x1b[m",
		"\x1b[1mbold\x1b[m", "\x1b[7m reverse \x1b[m", "\x1b[95mstale\x1b[m", "\x1b[38;2;1;2;3mred\x1b[m", "\x1b[4;1mhead  ing\x1b[m", "\x1b[44m   \x1b[m",
		"\x1b[2mfaint", "\x1b[m",
	})
}

// anyWidths makes of each character on whose width terminals may disagree some cells that they do not disagree about.
func anyWidths(t *rapid.T) *strings.Replacer {
	var pairs []string
	for _, odd := range []string{"日", "本", "👍🏽", "❤️", "1️⃣", "ｶﾞ", "👨‍👩‍👧"} {
		n := rapid.IntRange(0, 2*utf8.RuneCountInString(odd)).Draw(t, odd)
		pairs = append(pairs, odd, strings.Repeat("H", n))
	}
	return strings.NewReplacer(pairs...)
}

// TestFramesEndUpTheSame draws random frames, of which each has much in common with the one before, as the library does, on
// terminals with widths of their own.
func TestFramesEndUpTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, h := rapid.IntRange(2, 60).Draw(rt, "w"), rapid.IntRange(1, 8).Draw(rt, "h")
		term := rapid.SampledFrom([]string{"xterm-256color", "tmux-256color", "screen", "linux", "vt100"}).Draw(rt, "term")
		p, paint := newPair(t, w, h), newPainter(term, w, h)
		if rapid.Bool().Draw(rt, "other widths") {
			p.widths = anyWidths(rt)
		}
		lines := make([]string, h)
		for range rapid.IntRange(1, 12).Draw(rt, "frames") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0: // scroll
				n := rapid.IntRange(0, h-1).Draw(rt, "by")
				lines = append(lines[n:len(lines):len(lines)], lines[:n]...)
			case 1:
				paint.r.Erase()
			default:
				for range rapid.IntRange(1, 4).Draw(rt, "lines") {
					lines[rapid.IntRange(0, h-1).Draw(rt, "line")] = ansi.Truncate(strings.Join(rapid.SliceOfN(words(), 0, 8).Draw(rt, "words"), ""), w, "")
				}
			}
			raw := paint.frame(lines, rapid.IntRange(0, w-1).Draw(rt, "x"), rapid.IntRange(0, h-1).Draw(rt, "y"))
			sent := p.write(raw)
			switch d := p.difference(); {
			case d != "":
				rt.Fatalf("%s\nall  %q\nsent %q", d, raw, sent)
			case p.screen.givenUp:
				rt.Fatalf("gave up at %q", raw)
			case len(sent) > len(raw)+8:
				rt.Fatalf("%d bytes became %d\nall  %q\nsent %q", len(raw), len(sent), raw, sent)
			}
		}
	})
}

// pieces are what random output is made of: texts, and sequences as terminals understand them in the same way.
func pieces(h int) *rapid.Generator[string] {
	margins := rapid.Custom(func(t *rapid.T) string {
		top := rapid.IntRange(1, max(h-1, 1)).Draw(t, "top")
		return fmt.Sprintf("\x1b[%d;%dr\x1b[H", top, rapid.IntRange(min(top+1, h), h).Draw(t, "bottom"))
	})
	n := rapid.IntRange(1, 12) // the emulator takes a zero for nothing, terminals for one
	with := func(format string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf(format, n.Draw(t, "n")) })
	}
	place := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("\x1b[%d;%dH", n.Draw(t, "y"), n.Draw(t, "x")) })
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "ab", "aaaa", "abcabcabc", "   ", " ", "é", "…", "日", "👍🏽", "❤️", "\r", "\r\n", "\b", "\t", "\a"}), place, place,
		rapid.SampledFrom([]string{"\x1b[m", "\x1b[1m", "\x1b[7m", "\x1b[0;4m", "\x1b[31m", "\x1b[44m", "\x1b[22;39m", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[J", "\x1b[2J"}),
		with("\x1b[%dX"), with("\x1b[%dP"), with("\x1b[%d@"), with("\x1b[%dG"), with("\x1b[%dd"), with("\x1b[%dC"), with("\x1b[%dD"),
		with("\x1b[%dA"), with("\x1b[%dB"), with("\x1b[%dS"), with("\x1b[%dT"), with("\r\x1b[%dL"), with("\r\x1b[%dM"), with("a\x1b[%db"), with("a\x1b[7m\x1b[%db"),
		rapid.SampledFrom([]string{"\x1b[?25l", "\x1b[?25h", "\x1b[?7l", "\x1b[?7h", "\x1b[?2026h", "\x1b]0;title\a", "\x1b]2;title\x1b\\", "\x1b[>4;2m", "\x1b[2 q", "\x1b[?u"}),
		margins,
		rapid.SampledFrom([]string{"\x1b[r\x1b[H", "\x1bM", "\x1b7", "\x1b8", "\x1b[s", "\x1b[u"}),
	)
}

// TestAnyOutputEndsUpTheSame sends what no program would. Nothing is assumed but that sequences are whole.
func TestAnyOutputEndsUpTheSame(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w, h := rapid.IntRange(2, 14).Draw(rt, "w"), rapid.IntRange(2, 6).Draw(rt, "h")
		p := newPair(t, w, h)
		if rapid.Bool().Draw(rt, "other widths") {
			p.widths = anyWidths(rt)
		}
		p.write("\x1b[m\x1b[H\x1b[2J")
		for range rapid.IntRange(1, 10).Draw(rt, "writes") {
			raw := strings.Join(rapid.SliceOfN(pieces(h), 1, 8).Draw(rt, "pieces"), "")
			sent := p.write(raw)
			if d := p.difference(); d != "" {
				rt.Fatalf("%s\nall  %q\nsent %q", d, raw, sent)
			}
		}
	})
}

// TestWhatIsThereIsLeftOut has the cells that are the same in the middle of a line, and a line with wide characters, sent only once.
func TestWhatIsThereIsLeftOut(t *testing.T) {
	p, paint := newPair(t, 60, 3), newPainter("xterm-256color", 60, 3)
	lines := []string{"AAAA-1  ok            Harbour Dental      3 h", "日本 the wide one  ok     Harbour Dental", "third"}
	p.write("\x1b[m" + paint.frame(lines, 0, 0))
	lines[0] = "AAAA-2  ok            Harbour Dental      4 h"
	raw := paint.frame(lines, 0, 2)
	if sent := p.write(raw); len(sent) > 30 || strings.Contains(sent, "Harbour") || !strings.Contains(raw, "Harbour") {
		t.Errorf("of %q were sent %q", raw, sent)
	}
	lines[1] = "日本 the wide one  stale  Harbour Dental"
	if sent := p.write(paint.frame(lines, 0, 2)); !strings.Contains(sent, "日本 the wide one  stale") {
		t.Errorf("the wide line is not drawn: %q", sent)
	}
	lines[2] = "\x1b[1mthird\x1b[m"
	if sent := p.write(paint.frame(lines, 0, 2)); !strings.Contains(sent, "third") {
		t.Errorf("other attributes are no change: %q", sent)
	}
	if d := p.difference(); d != "" {
		t.Error(d)
	}
}

// TestACharacterOfOtherWidthMovesNothing has a terminal on which a heart with a selector takes one cell, as it does for the library:
// what comes after it by relative moves ends up where it should.
func TestACharacterOfOtherWidthMovesNothing(t *testing.T) {
	for _, cells := range []string{"H", "HH", "HHH"} {
		p := newPair(t, 40, 4)
		p.widths = strings.NewReplacer("❤️", cells)
		p.write("\x1b[m\x1b[H\x1b[2J\x1b[2;1Habcdefgh\x1b[H\x1b[KHeart ❤️ Clinic")
		for _, raw := range []string{
			"\x1b[H\x1b[KHeart ❤️ Clinic\x1b[A\x1b[4Cx", "\x1b[H❤️\ncdefgh", "\x1b[2;1Habc", "\x1b[3;1H❤️\x1b[A\x1b[2Cdef\x1b[K\x1b[2;1Habcdefgh",
			"\x1b[4;36H❤️\r\x1b[2Aabcdefgh",
		} {
			if sent := p.write(raw); p.difference() != "" {
				t.Fatalf("%s: %s\nall  %q\nsent %q", cells, p.difference(), raw, sent)
			}
		}
	}
}

// TestWhatIsNotUnderstoodIsPassedOn sends sequences after which nothing can be known any more.
func TestWhatIsNotUnderstoodIsPassedOn(t *testing.T) {
	for _, odd := range []string{"\x1b(0", "\x0e", "\x1bc", "\x1b[?6h", "\x1b[!p", "\x1b]8;;https://a.example\x1b\\", "\x1b[12", "\xff", "\x1b[20h", "\x1b[4:3x", "\x1b[3J", "\x1b", "\x1bPq\x1b\\", "\x1b]0;"} {
		var s Screen
		s.Resize(20, 3)
		s.Thin([]byte("\x1b[m\x1b[H\x1b[2Jsame text"))
		if got := string(s.Thin([]byte("\x1b[Hsame text"))); got != "\x1b[H\x1b[9C" {
			t.Fatalf("before: %q", got)
		}
		for _, raw := range []string{odd, "\x1b[Hsame text", "\x1b[H\x1b[2Jsame text", "\x1b[Hsame text"} {
			if got := string(s.Thin([]byte(raw))); got != raw {
				t.Errorf("after %q: %q became %q", odd, raw, got)
			}
		}
	}
}

// TestAfterAResizeNothingIsKnown covers the frames around a new size, those before the first one, and a failed write.
func TestAfterAResizeNothingIsKnown(t *testing.T) {
	var s Screen
	const raw = "\x1b[H\x1b[msame text"
	send := func() string { return string(s.Thin([]byte(raw))) }
	if send(); send() != raw {
		t.Error("something is left out before the size is known")
	}
	s.Resize(20, 3)
	if send() != raw {
		t.Error("something is left out in the first frame")
	}
	s.Resize(20, 3)
	if got := send(); got == raw {
		t.Error("the same size is taken for a new one")
	}
	s.Resize(21, 3)
	if send() != raw {
		t.Error("something is left out after a resize")
	}
	s.Forget()
	if send() != raw {
		t.Error("something is left out of what was forgotten")
	}
}

func TestOutputIsATerminalThatGetsLess(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	o := NewOutput(w, func() (int, int) { return 20, 3 })
	if o.Fd() != w.Fd() {
		t.Error("another descriptor")
	}
	const raw, more = "\x1b[H\x1b[m\x1b[2Jsame text", "\x1b[Hsame text\x1b[H"
	for _, p := range []string{raw, more} {
		if n, err := o.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatalf("%d of %d written: %v", n, len(p), err)
		}
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := o.Write([]byte("x")); n != 0 || err == nil {
		t.Errorf("%d bytes written to a closed terminal", n)
	}
	got, err := io.ReadAll(r)
	if want := raw + "\x1b[H\x1b[H"; err != nil || string(got) != want {
		t.Errorf("%q, want %q: %v", got, want, err)
	}
}
