package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// Limits of what the snapshot may propose. Beyond them reading the whole console is the better way.
const (
	quickAge   = time.Hour // since the snapshot was last kept current
	quickNames = 16        // machines that are read by their ids
	quickSites = 8         // sites that are read because they count another number of machines
)

// quick finds machines by name with the picture on disk and a few calls: the list of sites tells which sites have another
// number of machines than when they were read, and those are read again; each machine that the picture proposes is read by
// its id, and has to have the name still.
//
// So a name is taken as unique when every visible site was read to the end, and counts as many machines now as then. What
// this does not prove: that no machine of another name was renamed to this one since, and that not one machine came and
// another one left at the same site.
type quick struct {
	sess  *session
	names []wanted

	kept  *kept
	list  *unity.Sites
	fleet *fleet.Fleet
}

// cannotError says why the picture on disk cannot tell the machines, so that the whole console has to be read.
type cannotError struct{ why string }

func (e *cannotError) Error() string { return e.why }

func cannot(format string, args ...any) error { return &cannotError{fmt.Sprintf(format, args...)} }

// resolve gives the machines, or a cannotError.
func (q *quick) resolve(ctx context.Context) ([]fleet.Ref, error) {
	if len(q.names) > quickNames {
		return nil, cannot("more than %d machines are named", quickNames)
	}
	// The list of sites, and the machines that are met, come while the picture is read from disk: all of it takes its time.
	var wg sync.WaitGroup
	defer wg.Wait()
	asked := &endpointReads{client: q.sess.client, of: map[unity.EndpointID]*unity.Endpoint{}, asked: map[unity.EndpointID]bool{}}
	defer asked.wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listed := make(chan error, 1)
	k, err := q.sess.readKept(ctx, keptReader{head: func(c *snapshot.Content) error {
		if err := current(c); err != nil {
			return err
		}
		wg.Go(func() {
			var err error
			q.list, err = q.sess.client.Sites(ctx)
			listed <- err
		})
		return nil
	}, chunk: q.meet(ctx, asked)})
	var no *cannotError
	switch {
	case errors.As(err, &no), err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, cannot("%s", unity.Clean(err.Error()))
	case len(k.pic.Failed) > 0:
		return nil, cannot("the snapshot is not complete: %s could not be read", k.pic.Failed[0].Name)
	}
	q.kept = k
	proposed, err := q.propose(k.pic.Sites, nil)
	if err != nil {
		asked.wg.Wait()
		if known := q.several(asked.of); known != nil && ctx.Err() == nil {
			return nil, known
		}
		return nil, err
	}
	for _, m := range proposed {
		asked.start(ctx, m.SiteID, m.ID)
	}
	asked.wg.Wait()
	if err := <-listed; err != nil {
		var incomplete *unity.IncompleteError
		if errors.As(err, &incomplete) {
			return nil, cannot("the list of sites is not complete")
		}
		return nil, err
	}
	read, err := q.readChanged(ctx)
	if err != nil {
		return nil, err
	}
	found, err := q.propose(q.list.Sites, read)
	if err != nil {
		return nil, err
	}
	return q.verify(found, asked.of, read)
}

// current tells whether the picture was kept current until a short while ago.
func current(c *snapshot.Content) error {
	switch age := time.Since(c.Finished); {
	case c.FullAt.IsZero():
		return cannot("the snapshot is not complete")
	case age < 0:
		return cannot("the snapshot is from the future")
	case age > quickAge:
		return cannot("the snapshot is %s old", dispatch.AgeWords(age))
	}
	return nil
}

// propose finds each name among the machines of the picture; those of sites that were read since stand in read.
func (q *quick) propose(sites []unity.Site, read map[unity.SiteID][]*fleet.Machine) ([]*fleet.Machine, error) {
	f := q.among(sites, read)
	out := make([]*fleet.Machine, 0, len(q.names))
	for _, w := range q.names {
		m, err := findWanted(f, w, false)
		if err != nil {
			return nil, cannot("the snapshot does not tell: %s", firstLine(err.Error()))
		}
		out = append(out, m)
	}
	q.fleet = f
	return out, nil
}

// several is the error that tells the candidates, where the server has confirmed two active machines of one name: whoever else has
// it, and the whole console need not be read to know that the name is not enough. It is nil where that is not so.
func (q *quick) several(fresh map[unity.EndpointID]*unity.Endpoint) error {
	f := q.among(q.kept.pic.Sites, nil)
	confirmed := map[string]int{}
	f.Machines = slices.DeleteFunc(f.Machines, func(m *fleet.Machine) bool {
		e := fresh[m.ID]
		if e == nil {
			return false // nobody knows otherwise
		}
		if e.Deactivated.On || unity.Fold(e.HostName.Raw()) != unity.Fold(m.HostName.Raw()) {
			return true
		}
		confirmed[unity.Fold(m.HostName.Raw())]++
		if e.LastSeen.After(m.LastSeen.Time) {
			m.LastSeen = e.LastSeen
		}
		return false
	})
	for _, w := range q.names {
		if w.site == "" && !unity.IsGUID(strings.TrimSpace(w.name)) && confirmed[unity.Fold(w.name)] > 1 {
			_, err := findWanted(f, w, false)
			return err
		}
	}
	return nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSuffix(line, ":")
}

