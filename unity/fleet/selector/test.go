package selector

import (
	"cmp"
	"math"
	"strings"
	"time"
)

// Test is one term of an expression, apart from any row: what a store that holds fields as columns needs in order to
// answer for many rows at once. Plan.Eval answers with the same code, row by row.
type Test struct {
	// Field is the field's name, "" for a bare word.
	Field string
	Kind  Kind
	// Neg is set for !term. Text, Folded, Time and Number leave it aside; Say heeds it.
	Neg bool
	// Op is < <= > >= or "".
	Op string
	// Exact compares whole texts, not parts.
	Exact bool
	// Wants are the alternatives, of which any one suffices.
	Wants []Want

	fold func(string) string
}

// Want is one value that a term asks for.
type Want struct {
	// Text is folded, and for keycodes without dashes. Of a version it is what was written.
	Text string
	// Age is the length that an Age or Until compares with; Never asks for instants that are not set.
	Age   time.Duration
	Never bool
	// Number is what a Number compares with.
	Number float64
}

// Say makes an answer of whether a row matches, heeding the negation. A row that does not know is Unknown.
func (t *Test) Say(match, known bool) Answer {
	switch {
	case !known:
		return Unknown
	case match != t.Neg:
		return Yes
	default:
		return No
	}
}

// SayText answers for a row with that text in a field of text or versions.
func (t *Test) SayText(text string) Answer {
	return t.Say(t.Text(text), t.Kind != Version || t.Op == "" || IsVersion(text))
}

// SayPossible answers for a row of unknown value that can only be one of some: when all of them are asked for, or none.
func (t *Test) SayPossible(values []string) Answer {
	hits := 0
	for _, v := range values {
		if t.Text(v) {
			hits++
		}
	}
	return t.Say(hits > 0, hits == 0 || hits == len(values))
}

// Text tells whether a text of any kind matches one of the wanted ones.
func (t *Test) Text(text string) bool {
	switch t.Kind {
	case Version:
		return t.version(text)
	case Keycode:
		return t.Folded(FoldKeycode(t.fold(text)))
	default:
		return t.Folded(t.fold(text))
	}
}

// Folded is Text for a text that is folded already, and without dashes if it is a keycode.
func (t *Test) Folded(folded string) bool {
	for i := range t.Wants {
		want := t.Wants[i].Text
		if t.Exact && folded == want || !t.Exact && want != "" && strings.Contains(folded, want) {
			return true
		}
	}
	return false
}

// FoldKeycode takes the dashes out of a folded keycode.
func FoldKeycode(folded string) string { return strings.ReplaceAll(folded, "-", "") }

func (t *Test) version(have string) bool {
	for i := range t.Wants {
		want := t.Wants[i].Text
		switch {
		case t.Op != "":
			if IsVersion(have) && compare(t.Op, CompareVersions(have, want), 0) {
				return true
			}
		case have == want, !t.Exact && strings.HasPrefix(have, strings.TrimRight(want, ".")+"."):
			return true
		}
	}
	return false
}

// Time tells whether an instant matches; the zero time was never, which is longer ago, and further off, than any age.
func (t *Test) Time(at, now time.Time) bool {
	length := time.Duration(math.MaxInt64)
	switch {
	case at.IsZero():
	case t.Kind == Age:
		length = now.Sub(at)
	default:
		length = at.Sub(now)
	}
	for i := range t.Wants {
		w := &t.Wants[i]
		if w.Never && at.IsZero() || !w.Never && compare(t.Op, length, w.Age) {
			return true
		}
	}
	return false
}

// Number tells whether a number matches.
func (t *Test) Number(n float64) bool {
	for i := range t.Wants {
		if compare(t.Op, n, t.Wants[i].Number) {
			return true
		}
	}
	return false
}

func compare[T cmp.Ordered](op string, a, b T) bool {
	switch op {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	default:
		return a == b
	}
}
