package unitytest

import "strings"

// reportingDelay is how far the latest report lies back: a day can be asked for from the second following day on.
const reportingDelay = 2

// reportingSites counts the endpoints of all sites as they are billed. The world keeps no history, so the machines are
// counted as they are now: hidden ones are those that the world took out of polling.
func (c *call) reportingSites() reply {
	kind := c.query.Get("reporttype")
	if kind == "" {
		kind = "EndpointsSeenInLast30Days"
	}
	var counts func(*machine) bool
	switch strings.ToLower(kind) {
	case "activeendpoints":
		counts = func(m *machine) bool { return !m.deactivated }
	case "activeendpointswithouthidden":
		counts = func(m *machine) bool { return !m.deactivated && m.polls }
	case "endpointsseeninlast30days":
		counts = func(m *machine) bool { return m.lastSeen(c.now) >= c.now-30*day }
	default:
		return badRequest("The report type is invalid.")
	}
	latest := (c.now/day - reportingDelay) * day
	date, bad := c.date("effectivedate")
	switch {
	case bad != nil:
		return *bad
	case date == 0:
		date = latest
	case date > latest:
		return badRequest("There is no report of this date yet.")
	}
	a := c.s.world.adminOf(c.user)
	rows := list{}
	for _, s := range c.s.world.sites {
		if s.level(a, c.now) == levelNone {
			continue
		}
		license, total := "Full", 0
		if s.trial {
			license = "Trial"
		}
		for _, m := range s.machines {
			if !m.removed && counts(m) {
				total++
			}
		}
		rows = append(rows, object{{"SiteId", s.id}, {"SiteKey", s.key}, {"SiteName", s.name}, {"LicenseType", license},
			{"ExpiryDate", stamp(s.end)}, {"TotalEndpoints", total}})
	}
	return ok(object{{"ReportInfo", object{{"Count", len(rows)}, {"SiteKeyFilter", nil}, {"ReportType", kind},
		{"EffectiveDate", stamp(date)}, {"GSMKey", c.s.world.gsmKey}}}, {"Sites", rows}})
}
