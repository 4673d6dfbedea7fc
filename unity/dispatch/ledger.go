package dispatch

import (
	"errors"
	"maps"
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
	// known are the digests of the journals; machines and keys number what the jobs are about.
	known          *Jobs
	machines, keys numbers
	// polls are when machines were heard of, as journals say; heard tells what this run of the program has heard.
	polls map[unity.EndpointID][]time.Time
	heard func(unity.EndpointID) []time.Time
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
	return &Ledger{dir: dir, binding: b, jobs: map[string]*ledgerJob{}, known: NewJobs(dir)}
}

// remembers is how old a job may be for its commands to be told apart. The lists of commands that are read for a plan reach back as
// far as lookBack, and the plan of a job that is gone on with may be that old itself.
const remembers = 2 * lookBack

// Read takes over what was written since the last time. Journals that cannot be read are left out, and so are those of jobs whose
// commands nobody lists any more.
func (l *Ledger) Read() error {
	if l == nil || l.dir == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all, _, err := l.known.Digests()
	if err != nil {
		return err
	}
	there, changed := map[string]bool{}, l.polls == nil
	var newest time.Time
	for i := range all {
		d := &all[i]
		if newest.IsZero() && d.Is(l.binding) {
			newest = d.Started
		}
		there[d.ID] = true
		size := d.size
		if !d.ended { // its digest may be some time old
			if size, err = l.dir.Size(d.ID); err != nil {
				continue
			}
		}
		old := l.jobs[d.ID]
		if old != nil && old.size == size {
			continue
		}
		next := l.load(d, size, old, newest)
		changed = changed || next != old
		l.jobs[d.ID] = next
	}
	for id := range l.jobs {
		if !there[id] {
			delete(l.jobs, id)
			changed = true
		}
	}
	if changed {
		l.polls = map[unity.EndpointID][]time.Time{}
		for _, j := range l.jobs {
			for id, at := range j.polls {
				l.polls[id] = laterPolls(l.polls[id], at)
			}
		}
	}
	return nil
}

// load reads one journal, of which old was known; newest is when the newest job was started, since nobody's clock here is the
// server's. The size was taken before, so that what is written meanwhile is read the next time. A journal to which nothing was added
// but how far the agents are is not read again: the same commands were sent.
func (l *Ledger) load(d *Digest, size int64, old *ledgerJob, newest time.Time) *ledgerJob {
	if d.ended && old != nil && old.finished.Equal(d.Finished) && maps.Equal(old.counts, d.counts) {
		old.size = size
		return old
	}
	out := &ledgerJob{id: d.ID, size: size}
	if !d.Is(l.binding) || newest.Sub(d.Started) > remembers {
		return out
	}
	if d.ended {
		out.counts, out.finished = d.counts, d.Finished
	}
	records, err := l.dir.Read(d.ID)
	if err != nil {
		return out
	}
	s, err := readStory(records)
	if err != nil || !s.job.Operation.AgentCommand() {
		return out
	}
	out.op = s.job.Operation
	out.take(s, &l.machines, &l.keys)
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
	machine, there := l.machines.of[string(id)]
	if !there {
		return nil
	}
	var out []issued
	for _, j := range l.jobs {
		if x, to := j.to(machine, &l.keys); to {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, byTime)
	return out
}

// OpenCommands counts the commands that jobs of a console have sent and that were not seen at their end, as the journals say. Those
// that are older than any command lives are left out.
func (js *Jobs) OpenCommands(b Binding, now time.Time) (int, error) {
	all, _, err := js.Digests()
	n := 0
	for i := range all {
		if d := &all[i]; d.Is(b) && d.Young(now) {
			n += d.OpenCommands
		}
	}
	return n, err
}

// OpenJobs gives the jobs of a console that have sent commands which were not seen at their end, the newest first.
func (js *Jobs) OpenJobs(b Binding, now time.Time) ([]*Past, error) {
	all, _, err := js.Digests()
	if err != nil {
		return nil, err
	}
	var out []*Past
	for i := range all {
		if d := &all[i]; !d.Is(b) || d.OpenCommands == 0 || !d.Young(now) {
			continue
		}
		p, err := js.Load(all[i].ID)
		if err != nil {
			return nil, err
		}
		if p.OpenCommands() > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// ErrNoCommands is returned where no command is under way.
var ErrNoCommands = errors.New("no command is under way")
