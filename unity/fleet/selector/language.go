package selector

import (
	"fmt"
	"strings"
	"time"
)

// Kind says how values of a field compare.
type Kind int

// The kinds of fields.
const (
	// Text is a folded substring; := is the whole text, folded.
	Text Kind = iota
	// Exact compares the whole, folded: ids, states, types.
	Exact
	// Keycode is a substring that ignores dashes.
	Keycode
	// Age is the time since an instant; an instant that never was is older than any age.
	Age
	// Until is the time to an instant; an instant that is not set is never reached.
	Until
	// Version compares dotted numbers.
	Version
	// Number compares numbers.
	Number
)

// Field is a name that a term can use.
type Field[T any] struct {
	Name string
	Kind Kind
	// Text gives the value of Text, Exact, Keycode and Version fields.
	Text func(T) string
	// Time gives the instant of Age and Until fields; the zero time is "never".
	Time func(T) time.Time
	// Number gives the value of Number fields.
	Number func(T) float64
	// Known tells whether the row knows the field at all; nil means always.
	Known func(T) bool
	// Possible lists what the value of an Exact field can be for a row that does not know it; nil means anything.
	Possible func(T) []string
	// Values are proposed on completion.
	Values []string
	// NoStar tells that no value ever holds a *, so that one outside of quotes is meant for a wildcard, which the language does
	// not have.
	NoStar bool
	// Scope is the token scope the field's data needs; "" for none.
	Scope string
}

// Language is a set of fields.
type Language[T any] struct {
	Fields []Field[T]
	// Bare names the fields a bare word looks in.
	Bare []string
	// Fold makes texts comparable.
	Fold func(string) string
	// MissingScope tells whether the token lacks a scope; nil means it never does.
	MissingScope func(scope string) bool
	// Views are saved expressions by their names, for which the term "view:NAME" stands; nil means that there is no such term.
	Views map[string]string
}

// SyntaxError is a mistake in an expression.
type SyntaxError struct {
	// Column is where, counted in characters from 1.
	Column int
	Text   string
}

// Error names the column.
func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Column, e.Text) }

// ScopeError tells that a field needs a scope that the token lacks.
type ScopeError struct{ Field, Scope string }

// Error names field and scope.
func (e *ScopeError) Error() string {
	return fmt.Sprintf("%s: needs the scope %s, which this sign-in does not have", e.Field, e.Scope)
}

func (l *Language[T]) field(name string) *Field[T] {
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return &l.Fields[i]
		}
	}
	return nil
}

func (l *Language[T]) names() string {
	var names []string
	for i := range l.Fields {
		names = append(names, l.Fields[i].Name)
	}
	if l.Views != nil {
		names = append(names, viewField)
	}
	return strings.Join(names, " ")
}

// Complete proposes completions of the last term of an expression: field names, then values, also after | and :=. Inside
// quotes it proposes nothing.
func (l *Language[T]) Complete(expr string) []string {
	if strings.Count(expr, `"`)%2 != 0 {
		return nil
	}
	at := strings.LastIndexByte(expr, ' ') + 1
	head, term := expr[:at], expr[at:]
	if strings.HasPrefix(term, "!") {
		head, term = head+"!", term[1:]
	}
	name, value, isField := strings.Cut(term, ":")
	if !isField {
		return l.completeName(head, name)
	}
	f := l.field(strings.ToLower(name))
	switch {
	case f == nil && strings.EqualFold(name, viewField):
		return l.completeView(head, value)
	case f == nil:
		return nil
	}
	head += f.Name + ":"
	if cut := strings.LastIndexAny(value, "|=") + 1; cut > 0 {
		head, value = head+value[:cut], value[cut:]
	}
	var out []string
	for _, v := range f.Values {
		if strings.HasPrefix(l.Fold(v), l.Fold(value)) {
			if strings.ContainsAny(v, " |") {
				v = `"` + v + `"`
			}
			out = append(out, head+v)
		}
	}
	return out
}

func (l *Language[T]) completeName(head, start string) []string {
	var out []string
	for i := range l.Fields {
		if start != "" && strings.HasPrefix(l.Fields[i].Name, strings.ToLower(start)) {
			out = append(out, head+l.Fields[i].Name+":")
		}
	}
	if start != "" && len(l.Views) > 0 && strings.HasPrefix(viewField, strings.ToLower(start)) {
		out = append(out, head+viewField+":")
	}
	return out
}
