package views

import (
	"context"
	"sync"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"

	tea "charm.land/bubbletea/v2"
)

func versionOrder(a, b string) int { return selector.CompareVersions(a, b) }

// Index is the picture of all sites that "find any machine" searches.
type Index struct {
	env *Env

	mu      sync.Mutex
	fleet   *fleet.Fleet
	running bool
	changed chan struct{} // closed and replaced whenever there is more to search
	err     error
}

func newIndex(e *Env) *Index { return &Index{env: e, changed: make(chan struct{})} }

// Age is how old a picture may be before a search reads all sites again.
const indexAge = 5 * time.Minute

// Sweep reads all sites and keeps the result for searches.
func (x *Index) Sweep(ctx context.Context, progress func(*fleet.Fleet)) (*fleet.Fleet, error) {
	f, err := fleet.Sweep(ctx, x.env.Client, fleet.SweepOptions{Status: true, Names: true, StaleAfter: x.env.StaleAfter,
		Progress: func(f *fleet.Fleet) {
			x.publish(f, false)
			if progress != nil {
				progress(f)
			}
		}})
	if err != nil {
		return nil, err
	}
	x.env.keepSites(f.Sites)
	x.env.keepMachines(f.Machines)
	x.publish(f, true)
	return f, nil
}

// publish makes what was read searchable. A picture that is complete is not replaced by one that is not.
func (x *Index) publish(f *fleet.Fleet, done bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !done && x.fleet != nil && x.fleet.Complete() {
		return
	}
	c := *f
	c.Machines = append([]*fleet.Machine(nil), f.Machines...)
	c.Failed = append([]fleet.SiteError(nil), f.Failed...)
	x.fleet, x.err = &c, nil
	close(x.changed)
	x.changed = make(chan struct{})
}

// Warm starts a sweep in the background unless there is a fresh picture or one is under way.
func (x *Index) Warm(ctx context.Context) {
	x.mu.Lock()
	fresh := x.fleet != nil && x.fleet.Complete() && x.env.Client.Now().Sub(x.fleet.ReadAt) < indexAge
	if fresh || x.running {
		x.mu.Unlock()
		return
	}
	x.running = true
	x.mu.Unlock()
	go func() {
		_, err := x.Sweep(unity.Background(ctx), nil)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.running = false
		if err != nil {
			x.err = err
			close(x.changed)
			x.changed = make(chan struct{})
		}
	}()
}

func (x *Index) state() (f *fleet.Fleet, running bool, changed <-chan struct{}, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.fleet, x.running, x.changed, x.err
}

// maxHits is how many findings are listed.
const maxHits = 200

// Find searches while the sweep goes on and emits ever more hits until it is over.
func (e *Env) Find(ctx context.Context, query string, emit func([]ui.Hit, string)) {
	if e.Fleet != nil {
		e.findIn(ctx, query, emit)
		return
	}
	e.Index.Warm(context.WithoutCancel(ctx))
	for {
		f, running, changed, err := e.Index.state()
		switch {
		case f != nil:
			hits := f.Find(ctx, query, maxHits)
			if ctx.Err() != nil {
				return
			}
			emit(e.hits(hits), progressWords(f))
		case err != nil:
			emit(nil, "the sites cannot be read: "+unity.Clean(err.Error()))
		default:
			emit(nil, "reading the list of sites")
		}
		if !running {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func progressWords(f *fleet.Fleet) string { return searched(f.Done, f.Total, len(f.Failed), f.Hidden) }

func sweepProblems(f *fleet.Fleet) []string {
	var out []string
	for _, s := range f.Failed {
		out = append(out, s.Name.String()+": "+s.Err.Error())
	}
	if f.StatusErr != nil {
		out = append(out, "agent status: "+scopeAdvice(f.StatusErr))
	}
	return out
}

func sweepNotes(f *fleet.Fleet) []string {
	var out []string
	if f.StatusErr == nil && f.Unjoined > 0 {
		out = append(out, notCertain(f.Unjoined, len(f.Machines)))
	}
	if f.Hidden > 0 {
		out = append(out, sites(f.Hidden)+" not readable for this user")
	}
	return out
}

// notCertain says of how many machines it is not certain which report is theirs.
func notCertain(n, of int) string {
	return thousands(n) + " of " + thousands(of) + " machines have no agent status that is theirs for certain"
}

func (e *Env) hits(found []fleet.Hit) []ui.Hit {
	out := make([]ui.Hit, 0, len(found))
	now := e.Client.Now()
	for _, h := range found {
		if h.Site != nil {
			s := *h.Site
			out = append(out, ui.Hit{Key: "site/" + string(s.ID), Kind: "site", Title: siteName(&s),
				Sub: join(s.State(), seatsText(&s)+" seats", s.Keycode.String()), Tone: siteTone(&s, theme.Plain),
				Open: func() tea.Cmd { return ui.Push(e.SiteScreen(s)) }})
			continue
		}
		m := *h.Machine
		out = append(out, ui.Hit{Key: "endpoint/" + string(m.ID), Kind: "machine", Title: hostText(&m),
			Sub: join(m.SiteName.String(), statusText(&m, now), "seen "+ago(m.Seen(), now), m.User()), Tone: statusTone(&m, now),
			Open: func() tea.Cmd { return ui.Push(e.EndpointScreen(m)) }})
	}
	return out
}
