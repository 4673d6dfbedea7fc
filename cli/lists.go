package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
	"github.com/unitty/unitty/views"
)

// env makes the views' environment, whose columns the tables of verbs share.
func (sess *session) env() *views.Env {
	e := views.NewEnv(sess.client, sess.settings.Username)
	e.Audit, e.StaleAfter, e.Refresh = sess.audit, sess.settings.StaleAfter, sess.settings.Refresh
	e.Journal, e.Profile, e.Book = sess.jobs(), sess.settings.Profile, openBook(sess.settings)
	e.SignedIn = func(ctx context.Context) error { return untilSignedIn(ctx, sess) }
	e.Commands = sess.settings.config.userCommands()
	e.Report = sess.offboardReport
	e.Scopes = func() []string { return sess.engine.Status().Scopes }
	return e
}

// missing tells whether the granted scopes lack one.
func (sess *session) missing(ctx context.Context) (func(string) bool, error) {
	if _, err := sess.engineToken(ctx); err != nil {
		return nil, err
	}
	granted := map[string]bool{}
	for _, s := range sess.engine.Status().Scopes {
		granted[unity.Fold(s)] = true
	}
	return func(scope string) bool { return len(granted) > 0 && !granted[unity.Fold(scope)] }, nil
}

// engineToken makes sure of a sign-in before anything is decided on its scopes.
func (sess *session) engineToken(ctx context.Context) (string, error) {
	return sess.tokens().Token(ctx)
}

// site resolves a site by id, keycode or name.
func (sess *session) site(ctx context.Context, name string) (*unity.Site, error) {
	list, err := sess.client.Sites(ctx)
	if err != nil {
		return nil, err
	}
	return fleet.FindSite(list.Sites, name)
}

func printAll[T any](a *app, rows []T, columns []table.Column[T], toJSON func(*T) ([]byte, error)) error {
	p, err := newPrinter(a, columns, toJSON)
	if err != nil {
		return err
	}
	for i := range rows {
		if err := p.add(&rows[i]); err != nil {
			return err
		}
	}
	return p.flush()
}

func printPages[T any](a *app, pages iter.Seq2[unity.Page[T], error], columns []table.Column[T], toJSON func(*T) ([]byte, error)) error {
	p, err := newPrinter(a, columns, toJSON)
	if err != nil {
		return err
	}
	for page, err := range pages {
		if err != nil {
			return errors.Join(err, p.flush())
		}
		for i := range page.Items {
			if err := p.add(&page.Items[i]); err != nil {
				return err
			}
		}
	}
	return p.flush()
}

func (a *app) siteCommand() *cobra.Command {
	site := &cobra.Command{Use: "site", Short: "Sites (customers) of the console"}
	var where string
	list := &cobra.Command{Use: "list", Short: "List all sites", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.listSites(ctx, sess, where) })
	}}
	list.Flags().StringVar(&where, "where", "", "selector, for example 'state:trial ends:<30d'")
	show := &cobra.Command{Use: "show SITE", Short: "Show one site by id, keycode or name", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
			s, err := sess.site(ctx, args[0])
			if err != nil {
				return err
			}
			p, err := newPrinter(a, sess.env().Sites().Columns, siteJSON)
			if err != nil {
				return err
			}
			return p.one(s)
		})
	}}
	site.AddCommand(list, show)
	site.AddCommand(a.siteChanges()...)
	return site
}

func (a *app) listSites(ctx context.Context, sess *session, where string) error {
	plan, err := sess.siteLanguage().Parse(where)
	if err != nil {
		return err
	}
	list, err := sess.client.Sites(ctx)
	if list == nil {
		return err
	}
	now := sess.client.Now()
	var rows []unity.Site
	for i := range list.Sites {
		if plan.Match(&list.Sites[i], now) {
			rows = append(rows, list.Sites[i])
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return unity.Fold(rows[i].Name.Raw()) < unity.Fold(rows[j].Name.Raw()) })
	columns := sess.env().Sites().Columns
	inOrder(&sess.settings.config, plan.Views(), columns, rows, func(i int) *unity.Site { return &rows[i] })
	return errors.Join(err, printAll(a, rows, columns, siteJSON))
}

func (a *app) groupCommand() *cobra.Command {
	group := &cobra.Command{Use: "group", Short: "Groups of a site"}
	var site string
	list := &cobra.Command{Use: "list --site SITE", Short: "List the groups of a site", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
			s, err := sess.needSite(ctx, site)
			if err != nil {
				return err
			}
			groups, err := sess.client.Groups(ctx, s.ID)
			if err != nil {
				return err
			}
			var policies []unity.Policy
			if !a.structured() {
				policies, _ = sess.client.SitePolicies(ctx, s.ID) // an id stands where no name can be read
			}
			return printAll(a, groups, groupColumns(policies), groupJSON(s))
		})
	}}
	list.Flags().StringVar(&site, "site", "", "site, by id, keycode or name")
	group.AddCommand(list)
	group.AddCommand(a.groupChanges()...)
	return group
}

