package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// adminChanges are the verbs that make and change admins.
func (a *app) adminChanges() []*cobra.Command {
	return []*cobra.Command{a.adminCreate(), a.adminEdit(), a.adminDelete(), a.adminGrant(), a.adminAccess()}
}

const siteOnlyUsage = "only at this site, by id, keycode or name"

// siteOrConsole resolves a site that may be left out, which means the console.
func (sess *session) siteOrConsole(ctx context.Context, name string) (*unity.Site, error) {
	if name == "" {
		return nil, nil
	}
	return sess.site(ctx, name)
}

// adminOf finds an admin of the console, or of a site.
func (sess *session) adminOf(ctx context.Context, s *unity.Site, name string) (*unity.Admin, error) {
	read := sess.client.Admins
	if s != nil {
		read = func(ctx context.Context) ([]unity.Admin, error) { return sess.client.SiteAdmins(ctx, s.ID) }
	}
	rows, err := read(ctx)
	if err != nil {
		return nil, err
	}
	found, candidates := change.FindAdmin(rows, name)
	switch {
	case found != nil:
		return found, nil
	case len(candidates) > 0:
		return nil, &fleet.AmbiguousError{Kind: "admin", Name: name, Candidates: candidates}
	}
	return nil, &fleet.NotFoundError{Kind: "admin", Name: name}
}

func (a *app) adminCreate() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	var site string
	c := &cobra.Command{Use: "create", Short: "Create an admin of the console, or of one site", Args: cobra.NoArgs,
		Long: "Creates an admin of the console, or with --site one of that site only. " + sentence(change.AdminLag) + "\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := form.given()
			if err := a.complete(form.form, v); err != nil {
				return err
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				s, err := sess.siteOrConsole(ctx, site)
				if err != nil {
					return err
				}
				p, err := change.CreateAdmin(ctx, sess.client, s, v)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	c.Flags().StringVar(&site, "site", "", siteOnlyUsage)
	form = newFormFlags(c, edit.AdminCreate())
	flags.flags(c)
	return c
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

func (a *app) adminEdit() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	var site string
	c := &cobra.Command{Use: "edit ADMIN", Short: "Change the names of an admin", Args: cobra.ExactArgs(1),
		Long: "Changes the names of an admin, given by id, e-mail address or name. " + sentence(change.AdminLag) + "\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			v := form.given()
			if len(v) == 0 {
				return usagef("nothing to change: give --first-name or --last-name")
			}
			return a.withAdmin(cmd.Context(), site, args[0], flags, func(ctx context.Context, sess *session, s *unity.Site, who *unity.Admin) (*change.Prepared, error) {
				return change.EditAdmin(ctx, sess.client, s, who, v)
			})
		}}
	c.Flags().StringVar(&site, "site", "", siteOnlyUsage)
	form = newFormFlags(c, edit.AdminEdit())
	flags.flags(c)
	return c
}

func (a *app) adminDelete() *cobra.Command {
	var flags changeFlags
	var site string
	c := &cobra.Command{Use: "delete ADMIN", Short: "Remove an admin from the console and all its sites, or from one site", Args: cobra.ExactArgs(1),
		Long: "Removes an admin, given by id, e-mail address or name, from the console and all its sites, or with --site from that one. " + sentence(change.AdminLag) + "\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withAdmin(cmd.Context(), site, args[0], flags, func(ctx context.Context, sess *session, s *unity.Site, who *unity.Admin) (*change.Prepared, error) {
				return change.DeleteAdmin(ctx, sess.client, s, who, sess.settings.Username)
			})
		}}
	c.Flags().StringVar(&site, "site", "", "only from this site, by id, keycode or name")
	flags.flags(c)
	return c
}

// withAdmin resolves an admin, prepares a change and carries it out.
func (a *app) withAdmin(ctx context.Context, site, name string, flags changeFlags,
	prepare func(context.Context, *session, *unity.Site, *unity.Admin) (*change.Prepared, error)) error {
	return a.verb(ctx, func(ctx context.Context, sess *session) error {
		s, err := sess.siteOrConsole(ctx, site)
		if err != nil {
			return err
		}
		who, err := sess.adminOf(ctx, s, name)
		if err != nil {
			return err
		}
		p, err := prepare(ctx, sess, s, who)
		if err != nil {
			return err
		}
		return a.change(ctx, sess, []*change.Prepared{p}, flags)
	})
}

func (a *app) adminGrant() *cobra.Command {
	var flags changeFlags
	var site, level string
	c := &cobra.Command{Use: "grant ADMIN --site SITE --access-level LEVEL", Short: "Give an admin of the console access to a site, or take it", Args: cobra.ExactArgs(1),
		Long: "Gives an admin of the console, named by id, e-mail address or name, the access admin, view or none to a site. " + sentence(change.AdminLag) + "\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if site == "" || level == "" {
				return usagef("--site and --access-level are needed")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				s, err := sess.needSite(ctx, site)
				if err != nil {
					return err
				}
				who, err := sess.adminOf(ctx, s, args[0])
				if err != nil {
					// The list of the site may leave out admins of the console who have no access to it.
					if who, err = sess.adminOf(ctx, nil, args[0]); err != nil {
						return err
					}
					who.AccessLevel = unity.Int{}
				}
				p, err := change.Grant(ctx, sess.client, s, who, level)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	c.Flags().StringVar(&site, "site", "", "site, by id, keycode or name")
	c.Flags().StringVar(&level, "access-level", "", "admin, view or none")
	flags.flags(c)
	return c
}
