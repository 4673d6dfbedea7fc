package ptytest

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// emulator wraps the screen emulator with one lock. The library's own locked type leaves some readers unlocked
// (String, Touched), and its Close races with Read, so neither is used.
type emulator struct {
	mu      sync.Mutex
	em      *vt.Emulator
	title   string
	visible bool
	clips   []string
	broken  error
}

// newEmulator returns an emulator of w columns and h rows.
func newEmulator(w, h int) *emulator {
	e := &emulator{em: vt.NewEmulator(w, h), visible: true}
	// The callbacks run inside Write, with the lock held.
	e.em.SetCallbacks(vt.Callbacks{
		Title:            func(title string) { e.title = title },
		CursorVisibility: func(visible bool) { e.visible = visible },
	})
	e.em.RegisterOscHandler(52, func(data []byte) bool {
		e.noteClipboard(string(data))
		return true
	})
	return e
}

// noteClipboard keeps the text of an OSC 52 write; queries and unreadable payloads are kept as they came.
func (e *emulator) noteClipboard(data string) {
	parts := strings.SplitN(data, ";", 3)
	payload := parts[len(parts)-1]
	if text, err := base64.StdEncoding.DecodeString(payload); err == nil {
		payload = string(text)
	}
	e.clips = append(e.clips, payload)
}

// write feeds output of the program. A panic of the emulator on odd input is kept as an error, so that one bad
// sequence fails the test that sent it and not the whole test binary.
func (e *emulator) write(p []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			e.broken = fmt.Errorf("the emulator failed on %q: %v", p, r)
		}
	}()
	_, _ = e.em.Write(p) // Write fails only on a closed emulator, and this one is never closed.
}

// read returns the emulator's answers to queries. It is not locked: it blocks until the program asks something.
func (e *emulator) read(p []byte) (int, error) { return e.em.Read(p) }

// stop ends read. Closing the write end of the pipe avoids the race between the emulator's own Close and Read.
func (e *emulator) stop() {
	if c, ok := e.em.InputPipe().(io.Closer); ok {
		_ = c.Close() // A pipe writer never fails to close.
	}
}

// resize changes the size of both screens.
func (e *emulator) resize(w, h int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.em.Resize(w, h)
}

// clipboard returns what the program wrote with OSC 52.
func (e *emulator) clipboard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.clips...)
}

// err returns the panic of the emulator, if there was one.
func (e *emulator) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.broken
}

// screen copies the visible cells.
func (e *emulator) screen() Screen {
	e.mu.Lock()
	defer e.mu.Unlock()
	w, h := e.em.Width(), e.em.Height()
	pos := e.em.CursorPosition()
	s := Screen{
		Width: w, Height: h, Title: e.title, Alt: e.em.IsAltScreen(),
		Cursor: Cursor{X: pos.X, Y: pos.Y, Visible: e.visible},
		Cells:  make([][]Cell, h),
	}
	for y := range s.Cells {
		row := make([]Cell, w)
		for x := range row {
			row[x] = convertCell(e.em.CellAt(x, y))
		}
		blankOrphans(row)
		s.Cells[y] = row
	}
	return s
}

// convertCell copies one cell of the emulator. A nil cell is an empty one.
func convertCell(c *uv.Cell) Cell {
	if c == nil {
		return Cell{Text: " ", Width: 1}
	}
	attrs := c.Style.Attrs
	return Cell{
		Text:      c.Content,
		Width:     c.Width,
		Fg:        convertColor(c.Style.Fg),
		Bg:        convertColor(c.Style.Bg),
		Bold:      attrs&uv.AttrBold != 0,
		Faint:     attrs&uv.AttrFaint != 0,
		Italic:    attrs&uv.AttrItalic != 0,
		Underline: c.Style.Underline != uv.UnderlineNone,
		Blink:     attrs&(uv.AttrBlink|uv.AttrRapidBlink) != 0,
		Reverse:   attrs&uv.AttrReverse != 0,
		Conceal:   attrs&uv.AttrConceal != 0,
		Strike:    attrs&uv.AttrStrikethrough != 0,
		Link:      c.Link.URL,
	}
}

// blankOrphans makes ordinary blanks of zero-width cells that no wide character covers, such as cells the emulator
// never wrote, so that a column number always finds its text.
func blankOrphans(row []Cell) {
	covered := 0
	for x := range row {
		c := &row[x]
		if covered > 0 {
			c.Text, c.Width = "", 0
			covered--
			continue
		}
		if c.Text == "" || c.Width < 1 {
			c.Text, c.Width = " ", 1
		}
		covered = c.Width - 1
	}
}
