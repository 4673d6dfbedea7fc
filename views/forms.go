package views

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/form"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// afterTime bounds the reading of an object after it was changed.
const afterTime = time.Minute

// formFields makes the fields of a form from their declaration. before are the values of an edit, nil for something new.
// What the record does not show starts as unchanged, so that opening a form and sending it changes nothing.
func formFields(f edit.Form, before edit.Values, policies []unity.Policy) []form.Field {
	out := make([]form.Field, 0, len(f.Fields))
	for _, field := range f.Fields {
		in := form.Field{ID: field.Name, Label: field.Label, Help: field.Help, Value: before[field.Name], Placeholder: field.Default,
			Required: field.Required, Multiline: field.Kind == edit.Lines}
		in.Check = func(_ string, all map[string]string) string { return problemOf(f, before, all, field.Name) }
		options(&in, field, before, policies)
		out = append(out, in)
	}
	return out
}

// options makes a choice of the fields that have one.
func options(in *form.Field, field edit.Field, before edit.Values, policies []unity.Policy) {
	value, known := before[field.Name]
	add := func(option, label string) {
		in.Options, in.Labels = append(in.Options, option), append(in.Labels, label)
	}
	none := "as the server decides"
	if before != nil {
		none = "unchanged"
	}
	switch field.Kind {
	case edit.YesNo:
		if before != nil && !known {
			add("", none)
		}
		add("false", "no")
		add("true", "yes")
	case edit.Choice, edit.Level:
		if before != nil && value == "" {
			add("", none)
		}
		for _, o := range field.Options {
			add(o, o)
		}
	case edit.Policy:
		if value == "" {
			add("", none)
		}
		for i := range policies {
			add(string(policies[i].ID), policies[i].Label())
		}
	case edit.Text, edit.Lines, edit.Number, edit.Emails, edit.Modules:
		return
	}
	// A stored value that is none of the options stays one, so that it is not replaced by the first of them.
	for _, o := range in.Options {
		if o == value {
			return
		}
	}
	if value != "" {
		in.Options, in.Labels = append([]string{value}, in.Options...), append([]string{unity.Clean(value)}, in.Labels...)
	}
}

// problemOf is what is wrong with one field of a form in the light of all.
func problemOf(f edit.Form, before edit.Values, all map[string]string, name string) string {
	problems := f.Validate(edit.Values(all))
	if before != nil {
		problems = f.ValidateEdit(before, given(before, all))
	}
	for _, p := range problems {
		if p.Field == name {
			return p.Text
		}
	}
	return ""
}

// given are the values of a form without those that were not known before and stayed empty.
func given(before edit.Values, all map[string]string) edit.Values {
	out := edit.Values{}
	for name, value := range all {
		if _, known := before[name]; known || strings.TrimSpace(value) != "" {
			out[name] = value
		}
	}
	return out
}

// proposeChange plans the change of an object and asks about it; afterwards the object is read again and what is not as it
// should be is said.
func (e *Env) proposeChange(title string, prepare func(context.Context) (*change.Prepared, error), show func(change.Outcome) tea.Cmd) tea.Cmd {
	return ui.Propose(title, func(ctx context.Context) (ui.Plan, error) {
		p, err := prepare(ctx)
		if err != nil {
			return ui.Plan{}, err
		}
		console, err := e.Console(ctx)
		if err != nil {
			return ui.Plan{}, err
		}
		plan, err := dispatch.MakeObject(ctx, e.Client, p.ObjectChange, dispatch.PlanOptions{Binding: e.Binding(), Console: console.Name.String()})
		if err != nil {
			return ui.Plan{}, err
		}
		return e.presentChange(p, plan, show), nil //nolint:contextcheck // what is read after a change outlives its planning
	})
}

// presentChange makes plain data of the change of an object.
func (e *Env) presentChange(p *change.Prepared, plan *dispatch.Plan, show func(change.Outcome) tea.Cmd) ui.Plan {
	out := e.present(plan)
	out.Title = p.Verb + " " + unity.Clean(p.Name)
	out.Line = out.Title
	out.Risk, out.Machines, out.Sites, out.Names, out.Customers = riskOf(plan.Risk()), p.Touches, 0, nil, nil
	if p.SiteName != "" || p.Site != "" {
		out.Sites = 1
		out.Customers = []string{unity.Clean(p.SiteName)}
	}
	out.Type, out.TypeLabel = plan.Typed()
	out.Changes = nil
	for _, d := range p.Diff {
		out.Changes = append(out.Changes, d.Field+": "+dash(d.Before)+" → "+dash(d.After))
	}
	out.Touches = append(append([]string(nil), p.Keys...), "jobs")
	out.Follow = nil
	out.Then = func(j ui.Job) tea.Cmd {
		if j.Count(ui.Sent) == 0 {
			return nil
		}
		return func() tea.Msg {
			if cmd := e.readAgain(p, show); cmd != nil {
				return cmd()
			}
			return nil
		}
	}
	return out
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return unity.Clean(s)
}

// readAgain reads a changed object, off the update loop, and gives what there is to say and to show.
func (e *Env) readAgain(p *change.Prepared, show func(change.Outcome) tea.Cmd) tea.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), afterTime)
	defer cancel()
	now, err := p.After(ctx, e.Client)
	if err != nil {
		return ui.Toast(ui.Warn, p.Verb+" "+unity.Clean(p.Name)+" was sent, but could not be read again: "+unity.Clean(err.Error()))
	}
	var cmds []tea.Cmd
	if now.Site != nil {
		e.keepSites([]unity.Site{*now.Site})
	}
	if len(now.Notes) > 0 {
		cmds = append(cmds, ui.Toast(ui.Info, unity.Clean(p.Name)+": "+strings.Join(now.Notes, "; ")))
	}
	for _, a := range now.Alarms {
		cmds = append(cmds, ui.Toast(ui.Bad, unity.Clean(p.Name)+": "+a))
	}
	if show != nil {
		cmds = append(cmds, show(now))
	}
	return tea.Batch(cmds...)
}

// openForm reads what a form needs, opens it and goes on with its values.
func openForm(title string, read func(context.Context) ([]form.Field, error), then func(map[string]string) tea.Cmd) tea.Cmd {
	return ui.Prepare(title, func(ctx context.Context) (tea.Cmd, error) {
		fields, err := read(ctx)
		if err != nil {
			return nil, err
		}
		return ui.Ask(title, fields, then), nil
	})
}
