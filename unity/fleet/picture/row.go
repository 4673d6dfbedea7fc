package picture

import (
	"strings"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Row is a handle of one machine of a chunk. Two handles of the same row of the same chunk are equal by ==. The zero Row
// is no machine: only Valid may be asked of it.
type Row struct {
	c *Chunk
	i int32
}

// Valid tells a machine from the zero Row.
func (r Row) Valid() bool { return r.c != nil }

// Chunk is the chunk that holds the row.
func (r Row) Chunk() *Chunk { return r.c }

// Index is where in its chunk the row stands.
func (r Row) Index() int { return int(r.i) }

func (r Row) has(f flag) bool { return r.c.flags[r.i]&f != 0 }

// truth makes a Bool of two flags.
func (r Row) truth(on, known flag) unity.Bool { return unity.Bool{On: r.has(on), Known: r.has(known)} }

func (r Row) instant(t ticks, which instant) unity.Time {
	if t == 0 && r.has(odd) {
		if raw := r.c.odd[oddKey{uint32(r.i), which}]; raw != nil { //nolint:gosec // an index is not negative
			return reread(raw)
		}
	}
	return t.unity()
}

// ID is the endpoint's id.
func (r Row) ID() unity.EndpointID { return unity.EndpointID(r.c.id.at(int(r.i))) }

// HostName is the host name as the server has it.
func (r Row) HostName() unity.Text { return unity.NewText(r.c.host.at(int(r.i))) }

// Name is what a person calls the machine: its host name, or its id when it has none.
func (r Row) Name() string {
	if host := r.HostName(); !host.Empty() {
		return host.String()
	}
	return unity.Clean(string(r.ID()))
}

// FoldedHost is the host name folded for comparison.
func (r Row) FoldedHost() string { return r.c.fHost.at(int(r.i)) }

// Site is the machine's customer.
func (r Row) Site() Site { return r.c.site }

// SiteID is the id of the machine's customer.
func (r Row) SiteID() unity.SiteID { return r.c.site.ID }

// SiteName is the name of the machine's customer.
func (r Row) SiteName() unity.Text { return r.c.site.Name }

// SiteKey is the keycode of the machine's customer.
func (r Row) SiteKey() unity.Keycode { return r.c.site.Key }

func (r Row) groupOf() label { return r.c.group.of(int(r.i)) }

func (r Row) policyOf() label { return r.c.policy.of(int(r.i)) }

// GroupID is the id of the machine's group.
func (r Row) GroupID() unity.GroupID { return unity.GroupID(r.groupOf().id.Value()) }

// Group is the name of the group, from the list of groups or else from the machine's own row; "" where neither has it.
func (r Row) Group() unity.Text { return r.groupOf().name() }

// GroupLabel is the group's name, or its id.
func (r Row) GroupLabel() string { return r.groupOf().label() }

// PolicyID is the id of the machine's policy.
func (r Row) PolicyID() unity.PolicyID { return unity.PolicyID(r.policyOf().id.Value()) }

// Policy is the name of the policy, from the list of policies or else from the machine's own row; "" where neither has it.
func (r Row) Policy() unity.Text { return r.policyOf().name() }

// PolicyLabel is the policy's name, or its id.
func (r Row) PolicyLabel() string { return r.policyOf().label() }

// UsualPolicy is the policy that most active machines of the row's group have, or else most of its site, with its name where that
// is known; "" where there is no such policy.
func (r Row) UsualPolicy() (unity.PolicyID, unity.Text) {
	usual, ok := r.c.usualPolicies()[r.groupOf().id]
	if !ok {
		return "", unity.Text{}
	}
	return unity.PolicyID(usual.id.Value()), usual.name()
}

// known is the name that a group or policy is called by, where there is one.
func (l label) known() (name word, ok bool) {
	for _, w := range []word{l.given, l.own} {
		if !unity.NewText(w.Value()).Empty() {
			return w, true
		}
	}
	return l.id, false
}

func (l label) name() unity.Text {
	if name, ok := l.known(); ok {
		return unity.NewText(name.Value())
	}
	return unity.Text{}
}

func (l label) label() string {
	return fleet.Label(unity.NewText(l.given.Value()), unity.NewText(l.own.Value()), l.id.Value())
}

func (l label) named() bool { _, ok := l.known(); return ok }

// seen is the later of what console and report say.
func (c *Chunk) seen(i int) ticks { return max(c.last.at(i), c.report.at(i)) }

// Seen is the later of what console and agent report say; zero is never.
func (r Row) Seen() time.Time { return r.c.seen(int(r.i)).time() }

// SeenDays is whole days since the machine was last seen, or -1 for never.
func (r Row) SeenDays(now time.Time) int { return fleet.Days(r.Seen(), now) }

// ConsoleSeen is when the console saw the machine last.
func (r Row) ConsoleSeen() unity.Time { return r.instant(r.c.last.at(int(r.i)), lastSeen) }

// FirstSeen is when the console saw the machine first.
func (r Row) FirstSeen() unity.Time { return r.instant(r.c.first.at(int(r.i)), firstSeen) }

// LastInfected is when the console last knew it infected.
func (r Row) LastInfected() unity.Time { return r.instant(r.c.infectedAt.at(int(r.i)), lastInfected) }

// LastScan is when the agent last scanned, as it reported.
func (r Row) LastScan() unity.Time { return r.instant(r.c.scanned.at(int(r.i)), lastScan) }

// ReadAt is when the endpoint was read from the server.
func (r Row) ReadAt() time.Time { return r.c.read.at(int(r.i)).time() }

// StatusAt is when the agent's report was read from the server, or when the machine was asked for and had none (see Asked); else zero.
func (r Row) StatusAt() time.Time { return r.c.statusAt.at(int(r.i)).time() }

// Deactivated tells that the console has deactivated the machine.
func (r Row) Deactivated() bool { return r.has(deactivated) }

// Joined tells that there is a report of the machine's agent.
func (r Row) Joined() bool { return r.has(joined) }

// Note says why there is no report; "" where there is one.
func (r Row) Note() string { return r.c.note.at(int(r.i)) }

// Infected is what the agent reported; known is false without a word of it.
func (r Row) Infected() (on, known bool) { b := r.truth(infected, infectedKnown); return b.On, b.Known }

// Attention is whether the agent reported that it needs attention; known is false without a word of it.
func (r Row) Attention() (on, known bool) {
	b := r.truth(attention, attentionKnown)
	return b.On, b.Known
}

// Managed is whether the agent reported that the console manages it; known is false without a word of it.
func (r Row) Managed() (on, known bool) { b := r.truth(managed, managedKnown); return b.On, b.Known }

// ActiveThreats is the number that the agent reported; known is false without one.
func (r Row) ActiveThreats() (n int64, known bool) {
	if !r.has(threatsKnown) {
		return 0, false
	}
	return r.c.threatsOf(int(r.i)), true
}

// State is the first that holds of deactivated, infected, attention, stale and ok; staleAfter 0 means
// fleet.DefaultStaleAfter. known is false where that would take a report that is not there.
func (r Row) State(now time.Time, staleAfter time.Duration) (state string, known bool) {
	return r.c.flags[r.i].health(r.Seen()).State(now, staleAfter)
}

// Stale tells that the machine has been silent for longer than staleAfter; 0 means fleet.DefaultStaleAfter.
func (r Row) Stale(now time.Time, staleAfter time.Duration) bool {
	return fleet.Silent(r.Seen(), now, staleAfter)
}

// Type is "pc", "mac" or "" where unknown.
func (r Row) Type() string { return fleet.DeviceType(r.c.device.at(int(r.i))) }

// User is the user last signed in at the machine.
func (r Row) User() string { return unity.Clean(r.c.user.at(int(r.i))) }

// OS is the operating system.
func (r Row) OS() string { return unity.Clean(r.c.os.at(int(r.i))) }

// IPs are the machine's own and its public address, blank-separated.
func (r Row) IPs() string {
	return fleet.Addresses(unity.NewText(r.c.ip.at(int(r.i))), unity.NewText(r.c.public.at(int(r.i))))
}

// MAC is the hardware address.
func (r Row) MAC() string { return unity.Clean(r.c.mac.at(int(r.i))) }

// Version is the agent's version, from the report or the console.
func (r Row) Version() string {
	if v := r.c.client.at(int(r.i)); strings.TrimSpace(v) != "" {
		return unity.Clean(v)
	}
	return unity.Clean(r.c.agent.at(int(r.i)))
}

// SameMachine tells whether the machine has that machine id; the empty id is nobody's.
func (r Row) SameMachine(id unity.MachineID) bool {
	key := fleet.KeyOf(id)
	return key != fleet.MachineKey{} && r.c.machineOf(int(r.i)) == key
}

// MachineKey is fleet.KeyOf of the machine's id; known is false where the server gave none.
func (r Row) MachineKey() (key fleet.MachineKey, known bool) {
	return r.c.machineOf(int(r.i)), r.has(hasMachineID)
}

// Ref is the machine's reference in plans and jobs. Those live longer than pictures, so nothing in it holds the chunk.
func (r Row) Ref() fleet.Ref {
	return fleet.Ref{ID: unity.EndpointID(strings.Clone(string(r.ID()))), Site: r.c.site.ID, SiteName: r.c.site.Name,
		HostName: unity.NewText(strings.Clone(r.c.host.at(int(r.i)))), LastSeen: r.Seen(), ReadAt: r.ReadAt(), Inactive: r.Deactivated(),
		Group: r.GroupID()}
}

// Machine makes a fleet.Machine of the row: without the records as the server sent them, and without the machine id, of
// which the picture keeps a digest only.
func (r Row) Machine(staleAfter time.Duration) *fleet.Machine {
	group, policy := r.groupOf(), r.policyOf()
	m := &fleet.Machine{SiteID: r.c.site.ID, SiteName: r.c.site.Name, SiteKey: r.c.site.Key, ReadAt: r.ReadAt(), StaleAfter: staleAfter,
		Group: unity.NewText(group.given.Value()), Policy: unity.NewText(policy.given.Value()), StatusNote: r.Note()}
	m.Endpoint = unity.Endpoint{ID: r.ID(), HostName: r.HostName(), FirstSeen: r.FirstSeen(), LastSeen: r.ConsoleSeen(),
		LastInfected: r.LastInfected(), AgentVersion: unity.NewText(r.c.agent.at(int(r.i))), Deactivated: r.truth(deactivated, deactivatedKnown),
		GroupID: r.GroupID(), GroupName: unity.NewText(group.own.Value()), PolicyID: r.PolicyID(), PolicyName: unity.NewText(policy.own.Value())}
	if r.Joined() {
		m.Status = r.status()
	}
	return m
}

func (r Row) status() *unity.Status {
	i := int(r.i)
	s := &unity.Status{Keycode: r.c.site.Key, HostName: r.HostName(), OS: unity.NewText(r.c.os.at(i)), IPAddress: unity.NewText(r.c.public.at(i)),
		ClientVersion: unity.NewText(r.c.client.at(i)), LastSeen: r.instant(r.c.report.at(i), reportSeen)}
	threats, known := r.ActiveThreats()
	s.BasicInfo.DeviceType = unity.NewText(r.c.device.at(i))
	s.BasicInfo.AttentionRequired = r.truth(attention, attentionKnown)
	s.BasicInfo.Infected = r.truth(infected, infectedKnown)
	s.BasicInfo.ActiveThreats = unity.Int{N: threats, Known: known}
	s.BasicInfo.Managed = r.truth(managed, managedKnown)
	s.OSAndVersions.CurrentUser = unity.NewText(r.c.user.at(i))
	s.OSAndVersions.IPV4 = unity.NewText(r.c.ip.at(i))
	s.OSAndVersions.MACAddress = unity.NewText(r.c.mac.at(i))
	s.TimesAndStats.LastScan = r.LastScan()
	return s
}