// groupColumns shows groups; policies name theirs where the server gave the id only.
func groupColumns(policies []unity.Policy) []table.Column[unity.Group] {
	names := map[unity.PolicyID]string{}
	for i := range policies {
		names[policies[i].ID] = policies[i].Name.String()
	}
	return []table.Column[unity.Group]{
		{ID: "group", Title: "Group", Min: 12, Max: 50, Text: (*unity.Group).Label},
		{ID: "description", Title: "Description", Min: 8, Max: 50, Priority: 3, Text: func(g *unity.Group) string { return g.Description.String() }},
		{ID: "policy", Title: "Policy", Min: 12, Max: 36, Priority: 2, Text: func(g *unity.Group) string {
			return firstOf(g.PolicyName.String(), names[g.PolicyID], string(g.PolicyID))
		}},
		{ID: "id", Title: "Id", Min: idCells, Priority: 1, Text: func(g *unity.Group) string { return string(g.ID) }},
	}
}

func (sess *session) needSite(ctx context.Context, name string) (*unity.Site, error) {
	if name == "" {
		return nil, usagef("--site is needed: id, keycode or name")
	}
	return sess.site(ctx, name)
}

func (a *app) policyCommand() *cobra.Command {
	policy := &cobra.Command{Use: "policy", Short: "Policies of the console or of a site"}
	var site string
	read := func(ctx context.Context, sess *session) ([]unity.Policy, error) {
		if site == "" {
			return sess.client.Policies(ctx)
		}
		s, err := sess.site(ctx, site)
		if err != nil {
			return nil, err
		}
		return sess.client.SitePolicies(ctx, s.ID)
	}
	list := &cobra.Command{Use: "list", Short: "List policies", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
			rows, err := read(ctx, sess)
			if err != nil {
				return err
			}
			return printAll(a, rows, sess.env().Policies().Columns, policyJSON)
		})
	}}
	show := &cobra.Command{Use: "show POLICY", Short: "Show one policy by id or name", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
			rows, err := read(ctx, sess)
			if err != nil {
				return err
			}
			found, err := fleet.FindPolicy(rows, args[0])
			if err != nil {
				return err
			}
			p, err := newPrinter(a, sess.env().Policies().Columns, policyJSON)
			if err != nil {
				return err
			}
			return p.one(found)
		})
	}}
	for _, c := range []*cobra.Command{list, show} {
		c.Flags().StringVar(&site, "site", "", "policies this site can use, by id, keycode or name")
	}
	policy.AddCommand(list, show)
	return policy
}

func (a *app) adminCommand() *cobra.Command {
	admin := &cobra.Command{Use: "admin", Short: "Admins of the console or of a site"}
	var site string
	list := &cobra.Command{Use: "list", Short: "List admins", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
			if site == "" {
				rows, err := sess.client.Admins(ctx)
				if err != nil {
					return err
				}
				return printAll(a, rows, sess.env().Admins().Columns, adminJSON)
			}
			s, err := sess.site(ctx, site)
			if err != nil {
				return err
			}
			rows, err := sess.client.SiteAdmins(ctx, s.ID)
			if err != nil {
				return err
			}
			return printAll(a, rows, sess.env().SiteAdmins(*s).Columns, adminJSON)
		})
	}}
	list.Flags().StringVar(&site, "site", "", "admins of this site, by id, keycode or name")
	admin.AddCommand(list)
	admin.AddCommand(a.adminChanges()...)
	return admin
}

// place is where commands and threats are listed: a site, a group of it, or one machine.
type place struct{ site, group, host, endpoint string }

func (p *place) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.site, "site", "", "site, by id, keycode or name")
	c.Flags().StringVar(&p.group, "group", "", "group, by id or name; without --site it is looked for at all sites")
	c.Flags().StringVar(&p.host, "host", "", "machine, by host name")
	c.Flags().StringVar(&p.endpoint, "endpoint", "", "machine, by endpoint id")
}

// resolved is a place with its ids.
type resolved struct {
	site     *unity.Site
	group    unity.GroupID
	endpoint unity.EndpointID
	// machine is the machine of endpoint as it was read, with its agent's report.
	machine *fleet.Machine
}

