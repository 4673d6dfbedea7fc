package edit

import (
	"strings"

	"github.com/unitty/unitty/unity"
)

// Kind says what a field holds, and with it how it is asked for and written as JSON.
type Kind int

// The kinds of fields.
const (
	// Text is one line.
	Text Kind = iota
	// Lines is text of several lines.
	Lines
	// Number is a whole number.
	Number
	// YesNo is a truth value: "true" or "false".
	YesNo
	// Choice is one of Options.
	Choice
	// Level is an access level: one of Options, sent as a number.
	Level
	// Emails is a list of addresses with commas between them.
	Emails
	// Policy is the id of a policy; people choose it by name.
	Policy
	// Modules is a list such as "DNSP=Trial,WSAT=Full".
	Modules
)

// Field is one field of a request's body.
type Field struct {
	// Name is the API's name.
	Name string
	// Label is what a person reads before the input.
	Label string
	// Help is the rule in one sentence, as the reference gives it.
	Help string
	Kind Kind
	// Required refuses an empty value.
	Required bool
	// Default is what the server takes when the field is left out, "" when it has none or leaves things as they are.
	Default string
	// Options are the words of a Choice or a Level.
	Options []string
	// Most and Least bound the length of a text in characters; 0 means no bound.
	Least, Most int
	// numbers are what the words of a Level, or of a Choice that is sent as a number, stand for.
	numbers map[string]int
	// with names fields whose change makes this one worth checking again.
	with []string
	// beside names the field without which this one means nothing: they are sent together, and the first option of this one is
	// sent only when the other has changed.
	beside string
	// rule is checked on top of what the kind asks for. It sees all values, since some rules tie fields together.
	rule func(value string, all Values) string
}

// Flag is the field as a flag of a verb: the API's name in kebab case, "billing-cycle".
func (f Field) Flag() string {
	var b strings.Builder
	for i, r := range f.Name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 {
			previous := f.Name[i-1]
			if previous < 'A' || previous > 'Z' {
				b.WriteByte('-')
			}
		}
		if upper {
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Values are values of fields by the API's names, each as text. A field that is missing is not set; it is not the same as
// one that is set to nothing.
type Values map[string]string

// Clone gives a copy.
func (v Values) Clone() Values {
	out := make(Values, len(v))
	for name, value := range v {
		out[name] = value
	}
	return out
}

// Problem is what is wrong with the value of a field.
type Problem struct {
	// Field is the API's name.
	Field string
	// Text says what is wrong and what would be right.
	Text string
}

// Form is a set of fields that are sent together.
type Form struct {
	// ID is the action that sends them: "site.create".
	ID string
	// Fields are in the order in which they are asked for and sent.
	Fields []Field
	// Edit is true when what is left out stays as it is.
	Edit bool
}

// Field finds a field by the API's name.
func (f Form) Field(name string) (Field, bool) {
	for _, field := range f.Fields {
		if field.Name == name {
			return field, true
		}
	}
	return Field{}, false
}

// Tidy gives the values as they will be sent: blanks around them are gone, words have the case of the reference, lists are
// written in one way. Values that cannot be read stay as they are, for Validate to name them.
func (f Form) Tidy(v Values) Values {
	out := Values{}
	for name, value := range v {
		if field, ok := f.Field(name); ok {
			out[name] = field.tidy(value)
		}
	}
	return out
}

// Validate says what is wrong with the values of a creation, or with the fields of an edit on their own. It is quick enough
// to be called while somebody types.
func (f Form) Validate(v Values) []Problem {
	var out []Problem
	v = f.Tidy(v)
	for _, field := range f.Fields {
		if text := f.check(field, v); text != "" {
			out = append(out, Problem{field.Name, text})
		}
	}
	return out
}

// ValidateEdit says what is wrong with an edit. What is stored already and is not touched is never called wrong, unless a
// change of another field makes it so.
func (f Form) ValidateEdit(before, after Values) []Problem {
	changed, merged := f.Changed(before, after), f.Merge(before, after)
	var out []Problem
	for _, field := range f.Fields {
		_, touched := changed[field.Name]
		for _, other := range field.with {
			_, also := changed[other]
			touched = touched || also
		}
		if !touched {
			continue
		}
		if text := f.check(field, merged); text != "" {
			out = append(out, Problem{field.Name, text})
		}
	}
	return out
}

func (f Form) check(field Field, v Values) string {
	value, set := v[field.Name]
	if value == "" {
		return f.checkEmpty(field, set, v)
	}
	if text := field.checkKind(value); text != "" {
		return text
	}
	if field.rule != nil {
		return field.rule(value, v)
	}
	return ""
}

// checkEmpty says what is wrong with a field that has no value. An edit cannot take a value away: what is left out stays, and
// only a site without modules is something the API knows.
func (f Form) checkEmpty(field Field, set bool, v Values) string {
	if field.Required && (set || !f.Edit) {
		return "this is needed"
	}
	if field.rule != nil {
		if text := field.rule("", v); text != "" {
			return text
		}
	}
	if f.Edit && set && field.Kind != Modules {
		return "this cannot be emptied"
	}
	return ""
}

// Unknown lists names in the values that are no fields of the form.
func (f Form) Unknown(v Values) []string {
	var out []string
	for name := range v {
		if _, ok := f.Field(name); !ok {
			out = append(out, unity.Clean(name))
		}
	}
	return out
}
