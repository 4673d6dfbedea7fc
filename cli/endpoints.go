package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/selector"
)

func (a *app) endpointCommand() *cobra.Command {
	endpoint := &cobra.Command{Use: "endpoint", Short: "Endpoints of one site or of all"}
	var sel selection
	list := &cobra.Command{Use: "list", Short: "List endpoints, of all sites unless narrowed", Args: cobra.NoArgs, Long: listHelp, RunE: func(cmd *cobra.Command, _ []string) error {
		if sel.cached {
			return a.cached(cmd.Context(), func(ctx context.Context, sess *session, k *kept) error { return a.listCached(ctx, sess, k, sel) })
		}
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.listEndpoints(ctx, sess, sel) })
	}}
	list.Flags().StringVar(&sel.where, "where", "", "selector, for example 'status:infected' or 'seen:>30d type:pc'")
	list.Flags().StringVar(&sel.site, "site", "", "only this site, by id, keycode or name")
	list.Flags().StringVar(&sel.group, "group", "", "only this group of the site, by id or name")
	list.Flags().BoolVar(&sel.cached, "cached", false, "answer from the snapshot on disk, without any call")
	var site string
	var newest bool
	show := &cobra.Command{Use: "show HOST", Short: "Show one endpoint by id or host name", Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
			m, err := a.machine(ctx, sess, args[0], site, newest)
			if err != nil {
				return err
			}
			p, err := newPrinter(a, sess.env().MachineColumns(), machineJSON(sess.client.Now))
			if err != nil {
				return err
			}
			return p.one(m)
		})
	}}
	show.Flags().StringVar(&site, "site", "", "look at this site only, by id, keycode or name")
	show.Flags().BoolVar(&newest, "newest", false, "of several records of that name take the one seen last")
	endpoint.AddCommand(list, show)
	endpoint.AddCommand(a.endpointChanges()...)
	return endpoint
}

// listEndpoints lists across sites; sites that failed are named on standard error and make the exit code 4.
func (a *app) listEndpoints(ctx context.Context, sess *session, sel selection) error {
	missing, err := sess.missing(ctx)
	if err != nil {
		return err
	}
	plan, err := sess.machineLanguage(false, missing).Parse(sel.where)
	if err != nil {
		return err
	}
	f, err := a.sweep(ctx, sess, scope{site: sel.site, group: sel.group, status: true, names: true, within: sess.within(plan, missing)})
	if err != nil {
		return err
	}
	rows, unknown, err := a.chosen(ctx, sess, f, plan)
	if err != nil {
		return err
	}
	columns := sess.env().MachineColumns()
	inOrder(&sess.settings.config, plan.Views(), columns, rows, func(i int) *fleet.Machine { return rows[i] })
	p, err := newPrinter(a, columns, machineJSON(sess.client.Now))
	if err != nil {
		return err
	}
	for _, m := range rows {
		if err := p.add(m); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	return a.remarks(f, unknown)
}

// matching evaluates a selector; unknown counts the machines that could not be judged.
func matching(machines []*fleet.Machine, plan *selector.Plan[*fleet.Machine], sess *session) (rows []*fleet.Machine, unknown int) {
	now := sess.client.Now()
	for _, m := range machines {
		switch plan.Eval(m, now) {
		case selector.Yes:
			rows = append(rows, m)
		case selector.Unknown:
			unknown++
		case selector.No:
		}
	}
	bySiteAndHost(rows)
	return rows, unknown
}

// bySiteAndHost puts machines into the order in which lists show them.
func bySiteAndHost(rows []*fleet.Machine) {
	sort.SliceStable(rows, func(i, j int) bool {
		if a, b := unity.Fold(rows[i].SiteName.Raw()), unity.Fold(rows[j].SiteName.Raw()); a != b {
			return a < b
		}
		return unity.Fold(rows[i].HostName.Raw()) < unity.Fold(rows[j].HostName.Raw())
	})
}

// remarks says on standard error what the list does not show.
func (a *app) remarks(f *fleet.Fleet, unknown int) error {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(a.err, "unitty: "+format+"\n", args...) }
	for _, s := range f.Failed {
		say("%s is missing: %s", s.Name, unity.Clean(s.Err.Error()))
	}
	if f.Hidden > 0 {
		say("%s %s not readable for this user", numbered(f.Hidden, "site"), are(f.Hidden))
	}
	if f.StatusErr != nil {
		say("no agent status: %s", unity.Clean(f.StatusErr.Error()))
	}
	if unknown > 0 {
		say("%s", leftUnknown(unknown))
	}
	if len(f.Failed) > 0 {
		return &codeError{code: exitPartly}
	}
	return nil
}

// leftUnknown says that machines are left out of a selection, as it cannot be told whether they belong to it.
func leftUnknown(n int) string {
	of := "them"
	if n == 1 {
		of = "it"
	}
	return fmt.Sprintf("%s %s left out: what the selector asks (agent status, or a name) is not known of %s for certain", dispatch.Machines(n), are(n), of)
}

// scope is what a verb reads: all sites, one, or one group; with agent status, with names of groups and policies.
type scope struct {
	site, group   string
	status, names bool
	// within tells which sites are wanted where none is named; nil means all.
	within func(*unity.Site) bool
}

// within tells which sites can have what a selector asks for. It is nil, for all, where the user may read reports of the whole
// console but not of sites, or the other way round: what is known of a machine must not depend on how many sites are read.
func (sess *session) within(plan *selector.Plan[*fleet.Machine], missing func(string) bool) func(*unity.Site) bool {
	if missing("SkyStatus.GSM") != missing("SkyStatus.Site") {
		return nil
	}
	return fleet.Reaches(plan, sess.client.Now())
}

