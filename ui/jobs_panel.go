package ui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table"
)

// jobsPanel shows one job at a time with the result for each target.
type jobsPanel struct {
	frame
	e    *env
	jobs *jobs
	// n is the job shown.
	n    uint64
	rows *table.Rows[Target, string]
	// over is true once the rows stand in the order of a job that is over.
	over bool
	// merged are the targets that the rows hold; nil while they hold none.
	merged []Target
	// thing is true while the columns are those of a job about one thing that is no machine.
	thing bool
	grid  table.View[Target, string]
	// in narrows the targets, of whatever job is shown; filtering is true while it is typed.
	in        entry
	filtering bool
	// head is how many lines stand above the table.
	head int
}

func newJobsPanel(e *env, s *jobs) *jobsPanel {
	p := &jobsPanel{frame: newFrame("Jobs"), e: e, jobs: s}
	if all := s.all(); len(all) > 0 {
		p.choose(all[len(all)-1].n)
	}
	return p
}

// targetColumns are the columns of a job's targets: machines, or the one thing that is changed.
func targetColumns(j *jobRun) []table.Column[Target] {
	tone := func(t *Target) theme.Tone { return t.Outcome.tone() }
	name, machines := "MACHINE", true
	if j.ofThing() {
		name, machines = "WHAT", j.job.Targets[0].Site != j.job.Targets[0].Name
	}
	return []table.Column[Target]{
		{ID: "name", Title: name, Min: 8, Max: 32, Text: func(t *Target) string { return clean(t.Name) }},
		{ID: "site", Title: "CUSTOMER", Min: 8, Max: 28, Priority: 3, Hidden: !machines, Text: func(t *Target) string { return clean(t.Site) }},
		{ID: "outcome", Title: "RESULT", Min: 9, Max: 9, Text: func(t *Target) string { return string(t.Outcome) }, Tone: tone},
		{ID: "reason", Title: "WHY", Min: 6, Flex: 3, Priority: 1, Text: reasonOf, Tone: tone},
		{ID: "request", Title: "REQUEST ID", Min: 8, Max: 38, Priority: 4, Text: func(t *Target) string { return clean(t.RequestID) }},
	}
}

// ofThing tells that a job is about a site, a group or an admin, which has no id of a machine.
func (j *jobRun) ofThing() bool {
	return j != nil && len(j.job.Targets) == 1 && j.job.Targets[0].Key == ""
}

func reasonOf(t *Target) string {
	if t.Tracking != "" {
		return clean(t.Tracking)
	}
	return clean(t.Reason)
}

// place is where an outcome stands in the list of a job that is over.
func (o Outcome) place() int {
	if i := slices.Index([]Outcome{Failed, Unknown, Cancelled, Skipped}, o); i >= 0 {
		return i
	}
	return 9
}

func (o Outcome) tone() theme.Tone {
	switch o {
	case Sent:
		return theme.Good
	case Failed:
		return theme.Bad
	case Unknown, Skipped, Cancelled:
		return theme.Warn
	case Running:
		return theme.Info
	default:
		return theme.Muted
	}
}

func (p *jobsPanel) choose(n uint64) {
	p.n, p.over, p.thing = n, false, p.jobs.find(n).ofThing()
	p.rows = table.NewRows(func(t *Target) string { return t.Key }, targetColumns(p.jobs.find(n)), nil)
	p.grid, p.merged = table.View[Target, string]{}, nil
	p.narrow()
}

// step shows another job.
func (p *jobsPanel) step(by int) tea.Cmd {
	list := p.jobs.all()
	for i, j := range list {
		if j.n == p.n {
			p.choose(list[(i+by+len(list))%len(list)].n)
			break
		}
	}
	return p.load()
}

func (p *jobsPanel) run() *jobRun { return p.jobs.find(p.n) }

// refresh puts the latest report into the table. The rows are copies: a report is not changed after it was given. As soon as the
// job is over, what needs somebody's eyes stands first.
func (p *jobsPanel) refresh(j *jobRun) {
	if j.finished != p.over || j.ofThing() != p.thing {
		p.choose(p.n)
		p.over = j.finished
	}
	if same(p.merged, j.job.Targets) {
		return // drawn again for another reason: a large job is not gone through for each key
	}
	p.merged = j.job.Targets
	p.rows.Begin()
	items := make([]*Target, 0, len(j.job.Targets))
	for i := range j.job.Targets {
		items = append(items, &j.job.Targets[i])
	}
	if p.over {
		slices.SortStableFunc(items, func(a, b *Target) int { return cmp.Compare(a.Outcome.place(), b.Outcome.place()) })
	}
	p.rows.Merge(items)
	p.rows.Finish(true)
}

func (p *jobsPanel) capturing() bool { return p.filtering }
func (p *jobsPanel) width() int      { return 140 }

// same tells that two lists are the same one: a report is a list of its own.
func same(a, b []Target) bool { return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] }

