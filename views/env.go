package views

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/dispatch/journal"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Env is what the views of one profile share: the client, what was read already, the marks.
type Env struct {
	Client *unity.Client
	// User is the signed-in user's name, as far as it is known.
	User string
	// Audit gets a line per change; nil writes none.
	Audit *dispatch.Audit
	// Journal is where changes are written down; nil writes none. Profile is the name they are listed under.
	Journal *journal.Dir
	Profile string
	// SignedIn waits until somebody has signed in again, for changes that are under way meanwhile; nil stops them.
	SignedIn func(context.Context) error
	// StaleAfter is the silence after which a machine counts as stale.
	StaleAfter time.Duration
	// Refresh is the interval at which the top list reads itself again.
	Refresh time.Duration
	// Scopes are those the token was granted.
	Scopes func() []string
	// Marks are the marked endpoints, one set across all screens.
	Marks *table.Marks[unity.EndpointID]
	// Fleet keeps the picture of the whole console; nil where there is none, as before a sign-in.
	Fleet Fleet
	// Saved are the views of the configuration.
	Saved []SavedView
	// Commands are the programs of the configuration that are run on chosen machines.
	Commands []UserCommand
	// Book keeps which customers were chosen and opened; at first only while the program runs.
	Book *PlaceBook

	// Report writes a report of machines before they are off-boarded, and gives its path; nil writes none.
	Report func(site unity.Site, machines []*fleet.Machine) (path string, err error)

	mu     sync.Mutex
	ledger *dispatch.Ledger
	// kept are the jobs of the journal, which remember what was read of them.
	kept *dispatch.Jobs
	// tracker follows the commands of all jobs.
	tracker *dispatch.Tracker
	// asker asks for the reports of single machines.
	asker    *fleet.Asker
	console  *unity.Console
	sites    map[unity.SiteID]*unity.Site
	policyOf map[unity.PolicyID]unity.Text
	known    map[unity.EndpointID]fleet.Ref
	polls    map[unity.EndpointID][]time.Time
	// reports are what agents of a few sites last reported, the one read last at the end; they are shown until a reload has read
	// them again.
	reports []siteReports
	// regarded are machines that were read for a verb.
	regarded map[unity.EndpointID]*fleet.Machine
	// adopted is when the sites were read that were taken over from the picture last.
	adopted time.Time
	// tally are the numbers of the picture that were counted last.
	tally tally
	// unread are the sites whose groups have no names because these could not be read; "" stands for the policies.
	unread atomic.Pointer[map[unity.SiteID]bool]
}

// NewEnv makes the environment of one profile.
func NewEnv(c *unity.Client, user string) *Env {
	e := &Env{Client: c, User: user, StaleAfter: fleet.DefaultStaleAfter, Refresh: time.Minute,
		Scopes: func() []string { return nil }, Marks: table.NewMarks[unity.EndpointID](),
		sites: map[unity.SiteID]*unity.Site{}, policyOf: map[unity.PolicyID]unity.Text{},
		known: map[unity.EndpointID]fleet.Ref{}, polls: map[unity.EndpointID][]time.Time{}}
	e.Book = NewPlaceBook(Book{}, nil)
	return e
}

// Binding names the console that plans are made for.
func (e *Env) Binding() dispatch.Binding {
	return dispatch.Binding{BaseURL: e.Client.BaseURL(), Key: e.Client.Key(), User: e.User}
}

// Console reads the console's details once.
func (e *Env) Console(ctx context.Context) (*unity.Console, error) {
	e.mu.Lock()
	console := e.console
	e.mu.Unlock()
	if console != nil {
		return console, nil
	}
	console, err := e.Client.Console(ctx)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.console = console
	e.mu.Unlock()
	return console, nil
}

// ConsoleName is the console's name if it was read already, else "".
func (e *Env) ConsoleName() string {
	e.mu.Lock()
	console := e.console
	e.mu.Unlock()
	if console != nil {
		return console.Name.String()
	}
	if p := e.current(); p != nil {
		return p.Console
	}
	return ""
}

func (e *Env) keepSites(sites []unity.Site) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range sites {
		s := sites[i]
		e.sites[s.ID] = &s
	}
}

// site gives a site as it was last read, or nil.
func (e *Env) site(id unity.SiteID) *unity.Site {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sites[id]
}

// readSite gives a site as it was last read, or reads it.
func (e *Env) readSite(ctx context.Context, id unity.SiteID) (*unity.Site, error) {
	if s := e.site(id); s != nil {
		return s, nil
	}
	s, err := e.Client.Site(ctx, id)
	if err != nil {
		return nil, err
	}
	e.keepSites([]unity.Site{*s})
	return s, nil
}

// knownSites are the sites of some machines, as far as they were read.
func (e *Env) knownSites(refs []fleet.Ref) []unity.Site {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []unity.Site
	seen := map[unity.SiteID]bool{}
	for _, r := range refs {
		if s := e.sites[r.Site]; s != nil && !seen[r.Site] {
			seen[r.Site] = true
			out = append(out, *s)
		}
	}
	return out
}

