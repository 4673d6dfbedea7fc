package selector

import (
	"slices"
	"time"
)

// Why says through which fields an expression matched a row, or did not.
type Why struct {
	Answer Answer
	// Fields are the fields through which terms matched, each once, in the order of the terms: those that hold a bare word,
	// and the field of any other term. A negated term has "!" before its field.
	Fields []string
	// Not is the field in which bare words are looked for first, where it holds none of those that matched elsewhere; ""
	// where nothing is to be said. A person who types a word means that field.
	Not string
	// Against are the fields of the terms that did not match, or of which nobody knows. For a bare word that is the field in
	// which it is looked for first.
	Against []string
}

// Explain says of a row why the expression matches it, or why not. It gives the answer of Eval.
func (p *Plan[T]) Explain(row T, now time.Time) Why {
	w := Why{Answer: Yes}
	for i := range p.terms {
		t := &p.terms[i]
		switch answer := p.EvalTerm(i, row, now); answer {
		case Yes:
			w.matched(t.through(row), t.first(row))
		case No:
			w.Answer = No
			w.Against = with(w.Against, t.label(t.named()))
		case Unknown:
			if w.Answer == Yes {
				w.Answer = Unknown
			}
			w.Against = with(w.Against, t.label(t.named()))
		}
	}
	return w
}

func (w *Why) matched(through []string, not string) {
	for _, name := range through {
		w.Fields = with(w.Fields, name)
	}
	if not != "" {
		w.Not = not
	}
}

// with appends a name that is not there yet.
func with(names []string, name string) []string {
	if name == "" || slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// label marks the field of a negated term.
func (t *term[T]) label(name string) string {
	if t.test.Neg && name != "" {
		return "!" + name
	}
	return name
}

// named is the term's field, or the first one of a bare word; "" where a bare word has none.
func (t *term[T]) named() string {
	if len(t.where) == 0 {
		return ""
	}
	return t.where[0].Name
}

// through gives the fields by which a term that matched did so.
func (t *term[T]) through(row T) []string {
	if t.test.Field != "" || t.test.Neg {
		return []string{t.label(t.named())}
	}
	var out []string
	for _, f := range t.where {
		if f.knows(row) && f.bare(t.test, row) {
			out = append(out, f.Name)
		}
	}
	return out
}

// first gives the first field of a bare word that matched, where the word was found in others only.
func (t *term[T]) first(row T) string {
	if t.test.Field != "" || t.test.Neg || len(t.where) < 2 {
		return ""
	}
	if f := t.where[0]; !f.knows(row) || !f.bare(t.test, row) {
		return f.Name
	}
	return ""
}
