package picture

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Picture is the whole console at one moment. It is immutable: With and Without make another one that shares what did
// not change. Its exported fields are read only.
type Picture struct {
	// Console is the console's name.
	Console string
	// Sites are all sites of the console, those without machines and hidden ones included.
	Sites []unity.Site
	// Failed are the sites that could not be read; their rows, if any, are older than the rest.
	Failed []fleet.SiteError
	// Hidden is the number of sites that the user may not see. Done and Total count the sites whose machines were asked for.
	Hidden, Done, Total int
	// Unjoined is the number of machines without an agent's report, StatusErr why there are none at all.
	Unjoined  int
	StatusErr error
	// SitesAt, StatusAt and ReadAt are when the list of sites, the reports and the last machine were read.
	SitesAt, StatusAt, ReadAt time.Time
	// Stale marks a picture from disk to which no server has answered yet.
	Stale bool
	// Revision grows with each picture that is published.
	Revision uint64

	chunks []*Chunk
	// slot is where in chunks a site's chunk stands.
	slot map[unity.SiteID]int
	rows int
	lazy *lazy
}

// New makes a picture of chunks, one for each site, with the other values of p. Of two chunks of one site the later
// holds.
func New(chunks []*Chunk, p Picture) *Picture {
	p.chunks, p.slot = nil, make(map[unity.SiteID]int, len(chunks))
	p.put(chunks)
	return &p
}

// With gives the picture with chunks in the place of their sites' chunks; the rest is shared.
func (p *Picture) With(chunks ...*Chunk) *Picture {
	out := *p
	out.chunks = slices.Clone(p.chunks)
	fresh := slices.ContainsFunc(chunks, func(c *Chunk) bool { _, ok := p.slot[c.site.ID]; return !ok })
	if fresh {
		out.slot = make(map[unity.SiteID]int, len(p.slot)+len(chunks))
		for id, at := range p.slot {
			out.slot[id] = at
		}
	}
	out.put(chunks)
	out.lazy.inherit(p.lazy, chunks)
	return &out
}

// put needs a slot map of its own when a site is new.
func (p *Picture) put(chunks []*Chunk) {
	for _, c := range chunks {
		if at, ok := p.slot[c.site.ID]; ok {
			p.chunks[at] = c
			continue
		}
		p.slot[c.site.ID] = len(p.chunks)
		p.chunks = append(p.chunks, c)
	}
	p.settle()
}

// settle counts anew after the chunks have changed.
func (p *Picture) settle() {
	p.rows = 0
	for at, c := range p.chunks {
		p.rows += c.n
		if int(c.slot.Load()) != at {
			c.slot.Store(int32(at))
		}
	}
	p.lazy = &lazy{}
}

// Without gives the picture without the machines of some sites.
func (p *Picture) Without(sites ...unity.SiteID) *Picture {
	out := *p
	out.chunks = slices.DeleteFunc(slices.Clone(p.chunks), func(c *Chunk) bool { return slices.Contains(sites, c.site.ID) })
	out.slot = make(map[unity.SiteID]int, len(out.chunks))
	for at, c := range out.chunks {
		out.slot[c.site.ID] = at
	}
	out.settle()
	return &out
}

// Chunks are the chunks, one for each site that was read. The slice must not be changed.
func (p *Picture) Chunks() []*Chunk { return p.chunks }

// Chunk is the chunk of a site, or nil.
func (p *Picture) Chunk(site unity.SiteID) *Chunk {
	if at, ok := p.slot[site]; ok {
		return p.chunks[at]
	}
	return nil
}

// Len is the number of machines.
func (p *Picture) Len() int { return p.rows }

// Rows are all machines, site by site.
func (p *Picture) Rows() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for _, c := range p.chunks {
			for i := range c.n {
				if !yield(c.Row(i)) {
					return
				}
			}
		}
	}
}

// Complete tells that every visible site has answered.
func (p *Picture) Complete() bool {
	return !p.Stale && p.Total > 0 && p.Done == p.Total && len(p.Failed) == 0
}

// Oldest is when those machines were read that have waited longest to be read again; zero where none were read.
func (p *Picture) Oldest() time.Time {
	var oldest time.Time
	for _, c := range p.chunks {
		if at := c.ReadAt(); !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return oldest
}

// ByHost are the machines whose whole host name folds to the same as name. A name that folds to nothing is nobody's.
func (p *Picture) ByHost(name string) []Row {
	want := unity.Fold(name)
	if want == "" {
		return nil
	}
	n := newNeedle(want)
	s := p.choose(context.Background(), func() chooser {
		return func(c *Chunk, into bitmap) int { c.fHost.mark(&n, true, into); return 0 }
	})
	return slices.Collect(s.Rows())
}

// FoldedBytes is the number of bytes that a bare word is looked for in.
func (p *Picture) FoldedBytes() int {
	n := 0
	for _, c := range p.chunks {
		n += len(c.fHost.arena) + len(c.fUser.arena) + len(c.fIPs.arena) + len(c.fMAC.arena)
	}
	return n
}
