package views

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// pollCommand makes an agent on Windows fetch its commands at once, when typed at the machine.
const pollCommand = "WRSA.exe -poll"

// pollHint is what hastens a command that is still waiting, "" where nothing does.
func (e *Env) pollHint(id unity.EndpointID, s unity.CommandState) string {
	if !s.Open() {
		return ""
	}
	if p := e.current(); p != nil {
		if r, ok := p.Get(id); ok && strings.Contains(strings.ToLower(r.OS()), "mac") {
			return ""
		}
	}
	return pollCommand
}

// Ledger tells which commands jobs of this console have sent. It is made once and reads nothing by itself.
func (e *Env) Ledger() *dispatch.Ledger {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ledger == nil {
		e.ledger = dispatch.NewLedger(e.Journal, dispatch.Binding{BaseURL: e.Client.BaseURL(), Key: e.Client.Key()})
		e.ledger.Hear(e.heard)
	}
	return e.ledger
}

// sender says who gave a command.
func (e *Env) sender(c *unity.Command) string {
	who, _ := e.Ledger().By(c)
	return who
}

// expectedFor says when the agent is expected to fetch a waiting command, "" where nothing is known of the machine.
func (e *Env) expectedFor(c *unity.Command) string {
	if !c.State.Open() || e.lastSeen(c.EndpointID).IsZero() {
		return ""
	}
	if _, _, ok := e.PollWindow(c.EndpointID); !ok {
		return "not known yet, " + e.NextPoll(c.EndpointID)
	}
	return e.NextPoll(c.EndpointID)
}

// Aftermath is what an agent has reported since a command was given to it. The zero value means nothing: it has not been heard
// of since then, or nothing of it is known.
type Aftermath struct {
	// Scan is when it scanned last, if that was after the command, else zero.
	Scan time.Time
	// Infection is what it says of infections, one of the words below, or "" where it says nothing.
	Infection string
}

// Words of Aftermath.Infection.
const (
	InfectionFound   = "infected"
	InfectionCleared = "infection cleared"
	InfectionNone    = "not infected"
)

// AftermathOf is what the agent of a machine has reported since a command was given to it at that time.
func AftermathOf(m *fleet.Machine, at time.Time) Aftermath {
	if m == nil || at.IsZero() || m.Status == nil {
		return Aftermath{}
	}
	return aftermathOf(at, m.Seen(), m.Status.TimesAndStats.LastScan, m.LastInfected, m.Status.BasicInfo.Infected)
}

func aftermathOf(at, seen time.Time, scan, infectedAt unity.Time, infected unity.Bool) Aftermath {
	var out Aftermath
	if !seen.After(at) {
		return out
	}
	if scan.Known() && scan.After(at) {
		out.Scan = scan.Time
	}
	switch {
	case infected.Known && infected.On:
		out.Infection = InfectionFound
	case infected.Known && infectedAt.Known() && infectedAt.After(at.Add(-recentInfection)):
		out.Infection = InfectionCleared
	case infected.Known:
		out.Infection = InfectionNone
	}
	return out
}

// Words are the aftermath for people: "scanned 3 min ago · infection cleared", "" for none.
func (a Aftermath) Words(now time.Time) string {
	scanned := ""
	if !a.Scan.IsZero() {
		scanned = "scanned " + ago(a.Scan, now)
	}
	return join(scanned, a.Infection)
}

// aftermath words what the agent has reported since a time, as the picture says, or else what was read for a verb.
func (e *Env) aftermath(id unity.EndpointID, at time.Time) string {
	if p := e.current(); p != nil {
		r, ok := p.Get(id)
		if !ok || at.IsZero() {
			return ""
		}
		on, known := r.Infected()
		return aftermathOf(at, r.Seen(), r.LastScan(), r.LastInfected(), unity.Bool{On: on, Known: known}).Words(e.now())
	}
	e.mu.Lock()
	m := e.regarded[id]
	e.mu.Unlock()
	return AftermathOf(m, at).Words(e.now())
}

// Regard has the words on agents tell of machines that were read for a verb, where no picture is kept.
func (e *Env) Regard(machines []*fleet.Machine) {
	e.keepMachines(machines)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.regarded == nil {
		e.regarded = map[unity.EndpointID]*fleet.Machine{}
	}
	for _, m := range machines {
		e.regarded[m.ID] = m
	}
}

