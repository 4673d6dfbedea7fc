package picture

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Reports collects agents' reports, batch by batch, in little memory, until they are joined to machines. It belongs to
// one goroutine.
type Reports struct {
	batches []*Chunk
	keys    [][]unity.Keycode
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
	keys := make([]unity.Keycode, len(rows))
	for i := range rows {
		s := &rows[i]
		e := unity.Endpoint{MachineID: s.MachineID, HostName: s.HostName}
		b.Report(b.Add(&e, unity.Text{}, unity.Text{}, time.Time{}), s, at)
		if keys[i] = site; site == "" {
			keys[i] = unity.Keycode(shared(string(s.Keycode)))
		}
	}
	r.batches = append(r.batches, b.lean())
	r.keys = append(r.keys, keys)
	r.start = append(r.start, r.n)
	r.n += len(rows)
}

// Join gives the picture with each report at the one machine that it fits (see fleet.Match), and with all machines
// counted that have none. A machine that no report fits keeps the one it had. whole tells that the picture has all machines
// of all sites that the reports cover, and the reports are all there are: host names mean nothing otherwise. With sites
// only their machines are asked.
func (p *Picture) Join(reports *Reports, whole bool, sites ...unity.SiteID) *Picture {
	machines := bearersOf(p, sites)
	found := fleet.Match(machines, reports.bearers(), whole)
	fresh := make([]*Chunk, len(machines.chunks))
	var group errgroup.Group
	var next atomic.Int64
	for range workers(len(found)) {
		group.Go(func() error {
			for {
				at := int(next.Add(1)) - 1
				if at >= len(fresh) {
					return nil
				}
				c := machines.chunks[at]
				fresh[at] = c.joined(found[machines.start[at]:][:c.n], reports)
			}
		})
	}
	_ = group.Wait() // no task fails
	out := p.With(fresh...)
	out.Unjoined = out.countUnjoined()
	return out
}

// joined is the chunk with reports by the numbers in found; itself where nothing changes.
func (c *Chunk) joined(found []int32, reports *Reports) *Chunk {
	changed := false
	for i, r := range found {
		changed = changed || r != fleet.None || c.flags[i]&joined == 0 && c.note.at(i) != fleet.NoteNotJoined
	}
	if !changed {
		return c
	}
	b := NewBuilder(c.site, c.n)
	for i, r := range found {
		b.Keep(c.Row(i))
		if r == fleet.None {
			b.Note(i, fleet.NoteNotJoined)
			continue
		}
		b.rows[i].takeReport(reports.row(int(r)))
	}
	return b.Chunk()
}

// WithNote gives the picture with a word, of those in fleet, at all machines without a report on why they have none.
func (p *Picture) WithNote(note string) *Picture {
	var fresh []*Chunk
	for _, c := range p.chunks {
		if f := c.noted(note); f != c {
			fresh = append(fresh, f)
		}
	}
	out := p.With(fresh...)
	out.Unjoined = out.countUnjoined()
	return out
}

func (c *Chunk) noted(note string) *Chunk {
	changed := false
	for i := range c.n {
		changed = changed || c.flags[i]&joined == 0 && c.note.at(i) != note
	}
	if !changed {
		return c
	}
	b := NewBuilder(c.site, c.n)
	for i := range c.n {
		b.Note(b.Keep(c.Row(i)), note)
	}
	return b.Chunk()
}

func (p *Picture) countUnjoined() int {
	n := 0
	for _, c := range p.chunks {
		for _, f := range c.flags {
			if f&joined == 0 {
				n++
			}
		}
	}
	return n
}

// takeReport copies what the report of another row says.
func (x *entry) takeReport(r Row) {
	from := r.entry()
	x.flags = x.flags&^ofReport | from.flags&ofReport
	x.threats, x.report, x.scanned, x.statusAt = from.threats, from.report, from.scanned, from.statusAt
	x.user, x.ip, x.mac = from.user, from.ip, from.mac
	x.client, x.os, x.device, x.public, x.note = from.client, from.os, from.device, from.public, from.note
	for _, which := range []instant{reportSeen, lastScan} {
		delete(x.odd, which)
		if raw := from.odd[which]; raw != nil {
			if x.odd == nil {
				x.odd = map[instant][]byte{}
			}
			x.odd[which] = raw
		}
	}
}
