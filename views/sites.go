package views

import (
	"context"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Sites is the list of all customers of the console.
func (e *Env) Sites() ui.Resource[unity.Site, unity.SiteID] {
	language := fleet.SiteLanguage()
	language.Views = e.expressions()
	return ui.Resource[unity.Site, unity.SiteID]{
		Kind: "site", Title: "Sites", Path: "sites",
		Key:      func(s *unity.Site) unity.SiteID { return s.ID },
		Name:     siteName,
		Columns:  e.siteColumns(),
		Sort:     []table.SortKey{{Column: "site"}},
		Filter:   filterOf(e, language),
		Complete: language.Complete,
		Load:     e.loadSites,
		Every:    e.Refresh,
		Depends:  []string{"sites"},
		Enter:    func(s *unity.Site) tea.Cmd { return ui.Push(e.SiteScreen(*s)) },
		Detail:   e.siteDetail,
		Raw:      func(s *unity.Site) []byte { return raw(s.Record) },
		Actions:  e.siteActions(),
		Empty:    "This user sees no site. A super admin grants access site by site in the GSM console: Sites, then Admins.",
	}
}

func siteName(s *unity.Site) string {
	if s.Name.Empty() {
		return s.Keycode.String()
	}
	return s.Name.String()
}

func (e *Env) loadSites(ctx context.Context, emit func(ui.Page[unity.Site])) error {
	if e.Client.Key() == "" {
		return unity.ErrUnauthenticated
	}
	list, err := e.Client.Sites(ctx)
	if list == nil {
		return err
	}
	e.keepSites(list.Sites)
	page := ui.Page[unity.Site]{Total: len(list.Sites)}
	for i := range list.Sites {
		page.Items = append(page.Items, &list.Sites[i])
	}
	if err != nil {
		page.Problems = []string{err.Error()}
	}
	emit(page)
	if _, err := e.Console(ctx); err != nil && ctx.Err() == nil {
		emit(ui.Page[unity.Site]{Total: len(list.Sites), Problems: append(page.Problems, "console: "+err.Error())})
	}
	return nil
}

func (e *Env) siteColumns() []table.Column[unity.Site] {
	return []table.Column[unity.Site]{
		{ID: "site", Title: "Site", Min: 14, Max: 48, Flex: 4, Text: siteName, Tone: func(s *unity.Site) theme.Tone { return siteTone(s, theme.Plain) }},
		{ID: "favourite", Title: "F", Min: 1, Max: 1, Priority: 7, Text: func(s *unity.Site) string { return e.favouriteSign(s.ID) },
			Less: byInt(func(s *unity.Site) int64 { return -int64(len(e.favouriteSign(s.ID))) }), Tone: func(*unity.Site) theme.Tone { return theme.Accent }},
		{ID: "used", Title: "Seats", Min: 7, Right: true, Priority: 1, Text: seatsText,
			DataTitle: "Used", Data: func(s *unity.Site) string { return s.TotalEndpoints.String() },
			Less: byInt(func(s *unity.Site) int64 { return s.TotalEndpoints.Or(0) }),
			Tone: func(s *unity.Site) theme.Tone {
				if fleet.Over(s) > 0 {
					return theme.Warn
				}
				return theme.Plain
			}},
		{ID: "seats", Title: "Allowed", Min: 7, Right: true, Priority: 7, Hidden: true, Text: func(s *unity.Site) string { return s.DevicesAllowed.String() },
			Less: byInt(func(s *unity.Site) int64 { return s.DevicesAllowed.Or(0) })},
		{ID: "over", Title: "Over", Min: 4, Right: true, Priority: 1, Hidden: true, Text: overText,
			Less: byInt(fleet.Over), Tone: func(*unity.Site) theme.Tone { return theme.Warn }},
		// The API counts what was infected within a day; a machine that has been so for longer is not among them.
		{ID: "infected", Title: "Inf24", Min: 5, Right: true, Priority: 2,
			Text: func(s *unity.Site) string { return hideZero(s.PCsInfected24) },
			Less: byInt(func(s *unity.Site) int64 { return s.PCsInfected24.Or(0) }),
			Tone: func(*unity.Site) theme.Tone { return theme.Bad }},
		{ID: "state", Title: "State", Min: 9, Max: 11, Priority: 3, Text: (*unity.Site).State, Tone: func(s *unity.Site) theme.Tone { return siteTone(s, theme.Good) }},
		{ID: "ends", Title: "Ends", Min: 10, Priority: 5, Text: func(s *unity.Site) string { return e.dateText(s.EndDate) },
			Data: func(s *unity.Site) string { return stampText(s.EndDate) },
			Less: byTime(func(s *unity.Site) time.Time { return s.EndDate.Time }), Tone: e.endTone},
		{ID: "policy", Title: "Policy", Min: 10, Max: 30, Flex: 2, Priority: 6, Text: func(s *unity.Site) string { return s.PolicyName.String() }},
		{ID: "access", Title: "Access", Min: 6, Priority: 4, Text: func(s *unity.Site) string { return unity.AccessWord(s.AccessLevel) },
			Tone: func(s *unity.Site) theme.Tone {
				if !s.Writable() {
					return theme.Muted
				}
				return theme.Plain
			}},
		{ID: "keycode", Title: "Keycode", Min: 24, Priority: 8, Text: func(s *unity.Site) string { return s.Keycode.String() }},
		{ID: "billing", Title: "Billing", Min: 9, Priority: 9, Hidden: true, Text: func(s *unity.Site) string { return join(s.BillingCycle.String(), s.BillingDate.String()) }},
		{ID: "comments", Title: "Comments", Min: 8, Max: 40, Flex: 1, Priority: 10, Text: func(s *unity.Site) string { return s.CompanyComments.String() }},
	}
}

func seatsText(s *unity.Site) string {
	text := s.TotalEndpoints.String() + "/" + s.DevicesAllowed.String()
	if fleet.Over(s) > 0 {
		text += "!"
	}
	return text
}

// overText is by how many machines a site is over its seats; "" when it is not.
func overText(s *unity.Site) string {
	if over := fleet.Over(s); over > 0 {
		return strconv.FormatInt(over, 10)
	}
	return ""
}

func hideZero(n unity.Int) string {
	if n.Or(0) == 0 {
		return ""
	}
	return n.String()
}

func (e *Env) dateText(t unity.Time) string {
	if !t.Known() {
		return t.Text()
	}
	return t.Local().Format("2006-01-02")
}

func (e *Env) endTone(s *unity.Site) theme.Tone {
	left := s.EndDate.Sub(e.Client.Now())
	switch {
	case !s.EndDate.Known():
		return theme.Muted
	case left < 0:
		return theme.Bad
	case left < 30*24*time.Hour:
		return theme.Warn
	default:
		return theme.Plain
	}
}

func siteTone(s *unity.Site, active theme.Tone) theme.Tone {
	switch s.State() {
	case "deactivated":
		return theme.Muted
	case "suspended", "expired":
		return theme.Bad
	case "trial":
		return theme.Warn
	default:
		return active
	}
}

func (e *Env) siteDetail(s *unity.Site) []ui.Field {
	now := e.Client.Now()
	f := (&fields{}).in("Site").add("Name", siteName(s)).add("Keycode", s.Keycode.String()).add("Id", string(s.ID)).
		toned("State", s.State(), siteTone(s, theme.Good)).add("Your access", unity.AccessWord(s.AccessLevel)).
		add("Comments", s.CompanyComments.String()).add("Reports to", s.Emails.String()).add("Created by", s.CreatedBy.String())
	f.in("Licence").add("Type", s.Description.String()).add("Ends", when(s.EndDate, now)).
		add("Seats used of allowed", seatsText(s)+" (active endpoints, from the console's list of sites)").
		add("Mobile seats", s.MobileSeats.String()).add("Billing", join(s.BillingCycle.String(), s.BillingDate.String())).
		add("Suspended by", s.SuspendedBy.String()).add("Deactivated by", s.DeactivatedBy.String())
	for _, m := range s.Modules {
		f.add("Module "+m.Type.String(), join(m.LicenseType.String(), "ends "+e.dateText(m.EndDate)))
	}
	f.in("Protection").add("Default policy", s.PolicyName.String()).add("Infected in the last 24 h", s.PCsInfected24.String()).
		add("Infected now", yesNo(s.Infect)).add("Global policies", yesNo(s.GlobalPolicies)).
		add("Global overrides", yesNo(s.GlobalOverrides)).add("Global alerts", yesNo(s.GlobalAlerts))
	return f.out
}
