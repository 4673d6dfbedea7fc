package edit

import (
	"strconv"
	"strings"

	"github.com/unitty/unitty/unity"
)

// MaxAddresses is how many recipients of reports a site may have (§3.3.3).
const MaxAddresses = 10

// Words of access levels (§3.4).
const (
	LevelAdmin = "admin"
	LevelView  = "view"
	LevelNone  = "none"
)

// Words of what becomes of a group's policy (§3.6.3).
const (
	InheritKeep   = "keep"
	InheritApply  = "apply"
	InheritUpdate = "update"
)

func positive(value string, _ Values) string {
	if n, err := strconv.Atoi(value); value != "" && (err != nil || n < 1) {
		return "this has to be 1 or more"
	}
	return ""
}

func siteFields() []Field {
	return []Field{
		{Name: "SiteName", Label: "Name", Kind: Text, Required: true, Help: "The customer's name, as it stands in all lists."},
		{Name: "Seats", Label: "Seats", Kind: Number, Required: true, rule: positive, Help: "How many machines the site may have."},
		{Name: "Comments", Label: "Comments", Kind: Lines, Required: true, Most: 1000, Help: "At most 1000 characters; many write the customer's number here."},
		{Name: "Emails", Label: "Reports to", Kind: Emails, Required: true, Help: "Who gets the reports: at most 10 addresses, with commas between them."},
		{Name: "BillingCycle", Label: "Billing", Kind: Choice, Options: []string{Annually, Quarterly, Monthly, Weekly}, Default: Annually,
			Help: "How often the site is billed."},
		{Name: "BillingDate", Label: "Billing date", Kind: Text, Default: defaultBillingDate, rule: billingRule, with: []string{"BillingCycle"},
			Help: `Every year "Aug 14"; every quarter "Feb 15" for its second month; every month 1 to 28; every week 1 (Monday) to 7.`},
		{Name: "PolicyId", Label: "Policy", Kind: Policy, Help: "The policy that new machines of the site get; without one it is Recommended Defaults."},
		{Name: "GlobalPolicies", Label: "Global policies", Kind: YesNo, Default: "false", Help: "Whether the site may use the policies of the console."},
		{Name: "GlobalOverrides", Label: "Global overrides", Kind: YesNo, Default: "false", Help: "Whether the console's overrides hold for the site."},
	}
}

func moduleField(help string) Field {
	return Field{Name: "Modules", Label: "Modules", Kind: Modules, Help: help}
}

// SiteCreate are the fields of a new site: POST …/sites (§3.3.3).
func SiteCreate() Form {
	fields := append(siteFields(),
		Field{Name: "Trial", Label: "Trial", Kind: YesNo, Default: "false", Help: "Whether the keycode is a trial of 30 days."},
		moduleField("Add-ons with their licence, for example DNSP=Trial,WSAT=Full; empty for none."))
	return Form{ID: "site.create", Fields: fields}
}

// SiteEdit are the fields of a site that can be changed: PUT …/sites/{s} (§3.3.4).
func SiteEdit() Form {
	fields := append(siteFields(), moduleField("Add-ons with their licence, for example DNSP=Trial,WSAT=off; those that are not named are switched off."))
	for i := range fields {
		fields[i].Default = ""
	}
	return Form{ID: "site.edit", Fields: fields, Edit: true}
}

func groupFields() []Field {
	return []Field{
		{Name: "GroupName", Label: "Name", Kind: Text, Required: true, Most: 50, Help: "At most 50 characters."},
		{Name: "GroupDescription", Label: "Description", Kind: Text, Required: true, Most: 50, Help: "At most 50 characters."},
		{Name: "PolicyId", Label: "Policy", Kind: Policy, Help: "The policy of the group's machines; without one it is the site's default policy."},
	}
}

// GroupCreate are the fields of a new group: POST …/groups (§3.6.2).
func GroupCreate() Form { return Form{ID: "group.create", Fields: groupFields()} }

// GroupEdit are the fields of a group that can be changed: PUT …/groups/{g} (§3.6.3).
func GroupEdit() Form {
	fields := append(groupFields(), Field{Name: "Inheritance", Label: "Its machines", Kind: Choice, Options: []string{InheritKeep, InheritApply, InheritUpdate},
		numbers: map[string]int{InheritKeep: 0, InheritApply: 1, InheritUpdate: 3}, beside: "PolicyId", rule: inheritanceRule,
		Help: "What a new policy means for the machines of the group: keep theirs, apply it to all, or update those that inherit."})
	return Form{ID: "group.edit", Fields: fields, Edit: true}
}

