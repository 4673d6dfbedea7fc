package selector

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"
)

// Answer is what a plan says of a row.
type Answer int

// The three answers. Unknown is given when the row lacks the data that would decide.
const (
	No Answer = iota
	Unknown
	Yes
)

// Plan is a parsed expression.
type Plan[T any] struct {
	terms  []term[T]
	fields []string
}

type term[T any] struct {
	neg   bool
	known func(T) bool
	match func(row T, now time.Time) bool
}

// Fields are the fields the expression names, bare words included as "".
func (p *Plan[T]) Fields() []string { return p.fields }

// Empty tells an expression without terms, which every row matches.
func (p *Plan[T]) Empty() bool { return len(p.terms) == 0 }

// Eval asks the plan about a row.
func (p *Plan[T]) Eval(row T, now time.Time) Answer {
	out := Yes
	for i := range p.terms {
		t := &p.terms[i]
		if t.known != nil && !t.known(row) {
			out = Unknown
			continue
		}
		if t.match(row, now) == t.neg {
			return No
		}
	}
	return out
}

// Match is Eval where an unknown row is left out.
func (p *Plan[T]) Match(row T, now time.Time) bool { return p.Eval(row, now) == Yes }

// Parse reads an expression.
func (l *Language[T]) Parse(expr string) (*Plan[T], error) {
	lexemes, err := scan(expr)
	if err != nil {
		return nil, err
	}
	p := &Plan[T]{}
	for _, lx := range lexemes {
		t, err := l.compile(lx)
		if err != nil {
			return nil, err
		}
		t.neg = lx.neg
		p.terms = append(p.terms, t)
		p.fields = append(p.fields, lx.name)
	}
	return p, nil
}

func (l *Language[T]) compile(lx lexeme) (term[T], error) {
	if lx.name == "" {
		return l.bare(lx.values[0])
	}
	f := l.field(lx.name)
	if f == nil {
		return term[T]{}, &SyntaxError{Column: lx.column, Text: "unknown field " + strconv.Quote(lx.name) + "; there are " + l.names()}
	}
	if f.Scope != "" && l.MissingScope != nil && l.MissingScope(f.Scope) {
		return term[T]{}, &ScopeError{Field: f.Name, Scope: f.Scope}
	}
	var anyOf []func(T, time.Time) bool
	for _, v := range lx.values {
		m, err := l.comparison(f, lx, v)
		if err != nil {
			return term[T]{}, err
		}
		anyOf = append(anyOf, m)
	}
	if f.Possible != nil && f.Known != nil {
		return l.possible(f, lx), nil
	}
	return term[T]{known: knownFor(f, lx.op), match: func(row T, now time.Time) bool {
		for _, m := range anyOf {
			if m(row, now) {
				return true
			}
		}
		return false
	}}, nil
}

// possible decides rows of unknown value by what the value can be: when all of it is asked for, or none of it.
func (l *Language[T]) possible(f *Field[T], lx lexeme) term[T] {
	wanted := map[string]bool{}
	for _, v := range lx.values {
		wanted[l.Fold(v.text)] = true
	}
	count := func(row T) (hits, all int) {
		values := f.Possible(row)
		for _, v := range values {
			if wanted[l.Fold(v)] {
				hits++
			}
		}
		return hits, len(values)
	}
	return term[T]{
		known: func(row T) bool {
			if f.Known(row) {
				return true
			}
			hits, all := count(row)
			return hits == 0 || hits == all
		},
		match: func(row T, _ time.Time) bool {
			if f.Known(row) {
				return wanted[l.Fold(f.Text(row))]
			}
			hits, _ := count(row)
			return hits > 0
		},
	}
}

// knownFor tells whether a row can answer: for an order of versions, only when its version has one.
func knownFor[T any](f *Field[T], op string) func(T) bool {
	if f.Kind != Version || op == "" {
		return f.Known
	}
	return func(row T) bool { return (f.Known == nil || f.Known(row)) && isVersion(f.Text(row)) }
}

// bare looks in several fields; those that a row does not know are passed over.
func (l *Language[T]) bare(v value) (term[T], error) {
	word := v.text
	if l.Fold(word) == "" {
		return term[T]{}, nothingLeft(v)
	}
	var anyOf []func(T, time.Time) bool
	for _, name := range l.Bare {
		f := l.field(name)
		if f == nil || f.Text == nil {
			continue
		}
		m := l.textMatch(f, word, false)
		if f.Known != nil {
			known, inner := f.Known, m
			m = func(row T, now time.Time) bool { return known(row) && inner(row, now) }
		}
		anyOf = append(anyOf, m)
	}
	return term[T]{match: func(row T, now time.Time) bool {
		for _, m := range anyOf {
			if m(row, now) {
				return true
			}
		}
		return false
	}}, nil
}

