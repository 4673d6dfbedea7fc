package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

// broken are the sites that could not be read to the end.
func (f *Fleet) broken() map[unity.SiteID]bool {
	out := map[unity.SiteID]bool{}
	for _, s := range f.Failed {
		out[s.Site] = true
	}
	return out
}

// SweepOptions say what a sweep reads.
type SweepOptions struct {
	// Sites limits it; nil means all visible ones.
	Sites []unity.SiteID
	// Within tells which sites are wanted at all; nil means all. Others are left out where that saves calls.
	Within func(*unity.Site) bool
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
	chosen, everything := chooseSites(f, o)
	f.Total = len(chosen)
	s := &sweeper{client: c, options: o, fleet: f, everything: everything}
	if o.Names {
		s.policies = policyNames(ctx, c)
	}
	group, gctx := errgroup.WithContext(ctx)
	var reports []unity.Status
	var bySite []siteRows
	switch {
	case o.Status && everything:
		group.Go(func() error {
			reports, s.statusErr = unity.Collect(c.GSMStatus(gctx, unity.StatusQuery{}))
			return nil
		})
	case o.Status:
		group.Go(func() error { bySite = s.reports(gctx, chosen); return nil })
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
	s.join(reports, chosen, bySite)
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

// chooseSites gives the sites to read, and whether those are all that the user may see. Reports come for the whole console or site
// by site: where more than half of the sites are wanted, two calls for each of them are no less than one for every site.
func chooseSites(f *Fleet, o SweepOptions) (chosen []*unity.Site, everything bool) {
	named := func(s *unity.Site) bool { return len(o.Sites) == 0 || slices.Contains(o.Sites, s.ID) }
	wanted := func(s *unity.Site) bool { return o.Within == nil || o.Within(s) }
	var all, some []*unity.Site
	hidden := 0
	for i := range f.Sites {
		s := &f.Sites[i]
		switch {
		case !named(s):
		case s.Visible():
			all = append(all, s)
			if wanted(s) {
				some = append(some, s)
			}
		default:
			f.Hidden++
			if wanted(s) {
				hidden++
			}
		}
	}
	if len(some) == len(all) || o.Status && 2*len(some) > len(all) {
		return all, len(o.Sites) == 0
	}
	f.Hidden = hidden
	return some, false
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

// siteRows are the reports of one site, or why there are none.
type siteRows struct {
	rows []unity.Status
	err  error
}

// reports reads the reports of some sites, in the order of the sites.
func (s *sweeper) reports(ctx context.Context, sites []*unity.Site) []siteRows {
	out := make([]siteRows, len(sites))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, site := range sites {
		group.Go(func() error {
			out[i].rows, out[i].err = siteReports(gctx, s.client, site)
			return nil
		})
	}
	_ = group.Wait() // no task fails
	return out
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
	broken := s.fleet.broken()
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

// join puts reports to machines: of the whole console, or site by site in the order of chosen.
func (s *sweeper) join(reports []unity.Status, chosen []*unity.Site, bySite []siteRows) {
	f := s.fleet
	f.StatusErr = s.statusErr
	// Machines that were shown while the sweep went on are not changed under their readers.
	for i, m := range f.Machines {
		c := *m
		f.Machines[i] = &c
	}
	switch {
	case !s.options.Status || s.statusErr != nil:
		unreported(f.Machines, s.statusErr)
		f.Unjoined = len(f.Machines)
	case s.everything:
		// A host name is unique only among all machines: not when a site is missing or hidden.
		f.Unjoined = Join(f.Machines, reports, len(f.Failed) == 0 && f.Hidden == 0)
	default:
		s.joinChosen(chosen, bySite)
	}
}

// joinChosen joins each site by itself: a host name only has to be unique there.
func (s *sweeper) joinChosen(chosen []*unity.Site, bySite []siteRows) {
	f := s.fleet
	of := map[unity.SiteID][]*Machine{}
	for _, m := range f.Machines {
		of[m.SiteID] = append(of[m.SiteID], m)
	}
	broken := f.broken()
	for i, site := range chosen {
		machines := of[site.ID]
		if err := bySite[i].err; err != nil {
			unreported(machines, err)
			if len(chosen) > 1 {
				err = fmt.Errorf("%s: %w", site.Name, err)
			}
			f.StatusErr = cmp.Or(f.StatusErr, err)
			f.Unjoined += len(machines)
			continue
		}
		f.Unjoined += Join(machines, bySite[i].rows, !broken[site.ID])
	}
}

// unreported says of machines why nobody has asked for their reports, or could.
func unreported(machines []*Machine, err error) {
	note := NoteNotLoaded
	if errors.Is(err, unity.ErrScope) {
		note = NoteNoScope
	}
	for _, m := range machines {
		m.StatusNote = note
	}
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
