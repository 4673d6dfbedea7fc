package picture

import (
	"slices"
	"strings"
	"time"

	"github.com/unitty/unitty/unity/fleet/selector"
)

// ask answers one term for all rows of a chunk. Both bitmaps come as zeros. The memo is the term's own in its worker.
type ask func(c *Chunk, m *memo, yes, unknown bitmap)

// memo is what one worker remembers of a term, so that texts and labels that many chunks share are judged once.
type memo struct {
	now   time.Time
	words map[word]selector.Answer
	// say are the answers for the distinct values of the chunk at hand.
	say, more []selector.Answer
	// states are the answers for all that flags can say, made at the first chunk.
	states *healthTable[selector.Answer]
	spans  []span
	never  bool
}

// scratch is what one worker writes on.
type scratch struct {
	yes, unknown, undecided bitmap
	memo                    []memo
}

func newScratch(terms int, now time.Time) *scratch {
	s := &scratch{memo: make([]memo, terms)}
	for i := range s.memo {
		s.memo[i].now = now
	}
	return s
}

// run asks all terms of a chunk, and writes into a zero bitmap which rows have all of them.
func (s *scratch) run(asks []ask, c *Chunk, alive bitmap) (leftOut int) {
	if c.n == 0 {
		return 0
	}
	n := len(alive)
	if cap(s.yes) < n {
		all := make(bitmap, 3*n)
		s.yes, s.unknown, s.undecided = all[:n:n], all[n:2*n:2*n], all[2*n:]
	}
	yes, unknown, undecided := s.yes[:n], s.unknown[:n], s.undecided[:n]
	clear(undecided)
	alive.fill(c.n)
	for i, ask := range asks {
		clear(yes)
		clear(unknown)
		ask(c, &s.memo[i], yes, unknown)
		for w := range alive {
			alive[w] &= yes[w] | unknown[w]
			undecided[w] |= unknown[w]
		}
		if alive.empty() {
			return 0
		}
	}
	for w := range alive {
		undecided[w] &= alive[w]
		alive[w] &^= undecided[w]
	}
	return undecided.count()
}

// columns answers each term from the columns of its field; what has none is asked row by row. The cheapest come first,
// since a chunk of which nothing is left is asked no more.
func (g *Grammar) columns(plan *selector.Plan[Row]) []ask {
	type priced struct {
		ask  ask
		cost int
	}
	tests := plan.Tests()
	out := make([]priced, len(tests))
	for i, t := range tests {
		a, cost := g.column(t)
		if a == nil {
			a, cost = func(c *Chunk, m *memo, yes, unknown bitmap) {
				for row := range c.n {
					mark(plan.EvalTerm(i, c.Row(row), m.now), row, yes, unknown)
				}
			}, 9
		}
		out[i] = priced{a, cost}
	}
	slices.SortStableFunc(out, func(a, b priced) int { return a.cost - b.cost })
	asks := make([]ask, len(out))
	for i := range out {
		asks[i] = out[i].ask
	}
	return asks
}

// paint marks each row by the answer for its code.
func paint(say []selector.Answer, c *codes, n int, yes, unknown bitmap) {
	switch {
	case c.narrow != nil:
		paintCodes(say, c.narrow, yes, unknown)
	case c.wide != nil:
		paintCodes(say, c.wide, yes, unknown)
	case say[0] == selector.Yes:
		yes.fill(n)
	case say[0] == selector.Unknown:
		unknown.fill(n)
	}
}

func paintCodes[T uint8 | uint32](say []selector.Answer, code []T, yes, unknown bitmap) {
	for w := range yes {
		var y, u uint64
		for j, c := range code[w*64 : min(w*64+64, len(code))] {
			a := uint64(say[c]) //nolint:gosec // one of three small numbers
			y |= a >> 1 << j
			u |= a & 1 << j
		}
		yes[w], unknown[w] = y, u
	}
}

// Answers are painted by their bits.
const _ = uint(selector.Yes-2) + uint(selector.Unknown-1) + uint(2-selector.Yes) + uint(1-selector.Unknown) + uint(-selector.No)

func mark(a selector.Answer, row int, yes, unknown bitmap) {
	switch a {
	case selector.Yes:
		yes.set(row)
	case selector.Unknown:
		unknown.set(row)
	case selector.No:
	}
}

