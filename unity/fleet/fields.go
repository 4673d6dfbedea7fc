package fleet

import (
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/selector"
)

// statusScope is what the fields need that only agents report.
const statusScope = "SkyStatus.GSM"

// MachineLanguage is the selector language of endpoints. In the selector of a change a bare word matches the host name
// only, so that a customer's name never selects all its machines.
func MachineLanguage(forChange bool, now func() time.Time, missingScope func(string) bool) *selector.Language[*Machine] {
	joined := func(m *Machine) bool { return m.Status != nil }
	bare := []string{"host", "site", "user", "ip", "mac", "keycode"}
	if forChange {
		bare = []string{"host"}
	}
	return &selector.Language[*Machine]{
		Fold: unity.Fold, Bare: bare, MissingScope: missingScope,
		Fields: []selector.Field[*Machine]{
			{Name: "host", Kind: selector.Text, Text: func(m *Machine) string { return m.HostName.Raw() }},
			{Name: "site", Kind: selector.Text, Text: func(m *Machine) string { return m.SiteName.Raw() }},
			{Name: "group", Kind: selector.Text, Text: (*Machine).GroupLabel, Known: (*Machine).groupNamed},
			{Name: "policy", Kind: selector.Text, Text: (*Machine).PolicyLabel, Known: (*Machine).policyNamed},
			{Name: "status", Kind: selector.Exact, Values: States(), Scope: statusScope,
				Known: func(m *Machine) bool { _, ok := m.State(now()); return ok },
				Text:  func(m *Machine) string { s, _ := m.State(now()); return s },
				// Deactivation is known from the console; only what is left takes a report.
				Possible: func(*Machine) []string { return States()[1:] }},
			{Name: "seen", Kind: selector.Age, Time: (*Machine).Seen},
			{Name: "first", Kind: selector.Age, Time: func(m *Machine) time.Time { return m.FirstSeen.Time },
				Known: func(m *Machine) bool { return m.FirstSeen.Known() }},
			{Name: "os", Kind: selector.Text, Text: (*Machine).OS, Known: joined, Scope: statusScope},
			{Name: "version", Kind: selector.Version, Text: (*Machine).Version, Known: func(m *Machine) bool { return m.Version() != "" }},
			{Name: "mac", Kind: selector.Text, Text: (*Machine).MAC, Known: joined, Scope: statusScope},
			{Name: "ip", Kind: selector.Text, Text: (*Machine).IPs, Known: joined, Scope: statusScope},
			{Name: "user", Kind: selector.Text, Text: (*Machine).User, Known: joined, Scope: statusScope},
			{Name: "id", Kind: selector.Exact, Text: func(m *Machine) string { return string(m.ID) }},
			{Name: "keycode", Kind: selector.Keycode, Text: func(m *Machine) string { return m.SiteKey.String() }},
			{Name: "type", Kind: selector.Exact, Text: (*Machine).Type, Values: []string{"pc", "mac"}, Scope: statusScope,
				Known: func(m *Machine) bool { return m.Type() != "" }},
		},
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
