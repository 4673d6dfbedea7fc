package form

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table/cells"
)

// Measures of the form, in cells.
const (
	// margin holds the sign of the focused field.
	margin = 2
	// stacked is the width below which labels stand above their fields.
	stacked = 40
	// maskLength is how many places a secret shows, whatever its length.
	maskLength = 8
)

// canvas collects the lines of one drawing.
type canvas struct {
	lines []string
	// from and to are the lines of the focused field.
	from, to int
}

// View draws the form: at most h lines of at most w cells. When it is higher than h, the focused field stays in view.
func (m *Model) View(w, h int) string {
	m.cursorOn = false
	if w <= 0 || h <= 0 {
		return ""
	}
	c := m.draw(w, true)
	if len(c.lines) > h {
		c = m.draw(w, false)
	}
	m.scroll(c, h)
	lines := c.lines[m.top:min(len(c.lines), m.top+h)]
	m.cursorY -= m.top
	if m.cursorY < 0 || m.cursorY >= len(lines) || m.cursorX >= w {
		m.cursorOn = false
	}
	for i, line := range lines {
		lines[i] = narrow(line, w)
	}
	return strings.Join(lines, "\n")
}

// Cursor returns where the last View drew the text cursor, for the real cursor of the terminal, which input methods and
// Braille displays follow. It is false while no field takes text.
func (m *Model) Cursor() (x, y int, ok bool) { return m.cursorX, m.cursorY, m.cursorOn }

// narrow cuts a painted line to w cells, whichever way the terminal counts.
func narrow(line string, w int) string {
	if ansi.StringWidth(line) > w {
		line = ansi.Truncate(line, w, "")
	}
	if ansi.StringWidthWc(line) > w {
		line = ansi.TruncateWc(line, w, "")
	}
	return line
}

func (m *Model) scroll(c canvas, h int) {
	if c.to > m.top+h {
		m.top = c.to - h
	}
	if c.from < m.top {
		m.top = c.from
	}
	m.top = max(0, min(m.top, len(c.lines)-h))
}

// draw draws all fields. Roomy keeps a line free below each, so that help and faults do not move the others.
func (m *Model) draw(w int, roomy bool) canvas {
	var c canvas
	indent := m.indent(w)
	for i, in := range m.inputs {
		if i == m.at {
			c.from = len(c.lines)
		}
		m.drawField(&c, in, i == m.at, indent, w)
		below := m.below(in, i == m.at, max(1, w-indent))
		if len(below) == 0 && roomy {
			below = []string{""}
		}
		for _, line := range below {
			c.lines = append(c.lines, strings.TrimRight(cells.Blanks(indent)+line, " "))
		}
		if i == m.at {
			c.to = len(c.lines)
		}
	}
	if m.button {
		if m.at == len(m.inputs) {
			c.from, c.to = len(c.lines), len(c.lines)+1
		}
		c.lines = append(c.lines, m.drawButton(indent))
	}
	return c
}

// indent is the first cell of the inputs.
func (m *Model) indent(w int) int {
	if w < stacked {
		return min(margin, w-1)
	}
	widest := 0
	for _, in := range m.inputs {
		_, n, _ := cells.Clean(in.title(), w/3)
		widest = max(widest, n)
	}
	return margin + widest + 2
}

func (m *Model) drawButton(indent int) string {
	tone := theme.Button
	switch {
	case m.busy:
		tone = theme.Disabled
	case m.at == len(m.inputs):
		tone = theme.ButtonFocus
	}
	return cells.Blanks(indent) + m.th.Paint(tone, "[ OK ]")
}

// drawField draws the label and the input, beside or below it.
func (m *Model) drawField(c *canvas, in *input, focused bool, indent, w int) {
	sign, tone := " ", theme.Label
	if focused {
		sign, tone = m.th.Glyphs.Cursor, theme.Strong
	}
	if m.busy {
		tone = theme.Disabled
	}
	room := max(1, w-indent)
	body, x, y := m.body(in, focused && !m.busy, room)
	prefix := cells.Blanks(indent)
	if w < stacked {
		label, _ := cells.Fit(in.title(), max(0, w-margin), m.th.Glyphs.Ellipsis)
		c.lines = append(c.lines, sign+" "+m.th.Paint(tone, label))
	} else {
		label, n := cells.Fit(in.title(), indent-margin-2, m.th.Glyphs.Ellipsis)
		prefix = sign + " " + m.th.Paint(tone, label) + cells.Blanks(indent-margin-n)
	}
	if x >= 0 {
		m.cursorX, m.cursorY, m.cursorOn = indent+x, len(c.lines)+y, true
	}
	for i, line := range body {
		if i > 0 {
			prefix = cells.Blanks(indent)
		}
		c.lines = append(c.lines, prefix+line)
	}
}

