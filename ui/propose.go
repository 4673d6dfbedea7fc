package ui

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// ManyMachines is the number of machines above which any change is confirmed like one that cannot be taken back.
const ManyMachines = 25

// plannedMsg brings a plan, or why there is none.
type plannedMsg struct {
	id    ScreenID
	title string
	plan  Plan
	err   error
	// back opens what the plan was made from once more, when it comes to nothing; nil goes nowhere.
	back func() tea.Cmd
}

// propose makes the plan of a change. After a long pause at the keys somebody else may sit there, so that is asked first.
func (r *Root) propose(m proposeMsg) tea.Cmd {
	if r.locked {
		text := "no key for " + span(r.e.cfg.IdleLock) + " or more, before " + clean(m.title)
		return r.openOver(newFootline(r.e, text, "goes on working", func() tea.Cmd {
			r.locked = false
			return r.plan(m)
		}, nil))
	}
	return r.plan(m)
}

func (r *Root) plan(m proposeMsg) tea.Cmd {
	title, build, back := m.title, m.build, m.back
	return r.aside("planning "+clean(title), func(ctx context.Context, id ScreenID) tea.Msg {
		plan, err := build(ctx)
		return plannedMsg{id, title, plan, err, back}
	})
}

// planned asks about a plan that is ready.
func (r *Root) planned(m plannedMsg) tea.Cmd {
	switch {
	case !r.arrived(m.id):
		return nil
	case errors.Is(m.err, context.Canceled):
		return r.reveal()
	case m.err != nil:
		return tea.Batch(r.reveal(), Fail(m.err), again(m.back))
	case m.plan.Risk > RiskRead && r.e.header().ReadOnly:
		return tea.Batch(r.reveal(), Toast(Warn, clean(m.title)+" was not sent: this profile is read-only"))
	}
	return tea.Batch(r.reveal(), r.incomplete(m.plan, m.back))
}

// again does what leads back, if anything does.
func again(back func() tea.Cmd) tea.Cmd {
	if back == nil {
		return nil
	}
	return back()
}

// incomplete asks first about a plan that lacks machines which were chosen: the rest is not what the person meant.
func (r *Root) incomplete(p Plan, back func() tea.Cmd) tea.Cmd {
	if len(p.Incomplete) == 0 || p.Blocked != "" {
		return r.opposed(p, back)
	}
	d := newDialog(r.e, "Not all machines could be read again. "+clean(p.Title)+" without them?", func(w int) []string {
		b := &bodyWriter{th: r.e.th, w: w}
		b.line(theme.Plain, plural(p.Machines, "machine is", "machines are")+" left. Nothing is sent to these; they count as failed and can be tried again.")
		b.list(theme.Warn, "Left out", p.Incomplete, namesShown)
		return b.out
	})
	d.ok, d.danger, d.no = "Go on", true, r.notSent(p, back)
	d.yes = func() tea.Cmd { return r.opposed(p, back) }
	return r.openOver(d)
}

// opposed asks first about machines for which the opposite is under way: which of the two an agent obeys last is not known.
func (r *Root) opposed(p Plan, back func() tea.Cmd) tea.Cmd {
	if len(p.Opposed) == 0 || p.Blocked != "" {
		return r.confirm(p, back)
	}
	d := newDialog(r.e, "The opposite is under way. "+clean(p.Title)+" all the same?", func(w int) []string {
		b := &bodyWriter{th: r.e.th, w: w}
		b.line(theme.Plain, "Both commands wait for the agent then, and which one it obeys last is not known.")
		b.list(theme.Warn, "Waiting already", p.Opposed, namesShown)
		return b.out
	})
	d.ok, d.danger, d.no = "Go on", true, r.notSent(p, back)
	d.yes = func() tea.Cmd { return r.confirm(p, back) }
	return r.openOver(d)
}

// confirm asks for what the risk of the plan demands.
func (r *Root) confirm(p Plan, back func() tea.Cmd) tea.Cmd {
	send := func() tea.Cmd { return r.start(p) }
	if p.Blocked != "" {
		d := newDialog(r.e, "Nothing is sent: "+clean(p.Title), planBody(r.e.th, p))
		d.no = back
		return r.openOver(d)
	}
	risk := p.Risk
	if risk > RiskRead && p.Machines > ManyMachines && risk < RiskDestroy {
		risk = RiskDestroy
		p.Type, p.TypeLabel = itoa(p.Machines), "number of machines"
	}
	if risk == RiskDestroy && p.Type == "" {
		p.Type, p.TypeLabel = itoa(p.Machines), "number of machines"
	}
	if risk == RiskRead {
		return send()
	}
	if risk == RiskChange && !p.Dialog && p.Machines <= 1 && p.Sites <= 1 && len(p.Warnings)+len(p.Skipped)+len(p.Incomplete)+len(p.Hidden)+len(p.Elsewhere)+len(p.Stale) == 0 {
		text := p.Line
		if text == "" {
			text = p.Title
		}
		return r.openOver(newFootline(r.e, text, "send", send, r.notSent(p, back)))
	}
	d := newDialog(r.e, clean(p.Title)+"?", planBody(r.e.th, p))
	d.ok, d.yes, d.no = "Send", send, r.notSent(p, back)
	d.onOK = risk == RiskChange
	d.danger = risk > RiskChange
	if risk == RiskDestroy {
		d.want, d.label = p.Type, p.TypeLabel
	}
	return r.openOver(d)
}