// among makes a fleet of the machines that may be meant.
func (q *quick) among(sites []unity.Site, read map[unity.SiteID][]*fleet.Machine) *fleet.Fleet {
	f := &fleet.Fleet{Sites: sites, ReadAt: q.sess.client.Now()}
	visible := map[unity.SiteID]bool{}
	for i := range sites {
		if sites[i].Visible() {
			visible[sites[i].ID] = true
		}
	}
	f.Done, f.Total = len(visible), len(visible)
	for _, m := range machinesNamed(q.kept.pic, q.names, q.sess.settings.StaleAfter) {
		if _, again := read[m.SiteID]; visible[m.SiteID] && !again {
			f.Machines = append(f.Machines, m)
		}
	}
	for _, machines := range read {
		f.Machines = append(f.Machines, machines...)
	}
	return f
}

// meet begins to read a machine by its id as soon as the picture names one that may be meant.
func (q *quick) meet(ctx context.Context, asked *endpointReads) func(*picture.Chunk) {
	m := meantBy(q.names)
	return func(c *picture.Chunk) {
		for i := range c.Len() {
			if row := c.Row(i); m.has(row) && !row.Deactivated() {
				asked.start(ctx, row.SiteID(), row.ID())
			}
		}
	}
}

// endpointReads reads machines by their ids, each once and all at once; of holds those that could be read, after wg.
type endpointReads struct {
	client *unity.Client
	wg     sync.WaitGroup
	// asked belongs to whoever starts the readings.
	asked map[unity.EndpointID]bool

	mu sync.Mutex
	of map[unity.EndpointID]*unity.Endpoint
}

func (r *endpointReads) start(ctx context.Context, site unity.SiteID, id unity.EndpointID) {
	if r.asked[id] || len(r.asked) >= 2*quickNames {
		return
	}
	r.asked[id] = true
	r.wg.Go(func() {
		if e, err := r.client.Endpoint(ctx, site, id); err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.of[id] = e
		}
	})
}

// readChanged reads the sites that are new, or count another number of machines than when they were read.
func (q *quick) readChanged(ctx context.Context) (map[unity.SiteID][]*fleet.Machine, error) {
	before := map[unity.SiteID]*unity.Site{}
	for i := range q.kept.pic.Sites {
		before[q.kept.pic.Sites[i].ID] = &q.kept.pic.Sites[i]
	}
	var changed []*unity.Site
	for i := range q.list.Sites {
		s := &q.list.Sites[i]
		old := before[s.ID]
		if !s.Visible() || old != nil && old.Visible() && s.TotalEndpoints.Known && old.TotalEndpoints == s.TotalEndpoints {
			continue
		}
		changed = append(changed, s)
	}
	if len(changed) > quickSites {
		return nil, cannot("%d sites have other machines than the snapshot", len(changed))
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	out := map[unity.SiteID][]*fleet.Machine{}
	var failed *unity.Site
	for _, s := range changed {
		wg.Go(func() {
			machines, err := fleet.ReadSite(ctx, q.sess.client, s, fleet.SiteOptions{StaleAfter: q.sess.settings.StaleAfter})
			mu.Lock()
			defer mu.Unlock()
			out[s.ID] = machines
			if err != nil {
				failed = s
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, cannot("%s has other machines than the snapshot, and could not be read", failed.Name)
	}
	return out, nil
}

// verify compares what was found with what the server says of each machine now.
func (q *quick) verify(found []*fleet.Machine, fresh map[unity.EndpointID]*unity.Endpoint, read map[unity.SiteID][]*fleet.Machine) ([]fleet.Ref, error) {
	refs := make([]fleet.Ref, 0, len(found))
	for i, m := range found {
		ref := m.Ref()
		if s := siteOf(q.list.Sites, m.SiteID); s != nil {
			ref.SiteName = s.Name
		}
		if _, again := read[m.SiteID]; again {
			refs = append(refs, ref)
			continue
		}
		e := fresh[m.ID]
		switch byID := strings.EqualFold(strings.TrimSpace(q.names[i].name), string(m.ID)); {
		case e == nil:
			return nil, cannot("%s could not be read at %s", m.Name(), m.SiteName)
		case !byID && unity.Fold(e.HostName.Raw()) != unity.Fold(m.HostName.Raw()):
			return nil, cannot("%s is called %s by now", m.Name(), e.Name())
		case !byID && e.Deactivated.On != m.Deactivated.On:
			return nil, cannot("%s was deactivated or reactivated since", m.Name())
		}
		ref.HostName, ref.Inactive, ref.Group, ref.ReadAt = e.HostName, e.Deactivated.On, e.GroupID, q.sess.client.Now()
		if e.LastSeen.After(ref.LastSeen) {
			ref.LastSeen = e.LastSeen.Time
		}
		refs = append(refs, ref)
	}
	q.sess.console = q.kept.pic.Console
	return refs, nil
}

func siteOf(sites []unity.Site, id unity.SiteID) *unity.Site {
	if i := slices.IndexFunc(sites, func(s unity.Site) bool { return s.ID == id }); i >= 0 {
		return &sites[i]
	}
	return nil
}
