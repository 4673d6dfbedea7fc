package fleet

import (
	"context"
	"sort"
	"strings"

	"github.com/junegunn/fzf/src/algo"
	"github.com/junegunn/fzf/src/util"

	"github.com/unitty/unitty/unity"
)

// Hit is what a search found: a machine or a site.
type Hit struct {
	Machine *Machine
	Site    *unity.Site
	// Field names what matched: host, user, ip, mac, id, keycode, site.
	Field string
	Score int
}

// Find searches machines and sites by any of their names: host, user, addresses, ids, keycode, customer. Words are
// ANDed. Whole and partial matches come before fuzzy ones, active machines before deactivated ones. At most limit hits
// are returned.
func (f *Fleet) Find(ctx context.Context, query string, limit int) []Hit {
	words := strings.Fields(unity.Fold(query))
	if len(words) == 0 {
		return nil
	}
	q := newQuery(words)
	var hits []Hit
	for i := range f.Sites {
		s := &f.Sites[i]
		if score, field := q.score([]named{{"site", s.Name.Raw()}, {"keycode", s.Keycode.String()}, {"keycode", string(s.Keycode)}, {"id", string(s.ID)}}); score > 0 {
			hits = append(hits, Hit{Site: s, Field: field, Score: score + 20})
		}
	}
	for i, m := range f.Machines {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil
		}
		names := []named{{"host", m.HostName.Raw()}, {"user", m.User()}, {"ip", m.IPs()}, {"mac", m.MAC()}, {"id", string(m.ID)}}
		if len(words) > 1 {
			// With several words one may name the customer; a single one finds the customer itself, not all its machines.
			names = append(names, named{"site", m.SiteName.Raw()})
		}
		score, field := q.score(names)
		if score > 0 {
			if !m.Deactivated.On {
				score += 10
			}
			hits = append(hits, Hit{Machine: m, Field: field, Score: score})
		}
	}
	sort.SliceStable(hits, func(i, j int) bool { return hits[i].before(hits[j]) })
	return hits[:min(max(limit, 0), len(hits))]
}

func (h Hit) before(o Hit) bool {
	if h.Score != o.Score {
		return h.Score > o.Score
	}
	return h.sortKey() < o.sortKey()
}

func (h Hit) sortKey() string {
	if h.Site != nil {
		return "0" + unity.Fold(h.Site.Name.Raw()) + string(h.Site.ID)
	}
	return "1" + unity.Fold(h.Machine.HostName.Raw()) + string(h.Machine.ID)
}

type named struct{ field, text string }

type query struct {
	words    []string
	patterns [][]rune
	slab     *util.Slab
}

func newQuery(words []string) *query {
	q := &query{words: words, slab: util.MakeSlab(16*1024, 2048)}
	for _, w := range words {
		q.patterns = append(q.patterns, []rune(w))
	}
	return q
}

// Scores of the ways to match one word; fuzzy scores stay below them. Shorter names come first, but no name is so long
// that it falls behind a weaker kind of match.
const (
	maxLength   = 900
	scoreWhole  = 10_000
	scoreSuffix = 7_000 // on names like DESKTOP-7F3K2L1 the tail is what tells machines apart
	scorePrefix = 6_000
	scorePart   = 5_000
	minFuzzy    = 14 // points a character must bring on average, so that a fuzzy match means something
)

// score is the sum over all words of the best field, or 0 when a word matches nowhere.
func (q *query) score(fields []named) (int, string) {
	total, where := 0, ""
	for i, w := range q.words {
		best := 0
		for _, f := range fields {
			if s := q.word(w, q.patterns[i], f.text); s > best {
				best, where = s, f.field
			}
		}
		if best == 0 {
			return 0, ""
		}
		total += best
	}
	return total, where
}

func (q *query) word(w string, pattern []rune, text string) int {
	if text == "" {
		return 0
	}
	text = unity.Fold(text)
	length := min(len(text), maxLength)
	switch {
	case text == w:
		return scoreWhole
	case strings.HasSuffix(text, w):
		return scoreSuffix - length
	case strings.HasPrefix(text, w):
		return scorePrefix - length
	case strings.Contains(text, w):
		return scorePart - length
	}
	if len(pattern) < 3 {
		return 0
	}
	chars := util.ToChars([]byte(text))
	result, _ := algo.FuzzyMatchV2(false, true, true, &chars, pattern, false, q.slab)
	if result.Start < 0 || result.Score < minFuzzy*len(pattern) {
		return 0
	}
	return min(result.Score, scorePart/2)
}
