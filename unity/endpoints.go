package unity

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
	"strings"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
	"unicode"
)

// Endpoint is one installation of the agent (§3.7.3). Only id, machine id, host name, last seen and deactivated are
// certain to come; the rest is read where it is there.
type Endpoint struct {
	Record       Record     `json:"-"`
	ID           EndpointID `json:"EndpointId"`
	MachineID    MachineID  `json:"MachineId"`
	HostName     Text
	FirstSeen    Time
	LastSeen     Time
	LastInfected Time
	AgentVersion Text
	Deactivated  Bool
	GroupID      GroupID `json:"GroupId"`
	GroupName    Text
	PolicyID     PolicyID `json:"PolicyId"`
	PolicyName   Text
}

// Name is what a person calls the machine: its host name, or its id when it has none.
func (e *Endpoint) Name() string {
	if e.HostName.Empty() {
		return Clean(string(e.ID))
	}
	return e.HostName.String()
}

// lower makes ids comparable: the server may write them in any case. What is no id at all is cleaned, since ids are shown
// as they are; it can be sent nowhere.
func lower(s string) string { return Clean(strings.ToLower(strings.TrimSpace(s))) }

func endpointRow(raw json.RawMessage) (Endpoint, error) {
	e, err := decodeRow(func(e *Endpoint) *Record { return &e.Record })(raw)
	e.ID, e.GroupID, e.PolicyID = EndpointID(lower(string(e.ID))), GroupID(lower(string(e.GroupID))), PolicyID(lower(string(e.PolicyID)))
	e.MachineID = MachineID(Clean(string(e.MachineID)))
	return e, err
}

// endpointKey is the id; a row without one stands for itself.
func endpointKey(e *Endpoint) string {
	if e.ID == "" {
		return "\x00" + string(e.Record.raw)
	}
	return string(e.ID)
}

// EndpointQuery narrows a site's list (§3.7.1); the zero value asks for everything.
type EndpointQuery struct {
	// Type is "active", "deactivated" or "" for both.
	Type string
	// HostName and MachineID search; whether the server matches parts of a host name is not documented.
	HostName  string
	MachineID MachineID
	// PageSize is what is asked for per call; 0 means DefaultPageSize.
	PageSize int
}

func (q EndpointQuery) values() url.Values {
	v := url.Values{}
	for name, value := range map[string]string{"type": q.Type, "hostName": q.HostName, "machineId": string(q.MachineID)} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// Endpoints walks a site's endpoints: GET …/sites/{s}/endpoints (§3.7.1).
func (c *Client) Endpoints(ctx context.Context, site SiteID, q EndpointQuery) iter.Seq2[Page[Endpoint], error] {
	return lister[Endpoint]{path: c.gsmPath("sites", string(site), "endpoints"), query: q.values(), key: "Endpoints",
		size: q.PageSize, id: endpointKey, make: endpointRow}.pages(ctx, c)
}

// GroupEndpoints walks a group's endpoints: GET …/groups/{g}/endpoints (§3.7.2). Every page asks the group's address.
func (c *Client) GroupEndpoints(ctx context.Context, site SiteID, group GroupID) iter.Seq2[Page[Endpoint], error] {
	return lister[Endpoint]{path: c.gsmPath("sites", string(site), "groups", string(group), "endpoints"), key: "Endpoints",
		id: endpointKey, make: endpointRow}.pages(ctx, c)
}

// Endpoint reads one endpoint: GET …/endpoints/{e} (§3.7.4). An answer about another one is an ErrProtocol.
func (c *Client) Endpoint(ctx context.Context, site SiteID, id EndpointID) (*Endpoint, error) {
	path := c.gsmPath("sites", string(site), "endpoints", string(id))
	e, err := getOne(ctx, c, path, "Endpoints", endpointRow)
	if err != nil {
		return nil, err
	}
	if err := sameID(path, string(id), string(e.ID)); err != nil {
		return nil, err
	}
	return &e, nil
}

// Fold makes names comparable: case, accents and width are folded away.
func Fold(s string) string { return fold(s) }

func fold(s string) string {
	ascii := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	s = strings.TrimSpace(s)
	if ascii {
		return strings.ToLower(s)
	}
	s = norm.NFD.String(width.Fold.String(s))
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(cases.Fold().String(s))
}
