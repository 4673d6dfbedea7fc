package fleet

import (
	"strings"

	"github.com/junegunn/fzf/src/algo"
	"github.com/junegunn/fzf/src/util"

	"github.com/unitty/unitty/unity"
)

// Scores of the ways to match one word; fuzzy scores stay below them. Shorter names come first, but no name is so long
// that it falls behind a weaker kind of match.
const (
	maxLength   = 900
	scoreWhole  = 10_000
	scoreSuffix = 7_000 // on names like DESKTOP-7F3K2L1 the tail is what tells machines apart
	scorePrefix = 6_000
	scorePart   = 5_000
	minFuzzy    = 14 // points a character must bring on average, so that a fuzzy match means something
	minRunes    = 3  // a shorter word would be fuzzily anywhere
)

// MaxFuzzy is the highest score of a word that matched with gaps. The lowest of a word that is a part of a name is higher.
const MaxFuzzy = scorePart / 2

// MaxExact is the score of a word that is a whole name; no word scores higher.
const MaxExact = scoreWhole

// What a hit's score has on top: a site stands before machines, an active machine before a deactivated one.
const (
	SiteBonus   = 20
	ActiveBonus = 10
)

// Named is one of the names of a machine or site.
type Named struct {
	Field string
	// Folded is the name as unity.Fold gives it.
	Folded string
	// Fuzzy allows gaps. Addresses, ids and keycodes take none: with gaps any word of digits is in most of them.
	Fuzzy bool
}

// Matcher scores names against the words of a search. It is not for concurrent use: Clone makes another one.
type Matcher struct {
	words    []string
	patterns [][]rune
	slab     *util.Slab
	text     []byte
	chars    util.Chars
}

// NewMatcher cuts a search into words; nil when it has none.
func NewMatcher(query string) *Matcher {
	words := strings.Fields(unity.Fold(query))
	if len(words) == 0 {
		return nil
	}
	m := &Matcher{words: words, slab: newSlab()}
	for _, w := range words {
		m.patterns = append(m.patterns, []rune(w))
	}
	return m
}

func newSlab() *util.Slab { return util.MakeSlab(16*1024, 2048) }

// Clone is a matcher of the same words for another goroutine.
func (m *Matcher) Clone() *Matcher {
	return &Matcher{words: m.words, patterns: m.patterns, slab: newSlab()}
}

// Words are the folded words, of which a hit has each.
func (m *Matcher) Words() []string { return m.words }

// CanBeFuzzy tells whether a word is long enough to match with gaps.
func (m *Matcher) CanBeFuzzy(word int) bool { return len(m.patterns[word]) >= minRunes }

// Score is the sum over all words of the best name, and the name's field; 0 when a word matches nowhere.
func (m *Matcher) Score(names []Named) (score int, field string) {
	for i := range m.words {
		best := 0
		for _, n := range names {
			if s := m.Word(i, n.Folded, n.Fuzzy); s > best {
				best, field = s, n.Field
			}
		}
		if best == 0 {
			return 0, ""
		}
		score += best
	}
	return score, field
}

// Word scores one word against one folded name; 0 is no match.
func (m *Matcher) Word(word int, folded string, fuzzy bool) int {
	if s := Exactly(folded, m.words[word]); s > 0 || !fuzzy {
		return s
	}
	return m.Fuzzy(word, folded)
}

// Exactly scores a folded word against a folded name without gaps; 0 is no match.
func Exactly(folded, word string) int {
	length := min(len(folded), maxLength)
	switch {
	case folded == "":
		return 0
	case folded == word:
		return scoreWhole
	case strings.HasSuffix(folded, word):
		return scoreSuffix - length
	case strings.HasPrefix(folded, word):
		return scorePrefix - length
	case strings.Contains(folded, word):
		return scorePart - length
	}
	return 0
}

// Fuzzy scores one word against one folded name with gaps; 0 is no match, or one that means nothing.
func (m *Matcher) Fuzzy(word int, folded string) int {
	pattern := m.patterns[word]
	if folded == "" || len(pattern) < minRunes {
		return 0
	}
	m.text = append(m.text[:0], folded...)
	m.chars = util.ToChars(m.text)
	result, _ := algo.FuzzyMatchV2(false, true, true, &m.chars, pattern, false, m.slab)
	if result.Start < 0 || result.Score < minFuzzy*len(pattern) {
		return 0
	}
	return min(result.Score, MaxFuzzy)
}
