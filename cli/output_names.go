package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// rowNames are the JSON names of rows of a kind, as the API documents them and with what unitty adds: the header of a CSV without
// rows. With rows the header is what is in them, since servers leave names out and add others.
func rowNames[T any]() []string {
	switch any((*T)(nil)).(type) {
	case *unity.Site:
		return strings.Split("SiteId,SiteName,SiteType,TotalEndpoints,PCsInfected24,AccountKeyCode,DevicesAllowed,MobileSeats,Deactivated,Suspended,EndDate,"+
			"Device,Infect,BillingCycle,BillingDate,CompanyComments,DeactivatedBy,SuspendedBy,CreatedBy,GlobalPolicies,GlobalOverrides,GlobalAlerts,AllKeysExpired,"+
			"Description,PolicyId,PolicyName,PolicyDescription,Emails,AccessLevel,Modules", ",")
	case *unity.Group:
		return strings.Split("GroupId,GroupName,GroupDescription,PolicyId,SiteId,SiteName", ",")
	case *fleet.Machine:
		return strings.Split("EndpointId,MachineId,HostName,FirstSeen,LastSeen,LastInfected,AgentVersion,Deactivated,GroupId,PolicyId,SiteId,SiteName,GroupName,PolicyName,SeenDays,Status,"+
			"CurrentUser,IPV4,IPAddress,MACAddress,OS,DeviceType", ",")
	case *unity.Policy:
		return strings.Split("PolicyId,PolicyName,PolicyDescription,Global", ",")
	case *unity.Admin:
		return strings.Split("UserId,Email,FirstName,LastName,DisplayName,MobileTel,OfficeTel,UserState,AccessLevel,MSPUser,Confirmed", ",")
	case *unity.Command:
		return strings.Split("DateRequested,EndpointId,HostName,StartDate,EndDate,Command,Parameters,CommandState,SiteId,SiteName,State,By,JobId,LastSeen,ExpectedFrom,"+
			"ExpectedUntil,LaterScan,Infection", ",")
	case *unity.Threat:
		return strings.Split("EndpointId,MachineId,HostName,FileName,PathName,MalwareGroup,FirstSeen,LastSeen,ExtendedInfo.DwellTime,ExtendedInfo.FileMD5,"+
			"ExtendedInfo.FileSize,ExtendedInfo.UserName,ExtendedInfo.IPAddress,ExtendedInfo.Determination,ExtendedInfo.FileVendor,ExtendedInfo.FileProduct,"+
			"ExtendedInfo.FileVersion,SiteId,SiteName", ",")
	case *siteUsage:
		return strings.Split("SiteId,SiteName,AccountKeyCode,State,BillingCycle,BillingDate,DevicesAllowed,TotalEndpoints,TotalEndpointsAt,ActiveEndpoints,"+
			"ActiveEndpointsDate,ActiveEndpointsWithoutHidden,ActiveEndpointsWithoutHiddenDate,EndpointsSeenInLast30Days,EndpointsSeenInLast30DaysDate", ",")
	case *fleet.Hit:
		return strings.Split("Kind,Match,EndpointId,HostName,SiteId,SiteName,Keycode,Status,LastSeen", ",")
	case *dispatch.Digest:
		return ownNames(jobJSON{})
	default:
		return ownNames(*new(T))
	}
}

// ownNames are the names of a row of unitty's own.
func ownNames(row any) []string {
	raw, err := json.Marshal(row)
	if err != nil {
		return nil
	}
	var out []string
	_ = flatten("", raw, func(name, _ string) { out = append(out, name) }) // what is no object has no names
	return out
}

// jsonChoice is what --columns leaves of JSON objects: keys by their names, without regard to case, in the order that was asked
// for. What an object does not have stays missing.
type jsonChoice struct {
	wanted []string
	// have are the keys of the objects so far by their folded names, order the keys as they came.
	have  map[string]string
	order []string
}

func newJSONChoice(columns string) *jsonChoice {
	return &jsonChoice{wanted: strings.Split(columns, ","), have: map[string]string{}}
}

// of leaves the chosen keys of an object.
func (c *jsonChoice) of(raw []byte) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	own := map[string]string{}
	err := flatten("", raw, func(name, _ string) {
		name, _, _ = strings.Cut(name, ".")
		own[strings.ToLower(name)] = name
		if _, known := c.have[strings.ToLower(name)]; !known {
			c.have[strings.ToLower(name)] = name
			c.order = append(c.order, name)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	var members []unity.Extra
	for _, want := range c.wanted {
		if name, ok := own[strings.ToLower(strings.TrimSpace(want))]; ok {
			members = append(members, unity.Extra{Name: name, Value: object[name]})
		}
	}
	return membersJSON(members)
}

// check names a column that no object has had.
func (c *jsonChoice) check() error {
	for _, want := range c.wanted {
		if _, ok := c.have[strings.ToLower(strings.TrimSpace(want))]; !ok && len(c.order) > 0 {
			return usagef("--columns: there is no column %q; there are %s", unity.Clean(want), unity.Clean(strings.Join(c.order, ",")))
		}
	}
	return nil
}
