package edit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Change is a field whose value is not what it was.
type Change struct {
	// Field is the API's name, Label what a person reads.
	Field, Label string
	// Before and After are the values as text; "" is nothing.
	Before, After string
}

// Changed gives the values of after that differ from before. What after does not hold is not changed.
func (f Form) Changed(before, after Values) Values {
	before, after = f.Tidy(before), f.Tidy(after)
	out := Values{}
	for name, value := range after {
		old, had := before[name]
		field, _ := f.Field(name)
		if had && field.same(old, value) || !had && value == "" {
			continue
		}
		out[name] = value
	}
	f.together(out, before, after)
	return out
}

// together settles fields that mean something only beside another one.
func (f Form) together(changed, before, after Values) {
	for _, field := range f.Fields {
		value := after[field.Name]
		if field.beside == "" || value == "" {
			continue
		}
		_, moved := changed[field.beside]
		if !moved && value == field.Options[0] {
			delete(changed, field.Name)
			continue
		}
		other := after[field.beside]
		if other == "" {
			other = before[field.beside]
		}
		if other != "" {
			changed[field.beside] = other
		}
	}
}

// Merge gives the values as they are after an edit.
func (f Form) Merge(before, after Values) Values {
	out := f.Tidy(before)
	for name, value := range f.Tidy(after) {
		out[name] = value
	}
	return out
}

// same compares values by what they mean: the order of addresses is nothing a person would call a change.
func (f Field) same(a, b string) bool {
	switch f.Kind {
	case Emails:
		x, y := splitList(strings.ToLower(a)), splitList(strings.ToLower(b))
		sort.Strings(x)
		sort.Strings(y)
		return strings.Join(x, ",") == strings.Join(y, ",")
	case Modules:
		return sameLicences(a, b)
	}
	return a == b
}

// Diff lists the changed fields in the order of the form.
func (f Form) Diff(before, after Values) []Change {
	changed := f.Changed(before, after)
	before = f.Tidy(before)
	var out []Change
	for _, field := range f.Fields {
		if value, ok := changed[field.Name]; ok {
			if field.Kind == Modules {
				value = withOthers(value, before[field.Name])
			}
			out = append(out, Change{Field: field.Name, Label: field.Label, Before: before[field.Name], After: value})
		}
	}
	return out
}

// Moved lists the fields that are not as they were expected to be when they were read again after a change: want are the
// values before with the change applied, got is what was read. Fields that the answer does not show are left out.
func (f Form) Moved(want, got Values) []Change {
	want, got = f.Tidy(want), f.Tidy(got)
	var out []Change
	for _, field := range f.Fields {
		w, wanted := want[field.Name]
		g, shown := got[field.Name]
		if wanted && shown && !field.same(w, g) {
			out = append(out, Change{Field: field.Name, Label: field.Label, Before: w, After: g})
		}
	}
	return out
}

// Body writes the JSON of a creation: every field that is set, none that is not.
func (f Form) Body(v Values) (json.RawMessage, error) {
	v = f.Tidy(v)
	for name, value := range v {
		if value == "" {
			delete(v, name) // left out: the server takes its default
		}
	}
	return f.write(v, nil)
}

// EditBody writes the JSON of an edit: the changed fields and no others. Of modules only those that differ are sent, so that
// an edit never renews a licence that it did not mean.
func (f Form) EditBody(before, after Values) (json.RawMessage, error) {
	return f.write(f.Changed(before, after), f.Tidy(before))
}

func (f Form) write(v, before Values) (json.RawMessage, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for _, field := range f.Fields {
		value, ok := v[field.Name]
		if !ok {
			continue
		}
		member, err := field.json(value, before)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", field.Name, err)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(field.Name) + ":")
		// A person reads the body before it goes, so "&" stays "&".
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(member); err != nil {
			return nil, fmt.Errorf("%s: %w", field.Name, err)
		}
		b.Truncate(b.Len() - 1) // the encoder's line end
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// json gives a value in the type of the reference.
func (f Field) json(value string, before Values) (any, error) {
	switch {
	case f.Kind == Number:
		n, err := strconv.ParseInt(value, 10, 32)
		return n, err
	case f.Kind == YesNo:
		on, ok := truth(value)
		if !ok {
			return nil, fmt.Errorf("%q is neither yes nor no", value)
		}
		return on, nil
	case f.numbers != nil:
		n, ok := f.numbers[value]
		if !ok {
			return nil, fmt.Errorf("%q is none of the values", value)
		}
		return n, nil
	case f.Kind == Modules:
		return moduleBody(value, before)
	}
	return value, nil
}

// moduleBody writes modules: with a state before, only those that differ, each with Enable (§3.3.4); without, those that are
// on (§3.3.3).
func moduleBody(value string, before Values) (any, error) {
	if _, problem := parseModules(value); problem != "" {
		return nil, fmt.Errorf("%s", problem)
	}
	type created struct{ Type, LicenseType string }
	type edited struct {
		Type, LicenseType string
		Enable            bool
	}
	now := licences(value)
	if before == nil {
		out := []created{}
		for _, kind := range moduleKinds() {
			if now[kind] != moduleOff {
				out = append(out, created{kind, now[kind]})
			}
		}
		return out, nil
	}
	state, known := before["Modules"]
	was := licences(state)
	named, _ := parseModules(value)
	out := []edited{}
	for _, kind := range moduleKinds() {
		switch {
		case !known && now[kind] == moduleOff:
			if slices.ContainsFunc(named, func(m module) bool { return m.kind == kind }) {
				out = append(out, edited{kind, "Full", false})
			}
		case known && now[kind] == was[kind]:
		case now[kind] == moduleOff:
			out = append(out, edited{kind, was[kind], false})
		default:
			out = append(out, edited{kind, now[kind], true})
		}
	}
	return out, nil
}