func (p *jobsPanel) commands() []Command {
	if p.filtering {
		return p.filterCommands()
	}
	move := func(id string, n func() int) Command {
		return p.e.command(id, func() tea.Cmd {
			if p.rows != nil {
				p.rows.Move(n())
			}
			return nil
		})
	}
	closing := p.e.command("jobs.close", func() tea.Cmd { p.gone = true; return nil })
	if len(p.jobs.all()) == 0 {
		return []Command{closing}
	}
	live := func() string {
		if j := p.run(); j == nil || j.finished {
			return "this job is over"
		}
		return ""
	}
	return append(append(p.clearCommands(), p.againCommands()...),
		p.e.guarded("jobs.cancel", live, func() tea.Cmd {
			p.run().cancel()
			return Toast(Warn, "cancelling "+clean(p.run().job.Title)+": what is sent stays sent")
		}),
		p.e.command("jobs.next", func() tea.Cmd { return p.step(1) }),
		p.e.command("jobs.previous", func() tea.Cmd { return p.step(-1) }),
		p.e.guarded("jobs.hasten", func() string {
			if p.hint() == "" {
				return "nothing hastens this machine"
			}
			return ""
		}, func() tea.Cmd { return Copy("the poll command, for the machine itself", p.hint()) }),
		p.e.guarded("jobs.copy", func() string {
			if p.run() == nil {
				return "there is no job"
			}
			return listed(func(*jobRun) string { return "" })(p.run())
		}, p.copy),
		p.e.guarded("jobs.filter", func() string {
			if p.run() == nil {
				return "there is no job"
			}
			return listed(func(*jobRun) string { return "" })(p.run())
		}, func() tea.Cmd { p.filtering = true; return nil }),
		closing,
		move("jobs.up", func() int { return -1 }), move("jobs.down", func() int { return 1 }),
		move("jobs.page-up", func() int { return -p.grid.Page() }), move("jobs.page-down", func() int { return p.grid.Page() }),
	)
}

// hint is what hastens the machine under the cursor, "" for nothing.
func (p *jobsPanel) hint() string {
	j := p.run()
	if j == nil || p.rows == nil {
		return ""
	}
	p.refresh(j) // the panel may not have been drawn yet
	if t := p.rows.Cursor(); t != nil {
		return t.Hint
	}
	return ""
}

func (p *jobsPanel) copy() tea.Cmd {
	var b strings.Builder
	for _, t := range p.run().job.Targets {
		b.WriteString(strings.Join([]string{clean(t.Name), clean(t.Site), string(t.Outcome), clean(t.Reason), clean(t.RequestID)}, "\t") + "\n")
	}
	return Copy("the results", b.String())
}

func (p *jobsPanel) view(w, h int) ([]string, int, int) {
	lines := p.lines(w, h)
	if p.filtering && p.run() != nil {
		_, x := p.in.view(p.e.th, p.filterRoom(w), "")
		return lines, x + 2, p.head - 1
	}
	if at, ok := p.grid.CursorLine(); ok && p.rows != nil && p.rows.Len() > 0 {
		return lines, 0, p.head + at
	}
	return lines, -1, -1
}

func (p *jobsPanel) lines(w, h int) []string {
	th := p.e.th
	if all := p.jobs.all(); p.run() == nil && len(all) > 0 {
		p.choose(all[len(all)-1].n) // read only after the panel was opened
	}
	j := p.run()
	if j == nil {
		return []string{th.Paint(theme.Muted, "no change was sent")}
	}
	place, all := 0, p.jobs.all()
	for i, x := range all {
		if x.n == p.n {
			place = i + 1
		}
	}
	head := clean(j.job.Title)
	if len(all) > 1 {
		head += " (job " + itoa(place) + " of " + itoa(len(all)) + ")"
	}
	end := j.job.Finished
	state := "done after "
	if !j.finished {
		end, state = p.e.now(), "running for "
	}
	if j.finished && j.stopped {
		state = "cancelled after "
	}
	state += lasted(end.Sub(j.job.Started))
	if j.past != nil {
		state = j.past.State + " · " + j.job.Started.Local().Format("2006-01-02 15:04")
	}
	if j.finished && j.job.Next != "" {
		state += " · not begun yet: " + clean(j.job.Next)
	}
	out := []string{
		ansi.Truncate(th.Paint(theme.Strong, head), w, th.Glyphs.Ellipsis),
		ansi.Truncate(j.summary()+" · "+state, w, th.Glyphs.Ellipsis),
	}
	if j.job.ID != "" || j.job.Note != "" {
		out = append(out, th.Paint(theme.Muted, ansi.Truncate(strings.TrimSpace(clean(j.job.ID+"  "+j.job.Note)), w, th.Glyphs.Ellipsis)))
	}
	out = append(out, progressLines(th, j, w)...)
	p.refresh(j)
	if p.filtering || p.in.String() != "" {
		out = append(out, p.filterLine(w))
	}
	p.head = len(out)
	room := h - len(out)
	var below []string
	if room >= 8 {
		below = p.whole(w)
	}
	if room -= len(below); room > 1 && p.rows.Len() > 0 {
		out = append(out, p.grid.Render(p.rows, th, w, min(room, p.rows.Len()+1), true)...)
	}
	return append(out, below...)
}

// whole says of the machine under the cursor what the columns have no room for. It always takes the same number of lines, so that
// the table above stays where it is.
func (p *jobsPanel) whole(w int) []string {
	const most = 3
	t := p.rows.Cursor()
	if t == nil {
		return nil
	}
	name := clean(t.Name)
	if t.Site != "" && t.Site != t.Name {
		name += " (" + clean(t.Site) + ")"
	}
	parts := []string{name, string(t.Outcome)}
	reason := t.Reason
	if t.Outcome == Sent && t.Tracking != "" {
		reason = "" // how it was found to be sent matters no more
	}
	for _, s := range []string{reason, t.Tracking} {
		if s = clean(s); s != "" {
			parts = append(parts, s)
		}
	}
	if t.RequestID != "" {
		parts = append(parts, "request "+clean(t.RequestID))
	}
	th := p.e.th
	out := []string{""}
	for _, l := range wrap(strings.Join(parts, " · "), w) {
		if len(out) <= most {
			out = append(out, th.Paint(theme.Muted, l))
		}
	}
	for len(out) <= most {
		out = append(out, "")
	}
	return out
}
