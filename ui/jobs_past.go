package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// PastJob is a job that was written down, by an earlier run or by another process.
type PastJob struct {
	Job
	// State is one word for the whole ("interrupted").
	State string
	// Resumable tells that going on with it has something to do. Interrupted tells that its process ended before it did.
	Resumable, Interrupted bool
	// Open tells that commands were sent which their agents have not fetched yet, as far as is known: they are followed on.
	Open bool
}

// Again is what is done with a past job.
type Again string

// The ways.
const (
	AgainResume  Again = "resume"
	AgainFailed  Again = "retry failed"
	AgainElapsed Again = "send elapsed again"
	AgainRevert  Again = "revert"
	AgainStep    Again = "next step"
)

// JobBook is where jobs are written down. Its functions may block.
type JobBook struct {
	// List gives the jobs, the newest first.
	List func(context.Context) ([]PastJob, error)
	// Again plans what is done with one of them.
	Again func(ctx context.Context, id string, what Again) (Plan, error)
	// Follow watches on what the agents make of a job that is Open, as Plan.Follow does; nil follows nothing.
	Follow func(ctx context.Context, finished Job, report func(Job))
}

// pastMsg brings the jobs that were written down.
type pastMsg struct {
	jobs []PastJob
	err  error
	// start tells that they were read at the start, when interrupted ones are worth a word.
	start bool
}

// readPast reads what was written down.
func (r *Root) readPast(start bool) tea.Cmd {
	book := r.e.cfg.Jobs
	if book == nil || book.List == nil {
		return nil
	}
	ctx := r.e.ctx
	return func() tea.Msg {
		list, err := book.List(ctx)
		return pastMsg{list, err, start}
	}
}

// pastNews takes the jobs of the past over.
func (r *Root) pastNews(m pastMsg) tea.Cmd {
	if m.err != nil {
		return Toast(Warn, "the jobs of the past cannot be read: "+clean(m.err.Error()))
	}
	r.jobs.remember(m.jobs)
	follow := r.jobs.followPast(r.e.cfg.Jobs)
	if !m.start {
		return follow
	}
	n := 0
	for _, j := range m.jobs {
		if j.Interrupted {
			n++
		}
	}
	if n == 0 {
		return follow
	}
	return tea.Batch(follow, Toast(Warn, plural(n, "job was", "jobs were")+" interrupted: "+r.e.keys.label(r.e.keys.builtin("app.jobs"))))
}

// followPast goes on following the commands that earlier runs have sent.
func (s *jobs) followPast(book *JobBook) tea.Cmd {
	if book == nil || book.Follow == nil {
		return nil
	}
	var cmds []tea.Cmd
	for _, j := range s.past {
		if j.past.Open && !j.followed {
			cmds = append(cmds, s.watch(j, book.Follow))
		}
	}
	return tea.Batch(cmds...)
}

// remember puts the jobs of the past before those of this run; one of this run that is over is known from both.
func (s *jobs) remember(list []PastJob) {
	kept := map[string]*jobRun{}
	for _, j := range s.past {
		kept[j.job.ID] = j
	}
	s.past = nil
	for _, p := range slices.Backward(list) {
		if slices.ContainsFunc(s.list, func(j *jobRun) bool { return j.job.ID == p.ID }) {
			continue
		}
		if old := kept[p.ID]; old != nil {
			old.past = &p
			if !old.followed { // else its own reports are newer than what was written down
				old.job = p.Job
			}
			s.past = append(s.past, old)
			delete(kept, p.ID)
			continue
		}
		s.n++
		s.past = append(s.past, &jobRun{n: s.n, job: p.Job, cancel: func() {}, finished: true, past: &p})
	}
	for _, gone := range kept {
		gone.cancel() // of another console, or removed: nobody looks at it any more
	}
}

// forget drops a job of the past that this run goes on with.
func (s *jobs) forget(id string) {
	s.past = slices.DeleteFunc(s.past, func(j *jobRun) bool {
		if id == "" || j.job.ID != id {
			return false
		}
		j.cancel() // whoever goes on with it follows it too
		return true
	})
}

