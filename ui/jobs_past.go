package ui

import (
	"context"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
)

// PastJob is a job that was written down, by an earlier run or by another process.
type PastJob struct {
	Job
	// State is one word for the whole ("interrupted").
	State string
	// Resumable tells that going on with it has something to do. Interrupted tells that its process ended before it did.
	Resumable, Interrupted bool
	// Counts are the targets in each outcome, and Elapsed those whose command has elapsed, for jobs that are listed without their
	// targets; Version changes when more is known of the job.
	Counts  map[Outcome]int
	Elapsed int
	Version string
}

// Again is what is done with a past job.
type Again string

// The ways.
const (
	AgainResume  Again = "resume"
	AgainFailed  Again = "retry failed"
	AgainUnknown Again = "send unknown again"
	AgainElapsed Again = "send elapsed again"
	AgainRevert  Again = "revert"
	AgainStep    Again = "next step"
)

// JobBook is where jobs are written down. Its functions may block.
type JobBook struct {
	// List gives the jobs, the newest first. Those with Counts come without their targets.
	List func(context.Context) ([]PastJob, error)
	// Open gives one of them with its targets.
	Open func(ctx context.Context, id string) (Job, error)
	// Again plans what is done with one of them.
	Again func(ctx context.Context, id string, what Again) (Plan, error)
	// Follow watches on what the agents make of the jobs that were written down, until ctx ends, and writes that down; nil follows
	// nothing.
	Follow func(ctx context.Context)
}

type (
	// pastMsg brings the jobs that were written down.
	pastMsg struct {
		jobs []PastJob
		err  error
		// start tells that they were read at the start, when interrupted ones are worth a word; began is when the reading began.
		start bool
		began time.Time
	}
	// openedMsg brings a job of the past with its targets.
	openedMsg struct {
		id  string
		job Job
		err error
	}
	// pastTickMsg has the jobs read again while they are looked at.
	pastTickMsg struct{}
)

// pastEvery is how often the jobs that were written down are read again while the panel is open: other processes go on with them.
const pastEvery = 3 * time.Second

// readPast reads what was written down.
func (r *Root) readPast(start bool) tea.Cmd {
	book := r.e.cfg.Jobs
	if book == nil || book.List == nil {
		return nil
	}
	ctx, began := r.e.ctx, r.e.now()
	return func() tea.Msg {
		list, err := book.List(ctx)
		return pastMsg{list, err, start, began}
	}
}

// pastNews takes the jobs of the past over.
func (r *Root) pastNews(m pastMsg) tea.Cmd {
	if m.err != nil {
		return Toast(Warn, "the jobs of the past cannot be read: "+clean(m.err.Error()))
	}
	r.jobs.remember(m.jobs, m.began)
	shown := r.showPast()
	if !m.start {
		return shown
	}
	n := 0
	for _, j := range m.jobs {
		if j.Interrupted {
			n++
		}
	}
	if n == 0 {
		return shown
	}
	return tea.Batch(shown, Toast(Warn, plural(n, "job was", "jobs were")+" interrupted: "+r.e.keys.label(r.e.keys.builtin("app.jobs"))))
}

// followPast goes on following the commands that earlier runs and other processes have sent, until the profile is another one.
func (r *Root) followPast() tea.Cmd {
	book, s := r.e.cfg.Jobs, &r.jobs
	if s.unfollow != nil {
		s.unfollow()
	}
	if book == nil || book.Follow == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(r.e.ctx)
	s.unfollow = cancel
	s.wg.Add(1)
	return waitFor(func() tea.Msg {
		defer s.wg.Done()
		defer cancel()
		book.Follow(ctx)
		return nil
	})
}

// panel is the jobs panel that is open, or nil.
func (r *Root) panel() *jobsPanel {
	for _, o := range r.over {
		if p, ok := o.(*jobsPanel); ok && !p.closed() {
			return p
		}
	}
	return nil
}

// openJobs opens the jobs panel and has it kept current.
func (r *Root) openJobs() tea.Cmd {
	p := newJobsPanel(r.e, &r.jobs)
	cmds := []tea.Cmd{r.openOver(p), p.load(), r.readPast(false)}
	if !r.jobs.watched {
		r.jobs.watched = true
		cmds = append(cmds, after(pastEvery, pastTickMsg{}))
	}
	return tea.Batch(cmds...)
}

