package live

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"weak"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// How machines are asked for one by one that no list of reports tells from others.
const (
	// askEvery is the time from one such machine to the next in the background: six calls a minute.
	askEvery = 10 * time.Second
	// askAgain is how long an answer is good for, whatever the console says meanwhile.
	askAgain = 12 * time.Hour
	// askedAtOnce bounds the calls that Identify makes, askParallel those that are under way together.
	askedAtOnce = 250
	askParallel = 4
)

// Identify asks for the reports of machines that share their name with another record of their site, since only these tell
// which records are of one machine: of active ones first, then of deactivated ones that two active records of the name may be
// of. It returns at once; Run asks, at most askedAtOnce machines, and whoever is left has its turn in the background. A reading
// that a person waits for goes first, and the asking goes on after it. It costs nothing where all of them were asked for before.
func (f *Fleet) Identify() {
	select {
	case f.identify <- struct{}{}:
	default:
	}
}

// identifyWanted asks for what Identify is called for, until the context ends.
func (f *Fleet) identifyWanted(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.identify:
			if f.identifyAll(ctx) != nil {
				return
			}
		}
	}
}

// identifyAll asks for at most askedAtOnce machines, whoever goes first meanwhile. The error is that the context has ended.
func (f *Fleet) identifyAll(ctx context.Context) error {
	for left := askedAtOnce; ; {
		turn, done, err := f.take(ctx, true)
		if err != nil {
			return err
		}
		if list := f.candidates(namesakes, left); len(list) > 0 {
			left -= f.askFor(turn, list)
		}
		preempted := errors.Is(context.Cause(turn), errPreempted)
		if left < askedAtOnce && turn.Err() == nil {
			f.save(turn) // the next process need not ask again
		}
		done()
		if !preempted || left <= 0 {
			return nil
		}
	}
}

// askNext asks for one machine whose report no list tells, or for those that cannot wait; it tells whether there was one.
// These are asked for after everything else, and again only once the console has seen them since.
func (f *Fleet) askNext(ctx context.Context, urgent bool) bool {
	kind, most := anyMachine, 1
	if urgent {
		kind, most = urgentOnly, mostSuspects
	}
	list := f.candidates(kind, most)
	if len(list) == 0 {
		return false
	}
	ctx, done, err := f.take(ctx, true)
	if err != nil {
		return false
	}
	defer done()
	f.askFor(ctx, list)
	if ctx.Err() == nil && len(f.candidates(anyMachine, 1)) == 0 {
		f.save(ctx) // that was the last one: the next process need not ask
	}
	return true
}

// candidate is a machine to be asked for.
type candidate struct {
	site unity.SiteID
	code unity.Keycode
	id   unity.EndpointID
	key  fleet.MachineKey
	host unity.Text
	// machine is the text of the machine id, which pictures do not keep.
	machine unity.MachineID
	// first is true when no report of the machine was known before.
	first bool
}

// Which machines candidates lists.
type which int

const (
	anyMachine which = iota
	namesakes
	urgentOnly
)

// candidates lists machines that have to be asked for, at most so many: those that cannot wait, then active ones, those that
// are deactivated last. Where reports carry machine ids nobody has to be asked for.
func (f *Fleet) candidates(kind which, most int) []candidate {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.siteScope || !f.withStatus() || f.meta.StatusErr != nil || f.meta.StatusAt.IsZero() || f.idsGiven || f.o.Now().Before(f.askFrom) {
		return nil
	}
	var urgent, active, rest []candidate
	for i := range f.meta.Sites {
		s := &f.meta.Sites[i]
		c := f.chunks[s.ID]
		if c == nil || f.failed(s.ID) || kind == urgentOnly && !f.hurried(s.ID) || kind != urgentOnly && f.settled[s.ID] == weak.Make(c) {
			continue
		}
		open, twice := false, func(string) bool { return true }
		if kind == namesakes {
			twice = twiceActive(c)
		}
		for _, row := range alike(c) {
			key, _ := row.MachineKey()
			x := candidate{site: s.ID, code: s.Keycode, id: row.ID(), key: key, host: row.HostName(), first: !row.Joined()}
			_, now := f.urgent[x.id]
			if !now && (f.mute[x.id] || !f.wants(row)) {
				continue
			}
			open = true
			switch {
			case now:
				urgent = append(urgent, x)
			case !row.Deactivated():
				active = append(active, x)
			case twice(row.FoldedHost()):
				rest = append(rest, x)
			}
		}
		if !open {
			f.settled[s.ID] = weak.Make(c) // until the site is read again
		}
		if kind == anyMachine && len(urgent)+len(active) >= most {
			break
		}
	}
	out := urgent
	if kind != urgentOnly {
		out = append(append(out, active...), rest...)
	}
	return slices.Clone(out[:min(len(out), most)])
}

