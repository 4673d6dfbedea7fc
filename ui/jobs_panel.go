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
	// shape is what the columns stand for.
	shape jobShape
	grid  table.View[Target, string]
	// filter narrows the targets, of whatever job is shown.
	filter rowFilter
	// list is what is shown instead of one job, nil while it is not.
	list *jobList
	// head is how many lines stand above the table.
	head int
}

func newJobsPanel(e *env, s *jobs) *jobsPanel {
	p := &jobsPanel{frame: newFrame("Jobs"), e: e, jobs: s}
	p.filter = rowFilter{e: e, prompt: "type to narrow the machines", apply: p.narrow, move: func(n int) { p.rows.Move(n) }}
	if all := s.all(); len(all) > 0 {
		p.choose(all[len(all)-1].n)
	}
	return p
}

// jobShape is what the columns of a job's targets depend on.
type jobShape struct {
	// thing tells that the job is about a site, a group or an admin, which has no id of a machine; sites that it has customers to
	// name, and requests that some target has the id of a request.
	thing, sites, requests bool
}

func (j *jobRun) shape() jobShape {
	if j == nil {
		return jobShape{sites: true}
	}
	all := j.job.Targets
	out := jobShape{thing: len(all) == 1 && all[0].Key == "", sites: true}
	out.sites = !out.thing || all[0].Site != all[0].Name
	out.requests = slices.ContainsFunc(all, func(t Target) bool { return t.RequestID != "" })
	return out
}

// targetColumns are the columns of a job's targets: machines, or the one thing that is changed. Why it went as it did is what
// one looks for, so that gets room before names are written out.
func targetColumns(of jobShape) []table.Column[Target] {
	tone := func(t *Target) theme.Tone { return t.Outcome.tone() }
	name := "MACHINE"
	if of.thing {
		name = "WHAT"
	}
	return []table.Column[Target]{
		{ID: "name", Title: name, Min: 8, Max: 24, Text: func(t *Target) string { return clean(t.Name) }},
		{ID: "site", Title: "CUSTOMER", Min: 8, Max: 28, Priority: 3, Hidden: !of.sites, Text: func(t *Target) string { return clean(t.Site) }},
		{ID: "outcome", Title: "RESULT", Min: 9, Max: 9, Text: func(t *Target) string { return string(t.Outcome) }, Tone: tone},
		{ID: "reason", Title: "WHY", Min: 14, Flex: 3, Priority: 1, Text: reasonOf, Tone: tone},
		{ID: "request", Title: "REQUEST ID", Min: 20, Max: 38, Priority: 4, Hidden: !of.requests, Text: func(t *Target) string { return clean(t.RequestID) }},
	}
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
	p.n, p.over, p.shape = n, false, p.jobs.find(n).shape()
	p.rows = table.NewRows(func(t *Target) string { return t.Key }, targetColumns(p.shape), nil)
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
	if j.finished == p.over && same(p.merged, j.job.Targets) {
		return // drawn again for another reason: a large job is not gone through for each key
	}
	key := ""
	if j.finished != p.over || j.shape() != p.shape {
		if !j.finished {
			key = p.rows.CursorKey()
		}
		p.choose(p.n)
		p.over = j.finished
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
	if key != "" {
		p.rows.MoveTo(key) // the columns are others, the machine is the same
	}
}

func (p *jobsPanel) capturing() bool {
	if p.list != nil {
		return p.list.filter.typing
	}
	return p.filter.typing
}

func (p *jobsPanel) width() int { return 140 }

func (p *jobsPanel) update(msg tea.Msg) tea.Cmd {
	if p.list != nil {
		p.list.filter.update(msg)
		return nil
	}
	p.filter.update(msg)
	return nil
}

// narrow puts the filter in force: every word has to stand in what is shown of a target.
func (p *jobsPanel) narrow() {
	if p.rows != nil {
		p.rows.SetFilter(narrow(&p.filter, func(t *Target) string {
			return strings.Join([]string{t.Name, t.Site, string(t.Outcome), t.Reason, t.Tracking, t.RequestID}, " ")
		}))
	}
}

// same tells that two lists are the same one: a report is a list of its own.
func same(a, b []Target) bool { return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] }

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
	if p.list != nil {
		return p.list.view(w, h)
	}
	lines := p.lines(w, h)
	if p.filter.typing && p.run() != nil {
		return lines, p.filter.column(w, p.rows.Len(), len(p.run().job.Targets)), p.head - 1
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
	if words := agentWords(j); words != "" {
		out = append(out, ansi.Truncate(words, w, th.Glyphs.Ellipsis))
	}
	out = append(out, progressLines(th, j, w)...)
	p.refresh(j)
	if p.filter.shown() {
		out = append(out, p.filter.line(w, p.rows.Len(), len(j.job.Targets)))
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
