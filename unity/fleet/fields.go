package fleet

import (
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// statusScope is what the fields need that only agents report.
const statusScope = "SkyStatus.GSM"

// Facets are how the selector language reads the fields of a row, whatever holds the row.
type Facets[T any] struct {
	Host, Site, Group, Policy, OS, Version, MAC, IPs, User, ID, Keycode, Type func(T) string
	// GroupNamed and PolicyNamed tell whether a name is known: an id says nothing about what the name may be.
	GroupNamed, PolicyNamed func(T) bool
	// Joined tells whether there is a report of the agent.
	Joined func(T) bool
	State  func(row T, now time.Time) (state string, known bool)
	// Seen and First are zero for never and unknown.
	Seen, First func(T) time.Time
}

// Language is the selector language of endpoints, over rows of any kind. In the selector of a change a bare word matches
// the host name only, so that a customer's name never selects all its machines.
func Language[T any](f Facets[T], forChange bool, now func() time.Time, missingScope func(string) bool) *selector.Language[T] {
	bare := []string{"host", "site", "user", "ip", "mac", "keycode"}
	if forChange {
		bare = []string{"host"}
	}
	return &selector.Language[T]{
		Fold: unity.Fold, Bare: bare, MissingScope: missingScope,
		Fields: []selector.Field[T]{
			{Name: "host", Kind: selector.Text, Text: f.Host, NoStar: true},
			{Name: "site", Kind: selector.Text, Text: f.Site},
			{Name: "group", Kind: selector.Text, Text: f.Group, Known: f.GroupNamed},
			{Name: "policy", Kind: selector.Text, Text: f.Policy, Known: f.PolicyNamed},
			{Name: "status", Kind: selector.Exact, Values: States(), Scope: statusScope,
				Known: func(row T) bool { _, ok := f.State(row, now()); return ok },
				Text:  func(row T) string { s, _ := f.State(row, now()); return s },
				// Deactivation is known from the console; only what is left takes a report.
				Possible: func(T) []string { return States()[1:] }},
			{Name: "seen", Kind: selector.Age, Time: f.Seen},
			{Name: "first", Kind: selector.Age, Time: f.First, Known: func(row T) bool { return !f.First(row).IsZero() }},
			{Name: "os", Kind: selector.Text, Text: f.OS, Known: f.Joined, Scope: statusScope},
			{Name: "version", Kind: selector.Version, Text: f.Version, Known: func(row T) bool { return f.Version(row) != "" }},
			{Name: "mac", Kind: selector.Text, Text: f.MAC, NoStar: true, Known: f.Joined, Scope: statusScope},
			{Name: "ip", Kind: selector.Text, Text: f.IPs, NoStar: true, Known: f.Joined, Scope: statusScope},
			{Name: "user", Kind: selector.Text, Text: f.User, NoStar: true, Known: f.Joined, Scope: statusScope},
			{Name: "id", Kind: selector.Exact, Text: f.ID},
			{Name: "keycode", Kind: selector.Keycode, Text: f.Keycode},
			{Name: "type", Kind: selector.Exact, Text: f.Type, Values: []string{"pc", "mac"}, Scope: statusScope,
				Known: func(row T) bool { return f.Type(row) != "" }},
		},
	}
}

// MachineLanguage is the selector language of endpoints that are held as machines.
func MachineLanguage(forChange bool, now func() time.Time, missingScope func(string) bool) *selector.Language[*Machine] {
	return Language(Facets[*Machine]{
		Host:  func(m *Machine) string { return m.HostName.Raw() },
		Site:  func(m *Machine) string { return m.SiteName.Raw() },
		Group: (*Machine).GroupLabel, GroupNamed: (*Machine).groupNamed,
		Policy: (*Machine).PolicyLabel, PolicyNamed: (*Machine).policyNamed,
		OS: (*Machine).OS, Version: (*Machine).Version, MAC: (*Machine).MAC, IPs: (*Machine).IPs, User: (*Machine).User, Type: (*Machine).Type,
		ID:      func(m *Machine) string { return string(m.ID) },
		Keycode: func(m *Machine) string { return m.SiteKey.String() },
		Joined:  func(m *Machine) bool { return m.Status != nil },
		State:   (*Machine).State, Seen: (*Machine).Seen,
		First: func(m *Machine) time.Time { return m.FirstSeen.Time },
	}, forChange, now, missingScope)
}

// Reaches tells of sites whether a machine of theirs can be what the plan asks for, as far as the terms say that ask for the site
// itself.
func Reaches(plan *selector.Plan[*Machine], now time.Time) func(*unity.Site) bool {
	return func(s *unity.Site) bool {
		return !plan.Excludes(NewMachine(unity.Endpoint{}, s, SiteOptions{}, now), now, "site", "keycode")
	}
}

// SiteLanguage is the selector language of sites.
func SiteLanguage() *selector.Language[*unity.Site] {
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	return &selector.Language[*unity.Site]{
		Fold: unity.Fold, Bare: []string{"site", "keycode"},
		Fields: []selector.Field[*unity.Site]{
			{Name: "site", Kind: selector.Text, Text: func(s *unity.Site) string { return s.Name.Raw() }},
			{Name: "id", Kind: selector.Exact, Text: func(s *unity.Site) string { return string(s.ID) }},
			{Name: "keycode", Kind: selector.Keycode, Text: func(s *unity.Site) string { return s.Keycode.String() }},
			{Name: "state", Kind: selector.Exact, Text: (*unity.Site).State,
				Values: []string{"active", "trial", "suspended", "deactivated", "expired"}},
			count("seats", func(s *unity.Site) unity.Int { return s.DevicesAllowed }),
			count("used", func(s *unity.Site) unity.Int { return s.TotalEndpoints }),
			{Name: "over", Kind: selector.Number, Number: func(s *unity.Site) float64 { return float64(Over(s)) },
				Known: func(s *unity.Site) bool { return s.TotalEndpoints.Known && s.DevicesAllowed.Known }},
			{Name: "trial", Kind: selector.Exact, Text: func(s *unity.Site) string { return yes(s.Trial()) }, Values: []string{"yes", "no"}},
			{Name: "ends", Kind: selector.Until, Time: func(s *unity.Site) time.Time { return s.EndDate.Time }},
			count("infected", func(s *unity.Site) unity.Int { return s.PCsInfected24 }),
			{Name: "policy", Kind: selector.Text, Text: func(s *unity.Site) string { return s.PolicyName.Raw() }},
		},
	}
}

// count is a field of sites that holds a number the server may have left out.
func count(name string, of func(*unity.Site) unity.Int) selector.Field[*unity.Site] {
	return selector.Field[*unity.Site]{Name: name, Kind: selector.Number,
		Number: func(s *unity.Site) float64 { return float64(of(s).Or(0)) },
		Known:  func(s *unity.Site) bool { return of(s).Known }}
}

// Over is by how many machines a site exceeds its seats; never negative.
func Over(s *unity.Site) int64 {
	return max(0, s.TotalEndpoints.Or(0)-s.DevicesAllowed.Or(0))
}
