package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/views"
)

// agentJSON is what is known of an agent beside a command that was given to it. Unknown values are null.
type agentJSON struct {
	// LastSeen is when the agent was heard of last.
	LastSeen *time.Time
	// ExpectedFrom and ExpectedUntil are when it is expected to fetch a waiting command.
	ExpectedFrom, ExpectedUntil *time.Time
	// LaterScan is its last scan, if that was after the command.
	LaterScan *time.Time
	// Infection is what it has said of infections since the command.
	Infection *string
}

// extras are the same as keys beside those of the server.
func (j agentJSON) extras() []unity.Extra {
	return []unity.Extra{{Name: "LastSeen", Value: j.LastSeen}, {Name: "ExpectedFrom", Value: j.ExpectedFrom}, {Name: "ExpectedUntil", Value: j.ExpectedUntil},
		{Name: "LaterScan", Value: j.LaterScan}, {Name: "Infection", Value: j.Infection}}
}

// agents are the machines that verbs show beside commands. They may be read again while they are asked for.
type agents struct {
	sess *session
	env  *views.Env

	mu   sync.Mutex
	of   map[unity.EndpointID]*fleet.Machine
	read map[unity.SiteID]time.Time
}

func newAgents(sess *session, env *views.Env) *agents {
	return &agents{sess: sess, env: env, of: map[unity.EndpointID]*fleet.Machine{}, read: map[unity.SiteID]time.Time{}}
}

// keep takes over machines that were read.
func (g *agents) keep(machines []*fleet.Machine) {
	g.env.Regard(machines)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range machines {
		g.of[m.ID] = m
	}
}

// note takes over what a job knew of a machine, unless it was read since.
func (g *agents) note(r fleet.Ref) {
	g.mu.Lock()
	_, known := g.of[r.ID]
	g.mu.Unlock()
	if known {
		return
	}
	m := &fleet.Machine{SiteID: r.Site, SiteName: r.SiteName, ReadAt: r.ReadAt}
	m.ID, m.HostName, m.LastSeen = r.ID, r.HostName, unity.NewTime(r.LastSeen)
	g.keep([]*fleet.Machine{m})
}

// manySites is how many sites are better read as the whole console.
const manySites = 40

// readSites reads the machines of sites with their agents' reports.
func (g *agents) readSites(ctx context.Context, sites ...unity.SiteID) error {
	only := sites
	if len(sites) > manySites {
		only = nil
	}
	f, err := fleet.Sweep(ctx, g.sess.client, fleet.SweepOptions{Sites: only, Status: true, StaleAfter: g.sess.settings.StaleAfter})
	if err != nil {
		return err
	}
	g.keep(f.Machines)
	g.mu.Lock()
	for _, id := range sites {
		g.read[id] = time.Now()
	}
	g.mu.Unlock()
	switch {
	case len(f.Failed) > 0:
		return f.Failed[0].Err
	case f.StatusErr != nil:
		return fmt.Errorf("agent status: %w", f.StatusErr)
	}
	return nil
}

// age is how long ago a site was read; read is false where it never was.
func (g *agents) age(site unity.SiteID) (age time.Duration, read bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, read := g.read[site]
	return time.Since(at), read
}

// beside is what is known of an agent beside a command that was given to it at that time. open tells that it may still fetch
// the command.
func (g *agents) beside(id unity.EndpointID, open bool, given time.Time) agentJSON {
	g.mu.Lock()
	m := g.of[id]
	g.mu.Unlock()
	if m == nil {
		return agentJSON{}
	}
	out := agentJSON{LastSeen: instant(m.Seen())}
	if open {
		if from, until, ok := g.env.PollWindow(id); ok {
			out.ExpectedFrom, out.ExpectedUntil = instant(from), instant(until)
		}
	}
	since := views.AftermathOf(m, given)
	out.LaterScan = instant(since.Scan)
	if since.Infection != "" {
		out.Infection = &since.Infection
	}
	return out
}

// words are the same for people, "" where nothing is known.
func (g *agents) words(id unity.EndpointID, open bool, given time.Time) string {
	g.mu.Lock()
	m := g.of[id]
	g.mu.Unlock()
	switch {
	case m == nil, open && m.Seen().IsZero():
		return ""
	case open:
		return g.env.NextPoll(id)
	default:
		return views.AftermathOf(m, given).Words(g.sess.client.Now())
	}
}

// readPlace reads the machines of a place, unless they were read to find it.
func (g *agents) readPlace(ctx context.Context, r resolved) error {
	if r.machine != nil {
		g.keep([]*fleet.Machine{r.machine})
		return nil
	}
	return g.readSites(ctx, r.site.ID)
}

// withoutReports says that what stands beside commands is not complete.
func (a *app) withoutReports(err error) {
	_, _ = fmt.Fprintf(a.err, "unitty: what the agents have reported since is not known: %s\n", unity.Clean(err.Error()))
}

const commandListHelp = `Lists agent commands, the newest first, whoever gave them. Beside each stands what the agent has reported since (a later scan, an
infection that is cleared or not) and, while the command waits, when the agent is expected, as far as its usual gap is known.

In JSON and CSV these are LastSeen, ExpectedFrom, ExpectedUntil, LaterScan, and Infection ("infected", "infection cleared", "not infected");
what is not known is null.`
