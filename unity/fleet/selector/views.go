package selector

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// viewField is the name of the term that stands for a saved expression.
const viewField = "view"

// view gives the saved expression that a term names, and its name as it is saved. Its terms are ANDed with the rest, so an
// expression with several terms has no negation. Views do not name views.
func (l *Language[T]) view(lx lexeme) (name string, saved *Plan[T], err error) {
	v := lx.values[0]
	fail := func(text string) (string, *Plan[T], error) {
		return "", nil, &SyntaxError{Column: v.column, Text: text}
	}
	switch {
	case lx.neg:
		return "", nil, &SyntaxError{Column: lx.column, Text: "a view cannot be negated"}
	case lx.op != "" || len(lx.values) > 1:
		return fail("view takes the name of one view")
	}
	name, known := l.viewNamed(v.text)
	if !known {
		if len(l.Views) == 0 {
			return fail("there is no view " + quoteName(v.text) + ": none is saved in the configuration")
		}
		return fail("there is no view " + quoteName(v.text) + "; there are " + strings.Join(l.viewNames(), " "))
	}
	plain := *l
	plain.Views = nil
	saved, err = plain.Parse(l.Views[name])
	var syntax *SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fail("in the view " + quoteName(name) + ", " + syntax.Error())
	case err != nil:
		return "", nil, err
	}
	return name, saved, nil
}

// viewNamed gives the name of a view as it is saved: the same name, or else one that folds to the same.
func (l *Language[T]) viewNamed(name string) (saved string, known bool) {
	if _, ok := l.Views[name]; ok {
		return name, true
	}
	for _, saved := range slices.Sorted(maps.Keys(l.Views)) {
		if l.Fold(saved) == l.Fold(name) {
			return saved, true
		}
	}
	return "", false
}

// viewNames are the names of all views as a term takes them, in order.
func (l *Language[T]) viewNames() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(l.Views)) {
		out = append(out, quoteName(name))
	}
	return out
}

// completeView proposes names of views that begin like a value.
func (l *Language[T]) completeView(head, value string) []string {
	value = strings.TrimPrefix(value, "=")
	var out []string
	for _, name := range slices.Sorted(maps.Keys(l.Views)) {
		if strings.HasPrefix(l.Fold(name), l.Fold(value)) {
			out = append(out, head+viewField+":"+quoteName(name))
		}
	}
	return out
}

// quoteName puts a name into quotes where the language would read it as something else.
func quoteName(name string) string {
	if name != "" && !strings.ContainsAny(name, " \t\n\"|\\") && !strings.HasPrefix(name, "=") && !strings.HasPrefix(name, "<") && !strings.HasPrefix(name, ">") {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
