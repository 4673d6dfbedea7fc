package table

import (
	"strconv"
	"strings"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table/cells"
)

// drawer draws the lines of one frame.
type drawer[T any, K ~string] struct {
	view   *View[T, K]
	th     theme.Theme
	w      int
	focus  bool
	plan   []ColumnWidth
	places []int
	line   strings.Builder
	// pending is text of one tone that is not written yet; runs of one tone are painted once.
	pending strings.Builder
	tone    theme.Tone
}

func (v *View[T, K]) newDrawer(th theme.Theme, w int, focus bool) *drawer[T, K] {
	plan, places := v.layout(w)
	return &drawer[T, K]{view: v, th: th, w: w, focus: focus, plan: plan, places: places}
}

// put adds text in a tone.
func (d *drawer[T, K]) put(tone theme.Tone, text string) {
	if text == "" {
		return
	}
	if tone != d.tone {
		d.flush()
		d.tone = tone
	}
	d.pending.WriteString(text)
}

func (d *drawer[T, K]) flush() {
	d.th.Append(&d.line, d.tone, d.pending.String())
	d.pending.Reset()
}

// finish returns the line. Blanks at its end are dropped unless they belong to the bar of the selected row.
func (d *drawer[T, K]) finish(bar bool) string {
	if !bar {
		rest := strings.TrimRight(d.pending.String(), " ")
		d.pending.Reset()
		d.pending.WriteString(rest)
	}
	d.flush()
	out := d.line.String()
	d.line.Reset()
	d.tone = theme.Plain
	return out
}

// header draws the headings, each sorted one with the sign of its order; of several orders each has its number.
func (d *drawer[T, K]) header() string {
	d.tone = theme.Plain
	d.corner()
	for i, at := range d.places {
		c := &d.view.rows.cols[at]
		text, n := cells.Fit(c.Title, d.plan[i].Width, d.th.Glyphs.Ellipsis)
		if sign := d.sign(c.ID); sign != "" {
			text, n = d.signed(c.Title, sign, d.plan[i].Width)
		}
		d.cell(theme.Heading, theme.Plain, text, n, i, c.Right)
	}
	return d.finish(false)
}

// corner is the margin beside the headings. It says whether there are rows above the first one on the screen.
func (d *drawer[T, K]) corner() {
	n := gutterOf(d.w)
	if d.view.offset > 0 && n > 0 {
		d.put(theme.Accent, d.th.Glyphs.Up)
		n--
	}
	d.put(theme.Plain, cells.Blanks(n))
}

// signed puts the sign of the order behind the title, which gives way when there is no room for both.
func (d *drawer[T, K]) signed(title, sign string, width int) (string, int) {
	room := width - len([]rune(sign)) - 1
	if room < 1 {
		return cells.Fit(sign, width, "")
	}
	text, n := cells.Fit(title, room, d.th.Glyphs.Ellipsis)
	return text + " " + sign, n + 1 + len([]rune(sign))
}

func (d *drawer[T, K]) sign(id string) string {
	for i, k := range d.view.planSort {
		if k.Column != id {
			continue
		}
		sign := d.th.Glyphs.Up
		if k.Desc {
			sign = d.th.Glyphs.Down
		}
		if len(d.view.planSort) > 1 {
			sign += strconv.Itoa(i + 1)
		}
		return sign
	}
	return ""
}

// cell puts one cell with its padding and the gap before the next column.
func (d *drawer[T, K]) cell(tone, space theme.Tone, text string, n, i int, right bool) {
	pad := d.plan[i].Width - n
	if right {
		d.put(space, cells.Blanks(pad))
		d.put(tone, text)
		pad = 0
	} else {
		d.put(tone, text)
	}
	if i+1 < len(d.plan) {
		pad += d.plan[i+1].X - d.plan[i].X - d.plan[i].Width
	}
	d.put(space, cells.Blanks(pad))
}

// row draws one row. The selected one has one tone for the whole width, so that it costs few bytes and reads as one thing;
// in the others a cell has its own tone, and what has none takes that of the row.
func (d *drawer[T, K]) row(x *row[T, K], selected bool) string {
	base := theme.Plain
	marked, changed := d.view.rows.marks.Has(x.key), d.view.rows.changed(x)
	switch {
	case selected && d.focus:
		base = theme.Selected
	case selected:
		base = theme.SelectedIdle
	case marked:
		base = theme.Marked
	}
	margin := base
	if margin == theme.Plain && changed {
		// The sign alone is painted: a whole row in another tone would be sent twice for each change.
		margin = theme.Changed
	}
	d.tone = margin
	d.put(margin, d.gutter(selected, marked, changed))
	for i, at := range d.places {
		c := &d.view.rows.cols[at]
		text, n := cells.Fit(c.text(x.item), d.plan[i].Width, d.th.Glyphs.Ellipsis)
		tone := base
		if !selected {
			if own := c.tone(x.item); own != theme.Plain {
				tone = own
			}
		}
		d.cell(tone, base, text, n, i, c.Right)
	}
	if selected {
		d.put(base, cells.Blanks(d.w-d.end()))
	}
	return d.finish(selected)
}

// end is the first cell behind the last column.
func (d *drawer[T, K]) end() int {
	if len(d.plan) == 0 {
		return gutterOf(d.w)
	}
	last := d.plan[len(d.plan)-1]
	return last.X + last.Width
}

// gutter is the margin: the cursor, or the sign of a changed row, and the mark.
func (d *drawer[T, K]) gutter(selected, marked, changed bool) string {
	g := d.th.Glyphs
	first, second := " ", " "
	switch {
	case selected:
		first = g.Cursor
	case changed:
		first = g.Changed
	}
	if marked {
		second = g.Mark
	}
	switch gutterOf(d.w) {
	case gutterWide:
		return first + second + " "
	case gutterThin:
		return first + second
	default:
		if marked {
			return second
		}
		return first
	}
}