// pastTick reads the jobs again while somebody looks at them, and else lets their targets go.
func (r *Root) pastTick() tea.Cmd {
	if r.panel() == nil {
		r.jobs.watched = false
		r.jobs.unload(nil)
		return nil
	}
	return tea.Batch(r.readPast(false), after(pastEvery, pastTickMsg{}))
}

// showPast has the job that is shown read again if more is known of it.
func (r *Root) showPast() tea.Cmd {
	p := r.panel()
	if p == nil {
		return nil
	}
	if all := r.jobs.all(); p.run() == nil && len(all) > 0 {
		p.choose(all[len(all)-1].n) // read only after the panel was opened, or tidied away
	}
	return p.load()
}

// load reads the targets of the job that is shown, where it was listed without them.
func (p *jobsPanel) load() tea.Cmd {
	j, book := p.run(), p.e.cfg.Jobs
	if j == nil || j.past == nil || j.past.Counts == nil || book == nil || book.Open == nil || j.loading == "version "+j.past.Version {
		return nil
	}
	j.loading = "version " + j.past.Version
	ctx, id := p.e.ctx, j.job.ID
	return func() tea.Msg {
		job, err := book.Open(ctx, id)
		return openedMsg{id, job, err}
	}
}

// opened takes the targets of a job over. Those of the one before are let go: many jobs of thousands of machines are kept.
func (r *Root) opened(m openedMsg) tea.Cmd {
	p := r.panel()
	for _, j := range r.jobs.past {
		if j.job.ID != m.id || p == nil || p.n != j.n {
			continue
		}
		if m.err != nil {
			return Toast(Warn, "the job cannot be read: "+clean(m.err.Error()))
		}
		j.job.Targets, j.job.OneWay, j.loaded = m.job.Targets, m.job.OneWay, true
		r.jobs.unload(j)
	}
	return nil
}

// unload lets the targets of all jobs of the past go but of one.
func (s *jobs) unload(but *jobRun) {
	for _, j := range s.past {
		if j != but && j.past.Counts != nil {
			j.job.Targets, j.loaded, j.loading = nil, false, ""
		}
	}
}

// remember puts the jobs of the past before those of this run. One of this run that was over when they were read is known from both;
// as soon as what was written down tells something else of it, another process has gone on with it.
func (s *jobs) remember(list []PastJob, began time.Time) {
	kept := map[string]*jobRun{}
	for _, j := range s.past {
		kept[j.job.ID] = j
	}
	s.past = nil
	for _, p := range slices.Backward(list) {
		if i := slices.IndexFunc(s.list, func(j *jobRun) bool { return j.job.ID == p.ID }); i >= 0 {
			j := s.list[i]
			if !j.overtaken(&p, began) {
				continue
			}
			j.cancel()
			s.list = slices.Delete(s.list, i, i+1)
			kept[p.ID] = &jobRun{n: j.n}
		}
		j := kept[p.ID]
		if j == nil {
			s.n++
			j = &jobRun{n: s.n}
		}
		delete(kept, p.ID)
		if p.Counts != nil {
			p.Targets, p.OneWay = j.job.Targets, j.job.OneWay // until those of the new version are read
		}
		j.job, j.past, j.finished, j.cancel = p.Job, &p, true, func() {}
		s.past = append(s.past, j)
	}
}

// overtaken tells that a job of this run was gone on with by another process.
func (j *jobRun) overtaken(p *PastJob, began time.Time) bool {
	if !j.finished || p.Counts == nil || j.over.After(began) {
		return false
	}
	for _, o := range []Outcome{Sent, Failed, Unknown, Skipped, Cancelled} {
		if j.job.Count(o) != p.Counts[o] {
			return true
		}
	}
	return false
}

// count is the number of targets of an outcome, whether they are there or not.
func (j *jobRun) count(o Outcome) int {
	if j.past != nil && j.past.Counts != nil {
		return j.past.Counts[o]
	}
	return j.job.Count(o)
}

// bare tells that the targets of a job are not read yet.
func (j *jobRun) bare() bool { return j.past != nil && j.past.Counts != nil && !j.loaded }

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
		return toastMsg{level: Good, text: plural(len(s.rows), "row", "rows") + " written to " + atHome(path)}
	}
}
