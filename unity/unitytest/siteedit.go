package unitytest

import (
	"net/http"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type moduleRequest struct {
	Type, LicenseType string
	Enable            *bool
}

type siteRequest struct {
	SiteName, Comments, BillingCycle, BillingDate, Emails *string
	Seats                                                 *int
	GlobalPolicies, GlobalOverrides, Trial                *bool
	PolicyID                                              *string `json:"PolicyId"`
	Modules                                               []moduleRequest
}

const maxReportAddresses = 10

// problem is what the values of the request break of the documented rules;
// cycle is the billing cycle that holds when the request names none.
func (q siteRequest) problem(cycle string) string {
	switch {
	case q.SiteName != nil && blank(q.SiteName):
		return "SiteName must not be empty."
	case q.Seats != nil && *q.Seats < 1:
		return "Seats must be a positive number."
	case q.Comments != nil && utf8.RuneCountInString(*q.Comments) > 1000:
		return "Comments must not be longer than 1000 characters."
	}
	if q.BillingCycle != nil {
		cycle = *q.BillingCycle
		switch cycle {
		case "Annually", "Quarterly", "Monthly", "Weekly":
		default:
			return "BillingCycle must be Annually, Quarterly, Monthly or Weekly."
		}
	}
	if q.BillingDate != nil && !validBillingDate(cycle, *q.BillingDate) {
		return "BillingDate does not fit the billing cycle."
	}
	if q.Emails != nil {
		addresses := strings.Split(*q.Emails, ",")
		if len(addresses) > maxReportAddresses {
			return "Emails must not have more than 10 addresses."
		}
		for _, a := range addresses {
			if _, err := mail.ParseAddress(strings.TrimSpace(a)); err != nil {
				return "Emails has an invalid address."
			}
		}
	}
	for _, m := range q.Modules {
		if m.Type != "DNSP" && m.Type != "WSAT" {
			return "The type of a module must be DNSP or WSAT."
		}
	}
	return ""
}

func validBillingDate(cycle, text string) bool {
	inRange := func(s string, low, high int) bool {
		n, err := strconv.Atoi(s)
		return err == nil && n >= low && n <= high
	}
	switch cycle {
	case "Monthly":
		return inRange(text, 1, 28)
	case "Weekly":
		return inRange(text, 1, 7)
	case "Quarterly":
		month, date, found := strings.Cut(text, " ")
		return found && (month == "Jan" || month == "Feb" || month == "Mar") && inRange(date, 1, 28)
	}
	_, err := time.Parse("Jan 2", text)
	if err != nil {
		_, err = time.Parse("Jan 02", text)
	}
	return err == nil
}

// apply stores what the request names; absent values stay as they are.
func (q siteRequest) apply(s *site, p *policy, end int64) {
	for v, at := range map[*string]*string{q.SiteName: &s.name, q.Comments: &s.comments, q.BillingCycle: &s.billingCycle,
		q.BillingDate: &s.billingDate, q.Emails: &s.emails} {
		if v != nil {
			*at = *v
		}
	}
	if q.Seats != nil {
		s.seats = *q.Seats
	}
	if q.GlobalPolicies != nil {
		s.globalPolicies = *q.GlobalPolicies
	}
	if q.GlobalOverrides != nil {
		s.overrides = *q.GlobalOverrides
	}
	if p != nil {
		s.policy = p
	}
	for _, m := range q.Modules {
		kept := s.modules[:0:0]
		for _, old := range s.modules {
			if old.kind != m.Type {
				kept = append(kept, old)
			}
		}
		if m.Enable == nil || *m.Enable {
			license := m.LicenseType
			if license == "" {
				license = "Trial"
			}
			kept = append(kept, module{m.Type, license, end})
		}
		s.modules = kept
	}
}

func (c *call) readSite(cycle string) (siteRequest, *policy, *reply) {
	var q siteRequest
	if r := c.decode(&q); r != nil {
		return q, nil, r
	}
	if problem := q.problem(cycle); problem != "" {
		r := c.invalid(problem)
		return q, nil, &r
	}
	if blank(q.PolicyID) {
		return q, nil, nil
	}
	p := c.s.world.policyFor(c.site, *q.PolicyID)
	if p == nil {
		r := notFound("The policy")
		return q, nil, &r
	}
	return q, p, nil
}

func (c *call) createSite() reply {
	q, p, bad := c.readSite("Annually")
	if bad != nil {
		return *bad
	}
	for _, missing := range []struct {
		name   string
		absent bool
	}{{"SiteName", q.SiteName == nil}, {"Seats", q.Seats == nil}, {"Comments", q.Comments == nil}, {"Emails", q.Emails == nil}} {
		if missing.absent {
			return c.invalid(missing.name + " is required.")
		}
	}
	w := c.s.world
	s := w.newSite(w.ids, *q.SiteName, c.now)
	s.billingCycle, s.billingDate, s.comments, s.emails, s.modules = "Annually", "Jan 01", "", "", nil
	s.globalPolicies, s.overrides, s.createdBy = false, false, c.user.email
	q.apply(s, p, w.end)
	if q.Trial != nil && *q.Trial {
		s.trial, s.end = true, c.now+30*day
	}
	// The creator works on at once; other admins need to be granted access.
	if a := w.adminOf(c.user); a != nil {
		s.levels[a.id] = []grantedLevel{{levelAdmin, c.now}}
	}
	c.commit()
	if c.s.variants["create-site-empty"] {
		return noContent()
	}
	return ok(object{{"SiteId", s.id}, {"AccountKeyCode", c.showKey(s)}})
}

func (c *call) editSite() reply {
	q, p, bad := c.readSite(c.site.billingCycle)
	if bad != nil {
		return *bad
	}
	q.apply(c.site, p, c.s.world.end)
	c.commit()
	return noContent()
}

func conflict(description string) reply { return fail(http.StatusConflict, "", description) }

func (c *call) deactivateSite() reply {
	if c.site.deactivated {
		return conflict("The site is deactivated already.")
	}
	c.site.deactivated, c.site.deactivatedBy = true, c.user.email
	c.commit()
	return noContent()
}

func (c *call) suspendSite() reply {
	switch {
	case c.site.deactivated:
		return conflict("The site is deactivated.")
	case c.site.suspended:
		return conflict("The site is suspended already.")
	}
	c.site.suspended, c.site.suspendedBy, c.site.end = true, c.user.email, c.now
	c.commit()
	return noContent()
}

func (c *call) resumeSite() reply {
	if c.site.deactivated || !c.site.suspended {
		return conflict("The site is not suspended.")
	}
	c.site.suspended, c.site.suspendedBy, c.site.end = false, "", c.s.world.end
	c.commit()
	return noContent()
}

func (c *call) convertTrial() reply {
	switch {
	case c.s.variants["parent-trial"]:
		return conflict("The license of the console is not full.")
	case !c.site.trial || c.site.deactivated:
		return conflict("The site is not a trial.")
	}
	c.site.trial, c.site.end = false, c.s.world.end
	c.commit()
	return noContent()
}
