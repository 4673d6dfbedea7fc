package unity

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
)

// Admin is a user of the console or of a site (§3.4.1).
type Admin struct {
	Record      Record `json:"-"`
	ID          UserID `json:"UserId"`
	Email       Text
	FirstName   Text
	LastName    Text
	DisplayName Text
	MobileTel   Text
	OfficeTel   Text
	UserState   Text
	AccessLevel Int
	MSPUser     Bool
	Confirmed   Bool
}

// Label is what a person calls the admin.
func (a *Admin) Label() string {
	for _, t := range []Text{a.DisplayName, a.Email} {
		if !t.Empty() {
			return t.String()
		}
	}
	return string(a.ID)
}

// AccessWord words an access level: admin, view, none.
func AccessWord(level Int) string {
	switch {
	case !level.Known:
		return ""
	case level.N == AccessAdmin:
		return "admin"
	case level.N == AccessView:
		return "view"
	case level.N == AccessNone:
		return "none"
	default:
		return strconv.FormatInt(level.N, 10)
	}
}

func adminRow(raw json.RawMessage) (Admin, error) {
	a, err := decodeRow(func(a *Admin) *Record { return &a.Record })(raw)
	a.ID = UserID(lower(string(a.ID)))
	return a, err
}

// Admins reads the console's admins: GET …/admins (§3.4.1).
func (c *Client) Admins(ctx context.Context) ([]Admin, error) {
	return getAll(ctx, c, c.gsmPath("admins"), "Admins", adminRow)
}

// SiteAdmins reads a site's admins: GET …/sites/{s}/admins (§3.4.1).
func (c *Client) SiteAdmins(ctx context.Context, site SiteID) ([]Admin, error) {
	return getAll(ctx, c, c.gsmPath("sites", string(site), "admins"), "Admins", adminRow)
}

// SuperAdmin finds out whether the user of that e-mail is a super admin of the console; ok is false when the list does
// not hold the user.
func SuperAdmin(admins []Admin, email string) (super, ok bool) {
	for i := range admins {
		if strings.EqualFold(strings.TrimSpace(admins[i].Email.Raw()), strings.TrimSpace(email)) {
			return admins[i].AccessLevel.N == AccessAdmin, true
		}
	}
	return false, false
}
