package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/edit"
	"github.com/unitty/unitty/unity/edit/change"
	"github.com/unitty/unitty/unity/fleet"
)

// groupChanges are the verbs that make and change groups.
func (a *app) groupChanges() []*cobra.Command {
	return []*cobra.Command{a.groupCreate(), a.groupEdit(), a.groupDelete(), a.groupSetPolicy()}
}

// groupOf resolves a site and one of its groups.
func (sess *session) groupOf(ctx context.Context, site, group string) (*unity.Site, []unity.Group, *unity.Group, error) {
	if site == "" {
		var err error
		if site, err = sess.siteOfGroup(ctx, group); err != nil {
			return nil, nil, nil, err
		}
	}
	s, err := sess.needSite(ctx, site)
	if err != nil {
		return nil, nil, nil, err
	}
	groups, err := sess.client.Groups(ctx, s.ID)
	if err != nil {
		return nil, nil, nil, err
	}
	g, err := fleet.FindGroup(groups, group)
	return s, groups, g, err
}

func (a *app) groupCreate() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	var site string
	c := &cobra.Command{Use: "create --site SITE", Short: "Create a group of a site", Args: cobra.NoArgs, Long: "Creates a group of a site.\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := form.given()
			if site == "" {
				return usagef("--site is needed: id, keycode or name")
			}
			if err := a.complete(form.form, v); err != nil {
				return err
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				s, err := sess.needSite(ctx, site)
				if err != nil {
					return err
				}
				if err := withPolicy(ctx, v, sess.policiesOf(s.ID)); err != nil {
					return err
				}
				p, err := change.CreateGroup(ctx, sess.client, s, v)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	c.Flags().StringVar(&site, "site", "", "site, by id, keycode or name")
	form = newFormFlags(c, edit.GroupCreate())
	flags.flags(c)
	return c
}

func (a *app) groupEdit() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	var site string
	c := &cobra.Command{Use: "edit GROUP", Short: "Change fields of a group", Args: cobra.ExactArgs(1), Long: "Changes fields of a group, named by id or name.\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			v := form.given()
			if len(v) == 0 {
				return usagef("nothing to change: give a field, for example --group-name Laptops (see --help)")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				s, _, g, err := sess.groupOf(ctx, site, args[0])
				if err != nil {
					return err
				}
				if err := withPolicy(ctx, v, sess.policiesOf(s.ID)); err != nil {
					return err
				}
				p, err := change.EditGroup(ctx, sess.client, s, g, v)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	c.Flags().StringVar(&site, "site", "", "site, by id, keycode or name; without it the group is looked for at all sites")
	form = newFormFlags(c, edit.GroupEdit())
	flags.flags(c)
	return c
}

func (a *app) groupDelete() *cobra.Command {
	var flags changeFlags
	var site, receiver string
	c := &cobra.Command{Use: "delete GROUP --new-group-id GROUP", Short: "Delete a group; its machines go to another one", Args: cobra.ExactArgs(1),
		Long: "Deletes a group. Its machines go to the group of --new-group-id, or to the site's default group where that can be told.\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				s, groups, g, err := sess.groupOf(ctx, site, args[0])
				if err != nil {
					return err
				}
				to, err := receiverOf(groups, receiver)
				if err != nil {
					return err
				}
				if to.ID == g.ID {
					return usagef("%s cannot receive its own machines: give another group by --new-group-id", g.Label())
				}
				p, err := change.DeleteGroup(ctx, sess.client, s, g, to)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	c.Flags().StringVar(&site, "site", "", "site, by id, keycode or name; without it the group is looked for at all sites")
	c.Flags().StringVar(&receiver, "new-group-id", "", "group that receives the machines, by id or name")
	c.Flags().StringVar(&receiver, "to", "", "the same as --new-group-id")
	flags.flags(c)
	return c
}

// receiverOf is the named group, or the default one.
func receiverOf(groups []unity.Group, name string) (*unity.Group, error) {
	if name == "" {
		return change.DefaultGroup(groups)
	}
	return fleet.FindGroup(groups, name)
}
