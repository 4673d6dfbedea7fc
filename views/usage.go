package views

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
)

// usageRow is a site with the counts that are billed and shown elsewhere. They differ, so each stands by itself, with its
// source and its date.
type usageRow struct {
	site    unity.Site
	readAt  time.Time // of the list of sites
	reports map[unity.UsageKind]unity.Int
	dates   map[unity.UsageKind]unity.Time // of the reports
}

// date is the day of the reports; unknown when they differ or are not there.
func (u *usageRow) date() unity.Time {
	var out unity.Time
	for i, kind := range usageKinds() {
		switch d := u.dates[kind]; {
		case i == 0:
			out = d
		case !d.Equal(out.Time):
			return unity.Time{}
		}
	}
	return out
}

// dayText is the day of a report, which is the same wherever it is read: as an instant it begins at midnight UTC.
func dayText(t unity.Time) string {
	if !t.Known() {
		return t.Text()
	}
	return t.UTC().Format(time.DateOnly)
}

// usageKinds are the reports, in the order of their columns.
func usageKinds() []unity.UsageKind {
	return []unity.UsageKind{unity.UsageActive, unity.UsageActiveShown, unity.UsageSeen}
}

// Usage lists seats and the three counts of endpoints for each site, with where they come from and of when they are.
func (e *Env) Usage() ui.Resource[usageRow, unity.SiteID] {
	count := func(kind unity.UsageKind) func(*usageRow) string {
		return func(u *usageRow) string { return u.reports[kind].String() }
	}
	order := func(kind unity.UsageKind) func(a, b *usageRow) int {
		return byInt(func(u *usageRow) int64 { return u.reports[kind].Or(-1) })
	}
	return ui.Resource[usageRow, unity.SiteID]{
		Kind: "usage", Title: "Usage", Path: "usage",
		Key:  func(u *usageRow) unity.SiteID { return u.site.ID },
		Name: func(u *usageRow) string { return siteName(&u.site) },
		Columns: []table.Column[usageRow]{
			{ID: "site", Title: "Site", Min: 12, Max: 48, Flex: 3, Text: func(u *usageRow) string { return siteName(&u.site) }},
			{ID: "seats", Title: "Seats", Min: 5, Right: true, Priority: 2, Text: func(u *usageRow) string { return u.site.DevicesAllowed.String() },
				Less: byInt(func(u *usageRow) int64 { return u.site.DevicesAllowed.Or(-1) })},
			{ID: "console", Title: "Console", Min: 7, Right: true, Text: func(u *usageRow) string { return u.site.TotalEndpoints.String() },
				Less: byInt(func(u *usageRow) int64 { return u.site.TotalEndpoints.Or(-1) }), Tone: overTone},
			{ID: "active", Title: "Active", Min: 6, Right: true, Priority: 1, Text: count(unity.UsageActive), Less: order(unity.UsageActive)},
			{ID: "shown", Title: "Not hidden", Min: 10, Right: true, Priority: 3, Text: count(unity.UsageActiveShown), Less: order(unity.UsageActiveShown)},
			{ID: "seen", Title: "Seen 30 d", Min: 9, Right: true, Priority: 1, Text: count(unity.UsageSeen), Less: order(unity.UsageSeen)},
			{ID: "date", Title: "Report of", Min: 10, Priority: 4, Text: func(u *usageRow) string { return dayText(u.date()) },
				Less: byTime(func(u *usageRow) time.Time { return u.date().Time })},
			{ID: "billing", Title: "Billing", Min: 9, Priority: 5, Text: func(u *usageRow) string { return join(u.site.BillingCycle.String(), u.site.BillingDate.String()) }},
			{ID: "keycode", Title: "Keycode", Min: 24, Priority: 6, Text: func(u *usageRow) string { return u.site.Keycode.String() }},
		},
		Sort: []table.SortKey{{Column: "site"}},
		Load: e.loadUsage,
		Enter: func(u *usageRow) tea.Cmd {
			return ui.Push(e.SiteScreen(u.site))
		},
		Detail: e.usageDetail,
		Empty:  "This user sees no site.",
	}
}

func overTone(u *usageRow) theme.Tone {
	if u.site.TotalEndpoints.Or(0) > u.site.DevicesAllowed.Or(u.site.TotalEndpoints.Or(0)) {
		return theme.Warn
	}
	return theme.Plain
}

func (e *Env) usageDetail(u *usageRow) []ui.Field {
	day := func(kind unity.UsageKind) string {
		if d := u.dates[kind]; d.Known() {
			return "the report of " + dayText(d)
		}
		return "a report of an unknown day"
	}
	word := func(n unity.Int, from string) string {
		if !n.Known {
			return ""
		}
		return n.String() + " · " + from
	}
	return (&fields{}).in("Usage").add("Site", siteName(&u.site)).add("Seats allowed", u.site.DevicesAllowed.String()).
		add("Active in the console", word(u.site.TotalEndpoints, "the list of sites, read "+ago(u.readAt, e.now()))).
		add("Active, with hidden ones", word(u.reports[unity.UsageActive], day(unity.UsageActive))).
		add("Active, without hidden ones", word(u.reports[unity.UsageActiveShown], day(unity.UsageActiveShown))).
		add("Seen within 30 days", word(u.reports[unity.UsageSeen], day(unity.UsageSeen))).out
}

// loadUsage reads the list of sites and the three reports beside one another. A report that is refused is named; the other
// counts are shown all the same.
func (e *Env) loadUsage(ctx context.Context, emit func(ui.Page[usageRow])) error {
	var wg sync.WaitGroup
	kinds := usageKinds()
	reports, errs := make([]*unity.UsageReport, len(kinds)), make([]error, len(kinds))
	for i, kind := range kinds {
		wg.Go(func() { reports[i], errs[i] = e.Client.SiteUsage(ctx, kind, time.Time{}) })
	}
	list, err := e.Client.Sites(ctx)
	if list == nil {
		wg.Wait()
		return err
	}
	e.keepSites(list.Sites)
	rows := make([]*usageRow, 0, len(list.Sites))
	at := make(map[unity.SiteID]*usageRow, len(list.Sites))
	page := ui.Page[usageRow]{Total: len(list.Sites)}
	if err != nil {
		page.Problems = append(page.Problems, err.Error())
	}
	for _, s := range list.Sites {
		u := &usageRow{site: s, readAt: e.now(), reports: map[unity.UsageKind]unity.Int{}, dates: map[unity.UsageKind]unity.Time{}}
		rows, at[s.ID] = append(rows, u), u
	}
	wg.Wait()
	for i, r := range reports {
		if errs[i] != nil {
			page.Problems = append(page.Problems, string(kinds[i])+": "+scopeAdvice(errs[i]))
		}
		if r == nil {
			continue
		}
		page.Notes = append(page.Notes, string(r.Kind)+" of "+dayText(r.Date))
		for _, n := range r.Sites {
			u := at[n.SiteID]
			if u == nil {
				continue
			}
			u.reports[r.Kind], u.dates[r.Kind] = n.Total, r.Date
		}
	}
	page.Items = rows
	emit(page)
	return ctx.Err()
}
