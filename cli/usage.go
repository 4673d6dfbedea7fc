package cli

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// reportingScope is what the reports of usage need; the list of sites does not.
const reportingScope = "SkyStatus.Reporting"

func (a *app) usageCommand() *cobra.Command {
	var where, date string
	c := &cobra.Command{Use: "usage", Short: "Seats and usage per site: each count with its source and date", Args: cobra.NoArgs,
		Long: `Lists the seats of each site and the counts of its endpoints. They count different things on different days, so each stands
by itself:

  Console     TotalEndpoints of the list of sites: active endpoints, at the time of reading
  Active      ActiveEndpoints: active on the date of the report, hidden endpoints included
  Not hidden  ActiveEndpointsWithoutHidden: the same without hidden endpoints, as the web console shows it
  Seen 30 d   EndpointsSeenInLast30Days: seen within the 30 days before the date

The reports are the latest there are, usually two days old, unless --date asks for another day; they need the scope
SkyStatus.Reporting, and without it their columns say "no scope". JSON and CSV name each count as above, beside it its date
(…At for the list of sites, …Date for a report), and where it is missing the reason (…Note).`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error { return a.usage(ctx, sess, where, date) })
		}}
	c.Flags().StringVar(&where, "where", "", "selector of sites, for example 'over:>0'")
	c.Flags().StringVar(&date, "date", "", "the day of the reports, such as 2026-01-31")
	return c
}

// usageKinds are the reports, in the order of their columns.
func usageKinds() []unity.UsageKind {
	return []unity.UsageKind{unity.UsageActive, unity.UsageActiveShown, unity.UsageSeen}
}

// counted is a count of a report: what is missing has a note that says why.
type counted struct {
	n    unity.Int
	date unity.Time
	note string
}

// siteUsage is a site with its counts.
type siteUsage struct {
	site   *unity.Site
	readAt time.Time
	counts []counted // by usageKinds
}

func (a *app) usage(ctx context.Context, sess *session, where, date string) error {
	plan, err := sess.siteLanguage().Parse(where)
	if err != nil {
		return err
	}
	var day time.Time
	if date != "" {
		if day, err = time.Parse(time.DateOnly, date); err != nil {
			return usagef("--date: %q is no day; write 2026-01-31", unity.Clean(date))
		}
	}
	missing, err := sess.missing(ctx)
	if err != nil {
		return err
	}
	reports := &usageReports{}
	reports.read(ctx, sess.client, day, missing(reportingScope))
	list, err := sess.client.Sites(ctx)
	reports.wait()
	if list == nil {
		return err
	}
	var rows []siteUsage
	for i := range list.Sites {
		if s := &list.Sites[i]; plan.Match(s, sess.client.Now()) {
			rows = append(rows, siteUsage{site: s, readAt: sess.client.Now(), counts: reports.of(s.ID)})
		}
	}
	sort.SliceStable(rows, func(i, j int) bool {
		return unity.Fold(rows[i].site.Name.Raw()) < unity.Fold(rows[j].site.Name.Raw())
	})
	inOrder(&sess.settings.config, plan.Views(), sess.env().Sites().Columns, rows, func(i int) *unity.Site { return rows[i].site })
	if perr := printAll(a, rows, usageColumns(), usageJSON); perr != nil {
		return errors.Join(err, perr)
	}
	short := reports.tell(a)
	switch {
	case err != nil:
		return err
	case short:
		return &codeError{code: exitPartly}
	}
	return nil
}

// usageReports are the reports of usage as far as they could be read.
type usageReports struct {
	wg      sync.WaitGroup
	reports []*unity.UsageReport
	errs    []error
	sites   []map[unity.SiteID]unity.Int
}

// read begins to read the reports, beside one another.
func (u *usageReports) read(ctx context.Context, c *unity.Client, day time.Time, noScope bool) {
	kinds := usageKinds()
	u.reports, u.errs = make([]*unity.UsageReport, len(kinds)), make([]error, len(kinds))
	for i, kind := range kinds {
		if noScope {
			u.errs[i] = fmt.Errorf("%s: %w", kind, unity.ErrScope)
			continue
		}
		u.wg.Go(func() { u.reports[i], u.errs[i] = c.SiteUsage(ctx, kind, day) })
	}
}

func (u *usageReports) wait() {
	u.wg.Wait()
	u.sites = make([]map[unity.SiteID]unity.Int, len(u.reports))
	for i, r := range u.reports {
		if r == nil {
			continue
		}
		u.sites[i] = make(map[unity.SiteID]unity.Int, len(r.Sites))
		for _, s := range r.Sites {
			u.sites[i][s.SiteID] = s.Total
		}
	}
}

// of gives the counts of a site.
func (u *usageReports) of(site unity.SiteID) []counted {
	out := make([]counted, len(u.reports))
	for i, r := range u.reports {
		if r == nil {
			out[i].note = usageNote(u.errs[i])
			continue
		}
		n, listed := u.sites[i][site]
		out[i] = counted{n: n, date: r.Date}
		if !listed || !n.Known {
			out[i].note = "not in the report"
		}
	}
	return out
}

