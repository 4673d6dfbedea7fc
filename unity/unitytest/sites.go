package unitytest

import (
	"strings"
)

func (c *call) healthPing() reply {
	return ok(object{{"Status", "OK"}, {"Timestamp", stamp(c.now)}})
}

func (c *call) healthVersion() reply {
	return ok(object{{"Version", "1.0.25117.1"}, {"Environment", "Simulated"}})
}

// showKey is a site keycode as the variants want it.
func (c *call) showKey(s *site) string {
	switch {
	case c.s.variants["keycodes-dashed"], c.s.variants["keycodes-mixed"] && s.dashedKey:
		return dashed(s.key)
	}
	return s.key
}

func (c *call) parentLicense() string {
	if c.s.variants["parent-trial"] {
		return "Trial"
	}
	return "Full"
}

func (c *call) console() reply {
	w := c.s.world
	gone := 0
	for _, s := range w.sites {
		if s.deactivated {
			gone++
		}
	}
	return ok(object{{"GSMConsoleName", w.name}, {"CreatedDate", stamp(w.created)}, {"EndDate", stamp(w.end)},
		{"RemainingDays", int(max(w.end-c.now, 0) / day)}, {"LicenseType", c.parentLicense()}, {"TotalSeatsAllowed", w.seats},
		{"TotalSites", len(w.sites)}, {"DeactivatedSites", gone}, {"CompanyEmail", "it@acme.example"}, {"CompanyPhone", "05550123"},
		{"CompanyAddress", ""}, {"Modules", list{{{"Type", "DNSP"}, {"Seats", 400}, {"LicenseType", "Full"}, {"EndDate", stamp(w.end)}}}}})
}

func (c *call) siteList(sites []*site) reply {
	w := c.s.world
	a := w.adminOf(c.user)
	devices, allowed, paid, mobile := 0, 0, 0, 0
	for _, s := range w.sites {
		devices += s.active()
		allowed += s.seats
		mobile += s.mobile
		if !s.trial {
			paid += s.seats
		}
	}
	rows := make(list, 0, len(sites))
	for _, s := range sites {
		rows = append(rows, c.siteRow(s, a))
	}
	return ok(object{{"TotalSeatsAllowed", w.seats}, {"ParentDescription", c.parentLicense()}, {"SumTotalDevices", devices},
		{"SumTotalDevicesAllowed", allowed}, {"SumTotalDevicesNotTrial", paid}, {"SumTotalMobileDevicesAllowed", mobile},
		{"TotalCount", len(rows)}, {"Sites", rows}})
}

func (c *call) siteRow(s *site, a *admin) object {
	recent, infected := 0, false
	for _, m := range s.machines {
		if m.lastInfected >= c.now-day {
			recent++
		}
		infected = infected || (m.infected && !m.deactivated)
	}
	license := "Full"
	if s.trial {
		license = "Trial"
	}
	modules := make(list, 0, len(s.modules))
	for _, m := range s.modules {
		modules = append(modules, object{{"Type", m.kind}, {"LicenseType", m.license}, {"EndDate", stamp(m.end)}})
	}
	active := s.active()
	return object{{"SiteId", s.id}, {"SiteName", s.name}, {"SiteType", "R"}, {"TotalEndpoints", active}, {"PCsInfected24", recent},
		{"AccountKeyCode", c.showKey(s)}, {"DevicesAllowed", s.seats}, {"MobileSeats", s.mobile}, {"Deactivated", s.deactivated},
		{"Suspended", s.suspended}, {"EndDate", stamp(s.end)}, {"Device", active > 0}, {"Infect", infected}, {"BillingCycle", s.billingCycle},
		{"BillingDate", s.billingDate}, {"CompanyComments", s.comments}, {"DeactivatedBy", nullable(s.deactivatedBy)},
		{"SuspendedBy", nullable(s.suspendedBy)}, {"CreatedBy", s.createdBy}, {"GlobalPolicies", s.globalPolicies},
		{"GlobalOverrides", s.overrides}, {"GlobalAlerts", false}, {"AllKeysExpired", s.end <= c.now}, {"Description", license},
		{"PolicyId", s.policy.id}, {"PolicyName", s.policy.name}, {"PolicyDescription", s.policy.description},
		{"Emails", nullable(s.emails)}, {"AccessLevel", s.level(a, c.now)}, {"Modules", modules}}
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *call) listSites() reply { return c.siteList(c.s.world.sites) }

func (c *call) oneSite() reply { return c.siteList([]*site{c.site}) }

func (c *call) lookupSite() reply {
	s := c.s.world.byKey[bareKey(c.params["siteKeycode"])]
	if s == nil {
		return notFound("The site")
	}
	return c.siteList([]*site{s})
}

func (c *call) webURL() string {
	return "https://my.webrootanywhere.com/sso.aspx?kk=" + c.s.requests.guid()
}

func (c *call) consoleURL() reply {
	return ok(object{{"GSMKeyCode", dashed(c.s.world.gsmKey)}, {"UserName", c.user.email}, {"WebConsoleURL", c.webURL()}})
}

func (c *call) siteURL() reply {
	return ok(object{{"GSMKeyCode", dashed(c.s.world.gsmKey)}, {"SiteId", c.site.id}, {"AccountKeyCode", dashed(c.site.key)},
		{"SiteName", c.site.name}, {"UserName", c.user.email}, {"WebConsoleURL", c.webURL()}})
}

func (c *call) policyRow(p *policy) object {
	if c.s.variants["policies-alt"] {
		return object{{"Id", p.id}, {"Name", p.name}, {"Description", p.description}}
	}
	return object{{"PolicyId", p.id}, {"PolicyName", p.name}, {"PolicyDescription", p.description}, {"Global", p.site == nil}}
}

func (c *call) policyList(policies []*policy) reply {
	rows := make(list, 0, len(policies))
	for _, p := range policies {
		rows = append(rows, c.policyRow(p))
	}
	count := "TotalCount"
	if c.s.variants["policies-alt"] {
		count = "Count"
	}
	return ok(object{{count, len(rows)}, {"Policies", rows}})
}

func (c *call) listPolicies() reply {
	all := append([]*policy(nil), c.s.world.policies...)
	if c.site != nil {
		all = append(all, c.site.policies...)
	}
	return c.policyList(all)
}

func (c *call) onePolicy() reply {
	p := c.s.world.policyFor(c.site, strings.TrimSpace(c.params["policyId"]))
	if p == nil {
		return notFound("The policy")
	}
	return c.policyList([]*policy{p})
}
