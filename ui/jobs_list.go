package ui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table"
)

// jobList is the panel while it lists all jobs, the newest first.
type jobList struct {
	e      *env
	jobs   *jobs
	rows   *table.Rows[jobLine, string]
	grid   table.View[jobLine, string]
	filter rowFilter
	// head is how many lines stand above the table.
	head int
}

// jobLine is a job in the list. It holds texts only, so that one that is as before is known to be.
type jobLine struct {
	key, id, started, state, what, result string
	tone                                  theme.Tone
}

// openList lists all jobs, with the cursor on the one that was shown.
func (p *jobsPanel) openList() tea.Cmd {
	l := &jobList{e: p.e, jobs: p.jobs}
	tone := func(x *jobLine) theme.Tone { return x.tone }
	l.rows = table.NewRows(func(x *jobLine) string { return x.key }, []table.Column[jobLine]{
		{ID: "started", Title: "STARTED", Min: 16, Max: 16, Text: func(x *jobLine) string { return x.started }},
		{ID: "state", Title: "STATE", Min: 9, Max: 11, Text: func(x *jobLine) string { return x.state }, Tone: tone},
		{ID: "what", Title: "WHAT", Min: 12, Flex: 2, Text: func(x *jobLine) string { return x.what }},
		{ID: "result", Title: "RESULT", Min: 12, Flex: 1, Priority: 1, Text: func(x *jobLine) string { return x.result }},
	}, nil)
	l.filter = rowFilter{e: p.e, prompt: "type to narrow the jobs", move: l.rows.Move, apply: func() {
		l.rows.SetFilter(narrow(&l.filter, func(x *jobLine) string {
			return strings.Join([]string{x.id, x.started, x.state, x.what, x.result}, " ")
		}))
	}}
	l.refresh()
	l.rows.MoveTo(keyOf(p.n))
	p.list = l
	return nil
}

func keyOf(n uint64) string { return itoa(int(n)) } //nolint:gosec // a count of jobs in one run

// refresh takes over how all jobs are now.
func (l *jobList) refresh() {
	all := l.jobs.all()
	slices.Reverse(all)
	items := make([]*jobLine, 0, len(all))
	for _, j := range all {
		items = append(items, &jobLine{key: keyOf(j.n), id: clean(j.job.ID), started: j.job.Started.Local().Format("2006-01-02 15:04"), state: j.state(),
			what: clean(j.job.Title), result: j.summary(), tone: j.tone()})
	}
	l.rows.Begin()
	l.rows.Merge(items)
	l.rows.Finish(true)
}

// state is one word for how a job stands, the same as in the list of the verb.
func (j *jobRun) state() string {
	sent, failed, unknown := j.count(Sent), j.count(Failed), j.count(Unknown)
	switch {
	case j.past != nil:
		return clean(j.past.State)
	case !j.finished:
		return "running"
	case j.count(Waiting)+j.count(Running) > 0:
		return "interrupted"
	case j.count(Cancelled) > 0:
		return "cancelled"
	case failed+unknown == 0:
		return "done"
	case sent+unknown == 0:
		return "failed"
	}
	return "partial"
}

func (j *jobRun) tone() theme.Tone {
	switch j.state() {
	case "done":
		return theme.Good
	case "running":
		return theme.Info
	case "failed":
		return theme.Bad
	}
	return theme.Warn
}

// commands are what the keys do in the list.
func (l *jobList) commands(p *jobsPanel) []Command {
	if l.filter.typing {
		return l.filter.typingCommands()
	}
	leave := p.e.command("jobs.close", func() tea.Cmd { p.list = nil; return nil })
	leave.Title, leave.Help = "back", "Goes back to the job."
	out := append(l.filter.clearCommands(),
		l.e.guarded("jobs.open", func() string {
			if l.rows.Cursor() == nil {
				return "there is no row"
			}
			return ""
		}, func() tea.Cmd { return l.open(p) }),
		l.e.command("jobs.filter", func() tea.Cmd { l.filter.typing = true; return nil }),
		leave,
	)
	return append(out, moves(l.e, "jobs", l.grid.Page, func(n int) tea.Cmd { l.rows.Move(n); return nil })...)
}

// open shows the job under the cursor.
func (l *jobList) open(p *jobsPanel) tea.Cmd {
	key := l.rows.CursorKey()
	for _, j := range l.jobs.all() {
		if keyOf(j.n) == key {
			p.list = nil
			p.choose(j.n)
			return p.load()
		}
	}
	return Remark("this job is not there any more")
}

func (l *jobList) view(w, h int) ([]string, int, int) {
	th := l.e.th
	l.refresh()
	out := []string{ansi.Truncate(th.Paint(theme.Strong, l.title()), w, th.Glyphs.Ellipsis)}
	if l.filter.shown() {
		out = append(out, l.filter.line(w, l.rows.Len(), l.rows.Total()))
	}
	l.head = len(out)
	if room := h - l.head; room > 1 && l.rows.Len() > 0 {
		out = append(out, l.grid.Render(l.rows, th, w, min(room, l.rows.Len()+1), true)...)
	}
	if l.filter.typing {
		return out, l.filter.column(w, l.rows.Len(), l.rows.Total()), l.head - 1
	}
	if at, ok := l.grid.CursorLine(); ok && l.rows.Len() > 0 {
		return out, 0, l.head + at
	}
	return out, -1, -1
}

// title counts the jobs, and those that are not as they should be.
func (l *jobList) title() string {
	states := map[string]int{}
	for x := range l.rows.All() {
		states[x.state]++
	}
	parts := []string{plural(l.rows.Total(), "job", "jobs")}
	for _, s := range []string{"running", "interrupted", "cancelled", "failed", "partial", "unreadable"} {
		if n := states[s]; n > 0 {
			parts = append(parts, group(n)+" "+s)
		}
	}
	return strings.Join(parts, " · ")
}
