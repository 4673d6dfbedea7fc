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
	// Names also reads the names of groups, one more call per site, and of policies.
	Names      bool
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
	s := &sweeper{client: c, options: o, fleet: f, everything: len(o.Sites) == 0}
	if o.Names {
		s.policies = policyNames(ctx, c)
	}
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
	s.join(reports)
	if s.everything && f.Unjoined > 0 && f.StatusErr == nil && o.Status {
		s.joinSites(ctx, chosen)
	}
	return f, ctx.Err()
}

// policyNames reads the console's policies; without them ids are shown, which is no failure.
func policyNames(ctx context.Context, c *unity.Client) map[unity.PolicyID]unity.Text {
	out := map[unity.PolicyID]unity.Text{}
	policies, err := c.Policies(ctx)
	if err != nil {
		return out
	}
	for i := range policies {
		out[policies[i].ID] = policies[i].Name
	}
	return out
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
	client  *unity.Client
	options SweepOptions
	// everything tells a sweep of all visible sites.
	everything bool
	policies   map[unity.PolicyID]unity.Text
	mu         sync.Mutex
	fleet      *Fleet
	statusErr  error
}

func (s *sweeper) site(ctx context.Context, site *unity.Site) error {
	o := SiteOptions{StaleAfter: s.options.StaleAfter, Policies: s.policies}
	if s.options.Names {
		o.Groups = GroupNames(ctx, s.client, site.ID)
	}
	machines, err := ReadSite(ctx, s.client, site, o)
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

// GroupNames reads the names of a site's groups; without them ids are shown, which is no failure.
func GroupNames(ctx context.Context, c *unity.Client, site unity.SiteID) map[unity.GroupID]unity.Text {
	out := map[unity.GroupID]unity.Text{}
	groups, err := c.Groups(ctx, site)
	if err != nil {
		return out
	}
	for i := range groups {
		out[groups[i].ID] = groups[i].Name
	}
	return out
}

// status reads agent reports: of the whole console, or of the few sites that were asked for.
func (s *sweeper) status(ctx context.Context, sites []*unity.Site) ([]unity.Status, error) {
	if s.everything {
		return unity.Collect(s.client.GSMStatus(ctx, unity.StatusQuery{}))
	}
	var out []unity.Status
	for _, site := range sites {
		rows, err := siteReports(ctx, s.client, site)
		if err != nil {
			return out, err
		}
		out = append(out, rows...)
	}
	return out, nil
}

// siteReports reads the reports of one site. They are that site's, whether or not the rows say so.
func siteReports(ctx context.Context, c *unity.Client, site *unity.Site) ([]unity.Status, error) {
	rows, err := unity.Collect(c.SiteStatus(ctx, site.Keycode, unity.StatusQuery{}))
	for i := range rows {
		rows[i].Keycode = site.Keycode
	}
	return rows, err
}

// joinSites asks site by site where host names are not unique in the whole console, or a site is missing from it. A
// site that does not answer leaves its machines without a report.
func (s *sweeper) joinSites(ctx context.Context, sites []*unity.Site) {
	of := map[unity.SiteID][]*Machine{}
	open := map[unity.SiteID]bool{}
	for _, m := range s.fleet.Machines {
		of[m.SiteID] = append(of[m.SiteID], m)
		open[m.SiteID] = open[m.SiteID] || m.Status == nil
	}
	broken := map[unity.SiteID]bool{}
	for _, bad := range s.fleet.Failed {
		broken[bad.Site] = true
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for _, site := range sites {
		if !open[site.ID] || broken[site.ID] {
			continue
		}
		group.Go(func() error {
			rows, err := siteReports(gctx, s.client, site)
			if err != nil {
				return nil // those machines stay without a report, and are counted
			}
			unjoined := joinOpen(of[site.ID], rows)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.fleet.Unjoined -= unjoined
			return nil
		})
	}
	_ = group.Wait() // no task fails
}

// joinOpen joins a whole site again and keeps what was joined before; it returns how many machines gained a report.
func joinOpen(machines []*Machine, rows []unity.Status) int {
	before := 0
	for _, m := range machines {
		if m.Status == nil {
			before++
		}
	}
	return before - Join(machines, rows, true)
}

func (s *sweeper) join(reports []unity.Status) {
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
	// A host name is unique only among all machines: not when a site is missing or hidden.
	whole := len(f.Failed) == 0 && (!s.everything || f.Hidden == 0)
	f.Unjoined = Join(f.Machines, reports, whole)
}

// SiteOptions say how one site is read.
type SiteOptions struct {
	StaleAfter time.Duration
	// Groups and Policies give names to ids; nil means unknown.
	Groups   map[unity.GroupID]unity.Text
	Policies map[unity.PolicyID]unity.Text
}

// ReadSite reads the machines of one site to the end. On an error it returns what it has.
func ReadSite(ctx context.Context, c *unity.Client, site *unity.Site, o SiteOptions) ([]*Machine, error) {
	var out []*Machine
	for page, err := range c.Endpoints(ctx, site.ID, unity.EndpointQuery{}) {
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
