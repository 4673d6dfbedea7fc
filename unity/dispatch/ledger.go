package dispatch

import (
	"errors"
	"slices"
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
	// polls are when machines were heard of, as journals say; heard tells what this run of the program has heard.
	polls map[unity.EndpointID][]time.Time
	heard func(unity.EndpointID) []time.Time
}

// ledgerJob is what a ledger knows of one journal; commands is empty for journals of other consoles.
type ledgerJob struct {
	size     int64
	started  time.Time
	commands map[unity.EndpointID]issued
	polls    map[unity.EndpointID][]time.Time
	// open counts commands that were not seen at their end.
	open int
}

// issued is one command as a job sent it.
type issued struct {
	job   string
	op    Operation
	at    span
	state State
	// before are the like commands of the machine's site that were there already.
	before known
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
		l.by, l.polls = map[unity.EndpointID][]issued{}, map[unity.EndpointID][]time.Time{}
		for _, j := range l.jobs {
			for id, at := range j.polls {
				l.polls[id] = laterPolls(l.polls[id], at)
			}
			for id, c := range j.commands {
				l.by[id] = append(l.by[id], c)
			}
		}
		for _, list := range l.by {
			slices.SortFunc(list, byTime)
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
	out.started, out.open, out.polls = s.job.Started, s.job.OpenCommands(), s.job.polls
	for i := range s.job.Results {
		r := &s.job.Results[i]
		if at, went := s.spans[i]; went && (r.State == Sent || r.State == Unknown) {
			out.commands[r.Ref.ID] = issued{job: s.job.ID, op: s.job.Operation, at: at, state: r.State, before: s.plan.before[r.Ref.Site]}
		}
	}
	return out
}

// By tells who gave a single command, and which job it was where one did: the job that sent a like command to the machine
// while the server dated this one. Of a whole list Claims tells more.
func (l *Ledger) By(c *unity.Command) (who, job string) {
	claim := l.Claims([]unity.Command{*c})[0]
	return claim.Who, claim.Job
}

// Claims tells of each command of a list who gave it. Every change that was sent accounts for one command of the list at
// most: of two equal ones in the same second, one is somebody else's unless two were sent.
func (l *Ledger) Claims(commands []unity.Command) []Claim {
	out := make([]Claim, len(commands))
	by := map[unity.EndpointID][]int{}
	for i := range commands {
		out[i].Who = ByOthers
		by[commands[i].EndpointID] = append(by[commands[i].EndpointID], i)
	}
	for id, places := range by {
		changes := l.changes(id)
		if len(changes) == 0 {
			continue
		}
		list := make([]*unity.Command, len(places))
		for k, i := range places {
			list[k] = &commands[i]
		}
		for k, c := range share(list, changes).to {
			switch {
			case c < 0:
			case changes[c].state == Sent:
				out[places[k]] = Claim{ByUnitty, changes[c].job}
			default:
				out[places[k]] = Claim{ByPerhaps, changes[c].job}
			}
		}
	}
	return out
}

// changes are the commands that jobs have sent to a machine, in order.
func (l *Ledger) changes(id unity.EndpointID) []issued {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.by[id])
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
