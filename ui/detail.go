package ui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// detail shows the fields of one row; the actions of its resource work on that row.
type detail[T any, K ~string] struct {
	id     ScreenID
	e      *env
	res    Resource[T, K]
	row    *T
	fields []Field
	gen    uint64
	cancel context.CancelFunc
	busy   bool
	// quiet tells that nobody asked for what is being read: it is read again by the clock.
	quiet  bool
	failed string
	// more is what was read last beside the row.
	more   []Field
	cursor int
	top    int
	page   int
	// lineOf says on which line each field was drawn, fieldAt the reverse.
	lineOf  []int
	fieldAt []int
	front   bool
	stale   bool
	focus   bool
}

// NewDetail makes the screen of one row: its fields and, as further panes, what belongs below it.
func NewDetail[T any, K ~string](r Resource[T, K], row *T, below ...Screen) Screen {
	d := &detail[T, K]{id: NewID(), res: r, row: row, focus: true, front: true, page: 1}
	if r.Detail != nil {
		d.fields = r.Detail(row)
	}
	if len(below) == 0 {
		return d
	}
	return NewPanes(d.Title(), "", append([]Screen{d}, below...)...)
}

type moreMsg struct {
	fields []Field
	err    error
}

func (d *detail[T, K]) ID() ScreenID       { return d.id }
func (d *detail[T, K]) attach(e *env)      { d.e = e }
func (d *detail[T, K]) Generation() uint64 { return d.gen }
func (d *detail[T, K]) setFocus(on bool)   { d.focus = on }
func (d *detail[T, K]) Init() tea.Cmd      { return d.Reload() }

func (d *detail[T, K]) Title() string {
	if d.res.Name != nil {
		return clean(d.res.Name(d.row))
	}
	return string(d.res.Key(d.row))
}

func (d *detail[T, K]) Close() {
	if d.cancel != nil {
		d.cancel()
	}
}

func (d *detail[T, K]) Reload() tea.Cmd { return d.read(false) }

func (d *detail[T, K]) read(quiet bool) tea.Cmd {
	if d.res.More == nil || d.e == nil {
		return nil
	}
	d.Close()
	//nolint:gosec // Close and the next Reload call it
	ctx, cancel := context.WithCancel(d.e.ctx)
	d.gen++
	d.cancel, d.busy, d.quiet, d.stale = cancel, true, quiet, false
	id, gen, row, more := d.id, d.gen, d.row, d.res.More
	return func() tea.Msg {
		fields, err := more(ctx, row)
		return To{Screen: id, Gen: gen, Msg: moreMsg{fields, err}}
	}
}

func (d *detail[T, K]) Depends(key string) bool {
	for _, k := range d.res.Depends {
		if k == key {
			return true
		}
	}
	return false
}

func (d *detail[T, K]) invalidated() tea.Cmd {
	if d.front && !d.busy {
		return d.Reload()
	}
	d.stale = true
	return nil
}

func (d *detail[T, K]) Reveal(front bool) tea.Cmd {
	d.front = front
	if front && d.stale && !d.busy {
		return d.Reload()
	}
	return nil
}

func (d *detail[T, K]) Stop() bool {
	if !d.busy {
		return false
	}
	d.Close()
	d.gen++
	d.busy, d.failed = false, "loading was cancelled"
	return true
}

func (d *detail[T, K]) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case moreMsg:
		return tea.Batch(d.received(m), d.again())
	case dueMsg:
		return d.due(m)
	}
	return nil
}

// received takes in what was read. After an error what was read before stays, with ages as of now.
func (d *detail[T, K]) received(m moreMsg) tea.Cmd {
	d.Close()
	d.busy, d.failed = false, ""
	var cmd tea.Cmd
	if m.err == nil {
		d.more = m.fields
	} else {
		p := d.e.explain(m.err)
		d.failed = oneLine(p)
		if !d.quiet {
			cmd = send(toastMsg{level: Bad, text: d.failed, problem: &p})
		}
	}
	var base []Field
	if d.res.Detail != nil {
		base = d.res.Detail(d.row)
	}
	d.fields = mergeFields(base, d.more)
	d.cursor = min(d.cursor, max(len(d.fields)-1, 0))
	if m.err == nil && d.stale && d.front {
		return d.Reload()
	}
	return cmd
}

// again has the row read again after a while, as a list is.
func (d *detail[T, K]) again() tea.Cmd {
	if d.res.Every <= 0 || d.busy {
		return nil
	}
	return after(d.res.Every, To{Screen: d.id, Gen: d.gen, Msg: dueMsg{d.gen}})
}

func (d *detail[T, K]) due(m dueMsg) tea.Cmd {
	switch {
	case m.gen != d.gen || d.busy:
		return nil
	case !d.front:
		d.stale = true
		return nil
	}
	return d.read(true)
}

// mergeFields puts later fields in the place of earlier ones of the same name and section, and behind them else.
func mergeFields(base, more []Field) []Field {
	type name struct{ section, name string }
	at := map[name]int{}
	out := append([]Field{}, base...)
	for i, f := range out {
		at[name{f.Section, f.Name}] = i
	}
	for _, f := range more {
		if i, ok := at[name{f.Section, f.Name}]; ok {
			out[i] = f
			continue
		}
		out = append(out, f)
	}
	return out
}

