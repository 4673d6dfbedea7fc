package change

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
)

// Prepared is a change that can be planned with dispatch.MakeObject, and what is to be done once it was sent.
type Prepared struct {
	dispatch.ObjectChange
	// Keys are the invalidation keys of what the change alters.
	Keys []string
	// after reads the object again once the change was sent.
	after func(context.Context, *unity.Client) (Outcome, error)
}

// Outcome is what was read after a change.
type Outcome struct {
	// Notes are sentences for the person: the new state, or that the server may show the change late.
	Notes []string
	// Alarms are sentences about what is not as it was asked for, and about what changed besides.
	Alarms []string
	// Site is the new or changed site, Group the new group, Admin the new admin; nil where there is none or it cannot be told.
	Site  *unity.Site
	Group *unity.Group
	Admin *unity.Admin
}

// After reads the object again after the change was sent, and says how it is now. An error means that it could not be read,
// not that the change failed.
func (p *Prepared) After(ctx context.Context, c *unity.Client) (Outcome, error) {
	if p.after == nil {
		return Outcome{}, nil
	}
	return p.after(ctx, c)
}

// InvalidError tells that values break a rule of the reference. Nothing was sent.
type InvalidError struct {
	Form     edit.Form
	Problems []edit.Problem
}

// Error names every field by its flag.
func (e *InvalidError) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		name := p.Field
		if f, ok := e.Form.Field(p.Field); ok {
			name = "--" + f.Flag()
		}
		lines = append(lines, name+": "+p.Text)
	}
	return strings.Join(lines, "; ")
}

// ErrUnchanged tells that an edit changes nothing.
var ErrUnchanged = errors.New("nothing is changed: every value is as it was")

// StateError tells that an object is not in a state in which the change means anything.
type StateError struct{ Text string }

// Error says what the state is.
func (e *StateError) Error() string { return e.Text }

// creation validates and writes the body of a new object.
func creation(f edit.Form, v edit.Values) (json.RawMessage, error) {
	if problems := f.Validate(v); len(problems) > 0 {
		return nil, &InvalidError{f, problems}
	}
	return f.Body(v)
}

// edition validates and writes the body of a change.
func edition(f edit.Form, before, after edit.Values) (json.RawMessage, error) {
	if problems := f.ValidateEdit(before, after); len(problems) > 0 {
		return nil, &InvalidError{f, problems}
	}
	if len(f.Changed(before, after)) == 0 {
		return nil, ErrUnchanged
	}
	return f.EditBody(before, after)
}

// inverse is the body that takes a change back, or nil where the values before cannot be sent.
func inverse(f edit.Form, before, after edit.Values) json.RawMessage {
	back := edit.Values{}
	merged := f.Merge(before, after)
	for name := range f.Changed(before, after) {
		if old, ok := f.Tidy(before)[name]; ok && old != "" {
			back[name] = old
		} else {
			return nil
		}
	}
	if len(f.ValidateEdit(merged, back)) > 0 {
		return nil
	}
	body, err := f.EditBody(merged, back)
	if err != nil {
		return nil
	}
	return body
}

func fieldChanges(f edit.Form, before, after edit.Values) []dispatch.FieldChange {
	var out []dispatch.FieldChange
	for _, d := range f.Diff(before, after) {
		out = append(out, dispatch.FieldChange{Field: d.Field, Before: d.Before, After: d.After})
	}
	return out
}

func asJSON(v edit.Values) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

// moved words the differences between what was expected after a change and what was read.
func moved(f edit.Form, before, after, got edit.Values) []string {
	changed := f.Changed(before, after)
	var out []string
	for _, d := range f.Moved(f.Merge(before, after), got) {
		if _, asked := changed[d.Field]; asked {
			out = append(out, fmt.Sprintf("%s is %s, not %s as asked for", d.Label, quote(d.After), quote(d.Before)))
			continue
		}
		out = append(out, fmt.Sprintf("%s changed as well: it was %s and is %s", d.Label, quote(d.Before), quote(d.After)))
	}
	return out
}

func quote(s string) string {
	if s == "" {
		return "empty"
	}
	return `"` + unity.Clean(s) + `"`
}

// expect gives the values of a change as the record of the object shows them; names maps fields that the record calls
// otherwise, and those that map to "" are not shown in a way that can be compared.
func expect(f edit.Form, changed edit.Values, names map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range changed {
		if other, ok := names[name]; ok {
			name = other
		}
		if field, ok := f.Field(name); ok && field.Kind == edit.Level {
			n, _ := edit.LevelNumber(value)
			value = fmt.Sprint(n)
		}
		if name != "" {
			out[name] = value
		}
	}
	return out
}
