package dispatch

import (
	"errors"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch/journal"
)

// Who gave a command, as a Ledger words it. The API does not tell.
const (
	// ByUnitty: a job in the journal sent it.
	ByUnitty = "unitty"
	// ByPerhaps: a job may have sent it; its answer was lost.
	ByPerhaps = "unitty?"
	// ByOthers: no job in the journal sent it. Somebody else did, or unitty on another computer.
	ByOthers = "elsewhere"
)

// Ledger tells of issued commands which job has sent them, from the journals of one console. It is safe for concurrent use.
type Ledger struct {
	dir     *journal.Dir
	binding Binding

	mu   sync.Mutex
	jobs map[string]*ledgerJob
	by   map[unity.EndpointID][]issued
}

// ledgerJob is what a ledger knows of one journal; commands is empty for journals of other consoles.
type ledgerJob struct {
	size     int64
	started  time.Time
	commands map[unity.EndpointID]issued
	// open counts commands that were not seen at their end.
	open int
}

// issued is one command as a job sent it.
type issued struct {
	job   string
	op    Operation
	at    span
	state State
}

// NewLedger makes a ledger of the journals of a folder for one console; a nil folder has none.
func NewLedger(dir *journal.Dir, b Binding) *Ledger {
	return &Ledger{dir: dir, binding: b, jobs: map[string]*ledgerJob{}}
}

// Read takes over what was written since the last time. Journals that cannot be read are left out.
func (l *Ledger) Read() error {
	if l == nil || l.dir == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	ids, err := l.dir.IDs()
	if err != nil {
		return err
	}
	there, changed := map[string]bool{}, false
	for _, id := range ids {
		there[id] = true
		size, err := l.dir.Size(id)
		if old := l.jobs[id]; err != nil || old != nil && old.size == size {
			continue
		}
		changed = true
		l.jobs[id] = l.load(id, size)
	}
	for id := range l.jobs {
		if !there[id] {
			delete(l.jobs, id)
			changed = true
		}
	}
	if changed || l.by == nil {
		l.by = map[unity.EndpointID][]issued{}
		for _, j := range l.jobs {
			for id, c := range j.commands {
				l.by[id] = append(l.by[id], c)
			}
		}
	}
	return nil
}

// load reads one journal. The size was taken before, so that what is written meanwhile is read the next time.
func (l *Ledger) load(id string, size int64) *ledgerJob {
	out := &ledgerJob{size: size, commands: map[unity.EndpointID]issued{}}
	records, err := l.dir.Read(id)
	if err != nil {
		return out
	}
	s, err := readStory(records)
	if err != nil || !s.job.Operation.AgentCommand() || s.job.Binding.Key != l.binding.Key || s.job.Binding.BaseURL != l.binding.BaseURL {
		return out
	}
	out.started, out.open = s.job.Started, s.job.OpenCommands()
	for i := range s.job.Results {
		r := &s.job.Results[i]
		if at, went := s.spans[i]; went && (r.State == Sent || r.State == Unknown) {
			out.commands[r.Ref.ID] = issued{job: s.job.ID, op: s.job.Operation, at: at, state: r.State}
		}
	}
	return out
}

// By tells who gave a command, and which job it was where one did: the job that sent a like command to the machine while the
// server dated this one.
func (l *Ledger) By(c *unity.Command) (who, job string) {
	if l == nil {
		return ByOthers, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	who = ByOthers
	for _, i := range l.by[c.EndpointID] {
		if !like(c, i.op) || !i.at.holds(c.DateRequested) {
			continue
		}
		if i.state == Sent {
			return ByUnitty, i.job
		}
		who, job = ByPerhaps, i.job
	}
	return who, job
}

// Open counts the commands that jobs have sent and that were not seen at their end, as the journals say. Those that are older
// than any command lives are left out.
func (l *Ledger) Open(now time.Time) int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, j := range l.jobs {
		if now.Sub(j.started) < lookBack {
			n += j.open
		}
	}
	return n
}

// OpenJobs gives the jobs of a console that have sent commands which were not seen at their end, the newest first.
func (js *Jobs) OpenJobs(b Binding, now time.Time) ([]*Past, error) {
	all, _, err := js.List()
	if err != nil {
		return nil, err
	}
	var out []*Past
	for _, p := range all {
		if p.Binding.Key == b.Key && p.Binding.BaseURL == b.BaseURL && p.OpenCommands() > 0 && now.Sub(p.Started) < lookBack {
			out = append(out, p)
		}
	}
	return out, nil
}

// ErrNoCommands is returned where no command is under way.
var ErrNoCommands = errors.New("no command is under way")
