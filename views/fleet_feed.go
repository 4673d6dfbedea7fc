package views

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// feed hands the machines of a choice to a list: all of them first, and then what differs from picture to picture.
type feed struct {
	env *Env
	// choose picks the machines of a picture; nil picks all.
	choose func(ctx context.Context, p *picture.Picture, now time.Time) members
	// chosen is told of each picture that is handed over, in the update loop.
	chosen func(p *picture.Picture)
	// leftOut words how many machines the choice left out, and why; nil where that is for want of their reports.
	leftOut func(n int) string
	// bare leaves out that machines have no report, for a list of just these.
	bare bool
	// empty is what to say of a choice without rows; it is said with what is not known.
	empty string

	mu sync.Mutex
	// base and set are what was handed over last.
	base *picture.Picture
	set  members
	at   time.Time
	// shown is the picture whose rows the list holds, left how many its filter could not decide on.
	shown *picture.Picture
	left  int
	// leftBy are the fields of that filter.
	leftBy []string
	// lasting is the context of the reads, without its end: what filters run under, since they are quick and never given up.
	lasting context.Context
}

// members tells which machines are chosen; a nil one chooses all.
type members interface{ Has(r picture.Row) bool }

// memberIf are the machines of which something holds that does not change as long as the row is the same.
type memberIf func(r picture.Row) bool

// Has implements members.
func (f memberIf) Has(r picture.Row) bool { return f(r) }

// live makes a list follow the picture.
func (f *feed) live() *ui.Live[picture.Row] {
	return &ui.Live[picture.Row]{Read: f.read, Changed: f.env.Fleet.Changed, Refresh: f.env.Fleet.Refresh}
}

// read gives what differs from the picture that was handed over last.
func (f *feed) read(ctx context.Context) (ui.Delta[picture.Row], error) {
	e := f.env
	p := e.current()
	if p == nil {
		if err := e.Fleet.State().Err; err != nil {
			return ui.Delta[picture.Row]{}, err
		}
		return ui.Delta[picture.Row]{Total: -1, Progress: cmp.Or(e.progress(), "waiting for the first sites")}, nil
	}
	e.adopt(p)
	e.noteRefused()
	f.mu.Lock()
	same := p == f.base && e.now().Sub(f.at) < againAfter
	f.mu.Unlock()
	if same {
		return f.delta(p), nil
	}
	var set members
	if f.choose != nil {
		set = f.choose(ctx, p, e.now())
	}
	if err := ctx.Err(); err != nil {
		return ui.Delta[picture.Row]{}, err
	}
	f.mu.Lock()
	base, old := f.base, f.set
	f.base, f.set, f.at, f.lasting = p, set, e.now(), context.WithoutCancel(ctx)
	f.mu.Unlock()
	rows, gone := differences(base, old, p, set)
	if base == nil {
		sortByHost(rows)
	}
	e.Fleet.Name(looked(rows)...)
	d := f.delta(p)
	d.Items, d.Gone = handles(rows), handles(gone)
	d.Merged = func() { f.merged(p) }
	return d, nil
}

// firstLook is how many rows of a list are on the screen before anybody scrolls, on a tall one.
const firstLook = 60

