package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
)

// Fleet is what a sweep has read so far.
type Fleet struct {
	Sites    []unity.Site
	Machines []*Machine
	// Done and Total count the sites whose machines were asked for.
	Done, Total int
	// Failed are the sites that could not be read, Hidden those the user may not see.
	Failed []SiteError
	Hidden int
	// Unjoined is the number of machines without an agent report, StatusErr why there are none at all.
	Unjoined  int
	StatusErr error
	ReadAt    time.Time
}

// SiteError is a site that could not be read.
type SiteError struct {
	Site unity.SiteID
	Name unity.Text
	Err  error
}

// Complete tells that every visible site has answered.
func (f *Fleet) Complete() bool { return f.Total > 0 && f.Done == f.Total && len(f.Failed) == 0 }

// SweepOptions say what a sweep reads.
type SweepOptions struct {
	// Sites limits it; nil means all visible ones.
	Sites []unity.SiteID
	// Status also reads agent reports.
	Status bool
	// Active leaves deactivated endpoints out.
	Active     bool
	StaleAfter time.Duration
	// Progress is told after each site, under a lock. The Fleet must not be kept; its machines may be, they do not change.
	Progress func(*Fleet)
}

// Sweep reads the machines of all sites. One failing site does not end it: it is named in Failed.
func Sweep(ctx context.Context, c *unity.Client, o SweepOptions) (*Fleet, error) {
	list, err := c.Sites(ctx)
	var incomplete *unity.IncompleteError
	if err != nil && !errors.As(err, &incomplete) {
		return nil, err
	}
	f := &Fleet{Sites: list.Sites, ReadAt: c.Now()}
	if incomplete != nil {
		f.Failed = append(f.Failed, SiteError{Name: unity.NewText("(list of sites)"), Err: err})
	}
	chosen := chooseSites(f, o.Sites)
	f.Total = len(chosen)
	s := &sweeper{client: c, options: o, fleet: f}
	group, gctx := errgroup.WithContext(ctx)
	var reports []unity.Status
	if o.Status {
		group.Go(func() error { reports, s.statusErr = s.status(gctx, chosen); return nil })
	}
	inner, ictx := errgroup.WithContext(gctx)
	inner.SetLimit(16)
	for _, site := range chosen {
		inner.Go(func() error { return s.site(ictx, site) })
	}
	group.Go(inner.Wait)
	if err := group.Wait(); err != nil {
		return f, err
	}
	if err := ctx.Err(); err != nil {
		return f, err
	}
	s.join(reports, len(o.Sites) == 0)
	return f, nil
}

func chooseSites(f *Fleet, only []unity.SiteID) []*unity.Site {
	want := map[unity.SiteID]bool{}
	for _, id := range only {
		want[id] = true
	}
	var out []*unity.Site
	for i := range f.Sites {
		s := &f.Sites[i]
		switch {
		case len(only) > 0 && !want[s.ID]:
		case !s.Visible():
			f.Hidden++
		default:
			out = append(out, s)
		}
	}
	return out
}

type sweeper struct {
	client    *unity.Client
	options   SweepOptions
	mu        sync.Mutex
	fleet     *Fleet
	statusErr error
}

func (s *sweeper) site(ctx context.Context, site *unity.Site) error {
	machines, err := ReadSite(ctx, s.client, site, SiteOptions{Active: s.options.Active, StaleAfter: s.options.StaleAfter})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, unity.ErrUnauthenticated) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fleet.Machines = append(s.fleet.Machines, machines...)
	s.fleet.Done++
	if err != nil {
		s.fleet.Failed = append(s.fleet.Failed, SiteError{Site: site.ID, Name: site.Name, Err: err})
	}
	if s.options.Progress != nil {
		s.options.Progress(s.fleet)
	}
	return nil
}

// status reads agent reports: of the whole console, or of the few sites that were asked for.
func (s *sweeper) status(ctx context.Context, sites []*unity.Site) ([]unity.Status, error) {
	if len(s.options.Sites) == 0 {
		return unity.Collect(s.client.GSMStatus(ctx, unity.StatusQuery{}))
	}
	var out []unity.Status
	for _, site := range sites {
		rows, err := unity.Collect(s.client.SiteStatus(ctx, site.Keycode, unity.StatusQuery{}))
		if err != nil {
			return out, err
		}
		for i := range rows {
			rows[i].Keycode = site.Keycode
		}
		out = append(out, rows...)
	}
	return out, nil
}

func (s *sweeper) join(reports []unity.Status, everything bool) {
	f := s.fleet
	f.StatusErr = s.statusErr
	// Machines that were shown while the sweep went on are not changed under their readers.
	for i, m := range f.Machines {
		c := *m
		f.Machines[i] = &c
	}
	if !s.options.Status || s.statusErr != nil {
		note := NoteNotLoaded
		if errors.Is(s.statusErr, unity.ErrScope) {
			note = NoteNoScope
		}
		for _, m := range f.Machines {
			m.StatusNote = note
		}
		f.Unjoined = len(f.Machines)
		return
	}
	// A host name is unique only among all machines: not when a site is missing, hidden, or when reports cover
	// deactivated machines that were left out.
	whole := len(f.Failed) == 0 && !s.options.Active && (!everything || f.Hidden == 0)
	f.Unjoined = Join(f.Machines, reports, whole)
}

// SiteOptions say how one site is read.
type SiteOptions struct {
	Active     bool
	StaleAfter time.Duration
	// Groups and Policies give names to ids; nil means unknown.
	Groups   map[unity.GroupID]unity.Text
	Policies map[unity.PolicyID]unity.Text
}

// ReadSite reads the machines of one site to the end. On an error it returns what it has.
func ReadSite(ctx context.Context, c *unity.Client, site *unity.Site, o SiteOptions) ([]*Machine, error) {
	var out []*Machine
	q := unity.EndpointQuery{}
	if o.Active {
		q.Type = "active"
	}
	for page, err := range c.Endpoints(ctx, site.ID, q) {
		if err != nil {
			return out, err
		}
		for i := range page.Items {
			out = append(out, NewMachine(page.Items[i], site, o, c.Now()))
		}
	}
	return out, nil
}

// NewMachine makes a machine of an endpoint that was read at that time.
func NewMachine(e unity.Endpoint, site *unity.Site, o SiteOptions, at time.Time) *Machine {
	return &Machine{Endpoint: e, SiteID: site.ID, SiteName: site.Name, SiteKey: site.Keycode, ReadAt: at,
		Group: o.Groups[e.GroupID], Policy: o.Policies[e.PolicyID], StatusNote: NoteNotLoaded, StaleAfter: o.StaleAfter}
}