func (d *detail[T, K]) selection(a Arity) Selection[T] {
	if a == None {
		return Selection[T]{}
	}
	return Selection[T]{Items: []*T{d.row}, Keys: []string{string(d.res.Key(d.row))}}
}

func (d *detail[T, K]) Commands() []Command {
	if d.e == nil {
		return nil
	}
	var out []Command
	for _, a := range d.res.Actions {
		out = append(out, bind(a, d.selection, d.selection))
	}
	out = append(out, moves(d.e, "table", func() int { return d.page }, func(n int) tea.Cmd { d.move(n); return nil })...)
	return append(out,
		d.e.guarded("table.copy", func() string {
			if len(d.fields) == 0 {
				return "there is no field"
			}
			return ""
		}, d.copyField),
		d.e.guarded("table.raw", func() string {
			switch {
			case d.res.Raw != nil && len(d.res.Raw(d.row)) > 0:
				return ""
			case d.busy:
				return "it is still being read"
			default:
				return "this row is not kept as the API sent it"
			}
		}, func() tea.Cmd { return Push(NewText(d.Title()+" (raw)", indented(d.res.Raw(d.row)))) }),
	)
}

func (d *detail[T, K]) move(n int) { d.cursor = min(max(d.cursor+n, 0), max(len(d.fields)-1, 0)) }

func (d *detail[T, K]) copyField() tea.Cmd {
	f := d.fields[d.cursor]
	if f.Copy != "" {
		return Copy(f.Name, f.Copy)
	}
	return Copy(f.Name, f.Value)
}

func (d *detail[T, K]) Wheel(delta int) tea.Cmd { d.move(delta); return nil }

func (d *detail[T, K]) Click(_, y int) tea.Cmd {
	if i := d.top + y; i >= 0 && i < len(d.fieldAt) && d.fieldAt[i] >= 0 {
		d.cursor = d.fieldAt[i]
	}
	return nil
}

func (d *detail[T, K]) Cursor() (int, int, bool) {
	if d.cursor >= len(d.lineOf) {
		return 0, 0, false
	}
	return 0, d.lineOf[d.cursor] - d.top, true
}

func (d *detail[T, K]) View(w, h int) string {
	if d.e == nil || w < 1 || h < 1 {
		return blank(h)
	}
	lines := d.draw(w)
	room := h
	note := d.note()
	if note != "" && h > 2 {
		room--
	}
	d.page = max(room-1, 1)
	if d.cursor < len(d.lineOf) {
		at := d.lineOf[d.cursor]
		d.top = min(max(d.top, at-room+1, 0), at)
		if d.cursor == 0 {
			d.top = 0
		}
	}
	d.top = min(d.top, max(len(lines)-room, 0))
	out := append([]string{}, lines[d.top:min(d.top+room, len(lines))]...)
	if room < h {
		for len(out) < room {
			out = append(out, "")
		}
		out = append(out, ansi.Truncate(note, w, d.e.th.Glyphs.Ellipsis))
	}
	return joinLines(out, h)
}

func (d *detail[T, K]) note() string {
	switch {
	case d.busy && !d.quiet:
		return d.e.th.Paint(theme.Muted, "loading more")
	case d.failed != "":
		return d.e.th.Paint(theme.Bad, d.failed)
	}
	return ""
}

// draw makes all lines and notes where each field stands. Long values go on over further lines.
func (d *detail[T, K]) draw(w int) []string {
	th := d.e.th
	names := 8
	for _, f := range d.fields {
		names = max(names, min(ansi.StringWidth(f.Name), 24))
	}
	names = min(names, max(w/2, 1))
	var lines []string
	d.lineOf, d.fieldAt = d.lineOf[:0], d.fieldAt[:0]
	section := ""
	for i, f := range d.fields {
		if f.Section != section {
			section = f.Section
			lines = append(lines, th.Paint(theme.Section, ansi.Truncate(clean(section), w, th.Glyphs.Ellipsis)))
			d.fieldAt = append(d.fieldAt, -1)
		}
		d.lineOf = append(d.lineOf, len(lines))
		value := strings.ReplaceAll(clean(f.Value), "\t", " ")
		if value == "" {
			value = th.Glyphs.Dash
		}
		for n, part := range wrapOr(value, max(w-names-2, 1)) {
			name := ""
			if n == 0 {
				name = clean(f.Name)
			}
			name = fit(name, names, th.Glyphs.Ellipsis) + "  "
			line := th.Paint(theme.Muted, name) + th.Paint(f.Tone, part)
			if i == d.cursor && d.focus {
				line = th.Paint(theme.Selected, fit(name+part, w, th.Glyphs.Ellipsis))
			}
			lines = append(lines, ansi.Truncate(line, w, ""))
			d.fieldAt = append(d.fieldAt, i)
		}
	}
	return lines
}

func wrapOr(s string, w int) []string {
	if out := wrap(s, w); len(out) > 0 {
		return out
	}
	return []string{""}
}