// all are the jobs of the past and those of this run, in order.
func (s *jobs) all() []*jobRun { return append(slices.Clone(s.past), s.list...) }

// again proposes what is done with the job that is shown.
func (p *jobsPanel) again(what Again) tea.Cmd {
	book, id := p.e.cfg.Jobs, p.run().job.ID
	return Propose(string(what), func(ctx context.Context) (Plan, error) { return book.Again(ctx, id, what) })
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

func (p *jobsPanel) againCommands() []Command {
	some := func(what string, count func(*jobRun) int) func(*jobRun) string {
		return func(j *jobRun) string {
			if count(j) == 0 {
				return what
			}
			return ""
		}
	}
	failed := func(j *jobRun) int { return j.job.Count(Failed) }
	return []Command{
		p.e.guarded("jobs.resume", p.whyNot(func(j *jobRun) string {
			if j.past != nil && !j.past.Resumable || j.past == nil && j.job.Count(Cancelled)+j.job.Count(Unknown) == 0 {
				return "nothing of this job is left to send"
			}
			return ""
		}), func() tea.Cmd { return p.again(AgainResume) }),
		p.e.guarded("jobs.retry", p.whyNot(some("nothing failed", failed)), func() tea.Cmd { return p.again(AgainFailed) }),
		p.e.guarded("jobs.elapsed", p.whyNot(some("no command has elapsed", elapsed)), func() tea.Cmd { return p.again(AgainElapsed) }),
		p.e.guarded("jobs.revert", p.whyNot(some("nothing was sent", func(j *jobRun) int { return j.job.Count(Sent) + j.job.Count(Unknown) })),
			func() tea.Cmd { return p.again(AgainRevert) }),
		p.e.guarded("jobs.step", p.whyNot(func(j *jobRun) string {
			if j.job.Next == "" {
				return "no step of this job is left"
			}
			return ""
		}), func() tea.Cmd { return p.again(AgainStep) }),
		p.e.guarded("jobs.save-failed", p.whyNot(some("nothing failed", unsettled)), p.saveFailed),
		p.e.guarded("jobs.export", p.whyNot(func(*jobRun) string { return "" }), p.saveResults),
	}
}

func elapsed(j *jobRun) int {
	n := 0
	for _, t := range j.job.Targets {
		if strings.HasPrefix(t.Tracking, "elapsed") {
			n++
		}
	}
	return n
}

// unsettled tells that a machine was not sent to for certain.
func (t Target) unsettled() bool {
	return t.Key != "" && (t.Outcome == Failed || t.Outcome == Unknown || t.Outcome == Cancelled)
}

func unsettled(j *jobRun) int {
	n := 0
	for _, t := range j.job.Targets {
		if t.unsettled() {
			n++
		}
	}
	return n
}

// saveFailed writes what was not sent for certain, as --from reads it.
func (p *jobsPanel) saveFailed() tea.Cmd {
	j := p.run()
	return p.save("failed-"+j.job.ID, j, func(t Target) bool { return t.unsettled() })
}

// saveResults writes the results as CSV.
func (p *jobsPanel) saveResults() tea.Cmd {
	j := p.run()
	return p.save("job-"+j.job.ID, j, func(Target) bool { return true })
}

// save writes results of a job into a new private file.
func (p *jobsPanel) save(stem string, j *jobRun, which func(Target) bool) tea.Cmd {
	dir := p.e.cfg.ExportDir
	if dir == "" {
		return Toast(Warn, "not exported: no folder is set for exports")
	}
	s := sheet{head: []string{"EndpointId", "HostName", "SiteName", "State", "Reason", "RequestId", "Tracking"}}
	for _, t := range j.job.Targets {
		if which(t) {
			s.rows = append(s.rows, []string{t.Key, clean(t.Name), clean(t.Site), string(t.Outcome), clean(t.Reason), clean(t.RequestID), clean(t.Tracking)})
		}
	}
	return func() tea.Msg {
		path, err := writeExport(dir, "unitty-"+stem+".csv", "csv", s)
		if err != nil {
			return failMsg{fmt.Errorf("export: %w", err)}
		}
		return toastMsg{level: Good, text: plural(len(s.rows), "row", "rows") + " written to " + path}
	}
}
