package picture

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// Grammar is the selector language over rows.
type Grammar struct {
	*selector.Language[Row]
	staleAfter time.Duration
}

// Language is the same language as fleet.MachineLanguage, over rows; staleAfter 0 means fleet.DefaultStaleAfter.
func Language(forChange bool, staleAfter time.Duration, now func() time.Time, missingScope func(string) bool) *Grammar {
	return &Grammar{staleAfter: staleAfter, Language: fleet.Language(fleet.Facets[Row]{
		Host:  func(r Row) string { return r.HostName().Raw() },
		Site:  func(r Row) string { return r.c.site.Name.Raw() },
		Group: Row.GroupLabel, GroupNamed: func(r Row) bool { return r.groupOf().named() },
		Policy: Row.PolicyLabel, PolicyNamed: func(r Row) bool { return r.policyOf().named() },
		OS: Row.OS, Version: Row.Version, MAC: Row.MAC, IPs: Row.IPs, User: Row.User, Type: Row.Type,
		ID:      func(r Row) string { return string(r.ID()) },
		Keycode: func(r Row) string { return r.c.site.Key.String() },
		Joined:  Row.Joined,
		State:   func(r Row, now time.Time) (string, bool) { return r.State(now, staleAfter) },
		Seen:    Row.Seen,
		First:   func(r Row) time.Time { return r.FirstSeen().Time },
	}, forChange, now, missingScope)}
}

// Query is a parsed expression that any picture can be asked.
type Query struct {
	plan *selector.Plan[Row]
	asks []ask
}

// Compile reads an expression; its errors are those of selector.Language.Parse.
func (g *Grammar) Compile(expr string) (*Query, error) {
	plan, err := g.Parse(expr)
	if err != nil {
		return nil, err
	}
	return &Query{plan: plan, asks: g.columns(plan)}, nil
}

// Plan is the expression for single rows.
func (q *Query) Plan() *selector.Plan[Row] { return q.plan }

// Empty tells an expression without terms, which every machine matches.
func (q *Query) Empty() bool { return q.plan.Empty() }

// Select asks a query of all machines. A cancelled context gives what was found until then; the caller looks at its
// error.
func (p *Picture) Select(ctx context.Context, q *Query, now time.Time) *Set {
	return p.choose(ctx, func() chooser {
		s := newScratch(len(q.asks), now)
		return func(c *Chunk, into bitmap) int { return s.run(q.asks, c, into) }
	})
}

// chooser writes into a zero bitmap which rows of a chunk are chosen, and counts those that it could not decide on.
type chooser func(c *Chunk, into bitmap) (leftOut int)

// choose asks all chunks, each worker with a chooser of its own.
func (p *Picture) choose(ctx context.Context, begin func() chooser) *Set {
	s := newSet(p)
	places := p.places()
	var next, count, leftOut atomic.Int64
	var group errgroup.Group
	for range workers(p.rows) {
		group.Go(func() error {
			choose := begin()
			chosen, left := 0, 0
			for ctx.Err() == nil {
				at := int(next.Add(1)) - 1
				if at >= len(p.chunks) {
					break
				}
				c := p.chunks[at]
				b := s.words[places.first[at]:][:wordsOf(c.n)]
				left += choose(c, b)
				chosen += b.count()
			}
			count.Add(int64(chosen))
			leftOut.Add(int64(left))
			return nil
		})
	}
	_ = group.Wait() // no task fails
	s.count, s.LeftOut = int(count.Load()), int(leftOut.Load())
	return s
}

// chooseRows asks every row by itself.
func (p *Picture) chooseRows(ctx context.Context, ask func(Row) selector.Answer) *Set {
	return p.choose(ctx, func() chooser {
		return func(c *Chunk, into bitmap) (leftOut int) {
			for i := range c.n {
				switch ask(c.Row(i)) {
				case selector.Yes:
					into.set(i)
				case selector.Unknown:
					leftOut++
				case selector.No:
				}
			}
			return leftOut
		}
	})
}
