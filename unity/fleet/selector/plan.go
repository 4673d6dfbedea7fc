package selector

import (
	"cmp"
	"math"
	"slices"
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
	views  []string
}

// term is a test with the fields it looks in: one, or several for a bare word.
type term[T any] struct {
	test  *Test
	where []*Field[T]
}

// Fields are the fields the expression names, bare words included as "".
func (p *Plan[T]) Fields() []string { return p.fields }

// Views are the saved expressions that the expression names, as they are saved, in the order of its terms.
func (p *Plan[T]) Views() []string { return p.views }

// Empty tells an expression without terms, which every row matches.
func (p *Plan[T]) Empty() bool { return len(p.terms) == 0 }

// Eval asks the plan about a row.
func (p *Plan[T]) Eval(row T, now time.Time) Answer {
	out := Yes
	for i := range p.terms {
		switch p.EvalTerm(i, row, now) {
		case No:
			return No
		case Unknown:
			out = Unknown
		case Yes:
		}
	}
	return out
}

// Excludes tells that a term of one of some fields says No of a row by itself, whatever else the row has.
func (p *Plan[T]) Excludes(row T, now time.Time, fields ...string) bool {
	for i := range p.terms {
		if slices.Contains(fields, p.terms[i].test.Field) && p.EvalTerm(i, row, now) == No {
			return true
		}
	}
	return false
}

// Match is Eval where an unknown row is left out.
func (p *Plan[T]) Match(row T, now time.Time) bool { return p.Eval(row, now) == Yes }

// Tests are the terms. A row is No where one of them is, else Unknown where one of them is, else Yes.
func (p *Plan[T]) Tests() []*Test {
	out := make([]*Test, len(p.terms))
	for i := range p.terms {
		out[i] = p.terms[i].test
	}
	return out
}

// EvalTerm asks one term, by its place in Tests, about a row.
func (p *Plan[T]) EvalTerm(i int, row T, now time.Time) Answer {
	t := &p.terms[i]
	if t.test.Field != "" {
		return t.where[0].ask(t.test, row, now)
	}
	for _, f := range t.where {
		if f.knows(row) && f.bare(t.test, row) {
			return t.test.Say(true, true)
		}
	}
	return t.test.Say(false, true)
}

func (f *Field[T]) knows(row T) bool { return f.Known == nil || f.Known(row) }

// bare tells whether the field has a bare word as a part; a field that is looked at by keycode ignores its dashes.
func (f *Field[T]) bare(t *Test, row T) bool {
	if f.Kind != Keycode {
		return t.Folded(t.fold(f.Text(row)))
	}
	want := FoldKeycode(t.Wants[0].Text)
	return want != "" && strings.Contains(FoldKeycode(t.fold(f.Text(row))), want)
}

func (f *Field[T]) ask(t *Test, row T, now time.Time) Answer {
	known := f.knows(row)
	switch {
	case !known && f.Possible != nil:
		return t.SayPossible(f.Possible(row))
	case !known:
		return Unknown
	case f.Kind == Age, f.Kind == Until:
		return t.Say(t.Time(f.Time(row), now), true)
	case f.Kind == Number:
		return t.Say(t.Number(f.Number(row)), true)
	default:
		return t.SayText(f.Text(row))
	}
}

// Parse reads an expression.
func (l *Language[T]) Parse(expr string) (*Plan[T], error) {
	lexemes, err := scan(expr)
	if err != nil {
		return nil, err
	}
	p := &Plan[T]{}
	for _, lx := range lexemes {
		if l.Views != nil && lx.name == viewField {
			name, saved, err := l.view(lx)
			if err != nil {
				return nil, err
			}
			p.terms, p.fields, p.views = append(p.terms, saved.terms...), append(p.fields, saved.fields...), append(p.views, name)
			continue
		}
		t, err := l.compile(lx)
		if err != nil {
			return nil, err
		}
		p.terms = append(p.terms, t)
		p.fields = append(p.fields, lx.name)
	}
	return p, nil
}

