package views

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Fleet keeps the picture of the whole console current; Watch makes one of a live.Fleet. All its methods are safe for
// concurrent use and none but Refresh blocks.
type Fleet interface {
	// Current is the latest picture; it is empty before there is any.
	Current() *picture.Picture
	// Changed gives a channel that is closed as soon as picture or state have changed.
	Changed() <-chan struct{}
	// State says what is going on.
	State() live.State
	// Changes are what was noticed within the past 30 days, the latest first.
	Changes() []live.Change
	// Refresh reads what is new, in as few calls as that takes.
	Refresh(ctx context.Context) error
	// Reread has the whole console read again soon.
	Reread()
	// Touch has sites read again soon.
	Touch(sites ...unity.SiteID)
	// Name has the groups of sites named before those of all others, because somebody looks at their machines.
	Name(sites ...unity.SiteID)
	// Identify has machines that share their name with another record of their site asked for at once, because somebody looks
	// at records of one machine.
	Identify()
}

// watched tells any number of lists of the changes that a live.Fleet tells one of.
type watched struct {
	*live.Fleet
	mu      sync.Mutex
	changed chan struct{}
}

// Watch makes a fleet that many can follow, until ctx ends. Nobody else may receive from f.Changed meanwhile.
func Watch(ctx context.Context, f *live.Fleet) Fleet {
	w := &watched{Fleet: f, changed: make(chan struct{})}
	go func() {
		for {
			select {
			case <-f.Changed():
				w.mu.Lock()
				close(w.changed)
				w.changed = make(chan struct{})
				w.mu.Unlock()
			case <-ctx.Done():
				return
			}
		}
	}()
	return w
}

// Changed implements Fleet.
func (w *watched) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// blank tells that a picture shows nothing yet.
func blank(p *picture.Picture) bool { return p == nil || p.SitesAt.IsZero() && p.Len() == 0 }

// grammar is the selector language over the rows of the picture.
func (e *Env) grammar() *picture.Grammar {
	return picture.Language(false, e.StaleAfter, e.now, func(scope string) bool { return !e.hasScope(scope) })
}

// here gives a time of the server by the clock of this machine, which the shell counts ages by.
func (e *Env) here(t time.Time) time.Time {
	if e.Client == nil || t.IsZero() {
		return t
	}
	skew, _ := e.Client.Skew()
	return t.Add(-skew)
}

// now is the client's clock, or the system's while there is no client yet.
func (e *Env) now() time.Time {
	if e.Client == nil {
		return time.Now()
	}
	return e.Client.Now()
}

// current is the picture at hand, nil when there is none.
func (e *Env) current() *picture.Picture {
	if e.Fleet == nil {
		return nil
	}
	if p := e.Fleet.Current(); !blank(p) {
		return p
	}
	return nil
}

// adopt makes the sites of a picture known to everything that asks for one, once for each time they were read.
func (e *Env) adopt(p *picture.Picture) {
	e.mu.Lock()
	fresh := p.SitesAt.After(e.adopted) || e.adopted.IsZero() && len(p.Sites) > 0
	if fresh {
		e.adopted = p.SitesAt
	}
	e.mu.Unlock()
	if fresh {
		e.keepSites(p.Sites)
	}
}

// Touched has the sites read again that a change has touched; keys are those of invalidations.
func (e *Env) Touched(keys []string) {
	if e.Fleet == nil {
		return
	}
	var sites []unity.SiteID
	some := false
	for _, k := range keys {
		switch kind, id, _ := cutKey(k); kind {
		case "sites":
			some = true // the list names them
		case "commands", "endpoints", "site", "groups":
			sites = append(sites, unity.SiteID(id))
		case "endpoint":
			if p := e.current(); p != nil {
				if r, ok := p.Get(unity.EndpointID(id)); ok {
					sites = append(sites, r.SiteID())
				}
			}
		}
	}
	if some || len(sites) > 0 {
		e.Fleet.Touch(sites...)
	}
}

// offline is the reason why nothing can be sent while the server cannot be reached, "" while it can.
func (e *Env) offline() string {
	if e.Fleet == nil {
		return ""
	}
	err := e.Fleet.State().Err
	if err == nil || !errors.Is(err, unity.ErrUnreachable) {
		return ""
	}
	p := e.current()
	if p == nil || p.ReadAt.IsZero() {
		return "offline: the server cannot be reached"
	}
	return "offline: the server cannot be reached; what is shown was read " + ago(e.checkedAt(p), e.now())
}