func (l *Language[T]) comparison(f *Field[T], lx lexeme, v value) (func(T, time.Time) bool, error) {
	switch f.Kind {
	case Text, Exact, Keycode:
		if lx.op != "" {
			return nil, &SyntaxError{Column: v.column, Text: f.Name + " is a text and has no " + lx.op}
		}
		if f.Kind == Exact && len(f.Values) > 0 && !contains(f.Values, v.text, l.Fold) {
			return nil, &SyntaxError{Column: v.column, Text: f.Name + " is one of " + strings.Join(f.Values, " ")}
		}
		if want := l.Fold(v.text); want == "" || f.Kind == Keycode && strings.Trim(want, "-") == "" {
			return nil, nothingLeft(v)
		}
		return l.textMatch(f, v.text, lx.exact), nil
	case Age, Until:
		return timeMatch(f, lx, v)
	case Version:
		return versionMatch(f, lx, v)
	default:
		return numberMatch(f, lx, v)
	}
}

// nothingLeft refuses a value of blanks or marks that folds to nothing: as a part of a text it would match every row.
func nothingLeft(v value) error { return &SyntaxError{Column: v.column, Text: "a value is expected"} }

func contains(values []string, v string, fold func(string) string) bool {
	for _, x := range values {
		if fold(x) == fold(v) {
			return true
		}
	}
	return false
}

func (l *Language[T]) textMatch(f *Field[T], want string, exact bool) func(T, time.Time) bool {
	fold, text := l.Fold, f.Text
	if f.Kind == Keycode {
		plain := func(s string) string { return strings.ReplaceAll(fold(s), "-", "") }
		want = plain(want)
		return func(row T, _ time.Time) bool {
			if exact {
				return plain(text(row)) == want
			}
			return want != "" && strings.Contains(plain(text(row)), want)
		}
	}
	want = fold(want)
	if exact || f.Kind == Exact {
		return func(row T, _ time.Time) bool { return fold(text(row)) == want }
	}
	return func(row T, _ time.Time) bool { return strings.Contains(fold(text(row)), want) }
}

func compare(op string, a, b float64) bool {
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

func timeMatch[T any](f *Field[T], lx lexeme, v value) (func(T, time.Time) bool, error) {
	if strings.EqualFold(v.text, "never") && lx.op == "" {
		return func(row T, _ time.Time) bool { return f.Time(row).IsZero() }, nil
	}
	d, err := ParseAge(v.text)
	if err != nil {
		return nil, &SyntaxError{Column: v.column, Text: err.Error()}
	}
	op := lx.op
	if op == "" {
		return nil, &SyntaxError{Column: v.column, Text: f.Name + " needs < or >, for example " + f.Name + ":>30d"}
	}
	return func(row T, now time.Time) bool {
		at := f.Time(row)
		length := math.Inf(1)
		switch {
		case at.IsZero():
		case f.Kind == Age:
			length = float64(now.Sub(at))
		default:
			length = float64(at.Sub(now))
		}
		return compare(op, length, float64(d))
	}, nil
}

// ParseAge reads 90s, 15m, 2h, 30d, 6w, 1y.
func ParseAge(s string) (time.Duration, error) {
	units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour,
		"d": 24 * time.Hour, "w": 7 * 24 * time.Hour, "y": 365 * 24 * time.Hour}
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i > 0 {
		n, err := strconv.ParseFloat(s[:i], 64)
		unit, ok := units[strings.ToLower(s[i:])]
		if err == nil && ok && n*float64(unit) < math.MaxInt64/2 {
			return time.Duration(n * float64(unit)), nil
		}
	}
	return 0, &ageError{s}
}

type ageError struct{ text string }

func (e *ageError) Error() string {
	return strconv.Quote(e.text) + " is no time; write 15m, 2h, 30d, 6w or 1y"
}

func numberMatch[T any](f *Field[T], lx lexeme, v value) (func(T, time.Time) bool, error) {
	n, err := strconv.ParseFloat(v.text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, &SyntaxError{Column: v.column, Text: strconv.Quote(v.text) + " is no number"}
	}
	return func(row T, _ time.Time) bool { return compare(lx.op, f.Number(row), n) }, nil
}

func versionMatch[T any](f *Field[T], lx lexeme, v value) (func(T, time.Time) bool, error) {
	want := strings.TrimSpace(v.text)
	if lx.op == "" {
		if lx.exact {
			return func(row T, _ time.Time) bool { return f.Text(row) == want }, nil
		}
		return func(row T, _ time.Time) bool {
			have := f.Text(row)
			return have == want || strings.HasPrefix(have, strings.TrimRight(want, ".")+".")
		}, nil
	}
	if !isVersion(want) {
		return nil, &SyntaxError{Column: v.column, Text: strconv.Quote(want) + " is no version; write 9.0.36"}
	}
	return func(row T, _ time.Time) bool {
		have := f.Text(row)
		return isVersion(have) && compare(lx.op, float64(CompareVersions(have, want)), 0)
	}, nil
}

func isVersion(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.") == "" && s[0] != '.'
}

// CompareVersions compares dotted numbers of any length: 9.0.9 comes before 9.0.36. Missing parts, and parts that are no
// number, count as 0.
func CompareVersions(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := versionPart(as, i), versionPart(bs, i)
		if d := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); d != 0 {
			return d
		}
	}
	return 0
}

// versionPart is a part without leading zeros, so that a longer one is a larger number.
func versionPart(parts []string, i int) string {
	if i >= len(parts) || strings.Trim(parts[i], "0123456789") != "" {
		return ""
	}
	return strings.TrimLeft(parts[i], "0")
}