func (l *Language[T]) compile(lx lexeme) (term[T], error) {
	if lx.name == "" {
		if err := l.slipped(lx); err != nil {
			return term[T]{}, err
		}
		return l.bare(lx)
	}
	f := l.field(lx.name)
	if f == nil {
		return term[T]{}, &SyntaxError{Column: lx.column, Text: "unknown field " + strconv.Quote(lx.name) + "; there are " + l.names()}
	}
	if f.Scope != "" && l.MissingScope != nil && l.MissingScope(f.Scope) {
		return term[T]{}, &ScopeError{Field: f.Name, Scope: f.Scope}
	}
	t := &Test{Field: f.Name, Kind: f.Kind, Neg: lx.neg, Op: lx.op, Exact: lx.exact || f.Kind == Exact, fold: l.Fold}
	for _, v := range lx.values {
		w, err := l.want(f, lx, v)
		if err != nil {
			return term[T]{}, err
		}
		t.Wants = append(t.Wants, w)
	}
	return term[T]{test: t, where: []*Field[T]{f}}, nil
}

// bare looks in several fields; those that a row does not know are passed over.
func (l *Language[T]) bare(lx lexeme) (term[T], error) {
	v := lx.values[0]
	want := l.Fold(v.text)
	if want == "" {
		return term[T]{}, nothingLeft(v)
	}
	t := term[T]{test: &Test{Kind: Text, Neg: lx.neg, Wants: []Want{{Text: want}}, fold: l.Fold}}
	for _, name := range l.Bare {
		if f := l.field(name); f != nil && f.Text != nil {
			t.where = append(t.where, f)
		}
	}
	if v.star && !slices.ContainsFunc(t.where, func(f *Field[T]) bool { return !f.NoStar }) {
		return term[T]{}, wildcard("", v)
	}
	return t, nil
}

// want reads one value of a term.
func (l *Language[T]) want(f *Field[T], lx lexeme, v value) (Want, error) {
	switch f.Kind {
	case Text, Exact, Keycode:
		if lx.op != "" {
			return Want{}, &SyntaxError{Column: v.column, Text: f.Name + " is a text and has no " + lx.op}
		}
		if v.star && f.NoStar {
			return Want{}, wildcard(f.Name+":", v)
		}
		if f.Kind == Exact && len(f.Values) > 0 && !contains(f.Values, v.text, l.Fold) {
			return Want{}, &SyntaxError{Column: v.column, Text: f.Name + " is one of " + strings.Join(f.Values, " ")}
		}
		text := l.Fold(v.text)
		if f.Kind == Keycode {
			text = FoldKeycode(text)
		}
		if text == "" {
			return Want{}, nothingLeft(v)
		}
		return Want{Text: text}, nil
	case Age, Until:
		return wantAge(f.Name, lx, v)
	case Version:
		want := strings.TrimSpace(v.text)
		if lx.op != "" && !IsVersion(want) {
			return Want{}, &SyntaxError{Column: v.column, Text: strconv.Quote(want) + " is no version; write 9.0.36"}
		}
		return Want{Text: want}, nil
	default:
		n, err := strconv.ParseFloat(v.text, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return Want{}, &SyntaxError{Column: v.column, Text: strconv.Quote(v.text) + " is no number"}
		}
		return Want{Number: n}, nil
	}
}

// never is the value of ages for an instant that is not set.
const never = "never"

func wantAge(field string, lx lexeme, v value) (Want, error) {
	if strings.EqualFold(v.text, never) && lx.op == "" {
		return Want{Never: true}, nil
	}
	d, err := ParseAge(v.text)
	if err != nil {
		return Want{}, &SyntaxError{Column: v.column, Text: err.Error()}
	}
	if lx.op == "" {
		return Want{}, &SyntaxError{Column: v.column, Text: field + " needs < or >, for example " + field + ":>30d"}
	}
	return Want{Age: d}, nil
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

// IsVersion tells dotted numbers from other text: only they have an order.
func IsVersion(s string) bool {
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
