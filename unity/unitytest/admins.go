package unitytest

import (
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"
)

// adminLag is how late changes of site access show with the variant admin-lag.
const adminLag = 2 * minute

func adminRow(a *admin, level int) object {
	return object{{"UserId", a.id}, {"Email", a.email}, {"FirstName", a.first}, {"LastName", a.last}, {"DisplayName", a.first + " " + a.last},
		{"MobileTel", a.mobile}, {"OfficeTel", a.office}, {"UserState", a.state}, {"AccessLevel", level}, {"MSPUser", a.msp},
		{"Confirmed", a.confirmed}}
}

func adminList(rows list) reply {
	if rows == nil {
		rows = list{}
	}
	return ok(object{{"TotalCount", len(rows)}, {"Admins", rows}})
}

func (c *call) listAdmins() reply {
	var rows list
	for _, a := range c.s.world.admins {
		rows = append(rows, adminRow(a, a.level))
	}
	return adminList(rows)
}

func (w *world) adminByID(id string) *admin {
	for _, a := range w.admins {
		if strings.EqualFold(a.id, id) {
			return a
		}
	}
	return nil
}

func (s *site) adminByID(id string) *admin {
	for _, a := range s.siteAdmins {
		if strings.EqualFold(a.id, id) {
			return a
		}
	}
	return nil
}

func (c *call) oneAdmin() reply {
	a := c.s.world.adminByID(c.params["userId"])
	if a == nil {
		return notFound("The user")
	}
	return adminList(list{adminRow(a, a.level)})
}

// siteAdminRows are the site-only admins and the console's admins with their
// level at the site.
func (c *call) siteAdminRows() list {
	var rows list
	for _, a := range c.s.world.admins {
		rows = append(rows, adminRow(a, c.site.level(a, c.now)))
	}
	for _, a := range c.site.siteAdmins {
		rows = append(rows, adminRow(a, a.level))
	}
	return rows
}

func (c *call) listSiteAdmins() reply { return adminList(c.siteAdminRows()) }

func (c *call) oneSiteAdmin() reply {
	for _, row := range c.siteAdminRows() {
		if id, isText := row[0].val.(string); isText && strings.EqualFold(id, c.params["userId"]) {
			return adminList(list{row})
		}
	}
	return notFound("The user")
}

type adminRequest struct {
	EmailAddress, FirstName, LastName *string
	AccessLevel                       *int
}

func (q adminRequest) problem() string {
	for name, v := range map[string]*string{"FirstName": q.FirstName, "LastName": q.LastName} {
		if v == nil {
			continue
		}
		if n := utf8.RuneCountInString(*v); n < 2 || n > 30 {
			return name + " must have 2 to 30 characters."
		}
	}
	return ""
}

// readAdmin reads a request that creates an admin.
func (c *call) readAdmin() (*admin, *reply) {
	var q adminRequest
	if r := c.decode(&q); r != nil {
		return nil, r
	}
	problem := q.problem()
	switch {
	case blank(q.EmailAddress) || q.FirstName == nil || q.LastName == nil || q.AccessLevel == nil:
		problem = "EmailAddress, FirstName, LastName and AccessLevel are required."
	case *q.AccessLevel != levelAdmin && *q.AccessLevel != levelView:
		problem = "AccessLevel must be 128 or 1."
	default:
		if _, err := mail.ParseAddress(*q.EmailAddress); err != nil {
			problem = "EmailAddress is invalid."
		}
	}
	if problem != "" {
		r := c.invalid(problem)
		return nil, &r
	}
	return &admin{id: c.s.world.ids.guid(), email: *q.EmailAddress, first: *q.FirstName, last: *q.LastName, state: "Awaiting",
		level: *q.AccessLevel, reach: "none"}, nil
}

func (c *call) created(a *admin) reply {
	c.commit()
	if c.s.variants["create-site-empty"] {
		return noContent()
	}
	return ok(object{{"UserId", a.id}})
}