func (a *app) resolvePlace(ctx context.Context, sess *session, p place) (resolved, error) {
	if p.host != "" || p.endpoint != "" {
		m, err := a.machine(ctx, sess, firstOf(p.endpoint, p.host), p.site, false)
		if err != nil {
			return resolved{}, err
		}
		return resolved{site: &unity.Site{ID: m.SiteID, Name: m.SiteName, Keycode: m.SiteKey}, endpoint: m.ID, machine: m}, nil
	}
	if p.site == "" && p.group != "" {
		var err error
		if p.site, err = sess.siteOfGroup(ctx, p.group); err != nil {
			return resolved{}, err
		}
	}
	s, err := sess.needSite(ctx, p.site)
	if err != nil || p.group == "" {
		return resolved{site: s}, err
	}
	groups, err := sess.client.Groups(ctx, s.ID)
	if err != nil {
		return resolved{}, err
	}
	g, err := fleet.FindGroup(groups, p.group)
	if err != nil {
		return resolved{}, err
	}
	return resolved{site: s, group: g.ID}, nil
}

func (a *app) threatCommand() *cobra.Command {
	threat := &cobra.Command{Use: "threat", Short: "Threat history"}
	var at place
	var since, until string
	list := &cobra.Command{Use: "list", Short: "List the threat history of a site, a group or a machine", Args: cobra.NoArgs,
		Long: "Lists the threat history. Without --since and --until the server gives the last 24 hours; one look reaches over three calendar months at most.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				q := unity.ThreatQuery{Extended: true}
				var err error
				if q.Since, err = moment(since, sess.client.Now()); err != nil {
					return usagef("--since: %v", err)
				}
				if q.Until, err = moment(until, sess.client.Now()); err != nil {
					return usagef("--until: %v", err)
				}
				r, err := a.resolvePlace(ctx, sess, at)
				if err != nil {
					return err
				}
				pages := sess.client.SiteThreats(ctx, r.site.ID, q)
				switch {
				case r.endpoint != "":
					pages = sess.client.EndpointThreats(ctx, r.site.ID, r.endpoint, q)
				case r.group != "":
					pages = sess.client.GroupThreats(ctx, r.site.ID, r.group, q)
				}
				return printPages(a, pages, sess.env().SiteThreats(*r.site).Columns, threatJSON(r.site))
			})
		}}
	at.flags(list)
	list.Flags().StringVar(&since, "since", "", "start: a date, or an age such as 30d")
	list.Flags().StringVar(&until, "until", "", "end: a date, or an age such as 1d")
	threat.AddCommand(list)
	return threat
}

// moment reads a date or an age.
func moment(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if at, ok := unity.ParseTime(s); ok {
		return at, nil
	}
	d, err := selector.ParseAge(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a date (2026-01-31) nor an age (30d)", unity.Clean(s))
	}
	return now.Add(-d), nil
}

// commandStates are the words of --state.
func commandStates() map[string]unity.CommandState {
	return map[string]unity.CommandState{"": 0, "elapsed": unity.StateElapsed, "waiting": unity.StateNotYetReceived,
		"sent": unity.StateExecuted, "scheduled": unity.StateScheduled}
}

func (a *app) commandList() *cobra.Command {
	var at place
	var name, state, since string
	list := &cobra.Command{Use: "list", Short: "List issued agent commands of a site, a group or a machine, newest first", Args: cobra.NoArgs, Long: commandListHelp,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				wanted, ok := commandStates()[strings.ToLower(state)]
				if !ok {
					return usagef("--state is elapsed, waiting, sent or scheduled, not %q", unity.Clean(state))
				}
				q := unity.CommandQuery{Command: name, State: wanted}
				var err error
				if q.Since, err = moment(since, sess.client.Now()); err != nil {
					return usagef("--since: %v", err)
				}
				r, err := a.resolvePlace(ctx, sess, at)
				if err != nil {
					return err
				}
				pages := sess.client.SiteCommands(ctx, r.site.ID, q)
				switch {
				case r.endpoint != "":
					pages = sess.client.EndpointCommands(ctx, r.site.ID, r.endpoint, q)
				case r.group != "":
					pages = sess.client.GroupCommands(ctx, r.site.ID, r.group, q)
				}
				env := sess.env()
				if err := env.Ledger().Read(); err != nil {
					return err
				}
				agents := newAgents(sess, env)
				if err := agents.readPlace(ctx, r); err != nil {
					a.withoutReports(err)
				}
				return printPages(a, pages, env.SiteCommands(*r.site).Columns, commandJSON(r.site, env.Ledger(), agents))
			})
		}}
	at.flags(list)
	list.Flags().StringVar(&name, "command", "", "only this command, by the API's name")
	list.Flags().StringVar(&state, "state", "", "only elapsed, waiting, sent or scheduled ones")
	list.Flags().StringVar(&since, "since", "", "only those requested since: a date, or an age such as 30d")
	return list
}