// looked are the sites of the rows at the top, whose groups people read first. The rest get their names by and by, and the
// one under the cursor at once.
func looked(rows []picture.Row) []unity.SiteID {
	var out []unity.SiteID
	for _, r := range rows[:min(len(rows), firstLook)] {
		if id := r.SiteID(); !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// againAfter is how long a choice holds that looks at the clock, while the picture stays the same.
const againAfter = time.Minute

// delta says how the picture stands that was handed over last.
func (f *feed) delta(p *picture.Picture) ui.Delta[picture.Row] {
	d := ui.Delta[picture.Row]{Total: -1, Age: f.env.here(f.env.checkedAt(p)), Progress: f.env.progress(), Source: f.env.source(p)}
	d.Problems, d.Notes = f.env.missing(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	note := ""
	if !f.bare {
		note = silence(p)
	}
	if s, ok := f.set.(*picture.Set); ok && s.LeftOut > 0 && !p.StatusAt.IsZero() {
		note = f.without(s.LeftOut) // two numbers of nearly the same machines say less than one
	}
	if note != "" {
		d.Notes = append([]string{note}, d.Notes...)
	}
	if f.empty != "" {
		d.Empty = f.nothing(p, note)
		if s, ok := f.set.(*picture.Set); ok && s.LeftOut > 0 && unheard(p) {
			d.Empty = f.unknown(p)
		}
	}
	return d
}

// without words that a choice left machines out.
func (f *feed) without(n int) string {
	if f.leftOut != nil {
		return f.leftOut(n)
	}
	return leftOut(n) + unreportedWhy
}

// nothing says that nobody is in the choice, as far as is known.
func (f *feed) nothing(p *picture.Picture, note string) string {
	k := knowledgeOf(p)
	switch {
	case k.reading || k.awaited:
		return "Nothing so far: not everything has been read yet."
	case note != "":
		return f.empty + " That is as far as is known: " + note + "."
	case k.part:
		return f.empty + " That is as far as is known: some sites could not be read."
	default:
		return f.empty
	}
}

// unheard tells that no agent's report could be read.
func unheard(p *picture.Picture) bool { return p.StatusErr != nil && p.StatusAt.IsZero() }

// unknown says that nobody knows who is in a choice that takes the agents' reports, since these cannot be read.
func (f *feed) unknown(p *picture.Picture) string {
	why := "the agents' reports cannot be read: " + scopeAdvice(p.StatusErr)
	if f.leftOut == nil {
		return "Nobody knows: " + why + "."
	}
	return f.empty + " That is as far as is known: " + why + "."
}

// unreportedWhy is why machines are left out of what takes their agents' reports.
const unreportedWhy = "their agents' reports are not known"

func leftOut(n int) string {
	if n == 1 {
		return "1 machine left out: "
	}
	return thousands(n) + " machines left out: "
}

func (f *feed) merged(p *picture.Picture) {
	f.mu.Lock()
	f.shown = p
	f.mu.Unlock()
	if f.chosen != nil {
		f.chosen(p)
	}
}

// handles gives rows the addresses that a list wants, in one piece of memory.
func handles(rows []picture.Row) []*picture.Row {
	out := make([]*picture.Row, len(rows))
	for i := range rows {
		out[i] = &rows[i]
	}
	return out
}

// sortByHost spares the list the sorting of a first look.
func sortByHost(rows []picture.Row) {
	type keyed struct {
		key string
		row picture.Row
	}
	all := make([]keyed, len(rows))
	for i, r := range rows {
		all[i] = keyed{strings.ToLower(rowHost(&r)), r}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return strings.Compare(a.key, b.key) })
	for i := range all {
		rows[i] = all[i].row
	}
}

// differences gives the rows of a choice that are new or newer than those of an older one, and those that are gone. Sites that
// were not read again cost no more than a look at their sets. A nil set is everything.
func differences(old *picture.Picture, oldSet members, p *picture.Picture, set members) (rows, gone []picture.Row) {
	in := func(s members, r picture.Row) bool { return s == nil || s.Has(r) }
	for _, c := range p.Chunks() {
		var was *picture.Chunk
		if old != nil {
			was = old.Chunk(c.Site().ID)
		}
		if was == c {
			if set == nil && oldSet == nil {
				continue
			}
			for i := range c.Len() {
				switch now, then := in(set, c.Row(i)), in(oldSet, c.Row(i)); {
				case now && !then:
					rows = append(rows, c.Row(i))
				case then && !now:
					gone = append(gone, c.Row(i))
				}
			}
			continue
		}
		kept := map[unity.EndpointID]bool{}
		for i := range c.Len() {
			if r := c.Row(i); in(set, r) {
				rows = append(rows, r)
				if was != nil {
					kept[r.ID()] = true
				}
			}
		}
		gone = append(gone, lost(was, oldSet, kept)...)
	}
	if old != nil {
		for _, c := range old.Chunks() {
			if p.Chunk(c.Site().ID) == nil {
				gone = append(gone, lost(c, oldSet, nil)...)
			}
		}
	}
	return rows, gone
}

// lost are the rows of an older chunk that were chosen and are not among those that are kept.
func lost(c *picture.Chunk, set members, kept map[unity.EndpointID]bool) []picture.Row {
	var out []picture.Row
	for i := range c.Len() {
		if r := c.Row(i); (set == nil || set.Has(r)) && !kept[r.ID()] {
			out = append(out, r)
		}
	}
	return out
}

// filter compiles an expression to a look-up in a set that is worked out once for the whole picture.
func (f *feed) filter(g *picture.Grammar) func(string) (func(*picture.Row) bool, error) {
	return func(expr string) (func(*picture.Row) bool, error) {
		q, err := g.Compile(expr)
		if err != nil {
			return nil, err
		}
		now := f.env.now()
		f.mu.Lock()
		p, ctx := f.shown, f.lasting
		f.mu.Unlock()
		plan := q.Plan()
		if p == nil {
			return func(r *picture.Row) bool { return plan.Match(*r, now) }, nil
		}
		set := p.Select(ctx, q, now)
		f.mu.Lock()
		f.left, f.leftBy = set.LeftOut, plan.Fields()
		f.mu.Unlock()
		return func(r *picture.Row) bool {
			in, known := set.Ask(*r)
			// A row of a newer picture that is just being merged is asked by itself.
			return in || !known && plan.Match(*r, now)
		}, nil
	}
}

// undecided says how many machines the filter in force left out because nobody knows whether they belong in.
func (f *feed) undecided() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 {
		return ""
	}
	return thousands(f.left) + " left out: " + unknownOf(f.leftBy)
}

// unknownOf is what is not known of machines of which an expression with these fields could not decide.
func unknownOf(fields []string) string {
	var names []string
	report := false
	for _, field := range fields {
		switch field {
		case "policy":
			names = append(names, "the names of their policies")
		case "group":
			names = append(names, "the names of their groups")
		case "status", "os", "version", "mac", "ip", "user", "type":
			report = true
		}
	}
	switch {
	case len(names) == 0:
		return unreportedWhy
	case report:
		names = append(names, "their agents' reports")
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) == 1 {
		return names[0] + " are not known"
	}
	return strings.Join(names, " or ") + " are not known"
}
