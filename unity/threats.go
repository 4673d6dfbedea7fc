package unity

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strings"
	"time"
)

// Threat is an entry of the threat history (§3.9).
type Threat struct {
	Record       Record     `json:"-"`
	EndpointID   EndpointID `json:"EndpointId"`
	MachineID    MachineID  `json:"MachineId"`
	HostName     Text
	FileName     Text
	PathName     Text
	MalwareGroup Text
	FirstSeen    Time
	LastSeen     Time
	ExtendedInfo *ThreatDetails
}

// ThreatDetails come with returnedInfo=ExtendedInfo (§3.9). The unit of DwellTime is not stated.
type ThreatDetails struct {
	DwellTime     Int
	FileMD5       Text
	FileSize      Int // bytes
	UserName      Text
	IPAddress     Text
	Determination Text
	FileVendor    Text
	FileProduct   Text
	FileVersion   Text
}

// Key tells threat records apart as well as the API allows.
func (t *Threat) Key() string {
	return strings.Join([]string{string(t.EndpointID), t.PathName.Raw(), t.FileName.Raw(), t.MalwareGroup.Raw(),
		t.FirstSeen.raw, t.LastSeen.raw}, "\x00")
}

func threatRow(raw json.RawMessage) (Threat, error) {
	t, err := decodeRow(func(t *Threat) *Record { return &t.Record })(raw)
	t.EndpointID, t.MachineID = EndpointID(lower(string(t.EndpointID))), MachineID(Clean(string(t.MachineID)))
	return t, err
}

// ThreatQuery bounds the window, which may span three calendar months at most; zero times mean the last 24 hours.
type ThreatQuery struct {
	Since, Until time.Time
	Extended     bool
}

// threatPage is small because the gateway gives up on larger pages of busy sites (§4).
const threatPage = 50

func (q ThreatQuery) values() url.Values {
	v := url.Values{}
	setTime(v, "startDate", q.Since)
	setTime(v, "endDate", q.Until)
	if q.Extended {
		v.Set("returnedInfo", "ExtendedInfo")
	}
	return v
}

func (c *Client) threats(ctx context.Context, path string, q ThreatQuery) iter.Seq2[Page[Threat], error] {
	return lister[Threat]{path: path, query: q.values(), key: "ThreatRecords", size: threatPage,
		id: (*Threat).Key, loose: true, make: threatRow}.pages(ctx, c)
}

// SiteThreats walks a site's threat history: GET …/sites/{s}/threathistory (§3.9).
func (c *Client) SiteThreats(ctx context.Context, site SiteID, q ThreatQuery) iter.Seq2[Page[Threat], error] {
	return c.threats(ctx, c.gsmPath("sites", string(site), "threathistory"), q)
}

// GroupThreats walks a group's threat history: GET …/groups/{g}/threathistory (§3.9).
func (c *Client) GroupThreats(ctx context.Context, site SiteID, group GroupID, q ThreatQuery) iter.Seq2[Page[Threat], error] {
	return c.threats(ctx, c.gsmPath("sites", string(site), "groups", string(group), "threathistory"), q)
}

// EndpointThreats walks one endpoint's threat history: GET …/endpoints/{e}/threathistory (§3.9).
func (c *Client) EndpointThreats(ctx context.Context, site SiteID, id EndpointID, q ThreatQuery) iter.Seq2[Page[Threat], error] {
	return c.threats(ctx, c.gsmPath("sites", string(site), "endpoints", string(id), "threathistory"), q)
}
