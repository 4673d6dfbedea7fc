package picture

import (
	"context"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// searcher looks for the words of a search in one chunk after the other.
type searcher struct {
	*fleet.Matcher
	words []needle
	// hardware are the other ways to write each word in a MAC address.
	hardware [][]needle
	// gaps tells to look for rows that have at least one word only with gaps; else for those that have each as it is.
	gaps bool
	best *ranking

	// exact has for each word the best score of each row without gaps, field what matched.
	exact [][]int32
	field []searched
	// site are the scores of the site's name, for searches of several words.
	siteExact, siteGaps []int
}

// searched are the fields of a machine that are looked at, in the order of fleet.Fleet.Find: of two that match equally well
// the first one is named.
type searched uint8

const (
	inHost searched = iota
	inUser
	inIP
	inMAC
	inID
	inSite
)

func (f searched) String() string {
	return [...]string{"host", "user", "ip", "mac", "id", "site"}[f]
}

// worthwhile tells whether any row at all may still come into the ranking.
func (s *searcher) worthwhile() bool {
	if !s.gaps {
		return true
	}
	return s.best.takes((len(s.words)-1)*fleet.MaxExact + fleet.MaxFuzzy + fleet.ActiveBonus)
}

func (s *searcher) chunk(ctx context.Context, c *Chunk, noted *wordSet) {
	s.reset(c.n)
	if s.gaps {
		c.makeMasks()
	}
	s.scoreSite(c)
	for w := range s.words {
		if s.gaps && !noted.has(w) {
			continue
		}
		if s.scan(c, w) {
			noted.add(w)
		} else if s.siteExact[w] == 0 && !s.gaps {
			for later := w + 1; later < len(s.words); later++ {
				noted.add(later) // not looked for, so it may be there
			}
			return // no row has this word
		}
	}
	for i := range c.n {
		if i&4095 == 4095 && ctx.Err() != nil {
			return
		}
		s.row(c, i)
	}
}

// reset makes room for n rows.
func (s *searcher) reset(n int) {
	if s.exact == nil {
		s.exact = make([][]int32, len(s.words))
		s.siteExact, s.siteGaps = make([]int, len(s.words)), make([]int, len(s.words))
	}
	for w := range s.exact {
		if cap(s.exact[w]) < n {
			s.exact[w] = make([]int32, n)
		}
		s.exact[w] = s.exact[w][:n]
		clear(s.exact[w])
	}
	if cap(s.field) < n {
		s.field = make([]searched, n)
	}
	s.field = s.field[:n]
}

// scoreSite scores the site's name. With several words one may name the customer; a single one finds the customer itself,
// not all its machines.
func (s *searcher) scoreSite(c *Chunk) {
	for w, word := range s.Words() {
		s.siteExact[w], s.siteGaps[w] = 0, 0
		if len(s.words) == 1 {
			return
		}
		s.siteExact[w] = max(fleet.Exactly(c.foldedSite, word), fleet.Initially(c.foldedSite, word))
		if s.siteExact[w] == 0 && s.gaps {
			s.siteGaps[w] = s.Fuzzy(w, c.foldedSite)
		}
	}
}

// scan scores all rows that have a word without gaps, and tells whether there are any. The field is kept for the last
// word, which is the one that a hit names.
func (s *searcher) scan(c *Chunk, w int) (any bool) {
	ids := &c.id
	for f, column := range []*texts{&c.fHost, &c.fUser, &c.fIPs, &c.fMAC, ids} {
		if column == ids && !c.idsFolded {
			any = s.scanOddIDs(c, w) || any
			continue
		}
		any = s.scanColumn(column, searched(f), w, &s.words[w]) || any
		if searched(f) == inMAC {
			for o := range s.hardware[w] {
				any = s.scanColumn(column, inMAC, w, &s.hardware[w][o]) || any
			}
		}
	}
	return any
}

// scanColumn scores the rows that have a word, in one way to write it, in one column.
func (s *searcher) scanColumn(column *texts, f searched, w int, way *needle) (any bool) {
	score, last := s.exact[w], w == len(s.words)-1
	for i := column.next(way, 0); i >= 0; i = column.next(way, i+1) {
		any = true
		n := int32(fleet.Exactly(column.at(i), way.text)) //nolint:gosec // at most MaxExact
		if f == inHost {
			n += fleet.MainBonus
		}
		if n > score[i] {
			score[i] = n
			if last {
				s.field[i] = f
			}
		}
	}
	return any
}

// row offers a row if it has each word, in the way that is looked for.
func (s *searcher) row(c *Chunk, i int) {
	total, most, open := 0, 0, 0
	for w := range s.words {
		n := max(int(s.exact[w][i]), s.siteExact[w])
		total += n
		if most += n; n == 0 {
			if !s.gaps || !s.mayFit(c, i, w) {
				return
			}
			open++
			most += fleet.MaxFuzzy
		}
	}
	if s.gaps == (open == 0) {
		return
	}
	bonus := fleet.ActiveBonus
	if c.flags[i]&deactivated != 0 {
		bonus = 0
	}
	if !s.best.takes(most + bonus) {
		return
	}
	field := s.lastField(i)
	for w := range s.words {
		if s.exact[w][i] > 0 || s.siteExact[w] > 0 {
			continue
		}
		n, in := s.fuzzy(c, i, w)
		if n == 0 {
			return
		}
		total += n
		field = s.named(field, in, w)
	}
	s.best.offer(Hit{Row: c.Row(i), Field: field.String(), Score: total + bonus})
}

// lastField is what matched the last word without gaps. Of equals the row's own names come before the site's.
func (s *searcher) lastField(i int) searched {
	w := len(s.words) - 1
	if s.siteExact[w] > int(s.exact[w][i]) {
		return inSite
	}
	return s.field[i]
}

func (s *searcher) named(field, in searched, w int) searched {
	if w == len(s.words)-1 {
		return in
	}
	return field
}

// mayFit tells cheaply whether a word may be found with gaps.
func (s *searcher) mayFit(c *Chunk, i, w int) bool {
	if !s.CanBeFuzzy(w) {
		return false
	}
	need := s.words[w].mask
	return need&^c.hostMask[i] == 0 || need&^c.userMask[i] == 0 || s.siteGaps[w] > 0
}

// fuzzy is the best score of a word with gaps, and where.
func (s *searcher) fuzzy(c *Chunk, i, w int) (score int, in searched) {
	need := s.words[w].mask
	if need&^c.hostMask[i] == 0 {
		score = s.Fuzzy(w, c.fHost.at(i))
	}
	if need&^c.userMask[i] == 0 {
		if n := s.Fuzzy(w, c.fUser.at(i)); n > score {
			score, in = n, inUser
		}
	}
	if n := s.siteGaps[w]; n > score {
		score, in = n, inSite
	}
	return score, in
}

// scanOddIDs is scan for ids that the server sent in other forms than it should.
func (s *searcher) scanOddIDs(c *Chunk, w int) (any bool) {
	for i := range c.n {
		n := int32(fleet.Exactly(unity.Fold(c.id.at(i)), s.words[w].text)) //nolint:gosec // at most MaxExact
		any = any || n > 0
		if n > s.exact[w][i] {
			s.exact[w][i] = n
			if w == len(s.words)-1 {
				s.field[i] = inID
			}
		}
	}
	return any
}
