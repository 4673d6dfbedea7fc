package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// What the reading of a site's list costs, in calls for single machines: every page is a call, and its rows take time and
// bytes, too. Where nobody knows how many machines a site has, rereadWhole is the number of targets from which the list is
// read.
const (
	rereadPage  = 1000
	rereadRows  = 200
	rereadWhole = 20
)

// wholeCheaper tells whether the list of a site is cheaper to read than so many single machines.
func (m *maker) wholeCheaper(site unity.SiteID, n int) bool {
	s := m.known(site)
	if s == nil || !s.TotalEndpoints.Known {
		return n > rereadWhole
	}
	total := int(s.TotalEndpoints.N)
	return n > (total+rereadPage-1)/rereadPage+total/rereadRows
}

// readings are what came of reading machines again.
type readings struct {
	mu sync.Mutex
	// done counts the machines that were read, or could not be; told is told of it.
	done  int
	told  func(done int)
	fresh map[unity.EndpointID]reading
	// failed says of sites, and single machines of others, why they could not be read.
	failed map[unity.SiteID]error
	alone  map[unity.EndpointID]error
}

type reading struct {
	e  *unity.Endpoint
	at time.Time
}

func (r *readings) keep(e *unity.Endpoint, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fresh[e.ID] = reading{e, at}
}

// over counts machines that are dealt with.
func (r *readings) over(n int) {
	if r.told == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += n
	r.told(r.done)
}

// lost notes what cannot be read. Where nothing more can be read at all, it is an error.
func (r *readings) lost(ctx context.Context, site unity.SiteID, id unity.EndpointID, err error) error {
	if endsPlan(ctx, err) {
		return fmt.Errorf("the machines cannot be read again: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id == "" {
		r.failed[site] = err
	} else {
		r.alone[id] = err
	}
	return nil
}

// why gives the reason why a machine could not be read, nil when nothing was wrong.
func (r *readings) why(ref fleet.Ref) error {
	if err := r.alone[ref.ID]; err != nil {
		return err
	}
	return r.failed[ref.Site]
}

// endsPlan tells that what failed for one site fails for all others.
func endsPlan(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, unity.ErrUnauthenticated)
}

// reread reads every target again and names what changed since it was chosen. Machines that cannot be read are left out by
// name, and the others go on.
func (m *maker) reread(ctx context.Context, refs []fleet.Ref) ([]fleet.Ref, error) {
	read := &readings{told: m.told, fresh: map[unity.EndpointID]reading{}, failed: map[unity.SiteID]error{}, alone: map[unity.EndpointID]error{}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	read.over(0)
	for site, of := range bySite(refs) {
		if m.wholeCheaper(site, len(of)) {
			group.Go(func() error {
				defer read.over(len(of))
				return m.rereadSite(ctx, site, read)
			})
			continue
		}
		for _, ref := range of {
			group.Go(func() error {
				defer read.over(1)
				return m.rereadOne(ctx, ref, read)
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []fleet.Ref
	for _, ref := range refs {
		got, there := read.fresh[ref.ID]
		if !there {
			if err := read.why(ref); err != nil {
				m.unread(ref, err)
			} else {
				m.skip(ref, goneBefore)
			}
			continue
		}
		if m.plan.values != nil {
			m.plan.values[ref.ID] = Values{Group: got.e.GroupID, Policy: got.e.PolicyID, Inactive: got.e.Deactivated.On}
		}
		ref.ReadAt = got.at
		out = append(out, m.compare(ref, got.e))
	}
	return out, nil
}

func (m *maker) rereadOne(ctx context.Context, ref fleet.Ref, read *readings) error {
	e, err := m.client.Endpoint(ctx, ref.Site, ref.ID)
	switch {
	case err == nil && e.ID == ref.ID:
		read.keep(e, m.client.Now())
	case err != nil && !errors.Is(err, unity.ErrNotFound):
		return read.lost(ctx, ref.Site, ref.ID, err)
	}
	return nil
}

func (m *maker) rereadSite(ctx context.Context, site unity.SiteID, read *readings) error {
	for page, err := range m.client.Endpoints(ctx, site, unity.EndpointQuery{}) {
		if err != nil {
			return read.lost(ctx, site, "", err)
		}
		for i := range page.Items {
			read.keep(&page.Items[i], m.client.Now())
		}
	}
	return nil
}

// unread leaves out a machine of which nobody knows how it is now.
func (m *maker) unread(ref fleet.Ref, err error) {
	if m.lost == nil {
		m.lost = err
	}
	m.plan.Unread = append(m.plan.Unread, Skip{ref, "it cannot be read again: " + err.Error()})
}

// nothingRead is the error of a plan that is empty because nothing could be read; nil for all others.
func (m *maker) nothingRead(left int) error {
	if left > 0 || len(m.plan.Unread) == 0 || len(m.plan.Skipped) > 0 {
		return nil
	}
	return fmt.Errorf("%s cannot be read again: %w", m.plan.Unread[0].Ref.Name(), m.lost)
}
