package picture

import (
	"iter"
	"slices"
	"sync/atomic"
	"time"
	"unique"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Reports collects agents' reports, batch by batch, in little memory, until they are joined to machines. It belongs to
// one goroutine.
type Reports struct {
	batches []*Chunk
	keys    []words
	// start is the number of the first report of each batch.
	start []int
	n     int
}

// Len is the number of reports.
func (r *Reports) Len() int { return r.n }

// Add takes a batch that was read at that time. The rows are not kept.
func (r *Reports) Add(rows []unity.Status, at time.Time) { r.add(rows, at, "") }

// AddSite takes reports of one site: they are that site's, whether or not the rows say so.
func (r *Reports) AddSite(site unity.Keycode, rows []unity.Status, at time.Time) {
	r.add(rows, at, site)
}

func (r *Reports) add(rows []unity.Status, at time.Time, site unity.Keycode) {
	if len(rows) == 0 {
		return
	}
	b := NewBuilder(Site{}, len(rows))
	for i := range rows {
		s := &rows[i]
		e := unity.Endpoint{MachineID: s.MachineID, HostName: s.HostName, Deactivated: s.Deactivated}
		b.Report(b.Add(&e, unity.Text{}, unity.Text{}, time.Time{}), s, at)
	}
	var keys words
	keys.codes, keys.dict = packWords(len(rows), func(i int) word {
		if site != "" {
			return unique.Make(string(site))
		}
		return unique.Make(string(rows[i].Keycode))
	})
	r.batches = append(r.batches, b.lean())
	r.keys = append(r.keys, keys)
	r.start = append(r.start, r.n)
	r.n += len(rows)
}

// All passes each report, by the number under which it was added, with its keycode, "" where it has none. Of the row only
// the host name, the machine's key, whether it is deactivated and what agents report may be asked.
func (r *Reports) All() iter.Seq2[Row, unity.Keycode] {
	return func(yield func(Row, unity.Keycode) bool) {
		for b, c := range r.batches {
			for i := range c.n {
				if !yield(c.Row(i), unity.Keycode(r.keys[b].at(i))) {
					return
				}
			}
		}
	}
}

// Pairs are the machines of some chunks with the one report that fits each of them.
type Pairs struct {
	machines *machineBearers
	reports  *Reports
	found    []int32
}

// Match finds, by the rules of fleet.Match, which report is which machine's. whole tells that the chunks have all machines
// of all sites that the reports cover, and the reports are all there are: host names mean nothing otherwise.
func (r *Reports) Match(chunks []*Chunk, whole bool) *Pairs {
	p := &Pairs{machines: bearersOf(chunks), reports: r}
	p.found = fleet.Match(p.machines, r.bearers(), whole)
	return p
}

// Only parts the pairs for which ok does not hold.
func (p *Pairs) Only(ok func(machine, report Row) bool) {
	for i, r := range p.found {
		if r != fleet.None && !ok(p.machines.row(i), p.reports.row(int(r))) {
			p.found[i] = fleet.None
		}
	}
}

// Left are the reports that are no machine's, with their keycodes.
func (p *Pairs) Left() iter.Seq2[Row, unity.Keycode] {
	taken := make(bitmap, wordsOf(p.reports.n))
	for _, r := range p.found {
		if r != fleet.None {
			taken.set(int(r))
		}
	}
	return func(yield func(Row, unity.Keycode) bool) {
		i := 0
		for row, key := range p.reports.All() {
			if !taken.has(i) && !yield(row, key) {
				return
			}
			i++
		}
	}
}

// Chunk is the chunk at an index, of those that Match got, with its reports. A machine for which there is none keeps the
// one it had, unless that was read before since; then it has none, and the note, in the words of fleet, says why, as it does
// for those that had none before. The same chunk comes back where nothing is new.
func (p *Pairs) Chunk(at int, since time.Time, note string) *Chunk {
	c := p.machines.chunks[at]
	return c.retold(p.found[p.machines.start[at]:][:c.n], p.reports, ticksOf(since), note)
}

// Forget is the chunk without the reports that were read before since; the note says why, at all machines without a report.
func (c *Chunk) Forget(since time.Time, note string) *Chunk {
	none := make([]int32, c.n)
	for i := range none {
		none[i] = fleet.None
	}
	return c.retold(none, nil, ticksOf(since), note)
}

// Join gives the picture with each report at the one machine that it fits (see Reports.Match), and with all machines
// counted that have none. A machine that no report fits keeps the one it had. With sites only their machines are asked.
func (p *Picture) Join(reports *Reports, whole bool, sites ...unity.SiteID) *Picture {
	chunks := p.chunks
	if len(sites) > 0 {
		chunks = slices.DeleteFunc(slices.Clone(chunks), func(c *Chunk) bool { return !slices.Contains(sites, c.site.ID) })
	}
	pairs := reports.Match(chunks, whole)
	fresh := make([]*Chunk, len(chunks))
	var group errgroup.Group
	var next atomic.Int64
	for range workers(len(pairs.found)) {
		group.Go(func() error {
			for {
				at := int(next.Add(1)) - 1
				if at >= len(fresh) {
					return nil
				}
				fresh[at] = pairs.Chunk(at, time.Time{}, fleet.NoteNotJoined)
			}
		})
	}
	_ = group.Wait() // no task fails
	out := p.With(fresh...)
	out.Unjoined = out.countUnjoined()
	return out
}

// WithNote gives the picture with a word, of those in fleet, at all machines without a report on why they have none.
func (p *Picture) WithNote(note string) *Picture {
	var fresh []*Chunk
	for _, c := range p.chunks {
		if f := c.Forget(time.Time{}, note); f != c {
			fresh = append(fresh, f)
		}
	}
	out := p.With(fresh...)
	out.Unjoined = out.countUnjoined()
	return out
}

func (p *Picture) countUnjoined() int {
	n := 0
	for _, c := range p.chunks {
		n += c.Unjoined()
	}
	return n
}

// Unjoined is the number of machines without a report.
func (c *Chunk) Unjoined() int { return c.n - c.isJoined.count() }

// Unreported is the number of active machines without a report.
func (p *Picture) Unreported() int {
	n := 0
	for _, c := range p.chunks {
		for _, f := range c.flags {
			if f&(deactivated|joined) == 0 {
				n++
			}
		}
	}
	return n
}

// Answer is what asking for the report of one machine gave.
type Answer struct {
	// Row is where in its chunk the machine stands.
	Row int
	// Report is nil where there is none that is the machine's for certain.
	Report *unity.Status
}

// Told is the chunk with what was answered at that time when machines were asked for one by one. It stays at those machines
// until they are asked for again, or a list of reports has one for them.
func (c *Chunk) Told(answers []Answer, at time.Time) *Chunk {
	b := NewBuilder(c.site, c.n)
	for i := range c.n {
		b.Keep(c.Row(i))
	}
	for _, a := range answers {
		b.tell(a, at)
	}
	return b.Chunk()
}

func (b *Builder) tell(a Answer, at time.Time) {
	b.Silence(a.Row, fleet.NoteNoReport)
	x := &b.rows[a.Row]
	x.statusAt = ticksOf(at)
	if a.Report != nil {
		b.Report(a.Row, a.Report, at)
	}
	x.set(asked, true)
}

// Silence takes away what is known of the agent of the machine at an index; the note says why, in the words of fleet.
func (b *Builder) Silence(i int, note string) {
	x := &b.rows[i]
	x.flags &^= ofReport
	x.news = b.silence(unique.Make(note))
	x.keepOdd(reportSeen, unity.Time{})
	x.keepOdd(lastScan, unity.Time{})
}

// Asked tells that what is known of the machine's agent, or that nothing is, comes from asking for this one machine at the
// time that StatusAt gives.
func (r Row) Asked() bool { return r.has(asked) }
