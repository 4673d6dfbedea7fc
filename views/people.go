package views

import (
	"context"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
)

func (e *Env) policies(title, path string, read func(context.Context) ([]unity.Policy, error)) ui.Resource[unity.Policy, unity.PolicyID] {
	return ui.Resource[unity.Policy, unity.PolicyID]{
		Kind: "policy", Title: title, Path: path,
		Key:  func(p *unity.Policy) unity.PolicyID { return p.ID },
		Name: (*unity.Policy).Label,
		Columns: []table.Column[unity.Policy]{
			{ID: "policy", Title: "Policy", Min: 16, Max: 48, Flex: 2, Text: (*unity.Policy).Label},
			{ID: "description", Title: "Description", Min: 12, Max: 80, Flex: 3, Priority: 2, Text: func(p *unity.Policy) string { return p.Description.String() }},
			{ID: "id", Title: "Id", Min: 36, Priority: 4, Text: func(p *unity.Policy) string { return string(p.ID) }},
		},
		Sort: []table.SortKey{{Column: "policy"}},
		Load: func(ctx context.Context, emit func(ui.Page[unity.Policy])) error {
			rows, err := read(ctx)
			if err != nil {
				return err
			}
			e.keepPolicies(rows)
			emitRows(rows, emit)
			return nil
		},
		Detail: func(p *unity.Policy) []ui.Field {
			return (&fields{}).in("Policy").add("Name", p.Name.String()).add("Description", p.Description.String()).add("Id", string(p.ID)).
				in("More").add("Settings", "the API does not give them; `w` shows all it sent").out
		},
		Raw:   func(p *unity.Policy) []byte { return raw(p.Record) },
		Empty: "No policy was listed.",
	}
}

func emitRows[T any](rows []T, emit func(ui.Page[T])) {
	page := ui.Page[T]{Total: len(rows)}
	for i := range rows {
		page.Items = append(page.Items, &rows[i])
	}
	emit(page)
}

// Policies lists the console's policies.
func (e *Env) Policies() ui.Resource[unity.Policy, unity.PolicyID] {
	return e.policies("Policies", "policies", e.Client.Policies)
}

// SitePolicies lists the policies a site can use.
func (e *Env) SitePolicies(s unity.Site) ui.Resource[unity.Policy, unity.PolicyID] {
	return e.policies("Policies of "+siteName(&s), "", func(ctx context.Context) ([]unity.Policy, error) { return e.Client.SitePolicies(ctx, s.ID) })
}

func (e *Env) admins(title, path string, s *unity.Site, read func(context.Context) ([]unity.Admin, error)) ui.Resource[unity.Admin, unity.UserID] {
	return ui.Resource[unity.Admin, unity.UserID]{
		Kind: "admin", Title: title, Path: path,
		Key:  func(a *unity.Admin) unity.UserID { return a.ID },
		Name: (*unity.Admin).Label,
		Columns: []table.Column[unity.Admin]{
			{ID: "name", Title: "Name", Min: 14, Max: 32, Flex: 2, Text: (*unity.Admin).Label},
			{ID: "email", Title: "E-mail", Min: 16, Max: 40, Flex: 2, Priority: 1, Text: func(a *unity.Admin) string { return a.Email.String() }},
			{ID: "access", Title: "Access", Min: 6, Text: func(a *unity.Admin) string { return unity.AccessWord(a.AccessLevel) }},
			{ID: "state", Title: "State", Min: 9, Max: 16, Priority: 2, Text: func(a *unity.Admin) string { return a.UserState.String() },
				Tone: func(a *unity.Admin) theme.Tone {
					if a.UserState.Raw() == "Activated" {
						return theme.Plain
					}
					return theme.Warn
				}},
			{ID: "console", Title: "Of the console", Min: 14, Priority: 3, Text: func(a *unity.Admin) string { return yesNo(a.MSPUser) }},
			{ID: "phone", Title: "Phone", Min: 12, Max: 20, Priority: 4, Text: func(a *unity.Admin) string { return join(a.OfficeTel.String(), a.MobileTel.String()) }},
		},
		Sort: []table.SortKey{{Column: "name"}},
		Load: func(ctx context.Context, emit func(ui.Page[unity.Admin])) error {
			rows, err := read(ctx)
			if err != nil {
				return err
			}
			emitRows(rows, emit)
			return nil
		},
		Detail: func(a *unity.Admin) []ui.Field {
			return (&fields{}).in("Admin").add("Name", a.Label()).add("E-mail", a.Email.String()).add("Access", unity.AccessWord(a.AccessLevel)).
				add("State", a.UserState.String()).add("Confirmed", yesNo(a.Confirmed)).add("Attached to the console", yesNo(a.MSPUser)).
				add("Office", a.OfficeTel.String()).add("Mobile", a.MobileTel.String()).add("Id", string(a.ID)).out
		},
		Raw:     func(a *unity.Admin) []byte { return raw(a.Record) },
		Actions: e.adminActions(s),
		Depends: adminKeys(s),
		Empty:   "No admin was listed.",
	}
}

// Admins lists the console's admins.
func (e *Env) Admins() ui.Resource[unity.Admin, unity.UserID] {
	return e.admins("Admins", "admins", nil, e.Client.Admins)
}

// SiteAdmins lists who has access to a site.
func (e *Env) SiteAdmins(s unity.Site) ui.Resource[unity.Admin, unity.UserID] {
	return e.admins("Admins of "+siteName(&s), "", &s, func(ctx context.Context) ([]unity.Admin, error) { return e.Client.SiteAdmins(ctx, s.ID) })
}

func adminKeys(s *unity.Site) []string {
	if s == nil {
		return []string{"admins"}
	}
	return []string{"admins/" + string(s.ID)}
}
