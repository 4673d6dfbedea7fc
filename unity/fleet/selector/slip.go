package selector

import (
	"strings"
	"unicode"
)

// slip is a term that may be meant for a field, but has another sign in place of the colon: site=albion, seen > 30d. As a bare
// word it would quietly match nothing, and with ! before it everything.
type slip struct {
	// column is where the sign stands.
	column int
	name   string
	// op is = < <= > or >=; not is set where the sign also says that a value is another.
	op  string
	not bool
	// value is what follows, as it stands there.
	value string
}

// slip looks whether the term here is one, without taking it; its name is "" where it is not.
func (s *scanner) slip() slip {
	end := s.letters()
	look := scanner{in: s.in, at: end}
	look.blanks()
	out := slip{column: look.at + 1}
	out.not = look.take("!")
	from := look.at
	for !look.end() && strings.ContainsRune("=<>", look.peek()) {
		look.at++
	}
	if end == s.at || look.at == from {
		return slip{}
	}
	out.name = string(s.in[s.at:end])
	switch sign := string(s.in[from:look.at]); {
	case sign == "<>":
		out.op, out.not = "=", true
	case !strings.ContainsAny(sign, "<>"):
		out.op = "="
	case strings.Contains(sign, "="):
		out.op = strings.Trim(sign, "=")[:1] + "="
	default:
		out.op = sign[:1]
	}
	look.blanks()
	from = look.at
	if _, err := look.word(false); err == nil {
		out.value = string(s.in[from:look.at])
	}
	return out
}

// slipped is the mistake of a bare word that is a field of the language with a wrong sign; nil for any other word.
func (l *Language[T]) slipped(lx lexeme) error {
	if lx.slip.name == "" {
		return nil
	}
	spellings := l.spellings(lx.slip)
	if spellings == nil {
		return nil
	}
	not := ""
	if lx.neg != lx.slip.not {
		not = "!"
	}
	return &SyntaxError{Column: lx.slip.column, Text: "a field takes a colon: write " + not + strings.Join(spellings, " or "+not)}
}

// spellings are the terms that may have been meant; none where no field has the name.
func (l *Language[T]) spellings(s slip) []string {
	name, value := l.Fold(s.name), printable(s.value)
	if l.Views != nil && name == viewField {
		return []string{viewField + ":" + value}
	}
	f := l.field(name)
	if f == nil {
		return nil
	}
	head := f.Name + ":"
	switch f.Kind {
	case Text, Keycode:
		if s.op == "=" {
			return []string{head + "=" + value, head + value}
		}
	case Age, Until:
		switch {
		case s.op != "=":
			return []string{head + s.op + value}
		case l.Fold(value) != never:
			return []string{head + ">" + value, head + "<" + value}
		}
	case Version, Number:
		if s.op != "=" {
			return []string{head + s.op + value}
		}
	case Exact:
	}
	return []string{head + value}
}

// longestShown is how much of a value is repeated in a message.
const longestShown = 40

// printable is a value as a message shows it: dots for none, and for one that is long or has signs that cannot be shown.
func printable(value string) string {
	length := 0
	for _, r := range value {
		if length++; !unicode.IsPrint(r) {
			return "…"
		}
	}
	if length == 0 || length > longestShown {
		return "…"
	}
	return value
}

// wildcard is the mistake of a value with a * for a field that never holds one.
func wildcard(head string, v value) error {
	longest := ""
	for part := range strings.SplitSeq(v.text, "*") {
		if part = strings.TrimSpace(part); len(part) > len(longest) {
			longest = part
		}
	}
	text := "there are no wildcards"
	if longest != "" {
		text += ": " + head + printable(quoteName(longest)) + " finds it anywhere in the text"
	}
	return &SyntaxError{Column: v.column, Text: text + "; in quotes * stands for itself"}
}