// sweep reads the machines of a scope.
func (a *app) sweep(ctx context.Context, sess *session, w scope) (*fleet.Fleet, error) {
	seen := a.progress(sess.calls)
	defer seen.end()
	o := fleet.SweepOptions{Status: w.status, Names: w.names, StaleAfter: sess.settings.StaleAfter,
		Progress: func(f *fleet.Fleet) { seen.at(f.Done, f.Total, len(f.Failed)) }}
	if w.group != "" && w.site == "" {
		var err error
		if w.site, err = sess.siteOfGroup(ctx, w.group); err != nil {
			return nil, err
		}
	}
	var s *unity.Site
	if w.site != "" {
		var err error
		if s, err = sess.site(ctx, w.site); err != nil {
			return nil, err
		}
		o.Sites = []unity.SiteID{s.ID}
	} else {
		o.Within = w.within
	}
	f, err := fleet.Sweep(ctx, sess.client, o)
	if err != nil {
		return nil, err
	}
	if s != nil {
		if len(f.Failed) > 0 {
			return nil, fmt.Errorf("%s cannot be read: %w", s.Name, f.Failed[0].Err)
		}
		if f.Total == 0 {
			return nil, fmt.Errorf("%w: this user has no access to %s", unity.ErrDenied, s.Name)
		}
		if w.group != "" {
			return f, keepGroup(ctx, sess, f, s, w.group)
		}
	}
	return f, nil
}

// keepGroup leaves only the machines of one group. Membership is read from the group's own list.
func keepGroup(ctx context.Context, sess *session, f *fleet.Fleet, s *unity.Site, group string) error {
	groups, err := sess.client.Groups(ctx, s.ID)
	if err != nil {
		return err
	}
	g, err := fleet.FindGroup(groups, group)
	if err != nil {
		return err
	}
	members, err := unity.Collect(sess.client.GroupEndpoints(ctx, s.ID, g.ID))
	if err != nil {
		return err
	}
	in := map[unity.EndpointID]bool{}
	for i := range members {
		in[members[i].ID] = true
	}
	var kept []*fleet.Machine
	for _, m := range f.Machines {
		if in[m.ID] {
			kept = append(kept, m)
		}
	}
	f.Machines = kept
	return nil
}

// machine resolves one machine by id or host name.
func (a *app) machine(ctx context.Context, sess *session, name, site string, newest bool) (*fleet.Machine, error) {
	if strings.TrimSpace(name) == "" {
		return nil, usagef("a host name or endpoint id is needed")
	}
	f, err := a.sweep(ctx, sess, scope{site: site, status: true, names: true})
	if err != nil {
		return nil, err
	}
	m, err := f.FindHost(name, newest)
	return m, severalHosts(err)
}

// severalHosts says what to do about a name that several machines have.
func severalHosts(err error) error {
	var ambiguous *fleet.AmbiguousError
	if errors.As(err, &ambiguous) && ambiguous.Why == "" {
		return usagef("%v\n(narrow by --site or give the id; --newest takes the one seen last, whichever customer's it is)", err)
	}
	return err
}

func (a *app) findCommand() *cobra.Command {
	var limit int
	var cached bool
	find := &cobra.Command{Use: "find TEXT", Short: "Find machines, customers and keycodes by any of their names", Args: cobra.MinimumNArgs(1),
		Long: `Finds machines by host name, user, address or id, and customers by name or keycode. Several words all have to be found. All
sites are read first; --cached searches the snapshot on disk instead, without any call, and says how old it is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			text := strings.Join(args, " ")
			if strings.TrimSpace(text) == "" || limit < 1 {
				return usagef("find needs a text, and --limit at least 1")
			}
			limit = min(limit, math.MaxInt32) // one more than that is looked for
			if cached {
				return a.cached(cmd.Context(), func(ctx context.Context, sess *session, k *kept) error {
					return a.showHits(sess, k.find(ctx, text, limit+1, sess.settings.StaleAfter), limit, k.fleet(nil), text)
				})
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.find(ctx, sess, text, limit) })
		}}
	find.Flags().IntVar(&limit, "limit", 50, "how many findings at most")
	find.Flags().BoolVar(&cached, "cached", false, "search the snapshot on disk, without any call")
	return find
}

func (a *app) find(ctx context.Context, sess *session, text string, limit int) error {
	f, err := a.sweep(ctx, sess, scope{status: true})
	if err != nil {
		return err
	}
	return a.showHits(sess, f.Find(ctx, text, limit+1), limit, f, text)
}

// showHits prints what was found in a fleet, at most limit of it, and says what is not shown.
func (a *app) showHits(sess *session, hits []fleet.Hit, limit int, f *fleet.Fleet, text string) error {
	more := len(hits) > limit
	hits = hits[:min(len(hits), limit)]
	p, err := newPrinter(a, hitColumns(sess), hitJSON(sess))
	if err != nil {
		return err
	}
	for i := range hits {
		if err := p.add(&hits[i]); err != nil {
			return err
		}
	}
	if err := p.flush(); err != nil {
		return err
	}
	if more {
		_, _ = fmt.Fprintf(a.err, "unitty: there are more findings than the best %d: --limit shows them, more words narrow the search\n", limit)
	}
	if err := a.remarks(f, 0); err != nil {
		return err
	}
	if len(hits) == 0 {
		return &fleet.NotFoundError{Kind: "machine or customer", Name: text}
	}
	return nil
}
