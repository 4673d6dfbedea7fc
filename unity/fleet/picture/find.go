package picture

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Hit is what a search found: a machine or a site.
type Hit struct {
	// Row is the machine; not Valid where the hit is a site.
	Row Row
	// Site is the site; nil where the hit is a machine.
	Site *unity.Site
	// Field names what matched: host, user, ip, mac, id, keycode, site.
	Field string
	// Score ranks the hits, higher first.
	Score int
}

// Find searches machines and sites by any of their names, ranked as fleet.Fleet.Find ranks them: whole names, then tails,
// beginnings and parts, then matches with gaps. Words are ANDed. At most limit hits are returned, none of a cancelled
// search.
func (p *Picture) Find(ctx context.Context, query string, limit int) []Hit {
	m := fleet.NewMatcher(query)
	if m == nil || limit <= 0 {
		return nil
	}
	best := ranking{limit: limit}
	for i, names := range p.siteNames() {
		if score, field := m.Score(names); score > 0 {
			best.offer(Hit{Site: &p.Sites[i], Field: field, Score: score + fleet.SiteBonus})
		}
	}
	// Names that have the words as they are cost little to find. Only where they do not fill the list, or a row of several
	// words may come before them, gaps are looked at.
	found := make([]wordSet, len(p.chunks))
	p.search(ctx, m, &best, found, false)
	p.search(ctx, m, &best, found, true)
	if ctx.Err() != nil {
		return nil
	}
	slices.SortFunc(best.hits, Hit.compare)
	return best.hits
}

// siteNames are the folded names of all sites, made once.
func (p *Picture) siteNames() [][]fleet.Named {
	p.lazy.named.Do(func() {
		p.lazy.siteNames = make([][]fleet.Named, len(p.Sites))
		for i := range p.Sites {
			p.lazy.siteNames[i] = fleet.SiteNames(&p.Sites[i])
		}
	})
	return p.lazy.siteNames
}

// search adds the machines that have each word as it is, or those that have at least one only with gaps. The first way
// notes which words the rows of each chunk have, so that the second need not look for the others again.
func (p *Picture) search(ctx context.Context, m *fleet.Matcher, best *ranking, noted []wordSet, gaps bool) {
	words, hardware := needlesOfWords(m)
	found := make([]ranking, workers(p.rows))
	var next atomic.Int64
	var group errgroup.Group
	for w := range found {
		found[w] = best.fork()
		group.Go(func() error {
			s := &searcher{Matcher: m.Clone(), words: words, hardware: hardware, gaps: gaps, best: &found[w]}
			for ctx.Err() == nil && s.worthwhile() {
				at := int(next.Add(1)) - 1
				if at >= len(p.chunks) {
					break
				}
				s.chunk(ctx, p.chunks[at], &noted[at])
			}
			return nil
		})
	}
	_ = group.Wait() // no task fails
	for _, f := range found {
		best.merge(f)
	}
}

// wordSet has a bit for each of the first 64 words of a search; later ones share the last bit.
type wordSet uint64

func (s wordSet) has(w int) bool { return s>>min(w, 63)&1 != 0 }
func (s *wordSet) add(w int)     { *s |= 1 << min(w, 63) }

// needlesOfWords are the words of a search, and the other ways to write each of them in a MAC address.
func needlesOfWords(m *fleet.Matcher) (words []needle, hardware [][]needle) {
	words, hardware = make([]needle, len(m.Words())), make([][]needle, len(m.Words()))
	for i, w := range m.Words() {
		words[i] = newNeedle(w)
		for _, other := range m.Spellings(i) {
			hardware[i] = append(hardware[i], newNeedle(other))
		}
	}
	return words, hardware
}

// compare orders hits, the best first.
func (h Hit) compare(o Hit) int {
	if d := cmp.Compare(o.Score, h.Score); d != 0 {
		return d
	}
	switch {
	case h.Site != nil && o.Site != nil:
		return cmp.Or(cmp.Compare(unity.Fold(h.Site.Name.Raw()), unity.Fold(o.Site.Name.Raw())), cmp.Compare(h.Site.ID, o.Site.ID))
	case h.Site != nil:
		return -1
	case o.Site != nil:
		return 1
	}
	a, b := h.Row, o.Row
	return cmp.Or(cmp.Compare(a.FoldedHost(), b.FoldedHost()), b.Seen().Compare(a.Seen()), byName(a, b))
}

// byName orders machines by folded host name, and then by id; where the server gave two of them one id, by where they are.
func byName(a, b Row) int {
	if d := cmp.Compare(a.FoldedHost(), b.FoldedHost()); d != 0 {
		return d
	}
	return cmp.Or(cmp.Compare(a.ID(), b.ID()), cmp.Compare(a.SiteID(), b.SiteID()), cmp.Compare(a.i, b.i))
}

// ranking keeps the best hits, the worst of them at the root of a heap.
type ranking struct {
	limit int
	hits  []Hit
	// floor is the score that other workers' rankings begin with: that of the worst hit of a full list.
	floor int
}

// fork is an empty ranking that takes only what may come into this one.
func (r *ranking) fork() ranking {
	f := ranking{limit: r.limit, floor: r.floor}
	if len(r.hits) == r.limit {
		f.floor = max(f.floor, r.hits[0].Score)
	}
	return f
}

func (r *ranking) merge(o ranking) {
	for _, h := range o.hits {
		r.offer(h)
	}
}

// takes tells whether a hit of that score may come in.
func (r *ranking) takes(score int) bool {
	return score >= r.floor && (len(r.hits) < r.limit || score >= r.hits[0].Score)
}

func (r *ranking) offer(h Hit) {
	switch {
	case !r.takes(h.Score):
	case len(r.hits) < r.limit:
		r.hits = append(r.hits, h)
		for i := len(r.hits) - 1; i > 0; {
			up := (i - 1) / 2
			if r.hits[i].compare(r.hits[up]) <= 0 {
				break
			}
			r.hits[i], r.hits[up] = r.hits[up], r.hits[i]
			i = up
		}
	case h.compare(r.hits[0]) < 0:
		r.hits[0] = h
		r.sink()
	}
}

// sink puts the root where it belongs.
func (r *ranking) sink() {
	for i := 0; ; {
		worst := i
		for _, down := range []int{2*i + 1, 2*i + 2} {
			if down < len(r.hits) && r.hits[down].compare(r.hits[worst]) > 0 {
				worst = down
			}
		}
		if worst == i {
			return
		}
		r.hits[i], r.hits[worst] = r.hits[worst], r.hits[i]
		i = worst
	}
}
