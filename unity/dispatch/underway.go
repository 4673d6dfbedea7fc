package dispatch

import (
	"slices"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// UnderWay is one command that a job has sent and that was not seen at its end.
type UnderWay struct {
	// Job is the id of the job that sent it.
	Job string
	Ref fleet.Ref
	// Operation is what was sent.
	Operation Operation
	// Given is when it was sent, by the server's clock.
	Given time.Time
	// State is how far it was when it was looked up last; 0 while it never was.
	State unity.CommandState
}

// underWay are the commands of a job that were not seen at their end.
func (j *Job) underWay() []UnderWay {
	var out []UnderWay
	for i := range j.Results {
		if r := &j.Results[i]; r.State == Sent && j.follows(r.Ref.ID) {
			out = append(out, UnderWay{Job: j.ID, Ref: r.Ref, Operation: j.Operation, Given: r.At, State: j.tracked[r.Ref.ID]})
		}
	}
	return out
}

// Waits tells which commands of a console are under way, as often as it is asked: journals to which nothing was added are not
// read again. It is safe for concurrent use.
type Waits struct {
	jobs    *Jobs
	binding Binding

	mu sync.Mutex
	of map[string]waitsOf
}

// waitsOf are the commands under way of a journal of that length.
type waitsOf struct {
	size int64
	list []UnderWay
}

// NewWaits follows the commands that jobs have sent to a console.
func NewWaits(js *Jobs, b Binding) *Waits {
	return &Waits{jobs: js, binding: b, of: map[string]waitsOf{}}
}

// Read gives the commands that Jobs.OpenCommands counts, those sent last first. A journal that cannot be read is left out.
func (w *Waits) Read(now time.Time) ([]UnderWay, error) {
	all, _, err := w.jobs.Digests()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	next := make(map[string]waitsOf, len(w.of))
	var out []UnderWay
	for i := range all {
		d := &all[i]
		if !d.Is(w.binding) || d.OpenCommands == 0 || !d.Young(now) {
			continue
		}
		size, err := w.jobs.dir.Size(d.ID) // before the read, so that what is written meanwhile is read the next time
		if err != nil {
			continue
		}
		known, there := w.of[d.ID]
		if !there || known.size != size {
			p, err := w.jobs.Load(d.ID)
			if err != nil {
				continue
			}
			known = waitsOf{size, p.underWay()}
		}
		next[d.ID] = known
		out = append(out, known.list...)
	}
	w.of = next
	slices.SortStableFunc(out, func(a, b UnderWay) int { return b.Given.Compare(a.Given) })
	return out, nil
}
