package fleet

import (
	"strings"
	"unicode"

	"github.com/junegunn/fzf/src/algo"
	"github.com/junegunn/fzf/src/util"

	"github.com/unitty/unitty/unity"
)

// Scores of the ways to match one word; fuzzy scores stay below them. Shorter names come first, but no name is so long
// that it falls behind a weaker kind of match.
const (
	maxLength   = 900
	scoreWhole  = 13_000
	scoreSuffix = 8_000 // on names like DESKTOP-7F3K2L1 the tail is what tells machines apart
	scoreTail   = 7_000 // the word begins the tail
	scorePrefix = 6_000
	scorePart   = 5_000
	scoreFirsts = 6_500 // the word is the first letters of a customer's words
	scoreFirst  = 5_500 // it begins them
	minFirsts   = 2
	minFuzzy    = 14 // points a character must bring on average, so that a fuzzy match means something
	minRunes    = 3  // a shorter word would be fuzzily anywhere
)

// MainBonus is what a word scores on top where it is, without gaps, in what people call the thing: a machine's host name,
// a customer's own name. It is more than what lies between the end of a name and any part of one, and less than what lies
// between a whole name and the end of one: who types a name means the machine that has it, before those whose user has.
const MainBonus = 4_000

// MaxFuzzy is the highest score of a word that matched with gaps. The lowest of a word that is a part of a name is higher.
const MaxFuzzy = scorePart / 2

// MaxExact is the score of a word that is a whole host name; no word scores higher.
const MaxExact = scoreWhole + MainBonus

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
	// Main tells that people call the thing so, which counts MainBonus.
	Main bool
	// Initials tells that people shorten the name to the first letters of its words.
	Initials bool
	// Hardware tells a MAC address: a word is looked for in all the ways in which it can be written (see Matcher.Spellings).
	Hardware bool
}

// Matcher scores names against the words of a search. It is not for concurrent use: Clone makes another one.
type Matcher struct {
	words     []string
	spellings [][]string
	patterns  [][]rune
	slab      *util.Slab
	text      []byte
	chars     util.Chars
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
		m.spellings = append(m.spellings, spellings(w))
	}
	return m
}

// minHex is how many digits make a word a part of a MAC address. Fewer are in too many names.
const minHex = 4

// spellings are the other ways to write a folded word that may be a part of a MAC address: with colons between the bytes, as
// consoles show it, with dashes, as Windows does, and bare, as on many a label.
func spellings(word string) []string {
	bare := strings.NewReplacer(":", "", "-", "", ".", "").Replace(word)
	if len(bare) < minHex || len(bare)%2 != 0 || strings.Trim(bare, "0123456789abcdef") != "" {
		return nil
	}
	var pairs []string
	for i := 0; i < len(bare); i += 2 {
		pairs = append(pairs, bare[i:i+2])
	}
	var out []string
	for _, s := range []string{strings.Join(pairs, ":"), strings.Join(pairs, "-"), bare} {
		if s != word {
			out = append(out, s)
		}
	}
	return out
}

func newSlab() *util.Slab { return util.MakeSlab(16*1024, 2048) }

// Clone is a matcher of the same words for another goroutine.
func (m *Matcher) Clone() *Matcher {
	return &Matcher{words: m.words, spellings: m.spellings, patterns: m.patterns, slab: newSlab()}
}

// Words are the folded words, of which a hit has each.
func (m *Matcher) Words() []string { return m.words }

// Spellings are the other ways to write a word if it may be a part of a MAC address; none where it cannot.
func (m *Matcher) Spellings(word int) []string { return m.spellings[word] }

// CanBeFuzzy tells whether a word is long enough to match with gaps.
func (m *Matcher) CanBeFuzzy(word int) bool { return len(m.patterns[word]) >= minRunes }

// Score is the sum over all words of the best name, and the name's field; 0 when a word matches nowhere.
func (m *Matcher) Score(names []Named) (score int, field string) {
	for i := range m.words {
		best := 0
		for _, n := range names {
			if s := m.word(i, n); s > best {
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

// word scores one word against one name; 0 is no match.
func (m *Matcher) word(word int, n Named) int {
	s := Exactly(n.Folded, m.words[word])
	if n.Hardware {
		for _, other := range m.spellings[word] {
			s = max(s, Exactly(n.Folded, other))
		}
	}
	if s > 0 && n.Main {
		s += MainBonus
	}
	if n.Initials {
		s = max(s, Initially(n.Folded, m.words[word]))
	}
	if s > 0 || !n.Fuzzy {
		return s
	}
	return m.Fuzzy(word, n.Folded)
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
	case beginsTail(folded, word):
		return scoreTail - length
	case strings.HasPrefix(folded, word):
		return scorePrefix - length
	case strings.Contains(folded, word):
		return scorePart - length
	}
	return 0
}

// Initially scores a folded word against the first letters of the words of a folded name, as customers are called for short:
// "cct" is Coastal Charitable Trust. 0 is no match.
func Initially(folded, word string) int {
	if len(word) < minFirsts {
		return 0
	}
	rest, begins, score := word, true, scoreFirsts
	for _, r := range folded {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		if letter && begins {
			first := string(r)
			if rest == "" {
				score = scoreFirst // there are more
				break
			}
			if !strings.HasPrefix(rest, first) {
				return 0
			}
			rest = rest[len(first):]
		}
		begins = !letter && (begins || r != '\'')
	}
	if rest != "" {
		return 0
	}
	return score
}

// beginsTail tells that a word stands right behind the last hyphen.
func beginsTail(folded, word string) bool {
	at := strings.LastIndexByte(folded, '-')
	return at >= 0 && strings.HasPrefix(folded[at+1:], word)
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
