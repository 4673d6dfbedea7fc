package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// panes shows screens together; one of them has the keys.
type panes struct {
	id          ScreenID
	e           *env
	title, path string
	kids        []Screen
	at          int
	// subject are the actions on what the panes together are about.
	subject func() []Command
	// areas are where the panes were drawn last, by their place; a pane that was not drawn has no width.
	areas []area
}

type area struct{ x, y, w, h int }

func (a area) holds(x, y int) bool { return x >= a.x && x < a.x+a.w && y >= a.y && y < a.y+a.h }

// What a pane needs to be worth drawing beside or below another.
const (
	paneMinW = 50
	paneMinH = 8
)

// NewPanes makes a screen of several: side by side where there is room, one below the other where there is height, else one at
// a time. With a path it is made again in a later session.
func NewPanes(title, path string, kids ...Screen) Screen {
	p := &panes{id: NewID(), title: title, path: path, kids: kids}
	for i, k := range kids {
		if m, ok := k.(mainPane); ok && m.isMain() {
			p.at = i
		}
	}
	return p
}

// About adds actions on what a screen of panes is about, such as the site whose machines it shows. The palette and the help
// offer them; the keys belong to the rows.
func About(s Screen, commands func() []Command) Screen {
	if p, ok := s.(*panes); ok {
		p.subject = commands
	}
	return s
}

func (p *panes) about() []Command {
	if p.subject == nil {
		return nil
	}
	return p.subject()
}

// mainPane is a screen that has the keys at first and the larger part of the room.
type mainPane interface{ isMain() bool }

// Shares of the room among panes, when one of them is the main one.
const (
	sideShare = 3
	mainShare = 7
)

// cut gives the cells at which each pane ends.
func (p *panes) cut(cells int) []int {
	shares, sum := make([]int, len(p.kids)), 0
	some := false
	for i, k := range p.kids {
		m, ok := k.(mainPane)
		shares[i] = sideShare
		if ok && m.isMain() {
			shares[i], some = mainShare, true
		}
	}
	for i := range shares {
		if !some {
			shares[i] = 1
		}
		sum += shares[i]
	}
	ends, at := make([]int, len(shares)), 0
	for i := range shares {
		at += shares[i]
		ends[i] = cells * at / sum
	}
	return ends
}

// filler is a pane that knows how many lines it fills, whatever narrows it.
type filler interface{ fills(w int) int }

// heights divides the lines among panes that stand one below the other, each with its title. What a list does not fill goes to
// those that are no lists, such as the fields of a machine, which are many.
func (p *panes) heights(w, h int) []int {
	out := p.cut(h)
	for i := len(out) - 1; i > 0; i-- {
		out[i] -= out[i-1]
	}
	var takers []int
	for i, k := range p.kids {
		if _, ok := k.(filler); !ok {
			takers = append(takers, i)
		}
	}
	if len(takers) == 0 {
		return out
	}
	for i, k := range p.kids {
		if f, ok := k.(filler); ok {
			spare := max(out[i]-1-f.fills(w), 0)
			out[i] -= spare
			out[takers[i%len(takers)]] += spare
		}
	}
	return out
}

type focuser interface{ setFocus(bool) }

func (p *panes) ID() ScreenID       { return p.id }
func (p *panes) Title() string      { return p.title }
func (p *panes) Path() string       { return p.path }
func (p *panes) Children() []Screen { return p.kids }

// mainMsg gives the keys to the main pane of the top screen.
type mainMsg struct{}

// ToMain gives the keys to the main pane, from a list beside it.
func ToMain() tea.Cmd { return send(mainMsg{}) }

func (p *panes) Update(msg tea.Msg) tea.Cmd {
	if _, ok := msg.(mainMsg); ok {
		for i, k := range p.kids {
			if m, ok := k.(mainPane); ok && m.isMain() {
				p.move(i - p.at)
			}
		}
		return nil
	}
	if k := p.focused(); k != nil {
		return k.Update(msg)
	}
	return nil
}

func (p *panes) focused() Screen {
	if p.at < len(p.kids) {
		return p.kids[p.at]
	}
	return nil
}

func (p *panes) attach(e *env) {
	p.e = e
	for _, k := range p.kids {
		if a, ok := k.(attacher); ok {
			a.attach(e)
		}
	}
	p.move(0)
}

func (p *panes) Init() tea.Cmd {
	var cmds []tea.Cmd
	for _, k := range p.kids {
		cmds = append(cmds, k.Init())
	}
	return tea.Batch(cmds...)
}

func (p *panes) Close() {
	for _, k := range p.kids {
		if c, ok := k.(Closer); ok {
			c.Close()
		}
	}
}

func (p *panes) Reveal(front bool) tea.Cmd {
	var cmds []tea.Cmd
	for _, k := range p.kids {
		if r, ok := k.(Revealer); ok {
			cmds = append(cmds, r.Reveal(front))
		}
	}
	return tea.Batch(cmds...)
}

// Reload reads the pane with the keys again.
func (p *panes) Reload() tea.Cmd {
	if r, ok := p.focused().(Reloader); ok {
		return r.Reload()
	}
	return nil
}

// Depends is false: invalidations reach the panes themselves.
func (p *panes) Depends(string) bool { return false }

func (p *panes) Stop() bool {
	stopped := false
	for _, k := range p.kids {
		if s, ok := k.(Stopper); ok && s.Stop() {
			stopped = true
		}
	}
	return stopped
}

func (p *panes) Capturing() bool {
	c, ok := p.focused().(Capturer)
	return ok && c.Capturing()
}

func (p *panes) Back() bool {
	b, ok := p.focused().(Backer)
	return ok && b.Back()
}

