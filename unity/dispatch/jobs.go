package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
)

// JobState is how a job stands as a whole.
type JobState string

// The states of a job.
const (
	JobRunning     JobState = "running"     // a process runs it now
	JobDone        JobState = "done"        // every target was sent to, or skipped
	JobPartial     JobState = "partial"     // some failed or are unknown
	JobFailed      JobState = "failed"      // nothing was sent
	JobInterrupted JobState = "interrupted" // its process ended, or lost its sign-in, before every target had an outcome
	JobCancelled   JobState = "cancelled"   // somebody stopped it, and something was not sent
)

// keptFor is how long the journals of finished jobs are kept.
const keptFor = 90 * 24 * time.Hour

// Jobs are the jobs that were written down in a folder, by whichever process.
type Jobs struct {
	dir *journal.Dir
	// ledger tells what other jobs have sent; nil reads the journals for each question.
	ledger *Ledger
	// known are the digests that were read.
	known *digests
}

// NewJobs gives the jobs of a folder; nil has none. It remembers the digests that it has read, so it is worth keeping.
func NewJobs(dir *journal.Dir) *Jobs {
	return &Jobs{dir: dir, known: &digests{of: map[string]knownDigest{}}}
}

// With gives the same jobs with a ledger that has read their journals already.
func (js *Jobs) With(l *Ledger) *Jobs { return &Jobs{dir: js.dir, ledger: l, known: js.known} }

// ledgerOf gives a ledger for the console that jobs are bound to.
func (js *Jobs) ledgerOf(b Binding) *Ledger {
	if l := js.ledger; l != nil && l.binding.Key == b.Key && l.binding.BaseURL == b.BaseURL {
		return l
	}
	return NewLedger(js.dir, b)
}

// Past is a job as its journal tells it.
type Past struct {
	Job
	State JobState
	// Holder is the process that runs it, while State is JobRunning.
	Holder journal.Holder
	// Console is the console's name.
	Console string
	story   *story
	// unseen are the targets of unknown outcome of whose change the server shows nothing.
	unseen map[unity.EndpointID]bool
}

// Unreadable is a journal that cannot be read, and why.
type Unreadable struct {
	ID  string
	Err error
}

// Error names the job.
func (u Unreadable) Error() string { return fmt.Sprintf("job %s: %v", u.ID, u.Err) }

// Unwrap gives the reason.
func (u Unreadable) Unwrap() error { return u.Err }

// List gives all jobs with all their targets, the newest first, and the journals that cannot be read: Digests is cheaper by far.
// A journal that was cut before its plan was whole is no job: nothing was sent on its word.
func (js *Jobs) List() ([]*Past, []Unreadable, error) {
	if js == nil || js.dir == nil {
		return nil, nil, nil
	}
	ids, err := js.dir.IDs()
	if err != nil {
		return nil, nil, err
	}
	var out []*Past
	var bad []Unreadable
	for _, id := range ids {
		switch p, err := js.Load(id); {
		case err == nil:
			out = append(out, p)
		case !errors.Is(err, journal.ErrNoBeginning) && !errors.Is(err, journal.ErrNoJob):
			bad = append(bad, Unreadable{id, err})
		}
	}
	slices.SortStableFunc(out, func(a, b *Past) int {
		return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID))
	})
	return out, bad, nil
}

// Load reads one job. An id may be shortened as long as it names one job only, and "last" is the newest.
func (js *Jobs) Load(id string) (*Past, error) {
	id, err := js.whole(id)
	if err != nil {
		return nil, err
	}
	records, err := js.dir.Read(id)
	if err != nil {
		return nil, err
	}
	holder, held := js.dir.Held(id)
	s, err := readStory(records)
	if err != nil {
		return nil, err
	}
	p := &Past{Job: *s.job, Console: s.head.Console, Holder: holder, story: s}
	p.State = s.state(held)
	return p, nil
}

// last stands for the newest job.
const last = "last"

func (js *Jobs) newest() (string, error) {
	all, _, err := js.Digests()
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", journal.ErrNoJob
	}
	return all[0].ID, nil
}

