package ui

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/form"
	"github.com/unitty/unitty/ui/terminal"
)

// ask is a form in an overlay.
type ask struct {
	frame
	e     *env
	model *form.Model
	from  askMsg
}

func newAsk(e *env, m askMsg) *ask {
	return &ask{frame: newFrame(clean(m.title)), e: e, model: form.New(m.fields, e.th), from: m}
}

func (a *ask) capturing() bool { return true }
func (a *ask) width() int      { return 72 }

func (a *ask) commands() []Command {
	return append(formCommands(a.e, a.model, "OK", func(k tea.KeyPressMsg) tea.Cmd { return a.update(k) }),
		a.e.command("form.leave", func() tea.Cmd { a.shut(); return nil }))
}

func (a *ask) shut() {
	a.model.ForgetSecrets()
	a.gone = true
}

func (a *ask) update(msg tea.Msg) tea.Cmd {
	cmd, done := a.model.Update(msg)
	if !done {
		return cmd
	}
	values := a.model.Values()
	a.gone = true
	return tea.Batch(cmd, a.returning(a.from.submit(values), values))
}

// returning has a plan that is made of the values, and comes to nothing, lead back to the form as it was filled in. Secrets
// have to be typed again.
func (a *ask) returning(do tea.Cmd, values map[string]string) tea.Cmd {
	if do == nil {
		return nil
	}
	filled := a.from
	filled.fields = slices.Clone(a.from.fields)
	for i := range filled.fields {
		if f := &filled.fields[i]; !f.Secret {
			f.Value = values[f.ID]
		}
	}
	return func() tea.Msg {
		msg := do()
		if p, ok := msg.(proposeMsg); ok {
			p.back = func() tea.Cmd { return send(filled) }
			return p
		}
		return msg
	}
}

func (a *ask) view(w, h int) ([]string, int, int) { return formLines(a.model, w, h) }

// formCommands are the keys of a form as it stands, so that its footer says what each of them does next; done is what enter does
// in the last field.
func formCommands(e *env, m *form.Model, done string, press func(tea.KeyPressMsg) tea.Cmd) []Command {
	as := func(id string, code rune, mod tea.KeyMod) Command {
		return e.command(id, func() tea.Cmd { return press(tea.KeyPressMsg{Code: code, Mod: mod}) })
	}
	enter, next := as("form.enter", tea.KeyEnter, 0), as("form.next", tea.KeyTab, 0)
	switch {
	case m.TakesLines():
		enter.Title = "new line"
	case m.Last():
		enter.Title = done
	default:
		next.Hint = 0 // enter does the same
	}
	out := []Command{enter}
	if m.Stops() > 1 {
		out = append(out, next, as("form.previous", tea.KeyTab, tea.ModShift))
	}
	if m.Choosing() {
		out = append(out, as("form.option", tea.KeyRight, 0), as("form.option-before", tea.KeyLeft, 0))
	}
	return out
}

func formLines(m *form.Model, w, h int) ([]string, int, int) {
	if h < 1 {
		return nil, -1, -1
	}
	lines := strings.Split(strings.TrimRight(m.View(w, h), "\n"), "\n")
	if x, y, ok := m.Cursor(); ok {
		return lines, x, y
	}
	return lines, -1, -1
}

// newChoose is a pick list of options.
func newChoose(e *env, m chooseMsg) *picker {
	items := make([]item, 0, len(m.options))
	byID := make(map[string]Option, len(m.options))
	for i, o := range m.options {
		id := itoa(i)
		byID[id] = o
		items = append(items, item{id: id, title: o.Title, sub: o.Sub, reason: o.Reason, tone: o.Tone})
	}
	return newPicker(e, clean(m.title), items, func(it item) tea.Cmd { return m.pick(byID[it.id]) })
}

// copy puts text on the clipboard aside, since that may start a program or write a file.
func (r *Root) copy(m copyMsg) tea.Cmd {
	dir, ctx := r.e.cfg.ExportDir, r.e.ctx
	return func() tea.Msg {
		how, cmd, err := terminal.Copy(context.WithoutCancel(ctx), m.text, dir)
		if err != nil {
			return failMsg{err}
		}
		return copiedMsg{cmd, clean(m.label) + ": " + how}
	}
}

// openCalls shows the latest API calls, the newest first, and keeps up with new ones.
func (r *Root) openCalls() tea.Cmd {
	e := r.e
	var p *picker
	curls := map[string]string{}
	fill := func() {
		var items []item
		calls := e.cfg.Calls()
		for i := len(calls) - 1; i >= 0; i-- {
			c := calls[i]
			it := callItem(c, e.th.Glyphs.Ellipsis)
			curls[it.id] = c.Curl
			items = append(items, it)
		}
		p.setItems(items)
	}
	p = newPicker(e, "API calls", nil, func(it item) tea.Cmd { return Copy("curl of "+it.title, curls[it.id]) })
	p.wide, p.empty, p.note, p.keep = 140, "no call yet", "enter copies the call as curl, without the token", true
	again := func() tea.Cmd { return after(callsEvery, To{Screen: p.id, Msg: tickMsg{}}) }
	p.other = func(msg tea.Msg) tea.Cmd {
		if _, ok := msg.(tickMsg); !ok {
			return nil
		}
		fill()
		return again()
	}
	fill()
	return tea.Batch(r.openOver(p), again())
}

func callItem(c Call, ellipsis string) item {
	status, tone := itoa(c.Status), theme.Good
	switch {
	case c.Err != "":
		status, tone = clean(c.Err), theme.Bad
	case c.Status >= 400:
		tone = theme.Bad
	case c.Status == 0:
		status, tone = "under way", theme.Info
	}
	head := c.At.Format("15:04:05") + " " + c.Method + " "
	return item{
		id:    "call " + itoa(int(c.N)), //nolint:gosec // a count of calls in one run
		title: head + c.Path,
		short: head + shortIDs(c.Path, ellipsis),
		sub:   c.RequestID,
		right: status + "  " + itoa(int(c.Took.Milliseconds())) + " ms",
		tone:  tone,
	}
}
