package cli

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
)

// adminAccess asks for an API-only super admin of a console, and how far that is.
func (a *app) adminAccess() *cobra.Command {
	c := &cobra.Command{Use: "access", Short: "Make a user an API-only super admin of a console, by approval of its owner"}
	c.Args, c.RunE = noVerb(c), func(cmd *cobra.Command, _ []string) error {
		return usagef("%s needs a verb (see --help)", cmd.CommandPath())
	}
	c.AddCommand(a.adminAccessRequest(), a.adminAccessStatus())
	return c
}

const accessHelp = `The console is that of the profile, or of --gsm-key. The sign-in needs the scope Console.Access; it is asked for by itself.`

func (a *app) adminAccessRequest() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	c := &cobra.Command{Use: "request --user-email USER --confirm-email OWNER", Short: "Ask that a user becomes an API-only super admin of the console", Args: cobra.NoArgs,
		Long: "Asks that a user becomes an API-only super admin of the console: the person of --confirm-email gets a mail and has to approve it. The user\n" +
			"loses the interactive sign-in to every web console, and nothing here takes that back. " + accessHelp + "\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := form.given()
			if err := a.complete(form.form, v); err != nil {
				return err
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				p, err := change.Access(ctx, sess.client, v)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	form = newFormFlags(c, edit.AdminAccess())
	flags.flags(c)
	return c
}

func (a *app) adminAccessStatus() *cobra.Command {
	var form *formFlags
	c := &cobra.Command{Use: "status --user-email USER --confirm-email OWNER", Short: "Say how far such a request is", Args: cobra.NoArgs,
		Long: "Says how far the request is that makes a user an API-only super admin of the console. " + accessHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := form.given()
			if problems := form.form.Validate(v); len(problems) > 0 {
				return &change.InvalidError{Form: form.form, Problems: problems}
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				v := form.form.Tidy(v)
				r, err := sess.client.SuperAdminStatus(ctx, v["UserEmail"], v["ConfirmEmail"])
				if err != nil {
					return err
				}
				now := sess.client.Now()
				p, err := newPrinter(a, []table.Column[unity.AccessRequest]{
					{ID: "status", Title: "Status", Text: func(r *unity.AccessRequest) string { return r.Status.String() }},
					{ID: "words", Title: "What that means", Text: func(r *unity.AccessRequest) string { return change.AccessWords(r, now) }},
				}, accessJSON)
				if err != nil {
					return err
				}
				return p.one(r)
			})
		}}
	form = newFormFlags(c, edit.AdminAccess())
	return c
}

func accessJSON(r *unity.AccessRequest) ([]byte, error) {
	raw := r.Record.Raw()
	if json.Valid(raw) {
		return raw, nil
	}
	return json.Marshal(r)
}