// twiceActive tells which names several active machines of a site have.
func twiceActive(c *picture.Chunk) func(host string) bool {
	active := map[string]int{}
	for i := range c.Len() {
		if row := c.Row(i); !row.Deactivated() {
			active[row.FoldedHost()]++
		}
	}
	return func(host string) bool { return active[host] > 1 }
}

// alike are the machines of a site that lists of reports without machine ids cannot tell from others: those without a name
// of their own. What asks for them is their machine id, so it has to be theirs alone.
func alike(c *picture.Chunk) []picture.Row {
	names, keys := map[string]int{}, map[fleet.MachineKey]int{}
	for i := range c.Len() {
		row := c.Row(i)
		names[row.FoldedHost()]++
		if key, ok := row.MachineKey(); ok {
			keys[key]++
		}
	}
	var out []picture.Row
	for i := range c.Len() {
		row := c.Row(i)
		key, ok := row.MachineKey()
		if host := row.FoldedHost(); ok && key != (fleet.MachineKey{}) && keys[key] == 1 && row.ID() != "" && (host == "" || names[host] > 1) {
			out = append(out, row)
		}
	}
	return out
}

// wants tells that a machine has not been asked for, or that its report must have changed since. The lock must be held.
func (f *Fleet) wants(row picture.Row) bool {
	switch {
	case !row.Asked():
		return overtaken(row)
	case f.client.Now().Sub(row.StatusAt()) < askAgain:
		return false
	case row.Joined():
		return overtaken(row)
	default:
		return row.ConsoleSeen().After(row.StatusAt())
	}
}

// hurry notes a machine that must not wait for its turn. The lock must be held.
func (f *Fleet) hurry(site unity.SiteID, id unity.EndpointID) {
	if len(f.urgent) < mostSuspects {
		f.urgent[id] = site
	}
}

// unhurry forgets machines that must not wait but that have left since, or that lists tell from others by now: there is room for
// a few only. The lock must be held.
func (f *Fleet) unhurry() {
	maps.DeleteFunc(f.urgent, func(id unity.EndpointID, site unity.SiteID) bool {
		c := f.chunks[site]
		return c == nil || !slices.ContainsFunc(alike(c), func(r picture.Row) bool { return r.ID() == id })
	})
}

// hurrySick has machines asked for at once where the reports that are nobody's tell of more or fewer infected ones of their
// name than are known. The lock must be held.
func (f *Fleet) hurrySick(pairs *picture.Pairs) {
	more := map[string]int{}
	for row := range pairs.Left() {
		if sick(row) {
			more[strings.Clone(row.FoldedHost())]++
		}
	}
	var all []picture.Row
	for _, c := range f.chunks {
		for _, row := range alike(c) {
			if all = append(all, row); sick(row) {
				more[row.FoldedHost()]--
			}
		}
	}
	for _, row := range all {
		if more[row.FoldedHost()] != 0 {
			f.hurry(row.SiteID(), row.ID())
		}
	}
}

// hurried tells that a machine of the site cannot wait. The lock must be held.
func (f *Fleet) hurried(site unity.SiteID) bool {
	for _, s := range f.urgent {
		if s == site {
			return true
		}
	}
	return false
}

// learnIDs notes whether reports carry machine ids, and has machines that could not be asked for tried again. The lock must be held.
func (f *Fleet) learnIDs(r *reports) {
	clear(f.mute)
	f.unhurry()
	f.noteIDs(r)
}