// recentInfection is how long before a command an infection may have been reported for its absence to be worth a word.
const recentInfection = 30 * 24 * time.Hour

// trackingWords say how far an agent is with a command that was given at that time.
func (e *Env) trackingWords(id unity.EndpointID, s unity.CommandState, given time.Time) string {
	if s.Open() {
		return s.String() + " · " + e.NextPoll(id)
	}
	return join(s.String(), e.aftermath(id, given))
}

func againSpec() ui.Spec {
	return ui.Spec{ID: "command.again", Title: "resend elapsed", Help: "Sends commands once more that their agents let elapse.", Keys: []string{"E"},
		Arity: ui.Many, Risk: ui.RiskChange, Hint: 20}
}

// againAction sends elapsed commands of a site again, whoever gave them. What is sent is asked about as any command is.
func (e *Env) againAction(site unity.Site) ui.Action[unity.Command] {
	return ui.Action[unity.Command]{Spec: againSpec(),
		Ready: func(sel ui.Selection[unity.Command]) string {
			if _, reason := againOperation(sel.Items); reason != "" {
				return reason
			}
			return e.sendable([]fleet.Ref{{Site: site.ID}})
		},
		Do: func(sel ui.Selection[unity.Command]) tea.Cmd {
			op, reason := againOperation(sel.Items)
			if reason != "" {
				return ui.Remark(reason)
			}
			return e.proposeOn(op.Name+" again", op, choice{refs: e.commanded(site, sel.Items), hidden: commandedKeys(sel), filter: sel.Filter})
		}}
}

// commandedKeys are the machines of the commands that are chosen and hidden by the filter.
func commandedKeys(sel ui.Selection[unity.Command]) []string {
	var out []string
	for _, key := range sel.HiddenKeys {
		id, _, _ := strings.Cut(key, "\x00")
		out = append(out, id)
	}
	return out
}

// againOperation is the operation of commands that can be sent again together, or why they cannot.
func againOperation(commands []*unity.Command) (op dispatch.Operation, reason string) {
	for i, c := range commands {
		if c.State != unity.StateElapsed {
			return op, "only elapsed commands are sent again"
		}
		next, err := dispatch.OperationNamed(c.Command.Raw(), c.Parameters.Raw())
		switch {
		case err != nil:
			return op, unity.Clean(err.Error())
		case i > 0 && (next.ID != op.ID || next.Parameters != op.Parameters):
			return op, "choose commands of one kind"
		}
		op = next
	}
	if len(commands) == 0 {
		return op, "there is no row"
	}
	return op, ""
}

// commanded are the machines that commands of a site were given to, as they were read last.
func (e *Env) commanded(site unity.Site, commands []*unity.Command) []fleet.Ref {
	var out []fleet.Ref
	for _, c := range commands {
		known := e.refs([]string{string(c.EndpointID)})
		if len(known) == 1 && known[0].Site == site.ID {
			out = append(out, known[0])
			continue
		}
		out = append(out, fleet.Ref{ID: c.EndpointID, Site: site.ID, SiteName: site.Name, HostName: c.HostName})
	}
	return out
}

// tracking is what follows the commands of all jobs.
func (e *Env) tracking() *dispatch.Tracker {
	jobs := e.keptJobs().With(e.Ledger())
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tracker == nil {
		e.tracker = dispatch.NewTracker(jobs, e.Client, e.Binding())
	}
	return e.tracker
}

// followPast clears old journals away and goes on following the commands of jobs that were written down.
func (e *Env) followPast(ctx context.Context) {
	_ = e.keptJobs().Tidy(time.Now()) // what cannot be removed now is looked at again at the next start
	e.tracking().FollowPast(ctx, e.Binding())
}

// JobBook is where jobs are written down, for the shell.
func (e *Env) JobBook() *ui.JobBook {
	return &ui.JobBook{List: e.PastJobs, Open: e.openJob, Again: e.AgainPlan, Follow: e.followPast}
}

// underWayTile counts the commands that unitty has sent and agents have not fetched yet.
func (e *Env) underWayTile() ui.Tile {
	n, err := e.keptJobs().OpenCommands(e.Binding(), e.now())
	if err != nil {
		n = 0 // what cannot be read does not count, and the jobs panel says why
	}
	return ui.Tile{Key: "under-way", Name: "commands under way", Value: thousands(n), Open: e.openUnderWay}
}
