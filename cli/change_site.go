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

// siteChanges are the verbs that make and change sites.
func (a *app) siteChanges() []*cobra.Command {
	return []*cobra.Command{
		a.siteCreate(), a.siteEdit(),
		a.siteState("suspend", unity.SiteSuspend, "Suspend sites: their licence keys expire at once and their machines are not protected any more"),
		a.siteState("resume", unity.SiteResume, "Resume suspended sites: their licence keys take over the remaining days of the console's"),
		a.siteState("deactivate", unity.SiteDeactivate, "Deactivate sites; the API has no way to take that back"),
		a.siteState("convert-trial", unity.SiteConvertTrial, "Turn trial sites into full ones, which are billed"),
		a.siteOffboard(),
	}
}

func (a *app) siteCreate() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	c := &cobra.Command{Use: "create", Short: "Create a site and print its keycode", Args: cobra.NoArgs, Long: "Creates a site and prints its keycode.\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := form.given()
			if err := a.complete(form.form, v); err != nil {
				return err
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				if err := withPolicy(ctx, v, sess.client.Policies); err != nil {
					return err
				}
				p, err := change.CreateSite(ctx, sess.client, v)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	form = newFormFlags(c, edit.SiteCreate())
	flags.flags(c)
	return c
}

func (a *app) siteEdit() *cobra.Command {
	var flags changeFlags
	var form *formFlags
	c := &cobra.Command{Use: "edit SITE", Short: "Change fields of a site", Args: cobra.ExactArgs(1), Long: "Changes fields of a site, named by id, keycode or name.\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			v := form.given()
			if len(v) == 0 {
				return usagef("nothing to change: give a field, for example --seats 40 (see --help)")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				s, err := sess.site(ctx, args[0])
				if err != nil {
					return err
				}
				if err := withPolicy(ctx, v, sess.policiesOf(s.ID)); err != nil {
					return err
				}
				p, err := change.EditSite(ctx, sess.client, s, v)
				if err != nil {
					return err
				}
				return a.change(ctx, sess, []*change.Prepared{p}, flags)
			})
		}}
	form = newFormFlags(c, edit.SiteEdit())
	flags.flags(c)
	return c
}

// policiesOf reads the policies that a site can use.
func (sess *session) policiesOf(site unity.SiteID) func(context.Context) ([]unity.Policy, error) {
	return func(ctx context.Context) ([]unity.Policy, error) { return sess.client.SitePolicies(ctx, site) }
}

func (a *app) siteState(name string, action unity.SiteAction, short string) *cobra.Command {
	var flags changeFlags
	c := &cobra.Command{Use: name + " SITE…", Short: short, Args: cobra.MinimumNArgs(1), Long: short + ".\nSites are named by id, keycode or name.\n\n" + changeHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				sites, err := sess.sites(ctx, args)
				if err != nil {
					return err
				}
				var all []*change.Prepared
				for _, s := range sites {
					p, err := change.SiteState(ctx, sess.client, s, action)
					if err != nil {
						return err
					}
					all = append(all, p)
				}
				return a.change(ctx, sess, all, flags)
			})
		}}
	flags.flags(c)
	return c
}

// sites resolves several sites with one reading of the list; one that is named twice counts once.
func (sess *session) sites(ctx context.Context, names []string) ([]*unity.Site, error) {
	list, err := sess.client.Sites(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[unity.SiteID]bool{}
	var out []*unity.Site
	for _, name := range names {
		if strings.TrimSpace(name) == "" {
			return nil, usagef("an empty name selects nothing")
		}
		s, err := fleet.FindSite(list.Sites, name)
		if err != nil {
			return nil, err
		}
		if !seen[s.ID] {
			seen[s.ID] = true
			out = append(out, s)
		}
	}
	return out, nil
}