func (r *Root) notSent(p Plan, back func() tea.Cmd) func() tea.Cmd {
	return func() tea.Cmd { return tea.Batch(Toast(Info, clean(p.Title)+" was not sent"), again(back)) }
}

// namesShown is how many machines a question names before it counts the rest.
const namesShown = 10

// planBody gives everything a person has to know before confirming. It is written once for each width: there may be a thousand
// customers, and a question is drawn for every key.
func planBody(th theme.Theme, p Plan) func(w int) []string {
	at, lines := -1, []string(nil)
	return func(w int) []string {
		if w != at {
			at, lines = w, planLines(th, p, w)
		}
		return lines
	}
}

func planLines(th theme.Theme, p Plan, w int) []string {
	b := &bodyWriter{th: th, w: w}
	if p.Blocked != "" {
		b.line(theme.Warn, p.Blocked)
	}
	if p.Line != "" {
		b.line(theme.Strong, p.Line)
	}
	b.field("console", orDash(p.Console))
	if p.Machines > 0 || p.Sites > 0 {
		b.field("touches", plural(p.Machines, "machine", "machines")+" of "+plural(p.Sites, "customer", "customers"))
	}
	if p.Serving != "" {
		b.field("servers", p.Serving)
	}
	if n := len(p.Skipped); n > 0 {
		b.toned(theme.Warn, "left out", leftOutWords(n, n+p.Machines))
	}
	b.field("risk", riskWords(p))
	b.list(theme.Plain, "Changes", p.Changes, 0)
	b.list(theme.Warn, "Warnings", p.Warnings, 0)
	b.list(theme.Warn, "Left out: could not be read again", p.Incomplete, namesShown)
	b.list(theme.Warn, "Hidden by the filter, but marked", p.Hidden, namesShown)
	b.list(theme.Warn, "Marked on another screen, not in this list", p.Elsewhere, namesShown)
	b.list(theme.Plain, "Customers", p.Customers, 0)
	b.list(theme.Warn, "Servers", p.Servers, namesShown)
	b.list(theme.Plain, "Found by the filter", p.Found, namesShown)
	b.list(theme.Warn, "Not seen for long", p.Stale, namesShown)
	b.list(theme.Muted, "Skipped", p.Skipped, namesShown)
	b.list(theme.Plain, "Machines", p.Names, namesShown)
	b.listOf(theme.Muted, "Requests", max(p.Calls, len(p.Requests)), p.Requests, 0)
	return b.out
}

// leftOutWords say how many of the chosen machines a plan leaves out.
func leftOutWords(n, of int) string {
	if of == 1 {
		return "the machine that was chosen, for the reason below"
	}
	return group(n) + " of the " + group(of) + " machines that were chosen, for reasons below"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type bodyWriter struct {
	th  theme.Theme
	w   int
	out []string
}

func (b *bodyWriter) line(tone theme.Tone, s string) {
	for _, l := range wrap(strings.ReplaceAll(clean(s), "\t", " "), b.w) {
		b.out = append(b.out, b.th.Paint(tone, l))
	}
}

func (b *bodyWriter) field(name, value string) { b.toned(theme.Plain, name, value) }

func (b *bodyWriter) toned(tone theme.Tone, name, value string) {
	b.out = append(b.out, ansi.Truncate(b.th.Paint(theme.Muted, fit(name, 9, ""))+b.th.Paint(tone, clean(value)), b.w, b.th.Glyphs.Ellipsis))
}

// riskWords say what the risk of a plan means for whoever confirms it.
func riskWords(p Plan) string {
	own := p.Own
	if own == RiskRead {
		own = p.Risk
	}
	words := ""
	switch own {
	case RiskChange:
		words = "low: easily undone or repeated"
	case RiskDisrupt:
		words = "may interrupt somebody's work"
	case RiskDestroy:
		words = p.Grave
		if words == "" {
			words = "cannot simply be taken back"
		}
		return "high: " + words
	case RiskRead:
		return "none"
	}
	switch {
	case p.Machines <= ManyMachines:
		return words
	case own == RiskChange:
		return "high: " + group(p.Machines) + " machines"
	}
	return "high: " + group(p.Machines) + " machines; " + words
}

// list writes a heading with the number of entries and the entries below it; most bounds the entries when it is positive.
func (b *bodyWriter) list(tone theme.Tone, head string, all []string, most int) {
	b.listOf(tone, head, len(all), all, most)
}

// listOf is list for entries that stand for so many things.
func (b *bodyWriter) listOf(tone theme.Tone, head string, n int, all []string, most int) {
	if len(all) == 0 {
		return
	}
	b.out = append(b.out, "")
	b.line(theme.Section, head+" ("+group(n)+")")
	for i, s := range all {
		if most > 0 && i == most {
			b.line(theme.Muted, "  and "+group(len(all)-most)+" more")
			return
		}
		for _, l := range wrap(strings.ReplaceAll(clean(s), "\t", " "), max(b.w-2, 1)) {
			b.out = append(b.out, "  "+b.th.Paint(tone, l))
		}
	}
}
