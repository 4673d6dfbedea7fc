package ui

import (
	"context"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

// jobPace keeps a fast job from being drawn more often than four times a second.
const jobPace = 250 * time.Millisecond

// jobs are the changes started in this run of the program. They live on when screens, overlays and the profile change.
type jobs struct {
	list []*jobRun
	// past are the jobs of earlier runs and of other processes, as they were written down.
	past []*jobRun
	n    uint64
	wg   sync.WaitGroup
	// unfollow ends the following of jobs that were written down; watched is true while they are read again and again.
	unfollow context.CancelFunc
	watched  bool
}

// jobRun is one job with what is needed to follow and to stop it.
type jobRun struct {
	n        uint64
	plan     Plan
	job      Job
	cancel   context.CancelFunc
	finished bool
	stopped  bool
	// over is when it ended, for jobs of this run.
	over time.Time
	// past is set for jobs that were only read. The targets of those that are listed without are read while they are shown: loaded
	// tells that they are there, loading names the version that was asked for last.
	past    *PastJob
	loaded  bool
	loading string
}

// jobMsg brings the latest report of a job; final is its last one.
type jobMsg struct {
	n     uint64
	jobs  []Job
	final bool
	box   *mailbox[Job]
	// follow marks reports that come after the job: how far the agents are.
	follow bool
}

// start runs a confirmed plan.
func (r *Root) start(p Plan) tea.Cmd {
	if p.Run == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &r.jobs
	s.n++
	run := &jobRun{n: s.n, plan: p, job: Job{Title: p.Title, Started: r.e.now()}}
	run.cancel = func() { run.stopped = true; cancel() }
	s.list = append(s.list, run)
	s.wg.Add(1)
	box := newMailbox[Job](true)
	work := func() tea.Msg {
		defer s.wg.Done()
		defer box.finish(nil)
		p.Run(ctx, box.put)
		return nil
	}
	cmds := []tea.Cmd{waitFor(work), waitFor(nextReport(run.n, box, 0))}
	if p.Machines > 1 {
		// Said at once and not by a message, which could come after that of a quick job's end.
		cmds = append(cmds, r.notes.add(r.e, toastMsg{level: Info, text: clean(p.Title) + " started for " +
			plural(p.Machines, "machine", "machines") + " (" + r.e.keys.label(r.e.keys.builtin("app.jobs")) + " shows it)"}))
	}
	return tea.Batch(cmds...)
}

// nextReport waits for the next report. It ends with the job only, since results are never dropped.
func nextReport(n uint64, box *mailbox[Job], pause time.Duration) tea.Cmd {
	return func() tea.Msg {
		got, ok := box.take(context.Background(), pause)
		if !ok {
			return nil
		}
		return jobMsg{n: n, jobs: got.items, final: got.done, box: box}
	}
}

// jobNews takes a report over and, at the end, says truthfully how it went.
func (r *Root) jobNews(m jobMsg) tea.Cmd {
	run := r.jobs.find(m.n)
	if run == nil {
		return nil
	}
	if m.follow {
		return run.agents(m)
	}
	if len(m.jobs) > 0 {
		started := run.job.Started
		run.job = m.jobs[len(m.jobs)-1]
		if run.job.Started.IsZero() {
			run.job.Started = started
		}
		if run.job.Title == "" {
			run.job.Title = run.plan.Title
		}
	}
	r.jobs.forget(run.job.ID)
	if !m.final {
		return waitFor(nextReport(m.n, m.box, jobPace))
	}
	run.finished, run.over = true, r.e.now()
	run.cancelFree()
	if run.job.Finished.IsZero() {
		run.job.Finished = r.e.now()
	}
	level, text := run.outcome()
	cmds := []tea.Cmd{Toast(level, text)}
	if len(run.plan.Touches) > 0 {
		cmds = append(cmds, r.broadcast(InvalidateMsg{Keys: run.plan.Touches}))
	}
	if run.plan.Then != nil {
		cmds = append(cmds, run.plan.Then(run.job))
	}
	return tea.Batch(append(cmds, r.jobs.follow(run))...)
}

// follow watches what the agents make of a finished job, until they all have it or the program ends.
func (s *jobs) follow(run *jobRun) tea.Cmd {
	if run.plan.Follow == nil || run.job.Count(Sent) == 0 {
		return nil
	}
	return s.watch(run, run.plan.Follow)
}

// watch has reports of a job's agents taken over until there are none left.
func (s *jobs) watch(run *jobRun, follow func(ctx context.Context, finished Job, report func(Job))) tea.Cmd {
	ctx, cancel := context.WithCancel(context.Background())
	run.cancel = cancel
	s.wg.Add(1)
	box, job := newMailbox[Job](true), run.job
	work := func() tea.Msg {
		defer s.wg.Done()
		defer box.finish(nil)
		follow(ctx, job, box.put)
		return nil
	}
	return tea.Batch(waitFor(work), waitFor(nextFollow(run.n, box, 0)))
}

func nextFollow(n uint64, box *mailbox[Job], pause time.Duration) tea.Cmd {
	next := nextReport(n, box, pause)
	return func() tea.Msg {
		m, ok := next().(jobMsg)
		if !ok {
			return nil
		}
		m.follow = true
		return m
	}
}

// agents takes over how far the agents are; outcomes do not change any more.
func (j *jobRun) agents(m jobMsg) tea.Cmd {
	if len(m.jobs) > 0 {
		j.job.Targets = m.jobs[len(m.jobs)-1].Targets
	}
	if m.final {
		return nil
	}
	return waitFor(nextFollow(m.n, m.box, jobPace))
}

// cancelFree releases the context without counting as a cancel.
func (j *jobRun) cancelFree() {
	stopped := j.stopped
	j.cancel()
	j.stopped = stopped
}

func (s *jobs) find(n uint64) *jobRun {
	for _, j := range s.all() {
		if j.n == n {
			return j
		}
	}
	return nil
}

func (s *jobs) live() []*jobRun {
	var out []*jobRun
	for _, j := range s.list {
		if !j.finished {
			out = append(out, j)
		}
	}
	return out
}

func (s *jobs) latestLive() *jobRun {
	live := s.live()
	if len(live) == 0 {
		return nil
	}
	return live[len(live)-1]
}

// close stops all jobs and waits until each has written down what it knows.
func (s *jobs) close(ctx context.Context) error {
	for _, j := range s.all() {
		j.cancel()
	}
	if s.unfollow != nil {
		s.unfollow()
	}
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// LiveJobs is the number of changes that are still being sent.
func (r *Root) LiveJobs() int { return len(r.jobs.live()) }

// summary counts the targets by outcome: "2 sent, 1 failed".
func (j *jobRun) summary() string {
	var parts []string
	for _, o := range []Outcome{Sent, Failed, Unknown, Skipped, Cancelled, Running, Waiting} {
		n := j.count(o)
		if n == 0 {
			continue
		}
		word := string(o)
		if j.finished && (o == Running || o == Waiting) {
			word = "without an outcome"
		}
		parts = append(parts, group(n)+" "+word)
	}
	if len(parts) == 0 {
		if j.finished {
			return "no target has an outcome"
		}
		return "starting"
	}
	return strings.Join(parts, ", ")
}

// outcome is the message at the end of a job.
func (j *jobRun) outcome() (Level, string) {
	text := clean(j.job.Title) + ": " + j.summary()
	if t := j.telling(); t != nil {
		text += ": " + clean(t.Name) + ": " + clean(t.Reason)
	}
	if note := clean(j.job.Note); note != "" && j.job.Count(Sent) != len(j.job.Targets) {
		text += " (" + note + ")"
	}
	switch {
	case j.job.Count(Failed) > 0:
		return Bad, text
	case len(j.job.Targets) > 0 && j.job.Count(Sent) == len(j.job.Targets):
		return Good, text
	default:
		return Warn, text
	}
}

// telling is a target that says why not all were sent to: one that failed or is unknown, before one that was left out.
func (j *jobRun) telling() *Target {
	var left *Target
	for i := range j.job.Targets {
		t := &j.job.Targets[i]
		switch {
		case t.Reason == "":
		case t.Outcome == Failed || t.Outcome == Unknown:
			return t
		case left == nil && (t.Outcome == Skipped || t.Outcome == Cancelled):
			left = t
		}
	}
	return left
}