// noteIDs notes whether reports carry machine ids, as all of them do or none. The lock must be held.
func (f *Fleet) noteIDs(r *reports) {
	if r.Len() == 0 {
		return
	}
	f.idsGiven = true
	for row := range r.All() {
		if _, given := row.MachineKey(); !given {
			f.idsGiven = false
			return
		}
	}
}

// askFor asks for machines, and takes over what comes, site by site; it gives how many were asked for. After a failure nobody
// is asked for before the next delta.
func (f *Fleet) askFor(ctx context.Context, list []candidate) (asked int) {
	before := f.mark()
	for len(list) > 0 && ctx.Err() == nil {
		n := 1
		for n < len(list) && list[n].site == list[0].site {
			n++
		}
		err := f.askSite(ctx, list[:n])
		if err != nil && ctx.Err() == nil {
			f.mu.Lock()
			f.askFrom = f.o.Now().Add(f.o.Every)
			if errors.Is(err, unity.ErrScope) {
				f.siteScope = false
			}
			f.mu.Unlock()
			break
		}
		asked += n
		list = list[n:]
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.publish(true)
	f.compare(before, f.pic.Load())
	clear(f.infectedAt)
	return asked
}

// askSite asks for machines of one site. What was answered before an error is taken over.
func (f *Fleet) askSite(ctx context.Context, list []candidate) error {
	if err := f.machineIDs(ctx, list); err != nil {
		return err
	}
	at := f.client.Now()
	reports, done, infected := make([]*unity.Status, len(list)), make([]bool, len(list)), make([]time.Time, len(list))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(askParallel)
	for i := range list {
		if list[i].machine == "" {
			continue
		}
		group.Go(func() (err error) {
			reports[i], err = f.asker.Report(gctx, list[i].code, list[i].machine, list[i].host)
			if done[i] = err == nil; done[i] && list[i].first {
				infected[i], err = f.infectedSince(gctx, list[i], reports[i])
			}
			return err
		})
	}
	err := group.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var answers []picture.Answer
	c := f.chunks[list[0].site]
	for i, x := range list {
		if x.machine == "" {
			f.mute[x.id] = true // it is another machine by now, or it has left; the site will tell when it is read
			delete(f.urgent, x.id)
		}
		if !done[i] {
			continue
		}
		delete(f.urgent, x.id)
		if !infected[i].IsZero() {
			f.infectedAt[x.id] = infected[i]
		}
		// The rows may be others by now; an answer is good for the machine that was asked for.
		if row, ok := find(c, x.id); ok && sameAs(row, x) {
			answers = append(answers, picture.Answer{Row: row.Index(), Report: reports[i]})
		}
	}
	if len(answers) > 0 {
		f.chunks[list[0].site] = c.Told(answers, at)
		f.publish(false)
	}
	return err
}

// infectedSince is when the console last knew a machine infected whose first report says that it is, zero when it does not say: a
// report tells that a machine is infected, but not since when.
func (f *Fleet) infectedSince(ctx context.Context, x candidate, s *unity.Status) (time.Time, error) {
	if s == nil || !s.BasicInfo.Infected.On && s.BasicInfo.ActiveThreats.N == 0 {
		return time.Time{}, nil
	}
	e, err := f.client.Endpoint(ctx, x.site, x.id)
	if errors.Is(err, unity.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return e.LastInfected.Time, nil
}

// outlived tells that what asking for a machine gave says nothing of what the console has under its id by now.
func outlived(row picture.Row, e *unity.Endpoint) bool {
	return row.Asked() && (!row.SameMachine(e.MachineID) || !row.Joined() && row.HostName() != e.HostName)
}

func find(c *picture.Chunk, id unity.EndpointID) (picture.Row, bool) {
	for i := range c.Len() {
		if row := c.Row(i); row.ID() == id {
			return row, true
		}
	}
	return picture.Row{}, false
}

func sameAs(row picture.Row, x candidate) bool {
	key, _ := row.MachineKey()
	return key == x.key && row.HostName() == x.host
}