// usageNote words why a report is missing.
func usageNote(err error) string {
	switch {
	case errors.Is(err, unity.ErrScope):
		return fleet.NoteNoScope
	case errors.Is(err, unity.ErrDenied):
		return fleet.NoteNoAccess
	default:
		return fleet.NoteNotLoaded
	}
}

// tell says on standard error where the reports come from, and tells whether one that should be there is not, or not whole. A
// scope that was never granted is no failure.
func (u *usageReports) tell(a *app) (short bool) {
	for i, kind := range usageKinds() {
		r, err := u.reports[i], u.errs[i]
		switch {
		case errors.Is(err, unity.ErrScope):
			_, _ = fmt.Fprintf(a.err, "unitty: %s: the scope %s is missing\n", kind, reportingScope)
		case err != nil:
			short = true
			_, _ = fmt.Fprintf(a.err, "unitty: %s: %s\n", kind, unity.Clean(err.Error()))
		case a.table():
			_, _ = fmt.Fprintf(a.err, "unitty: %s: the report of %s\n", kind, dayText(r.Date))
		}
	}
	return short
}

// table tells that rows are printed for people.
func (a *app) table() bool {
	return (a.flags.output == "" || a.flags.output == "table") && a.flags.jq == ""
}

// dayText is the day of a report; reports have no time of day.
func dayText(t unity.Time) string {
	if !t.Known() {
		return firstOf(t.Text(), "an unknown day")
	}
	return t.UTC().Format(time.DateOnly)
}

func usageColumns() []table.Column[siteUsage] {
	count := func(i int) func(*siteUsage) string {
		return func(u *siteUsage) string { return firstOf(u.counts[i].note, u.counts[i].n.String()) }
	}
	return []table.Column[siteUsage]{
		{ID: "site", Title: "Site", Min: 14, Max: 48, Text: func(u *siteUsage) string { return u.site.Name.String() }},
		{ID: "seats", Title: "Seats", Right: true, Priority: 1, Text: func(u *siteUsage) string { return u.site.DevicesAllowed.String() }},
		{ID: "console", Title: "Console", Right: true, Priority: 2, Text: func(u *siteUsage) string { return u.site.TotalEndpoints.String() }},
		{ID: "active", Title: "Active", Right: true, Priority: 1, Text: count(0)},
		{ID: "shown", Title: "Not hidden", Right: true, Priority: 4, Text: count(1)},
		{ID: "seen", Title: "Seen 30 d", Right: true, Priority: 1, Text: count(2)},
		{ID: "date", Title: "Report of", Min: 10, Priority: 3, Text: func(u *siteUsage) string { return u.days() }},
		{ID: "state", Title: "State", Min: 9, Priority: 5, Text: func(u *siteUsage) string { return u.site.State() }},
		{ID: "billing", Title: "Billing", Hidden: true, Text: func(u *siteUsage) string { return u.site.BillingCycle.String() }},
		{ID: "keycode", Title: "Keycode", Min: 24, Priority: 6, Text: func(u *siteUsage) string { return u.site.Keycode.String() }},
		{ID: "id", Title: "Id", Hidden: true, Text: func(u *siteUsage) string { return string(u.site.ID) }},
	}
}

// days is the day of the reports, or all of their days where they differ.
func (u *siteUsage) days() string {
	text, seen := "", map[string]bool{}
	for _, c := range u.counts {
		if !c.date.Known() || seen[dayText(c.date)] {
			continue
		}
		seen[dayText(c.date)] = true
		if text != "" {
			text += " "
		}
		text += dayText(c.date)
	}
	return text
}

// usageJSON writes each count beside its date, and beside the reason where it is missing.
func usageJSON(u *siteUsage) ([]byte, error) {
	s := u.site
	row := []unity.Extra{{Name: "SiteId", Value: s.ID}, {Name: "SiteName", Value: s.Name}, {Name: "AccountKeyCode", Value: s.Keycode.String()},
		{Name: "State", Value: s.State()}, {Name: "BillingCycle", Value: s.BillingCycle}, {Name: "BillingDate", Value: s.BillingDate},
		{Name: "DevicesAllowed", Value: countOf(s.DevicesAllowed)}, {Name: "TotalEndpoints", Value: countOf(s.TotalEndpoints)},
		{Name: "TotalEndpointsAt", Value: u.readAt.UTC().Truncate(time.Second)}}
	for i, kind := range usageKinds() {
		c := u.counts[i]
		row = append(row, unity.Extra{Name: string(kind), Value: countOf(c.n)}, unity.Extra{Name: string(kind) + "Date", Value: dateOf(c.date)})
		if c.note != "" {
			row = append(row, unity.Extra{Name: string(kind) + "Note", Value: c.note})
		}
	}
	return membersJSON(row)
}

// countOf is a number as JSON, null where nobody knows it.
func countOf(n unity.Int) *int64 {
	if !n.Known {
		return nil
	}
	return &n.N
}

// dateOf is the day of a report as JSON, null where nobody knows it.
func dateOf(t unity.Time) *string {
	if !t.Known() && t.Text() == "" {
		return nil
	}
	day := dayText(t)
	return &day
}