// offlineSince says since when the server has been out of reach, "" while it can be reached.
func (e *Env) offlineSince() string {
	s := e.Fleet.State()
	switch {
	case s.Err == nil || !errors.Is(s.Err, unity.ErrUnreachable):
		return ""
	case s.Since.IsZero():
		return "offline"
	case e.now().Sub(s.Since) < 20*time.Hour:
		return "offline since " + s.Since.Local().Format("15:04")
	default:
		return "offline since " + s.Since.Local().Format("2006-01-02 15:04")
	}
}

// progress words a sync that is under way, "" when none is.
func (e *Env) progress() string {
	s := e.Fleet.State()
	switch s.Phase {
	case live.PhaseLoading:
		return "reading the picture on disk"
	case live.PhaseSites:
		return "reading the list of sites"
	case live.PhaseMachines:
		return searched(s.Done, s.Total, s.Failed, 0)
	case live.PhaseReports:
		return "reading the agents' reports"
	case live.PhaseDelta:
		return "reading what changed"
	default:
		return ""
	}
}

func searched(done, total, failed, hidden int) string {
	text := "searched " + thousands(done) + " of " + thousands(total) + " sites"
	if failed > 0 {
		text += ", " + thousands(failed) + " failed"
	}
	if hidden > 0 {
		text += ", " + thousands(hidden) + " without access"
	}
	return text
}

// missing names what a picture lacks, notes what is to be known of what it has. Long reasons of short problems are notes.
func (e *Env) missing(p *picture.Picture) (problems, notes []string) {
	for _, s := range p.Failed {
		problems = append(problems, s.Name.String()+": "+s.Err.Error())
	}
	if p.StatusErr != nil {
		problems = append(problems, "agent status: "+scopeAdvice(p.StatusErr))
	}
	state := e.Fleet.State()
	problems = append(problems, unnamed(state.Nameless)...)
	switch text := e.offlineSince(); {
	case state.Err == nil:
	case text != "":
		problems, notes = append([]string{text}, problems...), append(notes, state.Err.Error())
	case len(p.Failed) == 0:
		problems = append(problems, state.Err.Error())
	}
	if p.Hidden > 0 {
		notes = append(notes, sites(p.Hidden)+" not readable for this user")
	}
	if text := e.oldest(p); text != "" {
		notes = append(notes, text+": \""+rereadTitle+"\" reads them all")
	}
	return problems, notes
}

// unnamed says which names could not be read: those of the policies, and those of the groups of some sites.
func unnamed(failed []fleet.SiteError) (out []string) {
	var groups []fleet.SiteError
	for _, f := range failed {
		if f.Site == "" {
			out = append(out, "the names of policies: "+f.Err.Error())
		} else {
			groups = append(groups, f)
		}
	}
	switch len(groups) {
	case 0:
	case 1:
		out = append(out, "the names of groups of "+groups[0].Name.String()+": "+groups[0].Err.Error())
	default:
		out = append(out, "the names of groups of "+sites(len(groups))+": "+groups[0].Err.Error())
	}
	return out
}

// silence says of how many active machines it is not known what their agents report, "" for none, and while the reports are on
// their way.
func silence(p *picture.Picture) string {
	if p.StatusErr != nil || p.StatusAt.IsZero() {
		return ""
	}
	if n := p.Unreported(); n > 0 {
		return unreported(n)
	}
	return ""
}

// checkedAt is when the server told last what is new: it was asked for just that, or for the machines of a site.
func (e *Env) checkedAt(p *picture.Picture) time.Time {
	if at := e.Fleet.State().LastDelta; at.After(p.ReadAt) {
		return at
	}
	return p.ReadAt
}

// currentFor is for how long a picture counts as current that nothing new was told of: two rounds, since one may be late.
const currentFor = 2 * live.DefaultEvery

// source says that a picture is not what the server tells at the moment, "" when it is.
func (e *Env) source(p *picture.Picture) string {
	at := e.checkedAt(p)
	switch {
	case p.Stale:
		return "from disk, not yet read again"
	case !at.IsZero() && e.now().Sub(at) > currentFor:
		return "not yet read again" // the machine slept, or the server has been away
	default:
		return ""
	}
}