// body draws the input itself and says where in it the text cursor is; x is -1 when there is none.
func (m *Model) body(in *input, focused bool, room int) (lines []string, x, y int) {
	switch {
	case in.isChoice():
		return []string{m.choice(in, focused, room)}, -1, 0
	case in.Secret:
		shown := ""
		if in.value() != "" {
			shown = strings.Repeat(m.th.Glyphs.Mask, maskLength)
		}
		line, x := m.text(shown, maskLength, in.Placeholder, focused, room)
		return []string{line}, x, 0
	case in.Multiline:
		return m.area(in, focused, room)
	default:
		line, x := m.text(in.line.Value(), in.line.Position(), in.Placeholder, focused, room)
		return []string{line}, x, 0
	}
}

// choice draws the chosen option with its place among the others.
func (m *Model) choice(in *input, focused bool, room int) string {
	tone := theme.Plain
	switch {
	case m.busy:
		tone = theme.Disabled
	case focused:
		tone = theme.ButtonFocus
	}
	count := "  " + strconv.Itoa(in.option+1) + "/" + strconv.Itoa(len(in.Options))
	text, _ := cells.Fit(in.label(in.option), max(1, room-4-len(count)), m.th.Glyphs.Ellipsis)
	g := m.th.Glyphs
	return m.th.Paint(tone, g.Left+" "+text+" "+g.Right) + m.th.Paint(theme.Muted, count)
}

// area draws the lines of a long text around the cursor.
func (m *Model) area(in *input, focused bool, room int) (lines []string, x, y int) {
	all := strings.Split(in.area.Value(), "\n")
	at := min(max(0, in.area.Line()), len(all)-1)
	first := max(0, min(at-areaHeight/2, len(all)-areaHeight))
	x = -1
	for i := first; i < first+areaHeight; i++ {
		line, placeholder := "", ""
		if i < len(all) {
			line = all[i]
		}
		if i == 0 && len(all) == 1 {
			placeholder = in.Placeholder
		}
		here := focused && i == at
		pos := 0
		if here {
			pos = in.area.Column()
		}
		drawn, col := m.text(line, pos, placeholder, here, room)
		if here {
			x, y = col, len(lines)
		}
		lines = append(lines, drawn)
	}
	return lines, x, y
}

// text draws one line of input with the cursor before the rune at pos, scrolled so that the cursor is in view. It returns
// the cell of the cursor, or -1 without focus.
func (m *Model) text(value string, pos int, placeholder string, focused bool, room int) (string, int) {
	tone := theme.Input
	if m.busy {
		tone = theme.Disabled
	}
	all := cells.Clusters(value)
	if !focused {
		if value == "" {
			shown, n := cells.Fit(placeholder, room, m.th.Glyphs.Ellipsis)
			return m.th.Paint(theme.Placeholder, shown) + m.th.Paint(tone, cells.Blanks(room-n)), -1
		}
		shown, n := join(all, room)
		return m.th.Paint(tone, shown+cells.Blanks(room-n)), -1
	}
	if value == "" {
		shown, n := cells.Fit(placeholder, max(0, room-1), m.th.Glyphs.Ellipsis)
		return m.th.Paint(theme.Cursor, " ") + m.th.Paint(theme.Placeholder, shown) + m.th.Paint(tone, cells.Blanks(room-1-n)), 0
	}
	at := clusterAt(all, pos)
	under, width := " ", 1
	if at < len(all) && all[at].Width > 0 {
		under, width = all[at].Text, all[at].Width
	}
	first, left := at, 0
	for first > 0 && left+all[first-1].Width+width <= room {
		first--
		left += all[first].Width
	}
	before, _ := join(all[first:at], left)
	after, n := join(all[min(at+1, len(all)):], max(0, room-left-width))
	rest := after + cells.Blanks(room-left-width-n)
	return m.th.Paint(tone, before) + m.th.Paint(theme.Cursor, under) + m.th.Paint(tone, rest), left
}

// clusterAt returns the place of the character that the rune at pos belongs to, or their number at the end.
func clusterAt(all []cells.Cluster, pos int) int {
	for i, c := range all {
		if pos < c.Runes {
			return i
		}
		pos -= c.Runes
	}
	return len(all)
}

// join puts characters together as far as they fit.
func join(all []cells.Cluster, room int) (string, int) {
	var b strings.Builder
	n := 0
	for _, c := range all {
		if n+c.Width > room {
			break
		}
		b.WriteString(c.Text)
		n += c.Width
	}
	return b.String(), n
}

// below is what stands under a field: what is wrong, what was done to the value, and its help while it has the focus.
func (m *Model) below(in *input, focused bool, room int) []string {
	var lines []string
	add := func(tone theme.Tone, text string) {
		for line := range strings.SplitSeq(ansi.Wrap(safe(text), room, ""), "\n") {
			lines = append(lines, m.th.Paint(tone, strings.TrimRight(line, " ")))
		}
	}
	if in.fault != "" {
		add(theme.Error, m.th.Glyphs.Cross+" "+in.fault)
	}
	if in.notice != "" {
		add(theme.Warn, m.th.Glyphs.Warn+" "+in.notice)
	}
	if in.Help != "" && focused && in.fault == "" {
		add(theme.Muted, in.Help)
	}
	return lines
}

// safe is a text of any length without what a terminal obeys.
func safe(text string) string {
	var b strings.Builder
	for _, c := range cells.Clusters(text) {
		b.WriteString(c.Text)
	}
	return b.String()
}