// column is nil for a term that no column answers. The cost orders terms.
func (g *Grammar) column(t *selector.Test) (a ask, cost int) {
	switch t.Field {
	case "site":
		return whole(t, func(c *Chunk) string { return c.foldedSite }), 0
	case "keycode":
		return whole(t, func(c *Chunk) string { return c.foldedKey }), 0
	case "group":
		return byLabel(t, func(c *Chunk) *labels { return &c.group }), 1
	case "policy":
		return byLabel(t, func(c *Chunk) *labels { return &c.policy }), 1
	case "status":
		return g.byState(t), 1
	case "seen":
		return byAge(t, (*Chunk).seen, false), 1
	case "first":
		return byAge(t, func(c *Chunk, i int) ticks { return c.first.at(i) }, true), 1
	case "os":
		return byWord(t, func(c *Chunk) *words { return &c.os }), 1
	case "version":
		return byVersion(t), 1
	case "type":
		return byType(t), 1
	case "host":
		return byText(t, func(c *Chunk) *texts { return &c.fHost }, false), 2
	case "user":
		return byText(t, func(c *Chunk) *texts { return &c.fUser }, true), 2
	case "mac":
		return byText(t, func(c *Chunk) *texts { return &c.fMAC }, true), 2
	case "ip":
		return byText(t, func(c *Chunk) *texts { return &c.fIPs }, true), 2
	case "id":
		return byID(t), 2
	case "":
		return g.byBareWord(t), 3
	}
	return nil, 0
}

// whole is for what all machines of a site share.
func whole(t *selector.Test, of func(*Chunk) string) ask {
	return func(c *Chunk, _ *memo, yes, _ bitmap) {
		if t.Folded(of(c)) != t.Neg {
			yes.fill(c.n)
		}
	}
}

// byText is for folded texts; those that come from reports are known only where there is one.
func byText(t *selector.Test, of func(*Chunk) *texts, reported bool) ask {
	needles := needlesOf(t)
	return func(c *Chunk, _ *memo, yes, unknown bitmap) {
		of(c).markAny(needles, t.Exact, yes)
		if t.Neg {
			invert(yes, c.n)
		}
		if reported {
			onlyJoined(c, yes, unknown)
		}
	}
}

// byID scans ids; where the server sent some in other forms than it should, they are folded one by one.
func byID(t *selector.Test) ask {
	needles := needlesOf(t)
	return func(c *Chunk, _ *memo, yes, _ bitmap) {
		if c.idsFolded {
			c.id.markAny(needles, t.Exact, yes)
		} else {
			for i := range c.n {
				if t.Text(c.id.at(i)) {
					yes.set(i)
				}
			}
		}
		if t.Neg {
			invert(yes, c.n)
		}
	}
}

func invert(b bitmap, n int) {
	for w := range b {
		b[w] = ^b[w]
	}
	trim(b, n)
}

// trim clears the bits beyond the last row.
func trim(b bitmap, n int) {
	if rest := n & 63; rest != 0 {
		b[len(b)-1] &= 1<<rest - 1
	}
}

// markAny sets the rows whose text has, or is, one of the wanted ones.
func (t *texts) markAny(needles []needle, exact bool, hits bitmap) {
	for i := range needles {
		t.mark(&needles[i], exact, hits)
	}
}

// onlyJoined makes rows without a report unknown.
func onlyJoined(c *Chunk, yes, unknown bitmap) {
	for w, known := range c.isJoined {
		yes[w] &= known
		unknown[w] = unknown[w]&known | ^known
	}
	trim(unknown, c.n)
}

func needlesOf(t *selector.Test) []needle {
	out := make([]needle, len(t.Wants))
	for i := range t.Wants {
		out[i] = newNeedle(t.Wants[i].Text)
	}
	return out
}

// byBareWord looks in the fields of the language that a bare word means. Reports that are not there have empty texts.
func (g *Grammar) byBareWord(t *selector.Test) ask {
	var columns []func(*Chunk) *texts
	var site, key bool
	for _, name := range g.Bare {
		switch name {
		case "host":
			columns = append(columns, func(c *Chunk) *texts { return &c.fHost })
		case "user":
			columns = append(columns, func(c *Chunk) *texts { return &c.fUser })
		case "ip":
			columns = append(columns, func(c *Chunk) *texts { return &c.fIPs })
		case "mac":
			columns = append(columns, func(c *Chunk) *texts { return &c.fMAC })
		case "site":
			site = true
		case "keycode":
			key = true
		default:
			return nil
		}
	}
	word := t.Wants[0].Text
	plain := selector.FoldKeycode(word)
	needles := needlesOf(t)
	return func(c *Chunk, _ *memo, yes, _ bitmap) {
		if site && strings.Contains(c.foldedSite, word) || key && plain != "" && strings.Contains(c.foldedKey, plain) {
			yes.fill(c.n)
		} else {
			for _, of := range columns {
				of(c).markAny(needles, t.Exact, yes)
			}
		}
		if t.Neg {
			invert(yes, c.n)
		}
	}
}
