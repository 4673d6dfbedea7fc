package ui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// dialog is a question with two buttons, or one that wants something typed.
type dialog struct {
	frame
	guard
	e *env
	// body draws the text above the buttons.
	body func(w int) []string
	// ok is the text of the confirming button; "" leaves only the button that closes.
	ok     string
	danger bool
	// onOK is true while the confirming button has the focus.
	onOK bool
	// want is what has to be typed, label what that is; "" asks for a button only.
	want, label string
	in          entry
	fault       string
	scroll      int
	fits        int
	yes, no     func() tea.Cmd
}

func newDialog(e *env, title string, body func(w int) []string) *dialog {
	return &dialog{frame: newFrame(title), guard: guard{opened: e.now()}, e: e, body: body, fits: 5}
}

func (d *dialog) sentry() *guard  { return &d.guard }
func (d *dialog) capturing() bool { return d.want != "" }
func (d *dialog) width() int      { return 76 }

// rushed says why what was typed is not there: over a slow line several keys may come at once.
func (d *dialog) rushed() {
	if d.want != "" && d.in.String() != "" {
		d.in.set("")
		d.fault = "keys came faster than a person types: once more, " + d.want
	}
}

func (d *dialog) commands() []Command {
	step := func(n int) func() tea.Cmd { return func() tea.Cmd { d.scroll = max(d.scroll+n, 0); return nil } }
	press := d.e.command("dialog.press", d.press)
	if d.want != "" {
		press.Title = "confirm" // there is no button
	}
	out := []Command{d.e.command("dialog.refuse", d.refuse), press}
	if d.want == "" && d.ok != "" {
		out = append(out, d.e.command("dialog.confirm", d.confirm), d.e.command("dialog.move", func() tea.Cmd { d.onOK = !d.onOK; return nil }))
	}
	return append(out, d.e.command("dialog.up", step(-1)), d.e.command("dialog.down", step(1)),
		d.e.command("dialog.page-up", step(-d.fits)), d.e.command("dialog.page-down", step(d.fits)))
}

func (d *dialog) refuse() tea.Cmd {
	d.gone = true
	if d.no != nil {
		return d.no()
	}
	return nil
}

func (d *dialog) lapse() tea.Cmd { return d.refuse() }

func (d *dialog) confirm() tea.Cmd {
	d.gone = true
	return d.yes()
}

func (d *dialog) press() tea.Cmd {
	switch {
	case d.want != "" && d.e.th.Glyphs.Spell(d.in.String()) != d.e.th.Glyphs.Spell(d.want): // typed as it is shown
		d.fault = "not sent: type exactly " + d.want
		return nil
	case d.want != "", d.onOK && d.ok != "":
		return d.confirm()
	}
	return d.refuse()
}

func (d *dialog) update(msg tea.Msg) tea.Cmd {
	// A paste is dropped: what is pasted was not read by whoever confirms.
	switch m := msg.(type) {
	case tea.KeyPressMsg:
		if d.want != "" && d.in.key(m) {
			d.fault = ""
		}
	case tea.PasteMsg:
		if d.want != "" {
			d.fault = "pasting does not count: type it"
		}
	}
	return nil
}

func (d *dialog) view(w, h int) ([]string, int, int) {
	th := d.e.th
	tail := []string{"", d.buttons()}
	cx, cy, below := -1, -1, 0
	if d.want != "" {
		text, x := d.in.view(th, w-2, "")
		note := th.Paint(theme.Muted, "enter confirms, esc cancels")
		if d.fault != "" {
			note = th.Paint(theme.Error, d.fault)
		}
		ask := d.request(w)
		tail, cx = append(ask, "> "+text), x+2
		if len(tail) < h {
			tail = append(tail, note)
		}
		below = len(tail) - len(ask)
	}
	body := d.body(w)
	room := max(h-len(tail), 0)
	d.fits = max(room-1, 1)
	last := 0
	if len(body) > room {
		last = len(body) - room + 1 // the line that tells how much more there is takes the place of one
	}
	d.scroll = min(d.scroll, last)
	if len(body) > room && room > 0 {
		cut := body[d.scroll:min(d.scroll+room-1, len(body))]
		more := len(body) - d.scroll - len(cut)
		mark := th.Paint(theme.Muted, th.Glyphs.Down+" "+group(more)+" more lines, scroll with the arrow keys")
		if more == 0 {
			mark = th.Paint(theme.Muted, "end of the text")
		}
		body = append(append([]string{}, cut...), mark)
	} else if room == 0 {
		body = nil
	}
	if len(tail) > h && h > 0 {
		tail = tail[len(tail)-h:] // what is answered matters most
	}
	lines := append(append([]string{}, body...), tail...)
	if cx >= 0 {
		cy = len(lines) - below
	}
	return lines, cx, cy
}