// keepMachines remembers machines by id: marks outlive the list they were made in.
func (e *Env) keepMachines(machines []*fleet.Machine) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range machines {
		e.known[m.ID] = m.Ref()
		e.observe(m.ID, m.Seen())
	}
}

// siteReports are the reports of a site's machines.
type siteReports struct {
	site unity.SiteID
	of   map[unity.EndpointID]*unity.Status
}

// recalled is of how many sites the reports are kept: somebody goes back to the one before, but not to all that were looked at.
const recalled = 4

// keepReports remembers the reports of a site that was just read.
func (e *Env) keepReports(site unity.SiteID, machines []*fleet.Machine) {
	r := siteReports{site: site, of: make(map[unity.EndpointID]*unity.Status, len(machines))}
	for _, m := range machines {
		if m.Status != nil {
			r.of[m.ID] = m.Status
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports = append(slices.DeleteFunc(e.reports, func(old siteReports) bool { return old.site == site }), r)
	e.reports = slices.Delete(e.reports, 0, max(0, len(e.reports)-recalled))
}

// recall gives machines of a site the report of the last look, so that a reload does not blank what is known.
func (e *Env) recall(site unity.SiteID, machines []*fleet.Machine) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.IndexFunc(e.reports, func(r siteReports) bool { return r.site == site })
	if i < 0 {
		return
	}
	for _, m := range machines {
		if r := e.reports[i].of[m.ID]; r != nil {
			m.Status, m.StatusNote = r, ""
		}
	}
}

// maxPolls is how many polls of a machine are remembered; they tell its usual gap.
const maxPolls = 8

func (e *Env) observe(id unity.EndpointID, at time.Time) {
	polls := e.polls[id]
	if at.IsZero() || len(polls) > 0 && !at.After(polls[len(polls)-1]) {
		return
	}
	polls = append(polls, at)
	e.polls[id] = polls[max(0, len(polls)-maxPolls):]
}

// refs gives the machines with these ids, as they were last read, by a list or by the fleet.
func (e *Env) refs(keys []string) []fleet.Ref {
	p := e.current()
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []fleet.Ref
	for _, k := range keys {
		r, listed := e.known[unity.EndpointID(k)]
		if now, ok := pictured(p, unity.EndpointID(k)); ok && (!listed || now.ReadAt.After(r.ReadAt)) {
			r, listed = now, true
		}
		if listed {
			out = append(out, r)
		}
	}
	return out
}

// pictured gives a machine of the picture, if it is there.
func pictured(p *picture.Picture, id unity.EndpointID) (fleet.Ref, bool) {
	if p == nil {
		return fleet.Ref{}, false
	}
	r, ok := p.Get(id)
	if !ok {
		return fleet.Ref{}, false
	}
	return r.Ref(), true
}

// lastSeen is when a machine was seen last, as far as it was read.
func (e *Env) lastSeen(id unity.EndpointID) time.Time {
	p := e.current()
	e.mu.Lock()
	defer e.mu.Unlock()
	at := e.known[id].LastSeen
	if r, ok := pictured(p, id); ok && r.LastSeen.After(at) {
		at = r.LastSeen
	}
	return at
}

// NextPoll words when a machine is expected to report next, from the polls that were seen while unitty ran, now and earlier.
func (e *Env) NextPoll(id unity.EndpointID) string { return expectPoll(e.pollsOf(id), e.Client.Now()) }

// PollWindow is when a machine is expected to report next; ok is false while its usual gap is not known.
func (e *Env) PollWindow(id unity.EndpointID) (from, to time.Time, ok bool) {
	from, to, _, ok = pollWindow(e.pollsOf(id))
	return from, to, ok
}

// expectedNext is when a machine is expected to report next, beside a line that says when it was seen last.
func (e *Env) expectedNext(id unity.EndpointID) string {
	if polls := e.pollsOf(id); len(polls) > 0 && len(polls) < pollsNeeded {
		return fmt.Sprintf("not known yet: %d of %d polls seen", len(polls), pollsNeeded)
	}
	return e.NextPoll(id)
}

// pollsOf are the polls of a machine that were seen, now and by earlier runs, the latest last.
func (e *Env) pollsOf(id unity.EndpointID) []time.Time {
	return dispatch.JoinPolls(e.Ledger().Polls(id), e.heard(id))
}

// heard are the polls of a machine that were seen in this run, the latest last.
func (e *Env) heard(id unity.EndpointID) []time.Time {
	seen := e.lastSeen(id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.observe(id, seen)
	return append([]time.Time(nil), e.polls[id]...)
}

func (e *Env) policyNames() map[unity.PolicyID]unity.Text {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[unity.PolicyID]unity.Text, len(e.policyOf))
	for id, name := range e.policyOf {
		out[id] = name
	}
	return out
}

func (e *Env) keepPolicies(policies []unity.Policy) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range policies {
		e.policyOf[policies[i].ID] = policies[i].Name
	}
}

// hasScope tells whether the token was granted a scope; unknown counts as yes.
func (e *Env) hasScope(scope string) bool {
	granted := e.Scopes()
	if len(granted) == 0 {
		return true
	}
	for _, s := range granted {
		if unity.Fold(s) == unity.Fold(scope) {
			return true
		}
	}
	return false
}
