package ui

import (
	"context"

	tea "charm.land/bubbletea/v2"
)

// commands are what the keys do in the panel: with the job that is shown, or in the list of all jobs.
func (p *jobsPanel) commands() []Command {
	if p.list != nil {
		return p.list.commands(p)
	}
	if p.filter.typing {
		return p.filter.typingCommands()
	}
	closing := p.e.command("jobs.close", func() tea.Cmd { p.gone = true; return nil })
	if len(p.jobs.all()) == 0 {
		return []Command{closing}
	}
	out := append(p.filter.clearCommands(), p.againCommands()...)
	if j := p.run(); j != nil && !j.finished {
		// A job that is over cannot be cancelled, and its key is free for what it does everywhere else.
		out = append(out, p.e.command("jobs.cancel", func() tea.Cmd {
			p.run().cancel()
			return Toast(Warn, "cancelling "+clean(p.run().job.Title)+": what is sent stays sent")
		}))
	}
	out = append(append(out, p.resultCommands()...),
		p.e.command("jobs.list", p.openList),
		p.e.guarded("jobs.next", p.alone, func() tea.Cmd { return p.step(1) }),
		p.e.guarded("jobs.previous", p.alone, func() tea.Cmd { return p.step(-1) }),
		closing,
	)
	return append(out, moves(p.e, "jobs", func() int { return p.grid.Page() }, func(n int) tea.Cmd {
		if p.rows != nil {
			p.rows.Move(n)
		}
		return nil
	})...)
}

func (p *jobsPanel) alone() string {
	if len(p.jobs.all()) < 2 {
		return "there is one job only"
	}
	return ""
}

// resultCommands are what is done with the results that are shown.
func (p *jobsPanel) resultCommands() []Command {
	readable := func(of func(*jobRun) string) func() string {
		return func() string {
			j := p.run()
			switch {
			case j == nil:
				return "there is no job"
			case j.bare():
				return "the machines of this job are still being read"
			case of == nil:
				return ""
			}
			return of(j)
		}
	}
	return []Command{
		p.e.guarded("jobs.hasten", func() string {
			if p.hint() == "" {
				return "nothing hastens this machine"
			}
			return ""
		}, func() tea.Cmd { return Copy("the poll command, for the machine itself", p.hint()) }),
		p.e.guarded("jobs.copy", readable(nil), p.copy),
		p.e.guarded("jobs.filter", readable(nil), func() tea.Cmd { p.filter.typing = true; return nil }),
		p.e.guarded("jobs.save-failed", p.whyNot(func(j *jobRun) string { return readable(some("nothing failed", unsettled))() }), p.saveFailed),
		p.e.guarded("jobs.export", p.whyNot(func(*jobRun) string { return readable(nil)() }), p.saveResults),
	}
}

// again proposes what is done with the job that is shown.
func (p *jobsPanel) again(what Again) func() tea.Cmd {
	return func() tea.Cmd {
		book, id := p.e.cfg.Jobs, p.run().job.ID
		return Propose(string(what), func(ctx context.Context) (Plan, error) { return book.Again(ctx, id, what) })
	}
}

// whyNot gives the reason why something cannot be done with the job that is shown.
func (p *jobsPanel) whyNot(of func(*jobRun) string) func() string {
	return func() string {
		j := p.run()
		switch {
		case j == nil:
			return "there is no job"
		case p.e.cfg.Jobs == nil || p.e.cfg.Jobs.Again == nil || j.job.ID == "":
			return "jobs are not written down here"
		case !j.finished:
			return "this job is still running"
		}
		return of(j)
	}
}

// some gives a reason where there is nothing to count.
func some(why string, count func(*jobRun) int) func(*jobRun) string {
	return func(j *jobRun) string {
		if count(j) == 0 {
			return why
		}
		return ""
	}
}

// againCommands go on with the job that is shown, or make a new one of it.
func (p *jobsPanel) againCommands() []Command {
	can := func(id string, why func(*jobRun) string, what Again) Command {
		return p.e.guarded(id, p.whyNot(why), p.again(what))
	}
	return []Command{
		can("jobs.resume", func(j *jobRun) string {
			if j.past != nil && !j.past.Resumable || j.past == nil && j.count(Cancelled)+j.count(Unknown) == 0 {
				return "nothing of this job is left to send"
			}
			return ""
		}, AgainResume),
		can("jobs.retry", func(j *jobRun) string {
			switch {
			case j.count(Failed) > 0:
				return ""
			case j.count(Unknown) > 0:
				return "nothing failed; " + p.e.keys.label(p.e.keys.builtin("jobs.resend")) + " resends unknown"
			}
			return "nothing failed"
		}, AgainFailed),
		can("jobs.resend", some("no outcome is unknown", func(j *jobRun) int { return j.count(Unknown) }), AgainUnknown),
		can("jobs.elapsed", some("no command has elapsed", elapsed), AgainElapsed),
		can("jobs.step", func(j *jobRun) string {
			if j.job.Next == "" {
				return "no step of this job is left"
			}
			return ""
		}, AgainStep),
		can("jobs.revert", func(j *jobRun) string {
			switch {
			case j.count(Sent)+j.count(Unknown) == 0:
				return "nothing was sent"
			case j.job.OneWay:
				return "nothing takes this back"
			}
			return ""
		}, AgainRevert),
	}
}

// elapsed counts the machines whose agents let the command elapse.
func elapsed(j *jobRun) int {
	if j.past != nil && j.past.Counts != nil {
		return j.past.Elapsed
	}
	n := 0
	for i := range j.job.Targets {
		if j.job.Targets[i].Agent == AgentElapsed {
			n++
		}
	}
	return n
}