// whole completes a shortened id.
func (js *Jobs) whole(id string) (string, error) {
	if js == nil || js.dir == nil {
		return "", journal.ErrNoJob
	}
	ids, err := js.dir.IDs()
	if err != nil {
		return "", err
	}
	id = strings.ToLower(strings.TrimSpace(id))
	if id == last {
		return js.newest()
	}
	var found []string
	for _, x := range ids {
		if x == id {
			return x, nil
		}
		if len(id) >= 4 && strings.HasPrefix(x, id) {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%q: %w", unity.Clean(id), journal.ErrNoJob)
	case 1:
		return found[0], nil
	default:
		return "", fmt.Errorf("%q: %d jobs begin like that", unity.Clean(id), len(found))
	}
}

func (s *story) state(held bool) JobState { return stateOf(held, s.ended, s.job.Count) }

// stateOf gives the state of a job with so many targets in each state.
func stateOf(held, ended bool, count func(State) int) JobState {
	bad := count(Failed) + count(Unknown)
	switch {
	case held && !ended:
		return JobRunning
	case !ended:
		return JobInterrupted
	case count(Cancelled) > 0:
		return JobCancelled
	case bad == 0:
		return JobDone
	case count(Failed) == bad && count(Sent) == 0:
		return JobFailed
	default:
		return JobPartial
	}
}

// Unsent counts the targets that a resume would send to.
func (p *Past) Unsent() int { return p.Count(Waiting) + p.Count(Cancelled) }

// Open tells that a resume has something to do: to send, or to find out.
func (p *Past) Open() bool { return resumable(p.State, p.Count) }

func resumable(s JobState, count func(State) int) bool {
	return s != JobRunning && (s == JobInterrupted || count(Waiting)+count(Cancelled)+count(Unknown) > 0)
}

// Rest is the plan of what a resume sends: its targets are those that nothing was sent to, frozen as they were confirmed.
func (p *Past) Rest() *Plan {
	of := p.story.plan
	var refs []fleet.Ref
	for i := range p.Results {
		if s := p.Results[i].State; s == Waiting || s == Cancelled {
			refs = append(refs, p.Results[i].Ref)
		}
	}
	return &Plan{Operation: of.Operation, Object: of.Object, Binding: of.Binding, Console: of.Console, Targets: refs, Warnings: of.Warnings, MadeAt: of.MadeAt,
		RetryOf: of.RetryOf, RevertOf: of.RevertOf, Link: of.Link, each: of.each, values: of.values, before: of.before}
}

// Resume goes on with a job whose process ended, or that was cancelled: what was or may have been sent is found out about
// by reading and never sent again; the rest is sent. The binding is the console and user in use now. While another process
// runs the job the error is a journal.BusyError that names it.
func (js *Jobs) Resume(ctx context.Context, c *unity.Client, id string, b Binding, o RunOptions) (*Job, error) {
	id, err := js.whole(id)
	if err != nil {
		return nil, err
	}
	log, records, err := js.dir.Hold(id)
	if err != nil {
		return nil, err
	}
	s, err := readStory(records)
	if err == nil {
		err = s.mayResume(c, b)
	}
	if err != nil {
		_ = log.Close()
		return nil, err
	}
	o.Journal, o.Profile = js.dir, s.head.Profile
	if o.Note == "" {
		o.Note = s.head.Note
	}
	s.reopen()
	r := runnerOf(s.plan, s.job, c, o)
	r.recall(s, log)
	err = r.begin()
	if err == nil {
		// Until the first request there is only reading, which may take minutes: others are to see that the job is run, and find
		// it interrupted if it ends here.
		err = log.Append(recordResume, struct{}{})
	}
	if err != nil {
		_ = log.Close()
		return nil, err
	}
	return r.resume(ctx, s.head.Batch)
}

func (s *story) mayResume(c *unity.Client, b Binding) error {
	if err := s.job.Binding.check(c); err != nil {
		return err
	}
	if want := s.job.Binding.User; want != "" && b.User != "" && !strings.EqualFold(want, b.User) {
		return fmt.Errorf("the job was started by %s, and %s is signed in", unity.Clean(want), unity.Clean(b.User))
	}
	return nil
}

// tornFor is how long a journal without a plan is left alone: its process may still be writing it.
const tornFor = 24 * time.Hour

// Tidy removes the journals of jobs that ended more than ninety days ago, and those that were cut before their plan was whole, so
// that their jobs never began. Unfinished ones and those that cannot be read stay.
func (js *Jobs) Tidy(now time.Time) error {
	if js == nil || js.dir == nil {
		return nil
	}
	ids, err := js.dir.IDs()
	if err != nil {
		return err
	}
	for _, id := range ids {
		d, err := js.Digest(id)
		over := err == nil && d.ended && now.Sub(d.Finished) > keptFor
		if errors.Is(err, journal.ErrNoBeginning) {
			at, err := js.dir.Written(id)
			over = err == nil && now.Sub(at) > tornFor
		}
		if !over {
			continue
		}
		if err := js.dir.Remove(id); err != nil && !errors.As(err, new(*journal.BusyError)) && !errors.Is(err, fs.ErrNotExist) {
			return err // one that another process has tidied away is none
		}
	}
	return nil
}
