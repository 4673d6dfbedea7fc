package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/fleet"
)

// changeFlags are what every verb takes that changes a site, a group or an admin.
type changeFlags struct {
	dryRun, yes bool
	expect      int
	note        string
}

func (f *changeFlags) flags(c *cobra.Command) {
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the request and the difference, and send nothing")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	c.Flags().IntVar(&f.expect, "expect", -1, "how many the command line names; needed with --yes for what cannot be taken back")
	c.Flags().StringVar(&f.note, "note", "", "remark for the audit, a ticket number for example")
}

// changeHelp is what every such verb says about itself.
const changeHelp = `What is sent is shown first: the request, the fields before and after, and the machines it touches. On a terminal the same
is asked that the screens ask. Elsewhere --yes is needed, and --yes --expect N for what cannot be taken back, where N is how
many the command line names. Only what is changed is sent, and the object is read again afterwards: whatever else is not as
it was is named, with exit code 4.`

// formFlags are the fields of a form as flags.
type formFlags struct {
	form   edit.Form
	values map[string]*string
	cmd    *cobra.Command
}

func newFormFlags(c *cobra.Command, form edit.Form) *formFlags {
	f := &formFlags{form: form, values: map[string]*string{}, cmd: c}
	for _, field := range form.Fields {
		usage := strings.TrimSuffix(field.Help, ".")
		switch {
		case len(field.Options) > 0:
			usage = strings.Join(field.Options, ", ") + ": " + usage
		case field.Kind == edit.Policy:
			usage = "id or name: " + usage
		}
		f.values[field.Name] = c.Flags().String(field.Flag(), "", usage)
		if field.Kind == edit.YesNo {
			c.Flags().Lookup(field.Flag()).NoOptDefVal = "true"
		}
	}
	return f
}

// given collects the flags that stand on the command line.
func (f *formFlags) given() edit.Values {
	v := edit.Values{}
	for _, field := range f.form.Fields {
		if f.cmd.Flags().Changed(field.Flag()) {
			v[field.Name] = *f.values[field.Name]
		}
	}
	return v
}

// withPolicy replaces the name of a policy by its id. read gives the policies that can be chosen.
func withPolicy(ctx context.Context, v edit.Values, read func(context.Context) ([]unity.Policy, error)) error {
	name, ok := v["PolicyId"]
	if !ok || name == "" || unity.IsGUID(strings.TrimSpace(name)) {
		return nil
	}
	policies, err := read(ctx)
	if err != nil {
		return err
	}
	p, err := fleet.FindPolicy(policies, name)
	if err != nil {
		return err
	}
	v["PolicyId"] = string(p.ID)
	return nil
}

// complete asks on a terminal for the required fields that are missing, each until it is right.
func (a *app) complete(form edit.Form, v edit.Values) error {
	if !a.terminal {
		return nil
	}
	for _, field := range form.Fields {
		if _, ok := v[field.Name]; ok || !field.Required {
			continue
		}
		_, _ = fmt.Fprintf(a.err, "%s\n", field.Help)
		for {
			label := field.Label
			if len(field.Options) > 0 {
				label += " (" + strings.Join(field.Options, ", ") + ")"
			}
			answer, err := a.askText(label, "")
			if err != nil {
				return err
			}
			v[field.Name] = answer
			problem := ""
			for _, p := range form.Validate(v) {
				if p.Field == field.Name {
					problem = p.Text
				}
			}
			if problem == "" {
				break
			}
			_, _ = fmt.Fprintf(a.err, "%s\n", problem)
		}
	}
	return nil
}
