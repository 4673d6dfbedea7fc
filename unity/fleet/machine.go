package fleet

import (
	"time"

	"github.com/unitty/unitty/unity"
)

// DefaultStaleAfter is how long a machine may be silent before it counts as stale.
const DefaultStaleAfter = 7 * 24 * time.Hour

// Machine is an endpoint with its site, its group's name and, where it could be told for certain, its agent's report.
type Machine struct {
	unity.Endpoint
	SiteID   unity.SiteID
	SiteName unity.Text
	SiteKey  unity.Keycode
	// Group is the group's name, Policy the policy's, "" where unknown.
	Group, Policy unity.Text
	// Status is nil where no report could be joined; StatusNote says why then.
	Status     *unity.Status
	StatusNote string
	// ReadAt is when the endpoint was read from the server.
	ReadAt time.Time
	// StaleAfter is the silence after which it counts as stale.
	StaleAfter time.Duration
}

// Words of StatusNote.
const (
	NoteNoScope    = "no scope"
	NoteNotJoined  = "not joined"
	NoteNoReport   = "no report" // asked for by itself, and there was none
	NoteNotLoaded  = "not loaded"
	NoteNoAccess   = "no access"
	StateUnknown   = "?"
	StateOK        = "ok"
	StateStale     = "stale"
	StateAttention = "attention"
	StateInfected  = "infected"
	StateGone      = "deactivated"
)

// States are the values of the status field, the gravest first.
func States() []string {
	return []string{StateGone, StateInfected, StateAttention, StateStale, StateOK}
}

// Ref is a machine as it is named in plans and jobs.
type Ref struct {
	ID       unity.EndpointID
	Site     unity.SiteID
	SiteName unity.Text
	HostName unity.Text
	LastSeen time.Time
	ReadAt   time.Time
	Inactive bool
	// Group is the group it was in when it was read, "" where that is not known.
	Group unity.GroupID
	// Found says how a selector or a filter came upon it.
	Found Found
}

// Name is the host name, or the id of a nameless machine.
func (r Ref) Name() string {
	if r.HostName.Empty() {
		return string(r.ID)
	}
	return r.HostName.String()
}

// Ref gives the machine's reference.
func (m *Machine) Ref() Ref {
	return Ref{ID: m.ID, Site: m.SiteID, SiteName: m.SiteName, HostName: m.HostName, LastSeen: m.Seen(), ReadAt: m.ReadAt,
		Inactive: m.Deactivated.On, Group: m.GroupID}
}

// Seen is the later of what console and agent report say; zero is never.
func (m *Machine) Seen() time.Time {
	at := m.LastSeen.Time
	if m.Status != nil && m.Status.LastSeen.After(at) {
		at = m.Status.LastSeen.Time
	}
	return at
}

// State is the first that holds of deactivated, infected, attention, stale and ok. known is false where that would take
// an agent report that is not there.
func (m *Machine) State(now time.Time) (state string, known bool) {
	return m.health().State(now, m.StaleAfter)
}

func (m *Machine) health() Health {
	h := Health{Deactivated: m.Deactivated.On, Seen: m.Seen()}
	if m.Status != nil {
		b := m.Status.BasicInfo
		h.Joined, h.Infected, h.Attention, h.Threats = true, b.Infected, b.AttentionRequired.On, b.ActiveThreats.Or(0)
	}
	return h
}

// Stale tells that the machine has been silent for longer than it may.
func (m *Machine) Stale(now time.Time) bool { return Silent(m.Seen(), now, m.StaleAfter) }

// Type is "pc", "mac" or "" where unknown.
func (m *Machine) Type() string {
	if m.Status == nil {
		return ""
	}
	return DeviceType(m.Status.BasicInfo.DeviceType.Raw())
}

// User is the user last signed in at the machine.
func (m *Machine) User() string {
	if m.Status == nil {
		return ""
	}
	return m.Status.OSAndVersions.CurrentUser.String()
}

// OS is the operating system.
func (m *Machine) OS() string {
	if m.Status == nil {
		return ""
	}
	return m.Status.OS.String()
}

// IPs are the machine's own and its public address, blank-separated.
func (m *Machine) IPs() string {
	if m.Status == nil {
		return ""
	}
	return Addresses(m.Status.OSAndVersions.IPV4, m.Status.IPAddress)
}

// MAC is the hardware address.
func (m *Machine) MAC() string {
	if m.Status == nil {
		return ""
	}
	return m.Status.OSAndVersions.MACAddress.String()
}

// Version is the agent's version, from the report or the console.
func (m *Machine) Version() string {
	if m.Status != nil && !m.Status.ClientVersion.Empty() {
		return m.Status.ClientVersion.String()
	}
	return m.AgentVersion.String()
}

// GroupLabel is the group's name, or its id.
func (m *Machine) GroupLabel() string { return Label(m.Group, m.GroupName, string(m.GroupID)) }

// PolicyLabel is the policy's name, or its id.
func (m *Machine) PolicyLabel() string { return Label(m.Policy, m.PolicyName, string(m.PolicyID)) }

// groupNamed and policyNamed tell whether a name is known: an id says nothing about what the name may be.
func (m *Machine) groupNamed() bool { return !m.Group.Empty() || !m.GroupName.Empty() }

func (m *Machine) policyNamed() bool { return !m.Policy.Empty() || !m.PolicyName.Empty() }

// SeenDays is whole days since the machine was last seen, or -1 for never.
func (m *Machine) SeenDays(now time.Time) int { return Days(m.Seen(), now) }
