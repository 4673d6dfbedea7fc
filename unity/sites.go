package unity

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// Console is the GSM console itself (§3.3.1).
type Console struct {
	Record            Record `json:"-"`
	Name              Text   `json:"GSMConsoleName"`
	CreatedDate       Time
	EndDate           Time
	RemainingDays     Int
	LicenseType       Text
	TotalSeatsAllowed Int
	TotalSites        Int
	DeactivatedSites  Int
	CompanyEmail      Text
	CompanyPhone      Text
	CompanyAddress    Text
	Modules           []Module
}

// Module is an add-on of a console or a site: DNS Protection ("DNSP") or Security Awareness Training ("WSAT").
type Module struct {
	Type        Text
	Seats       Int
	LicenseType Text
	EndDate     Time
}

// Access levels of a user at the console or at a site (§3.4).
const (
	AccessAdmin = 128
	AccessView  = 1
	AccessNone  = 0
)

// Site is a customer of the console (§3.3.2).
type Site struct {
	Record            Record `json:"-"`
	ID                SiteID `json:"SiteId"`
	Name              Text   `json:"SiteName"`
	SiteType          Text
	TotalEndpoints    Int
	PCsInfected24     Int
	Keycode           Keycode `json:"AccountKeyCode"`
	DevicesAllowed    Int
	MobileSeats       Int
	Deactivated       Bool
	Suspended         Bool
	EndDate           Time
	Device            Bool
	Infect            Bool
	BillingCycle      Text
	BillingDate       Text
	CompanyComments   Text
	DeactivatedBy     Text
	SuspendedBy       Text
	CreatedBy         Text
	GlobalPolicies    Bool
	GlobalOverrides   Bool
	GlobalAlerts      Bool
	AllKeysExpired    Bool
	Description       Text     // licence: Full or Trial
	PolicyID          PolicyID `json:"PolicyId"`
	PolicyName        Text
	PolicyDescription Text
	Emails            Text
	AccessLevel       Int // the caller's own: 128, 1 or 0
	Modules           []Module
}

// State is one word for the life of a site, the gravest first: deactivated, suspended, expired, trial or active.
func (s *Site) State() string {
	switch {
	case s.Deactivated.On:
		return "deactivated"
	case s.Suspended.On:
		return "suspended"
	case s.AllKeysExpired.On:
		return "expired"
	case s.Trial():
		return "trial"
	default:
		return "active"
	}
}

// Trial tells a trial licence.
func (s *Site) Trial() bool { return fold(s.Description.Raw()) == "trial" }

// Visible tells whether the caller may read the site's machines; unknown counts as yes, the server will say.
func (s *Site) Visible() bool { return !s.AccessLevel.Known || s.AccessLevel.N != AccessNone }

// Writable tells whether the caller may change the site's machines; unknown counts as yes.
func (s *Site) Writable() bool { return !s.AccessLevel.Known || s.AccessLevel.N == AccessAdmin }

// Sites is the list of all sites with the console's sums (§3.3.2).
type Sites struct {
	TotalSeatsAllowed       Int
	ParentDescription       Text
	SumTotalDevices         Int
	SumTotalDevicesAllowed  Int
	SumTotalDevicesNotTrial Int
	Sites                   []Site `json:"-"`
}

func siteRow(raw json.RawMessage) (Site, error) {
	s, ok := quickSite(raw)
	var err error
	if !ok {
		s, err = decodeRow(func(s *Site) *Record { return &s.Record })(raw)
	}
	s.ID, s.PolicyID = SiteID(lower(string(s.ID))), PolicyID(lower(string(s.PolicyID)))
	return s, err
}

// DecodeSite reads a site's record as the server sent it (§3.3.2), for records that were kept.
func DecodeSite(raw json.RawMessage) (Site, error) { return siteRow(bytes.Clone(raw)) }

// Console reads the console's details: GET /console/gsm/{k} (§3.3.1).
func (c *Client) Console(ctx context.Context) (*Console, error) {
	console, err := getOne(ctx, c, c.gsmPath(), "-", decodeRow(func(g *Console) *Record { return &g.Record }))
	if err != nil {
		return nil, err
	}
	return &console, nil
}

// Sites reads all sites in one call: GET …/sites (§3.3.2). The list is not paged.
func (c *Client) Sites(ctx context.Context) (*Sites, error) {
	path := c.gsmPath("sites")
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, err
	}
	env, err := decodeList(resp.Body, "Sites", siteRow)
	if err != nil {
		return nil, protocolError(path, err)
	}
	var out Sites
	if err := json.Unmarshal(trimBody(resp.Body), &out); err != nil {
		out = Sites{} // the sums are unreadable, the rows are not
	}
	out.Sites = env.items
	if env.total > len(env.items) {
		return &out, &IncompleteError{Path: path, Seen: len(env.items), Total: env.total}
	}
	return &out, nil
}

// Site reads one site: GET …/sites/{s} (§3.3.2). An answer about another one is an ErrProtocol.
func (c *Client) Site(ctx context.Context, id SiteID) (*Site, error) {
	path := c.gsmPath("sites", string(id))
	site, err := getOne(ctx, c, path, "Sites", siteRow)
	if err != nil {
		return nil, err
	}
	if err := sameID(path, string(id), string(site.ID)); err != nil {
		return nil, err
	}
	return &site, nil
}

// LookupSite finds a site by its keycode: GET …/lookupsite/{siteKeycode} (§3.3.2).
func (c *Client) LookupSite(ctx context.Context, key Keycode) (*Site, error) {
	site, err := getOne(ctx, c, c.gsmPath("lookupsite", key.String()), "Sites", siteRow)
	if err != nil {
		return nil, err
	}
	return &site, nil
}