// inheritanceRule: the value only means something beside a policy.
func inheritanceRule(value string, all Values) string {
	if value != "" && all["PolicyId"] == "" {
		return "this goes with a policy only"
	}
	return ""
}

func nameFields(required bool) []Field {
	return []Field{
		{Name: "FirstName", Label: "First name", Kind: Text, Required: required, Least: 2, Most: 30, Help: "2 to 30 characters; an account that exists already is renamed."},
		{Name: "LastName", Label: "Last name", Kind: Text, Required: required, Least: 2, Most: 30, Help: "2 to 30 characters; an account that exists already is renamed."},
	}
}

// AdminCreate are the fields of a new admin of the console or of a site: POST …/admins (§3.4.2).
func AdminCreate() Form {
	fields := []Field{{Name: "EmailAddress", Label: "E-mail", Kind: Text, Required: true, rule: addressRule,
		Help: "An address nobody knows yet gets an account and the mail that goes with it."}}
	fields = append(fields, nameFields(true)...)
	fields = append(fields, Field{Name: "AccessLevel", Label: "Access", Kind: Level, Required: true, Options: []string{LevelAdmin, LevelView},
		numbers: levels(), Help: "Admin may change everything, view may look only. No site is opened by this."})
	return Form{ID: "admin.create", Fields: fields}
}

// AdminAccess are the fields of a request that makes a user an API-only super admin of the console (§3.2.1).
func AdminAccess() Form {
	return Form{ID: "admin.access", Fields: []Field{
		{Name: "UserEmail", Label: "User", Kind: Text, Required: true, rule: addressRule, Help: "The e-mail address of the user, who can no longer sign in to any web console afterwards."},
		{Name: "ConfirmEmail", Label: "Who approves", Kind: Text, Required: true, rule: addressRule, Help: "The e-mail address of the person at the console who gets the mail to approve it."},
	}}
}

// AdminEdit are the fields of an admin that can be changed: PUT …/admins/{userId} (§3.4.4).
func AdminEdit() Form { return Form{ID: "admin.edit", Fields: nameFields(true), Edit: true} }

// AdminGrant is the access of an admin to a site: PUT …/sites/{s}/admins (§3.4.3).
func AdminGrant() Form {
	return Form{ID: "admin.grant", Edit: true, Fields: []Field{{Name: "AccessLevel", Label: "Access", Kind: Level, Required: true,
		Options: []string{LevelAdmin, LevelView, LevelNone}, numbers: levels(), Help: "What the admin may do at the site: everything, look only, or nothing."}}}
}

func levels() map[string]int {
	return map[string]int{LevelAdmin: unity.AccessAdmin, LevelView: unity.AccessView, LevelNone: unity.AccessNone}
}

// LevelNumber gives the API's number of an access word.
func LevelNumber(word string) (int, bool) {
	n, ok := levels()[strings.ToLower(word)]
	return n, ok
}

func addressRule(value string, _ Values) string {
	if _, ok := unity.Address(value); value != "" && !ok {
		return "this is no e-mail address"
	}
	return ""
}

// SiteValues are the values of a site as the fields of SiteEdit have them (§3.3.2): the record calls two of them otherwise.
func SiteValues(s *unity.Site) Values {
	v := Values{"SiteName": s.Name.Raw(), "Comments": s.CompanyComments.Raw(), "Emails": s.Emails.Raw(), "BillingCycle": s.BillingCycle.Raw(),
		"BillingDate": s.BillingDate.Raw(), "PolicyId": string(s.PolicyID)}
	if s.DevicesAllowed.Known {
		v["Seats"] = s.DevicesAllowed.String()
	}
	for name, b := range map[string]unity.Bool{"GlobalPolicies": s.GlobalPolicies, "GlobalOverrides": s.GlobalOverrides} {
		if b.Known {
			v[name] = strconv.FormatBool(b.On)
		}
	}
	var all []module
	for _, m := range s.Modules {
		all = append(all, module{m.Type.Raw(), m.LicenseType.Raw()})
	}
	if s.Modules != nil { // a record without them says nothing about them
		v["Modules"] = formatModules(all)
	}
	return SiteEdit().Tidy(v)
}

// GroupValues are the values of a group as the fields of GroupEdit have them (§3.6.1).
func GroupValues(g *unity.Group) Values {
	return GroupEdit().Tidy(Values{"GroupName": g.Name.Raw(), "GroupDescription": g.Description.Raw(), "PolicyId": string(g.PolicyID)})
}

// AdminValues are the values of an admin as the fields of AdminEdit have them (§3.4.1).
func AdminValues(a *unity.Admin) Values {
	return AdminEdit().Tidy(Values{"FirstName": a.FirstName.Raw(), "LastName": a.LastName.Raw()})
}