func (c *call) createAdmin() reply {
	a, bad := c.readAdmin()
	if bad != nil {
		return *bad
	}
	for _, old := range c.s.world.admins {
		if strings.EqualFold(old.email, a.email) {
			return conflict("The user is an admin of the console already.")
		}
	}
	a.msp = true
	c.s.world.admins = append(c.s.world.admins, a)
	return c.created(a)
}

func (c *call) createSiteAdmin() reply {
	a, bad := c.readAdmin()
	if bad != nil {
		return *bad
	}
	for _, old := range append(append([]*admin(nil), c.s.world.admins...), c.site.siteAdmins...) {
		if strings.EqualFold(old.email, a.email) {
			return conflict("The user is an admin already.")
		}
	}
	c.site.siteAdmins = append(c.site.siteAdmins, a)
	return c.created(a)
}

func (c *call) rename(a *admin) reply {
	if a == nil {
		return notFound("The user")
	}
	var q adminRequest
	if r := c.decode(&q); r != nil {
		return *r
	}
	if problem := q.problem(); problem != "" {
		return c.invalid(problem)
	}
	if q.FirstName != nil {
		a.first = *q.FirstName
	}
	if q.LastName != nil {
		a.last = *q.LastName
	}
	c.commit()
	return noContent()
}

func (c *call) editAdmin() reply { return c.rename(c.s.world.adminByID(c.params["userId"])) }

func (c *call) editSiteAdmin() reply {
	a := c.site.adminByID(c.params["userId"])
	if a == nil {
		a = c.s.world.adminByID(c.params["userId"])
	}
	return c.rename(a)
}

func (c *call) deleteAdmin() reply {
	w := c.s.world
	a := w.adminByID(c.params["userId"])
	if a == nil {
		return notFound("The user")
	}
	w.admins = slices.DeleteFunc(w.admins, func(x *admin) bool { return x == a })
	for _, s := range w.sites {
		delete(s.levels, a.id)
	}
	c.commit()
	return noContent()
}

// setLevel records a level that holds from now on, or later when the real
// server's lag is simulated.
func (c *call) setLevel(a *admin, level int) {
	from := c.now
	if c.s.variants["admin-lag"] {
		from += adminLag
	}
	c.site.levels[a.id] = append(c.site.levels[a.id], grantedLevel{level, from})
}

// deleteSiteAdmin removes a site-only admin; an admin of the console only
// loses access to the site.
func (c *call) deleteSiteAdmin() reply {
	if a := c.site.adminByID(c.params["userId"]); a != nil {
		c.site.siteAdmins = slices.DeleteFunc(c.site.siteAdmins, func(x *admin) bool { return x == a })
	} else if a := c.s.world.adminByID(c.params["userId"]); a != nil {
		c.setLevel(a, levelNone)
	} else {
		return notFound("The user")
	}
	c.commit()
	return noContent()
}

type siteAdminsRequest struct {
	Admins []struct {
		UserID      string `json:"UserId"`
		AccessLevel *int
	}
}

// setSiteAdmins gives admins of the console a level at the site.
func (c *call) setSiteAdmins() reply {
	var q siteAdminsRequest
	if r := c.decode(&q); r != nil {
		return *r
	}
	if len(q.Admins) == 0 {
		return c.invalid("Admins is required.")
	}
	for _, x := range q.Admins {
		if x.AccessLevel == nil || (*x.AccessLevel != levelAdmin && *x.AccessLevel != levelView && *x.AccessLevel != levelNone) {
			return c.invalid("AccessLevel must be 128, 1 or 0.")
		}
		if c.s.world.adminByID(x.UserID) == nil && c.site.adminByID(x.UserID) == nil {
			return notFound("The user")
		}
	}
	for _, x := range q.Admins {
		if a := c.s.world.adminByID(x.UserID); a != nil {
			c.setLevel(a, *x.AccessLevel)
		} else if !c.s.variants["site-admin-silent"] {
			c.site.adminByID(x.UserID).level = *x.AccessLevel
		}
	}
	c.commit()
	return noContent()
}