// request says what to type. That is never cut, since it has to be typed to the letter: on a narrow screen words around it give way, and
// what is longer than a line goes on in the next.
func (d *dialog) request(w int) []string {
	th, what := d.e.th, clean(d.want)
	for _, s := range []string{"type the " + d.label + " to confirm: " + what, "type the " + d.label + ": " + what, "type: " + what} {
		if ansi.StringWidth(s) <= w {
			return []string{th.Paint(theme.Strong, s)}
		}
	}
	out := []string{th.Paint(theme.Strong, ansi.Truncate("type the "+d.label+":", w, th.Glyphs.Ellipsis))}
	for l := range strings.SplitSeq(ansi.Hardwrap(what, max(w, 1), true), "\n") {
		out = append(out, th.Paint(theme.Strong, l))
	}
	return out
}

func (d *dialog) buttons() string {
	th := d.e.th
	if d.ok == "" {
		return th.Paint(theme.ButtonFocus, "[ Close ]")
	}
	okTone, cancelTone := theme.Button, theme.ButtonFocus
	okText, cancelText := "  "+d.ok+" (y)  ", "[ Cancel ]"
	if d.onOK {
		okTone, cancelTone = theme.ButtonFocus, theme.Button
		okText, cancelText = "[ "+d.ok+" (y) ]", "  Cancel  "
		if d.danger {
			okTone = theme.ButtonDanger
		}
	}
	return th.Paint(okTone, okText) + "  " + th.Paint(cancelTone, cancelText)
}

// footline is a question in the footer: one key confirms, any other cancels.
type footline struct {
	frame
	guard
	e *env
	// text is the question, verb what the confirming key does.
	text, verb string
	yes, no    func() tea.Cmd
}

func newFootline(e *env, text, verb string, yes, no func() tea.Cmd) *footline {
	return &footline{frame: newFrame(""), guard: guard{opened: e.now()}, e: e, text: text, verb: verb, yes: yes, no: no}
}

func (f *footline) sentry() *guard  { return &f.guard }
func (f *footline) rushed()         {}
func (f *footline) capturing() bool { return false }
func (f *footline) width() int      { return 0 }
func (f *footline) commands() []Command {
	return []Command{f.e.command("line.confirm", func() tea.Cmd { f.gone = true; return f.yes() })}
}

// update gets every key that does not confirm, and pastes: all of them cancel.
func (f *footline) update(msg tea.Msg) tea.Cmd {
	switch msg.(type) {
	case tea.KeyPressMsg, tea.PasteMsg:
		return f.lapse()
	}
	return nil
}

func (f *footline) lapse() tea.Cmd {
	f.gone = true
	if f.no != nil {
		return f.no()
	}
	return nil
}

func (f *footline) view(int, int) ([]string, int, int) { return nil, -1, -1 }

func (f *footline) foot(w int) string {
	th := f.e.th
	key := f.e.keys.label(f.e.keys.builtin("line.confirm"))
	tail := " " + th.Glyphs.H + th.Glyphs.H + " " + key + " " + f.verb + ", any other key cancels"
	if w < 2*ansi.StringWidth(tail) && ansi.StringWidth(f.text)+ansi.StringWidth(tail) > w {
		// The name of what is touched matters more than the reminder.
		tail = " " + th.Glyphs.H + th.Glyphs.H + " " + key + " " + f.verb
	}
	room := max(w-ansi.StringWidth(tail), 0)
	return th.Paint(theme.Strong, shorten(clean(f.text), room, th.Glyphs.Ellipsis)) + th.Paint(theme.Key, ansi.Truncate(tail, w, ""))
}

// group writes a number with thousands set apart: 12,000.
func group(n int) string {
	s := itoa(n)
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if neg {
		return "-" + s
	}
	return s
}

// ago says how long ago a time is, coarse enough to change rarely.
func ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < 10*time.Second {
		return "just read"
	}
	return span(d) + " old"
}

// span writes a duration in its two largest useful units at most, for people.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return itoa(int(d/(10*time.Second))*10) + " s"
	case d < 2*time.Hour:
		return itoa(int(d/time.Minute)) + " min"
	case d < 48*time.Hour:
		return itoa(int(d/time.Hour)) + " h"
	default:
		return itoa(int(d/(24*time.Hour))) + " d"
	}
}