func (p *panes) markCount() int {
	if c, ok := p.focused().(counter); ok {
		return c.markCount()
	}
	return 0
}

// move gives the keys to another pane.
func (p *panes) move(n int) {
	if len(p.kids) == 0 {
		return
	}
	p.at = (p.at + n + len(p.kids)) % len(p.kids)
	for i, k := range p.kids {
		if f, ok := k.(focuser); ok {
			f.setFocus(i == p.at)
		}
	}
}

func (p *panes) Commands() []Command {
	if p.e == nil {
		return nil
	}
	var out []Command
	if a, ok := p.focused().(Actor); ok {
		out = a.Commands()
	}
	if p.Capturing() || len(p.kids) < 2 {
		return out
	}
	p.lendMissing(out)
	return append(out,
		p.e.command("pane.next", func() tea.Cmd { p.move(1); return nil }),
		p.e.command("pane.previous", func() tea.Cmd { p.move(-1); return nil }))
}

// lendMissing has the key for what is missing show that of another pane where nothing is missing in the one with the keys: the key
// stands on the screen then.
func (p *panes) lendMissing(commands []Command) {
	const id = "table.problems"
	missing := func(c Command) bool { return c.ID == id && c.Ready != nil && c.Ready() == "" }
	own := slices.IndexFunc(commands, func(c Command) bool { return c.ID == id })
	if own < 0 || missing(commands[own]) {
		return
	}
	for i, k := range p.kids {
		a, ok := k.(Actor)
		if !ok || i == p.at {
			continue
		}
		all := a.Commands()
		if at := slices.IndexFunc(all, missing); at >= 0 {
			commands[own] = all[at]
			return
		}
	}
}

// banner is a first pane that stands above the second one, in the lines it asks for; with none it is drawn only while it has the
// keys.
type banner interface{ bannerLines(w, h int) int }

// bannered arranges a banner and the pane below it, if that is what the panes are.
func (p *panes) bannered(w, h int) bool {
	if len(p.kids) != 2 {
		return false
	}
	b, ok := p.kids[0].(banner)
	if !ok {
		return false
	}
	if n := b.bannerLines(w, h); n > 0 {
		p.areas[0], p.areas[1] = area{0, 1, w, n}, area{0, n + 2, w, h - n - 2}
	} else {
		p.areas[p.at] = area{0, 1, w, h - 1}
	}
	return true
}

// arrange divides w×h cells among the panes.
func (p *panes) arrange(w, h int) {
	n := len(p.kids)
	p.areas = make([]area, n)
	switch {
	case p.bannered(w, h):
	case n == 0:
	case n == 1:
		p.areas[0] = area{0, 0, w, h}
	case w >= n*paneMinW:
		x, ends := 0, p.cut(w+1)
		for i := range p.areas {
			next := ends[i]
			p.areas[i] = area{x, 1, next - x - 1, h - 1}
			x = next
		}
	case h >= n*paneMinH:
		y := 0
		for i, lines := range p.heights(w, h) {
			p.areas[i] = area{0, y + 1, w, lines - 1}
			y += lines
		}
	default:
		p.areas[p.at] = area{0, 1, w, h - 1}
	}
}

func (p *panes) View(w, h int) string {
	if p.e == nil || w < 1 || h < 2 {
		return blank(h)
	}
	p.arrange(w, h)
	lines := make([]string, h)
	for i, a := range p.areas {
		if a.w < 1 || a.h < 1 {
			continue
		}
		if len(p.kids) > 1 {
			lay(lines, []string{p.head(i, a.w)}, a.x, a.y-1)
		}
		for y, l := range strings.Split(p.kids[i].View(a.w, a.h), "\n") {
			if at := a.y + y; at < h {
				lines[at] = joinAt(lines[at], l, a.x, p.e.th)
			}
		}
	}
	return joinLines(lines, h)
}

// joinAt puts text behind what is left of column x, with a rule between the two.
func joinAt(left, s string, x int, th theme.Theme) string {
	if x == 0 {
		return s
	}
	return fit(left, x-1, "") + th.Paint(theme.Border, th.Glyphs.V) + s
}

// head is the title line of a pane. When one pane is drawn only, it names the others.
func (p *panes) head(i, w int) string {
	th := p.e.th
	tone := theme.Border
	if i == p.at {
		tone = theme.Title
	}
	name := clean(p.kids[i].Title())
	shown := 0
	for _, a := range p.areas {
		if a.w > 0 {
			shown++
		}
	}
	if shown == 1 {
		name += " (" + itoa(i+1) + " of " + itoa(len(p.kids)) + ", " + p.e.keys.label(p.e.keys.builtin("pane.next")) + " for the next)"
	}
	s := th.Glyphs.H + " " + ansi.Truncate(name, max(w-4, 0), th.Glyphs.Ellipsis) + " "
	return th.Paint(tone, s) + th.Paint(theme.Border, strings.Repeat(th.Glyphs.H, max(w-ansi.StringWidth(s), 0)))
}

func (p *panes) Cursor() (int, int, bool) {
	c, ok := p.focused().(Cursorer)
	if !ok || p.at >= len(p.areas) {
		return 0, 0, false
	}
	x, y, ok := c.Cursor()
	return x + p.areas[p.at].x, y + p.areas[p.at].y, ok
}

func (p *panes) Wheel(delta int) tea.Cmd {
	if m, ok := p.focused().(Pointer); ok {
		return m.Wheel(delta)
	}
	return nil
}

func (p *panes) Click(x, y int) tea.Cmd {
	for i, a := range p.areas {
		if !a.holds(x, y) {
			continue
		}
		p.move(i - p.at)
		if m, ok := p.kids[i].(Pointer); ok {
			return m.Click(x-a.x, y-a.y)
		}
	}
	return nil
}
