package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
)

// offer makes lines of commands; the numbers in the ids find the command again.
func (r *Root) offer(cmds []Command, help bool) []item {
	items := make([]item, 0, len(cmds))
	for i, c := range cmds {
		it := item{id: itoa(i), title: c.Title, sub: c.ID, reason: r.e.reason(c)}
		if !c.keyless {
			it.right = strings.Join(r.e.keys.keys(c.Spec), " ")
		}
		if help {
			it.sub, it.section = c.Help, c.section.String()
		}
		if c.Risk >= RiskDisrupt {
			it.tone = theme.Warn
		}
		if it.reason != "" && it.right != "" {
			it.sub += " [" + it.right + "]"
		}
		items = append(items, it)
	}
	return items
}

// palette offers every action and command by name. Those that cannot be done now say why.
func (r *Root) palette() tea.Cmd { return r.openList("Commands", r.offered(), false) }

// help lists the same with one sentence each.
func (r *Root) help() tea.Cmd { return r.openList("Help: what can be done here", r.offered(), true) }

// panelHelp lists the keys of the jobs panel.
func (r *Root) panelHelp(p *jobsPanel) tea.Cmd {
	cmds := p.commands()
	for _, c := range []Command{r.problem(), r.dismissal()} {
		if r.inForce(c.ID) {
			cmds = append(cmds, c)
		}
	}
	return r.openList("Help: what can be done with jobs", cmds, true)
}

func (r *Root) openList(title string, cmds []Command, help bool) tea.Cmd {
	if help {
		slices.SortStableFunc(cmds, func(a, b Command) int { return int(a.section - b.section) })
	} else {
		cannot := func(c Command) int { return min(len(r.e.reason(c)), 1) }
		slices.SortStableFunc(cmds, func(a, b Command) int { return cannot(a) - cannot(b) })
	}
	p := newPicker(r.e, title, r.offer(cmds, help), nil)
	p.wide = 100
	if g := r.e.th.Glyphs; help && slices.ContainsFunc(cmds, func(c Command) bool { return c.ID == "table.mark" && c.section == sectionList }) {
		p.note = g.Changed + " row changed by the last reading · " + g.Up + " beside the headings: more rows above"
	}
	p.pick = func(it item) tea.Cmd {
		for i, c := range cmds {
			if itoa(i) == it.id {
				return r.run(c)
			}
		}
		return nil
	}
	return r.openOver(p)
}

// section is a part of the help, in the order in which they stand there.
type section int

const (
	sectionHere section = iota
	sectionAbout
	sectionList
	sectionPlaces
	sectionEverywhere
	sectionElsewhere
)

// String is the heading.
func (s section) String() string {
	switch s {
	case sectionHere:
		return "On this screen"
	case sectionAbout:
		return "On what this screen is about"
	case sectionList:
		return "In every list"
	case sectionPlaces:
		return "Places and views, from everywhere"
	case sectionEverywhere:
		return "Everywhere"
	default:
		return "On other screens"
	}
}

// offered is what can be reached here, followed by the actions of other kinds of rows, which say where they belong.
func (r *Root) offered() []Command {
	var out []Command
	seen := map[string]bool{}
	add := func(c Command, s section) {
		if !seen[c.ID] {
			seen[c.ID] = true
			c.section = s
			out = append(out, c)
		}
	}
	for _, c := range r.screenCommands() {
		switch scopeOf(c.ID) {
		case "table", "pane", "board", "text":
			add(c, sectionList)
		default:
			add(c, sectionHere)
		}
	}
	for _, c := range r.e.cfg.Commands {
		add(c, sectionPlaces)
	}
	for _, c := range r.commands() {
		add(c, sectionEverywhere)
	}
	if a, ok := r.stack.top().(interface{ about() []Command }); ok {
		for _, c := range a.about() {
			c.keyless = true // its key means something else here
			add(c, sectionAbout)
		}
	}
	for _, s := range append(append([]Spec{}, r.e.cfg.Catalog...), tableSpecs()...) {
		if seen[s.ID] {
			continue
		}
		seen[s.ID] = true
		out = append(out, Command{Spec: s, section: sectionElsewhere, Ready: func() string { return "not on this screen" }})
	}
	return out
}
