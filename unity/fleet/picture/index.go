package picture

import (
	"sync"
	"sync/atomic"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// lazy is what a picture makes of its chunks when it is first asked for it.
type lazy struct {
	placed sync.Once
	places places

	named     sync.Once
	siteNames [][]fleet.Named

	indexing sync.Mutex
	index    atomic.Pointer[index]
	// base is the index of an earlier picture, and changed are the chunks that came since: while they are few, no index of a
	// whole console has to be made for each picture.
	base    *index
	changed []*Chunk
}

// index finds rows by id.
type index map[unity.EndpointID]Row

// maxChanged is how many changed chunks are looked into one by one.
const maxChanged = 24

// inherit takes over an earlier picture's index for a picture that has other chunks in some places.
func (l *lazy) inherit(from *lazy, chunks []*Chunk) {
	if whole := from.index.Load(); whole != nil {
		l.base, l.changed = whole, chunks
	} else if from.base != nil {
		l.base, l.changed = from.base, append(append([]*Chunk(nil), from.changed...), chunks...)
	}
	if len(l.changed) > maxChanged {
		l.base, l.changed = nil, nil
	}
}

// Get finds a machine by its id.
func (p *Picture) Get(id unity.EndpointID) (Row, bool) {
	if id == "" {
		return Row{}, false
	}
	if whole := p.lazy.index.Load(); whole != nil || p.lazy.base == nil {
		if whole == nil {
			whole = p.makeIndex()
		}
		r, ok := (*whole)[id]
		return r, ok
	}
	for _, c := range p.lazy.changed {
		if r, ok := c.get(id); ok && p.holds(c) {
			return r, true
		}
	}
	if r, ok := (*p.lazy.base)[id]; ok && p.holds(r.c) {
		return r, true
	}
	return Row{}, false
}

// holds tells whether a chunk is in the picture.
func (p *Picture) holds(c *Chunk) bool {
	at, ok := p.slot[c.site.ID]
	return ok && p.chunks[at] == c
}

func (p *Picture) makeIndex() *index {
	p.lazy.indexing.Lock()
	defer p.lazy.indexing.Unlock()
	if whole := p.lazy.index.Load(); whole != nil {
		return whole
	}
	whole := make(index, p.rows)
	for r := range p.Rows() {
		if id := r.ID(); id != "" {
			whole[id] = r
		}
	}
	p.lazy.index.Store(&whole)
	return &whole
}

// get finds a machine of the chunk by its id.
func (c *Chunk) get(id unity.EndpointID) (Row, bool) {
	c.indexed.Do(func() {
		c.byID = make(index, c.n)
		for i := range c.n {
			r := c.Row(i)
			c.byID[r.ID()] = r
		}
	})
	r, ok := c.byID[id]
	return r, ok
}
