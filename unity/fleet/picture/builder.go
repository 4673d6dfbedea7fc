package picture

import (
	"time"
	"unique"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// entry is a row while its chunk is being made.
type entry struct {
	flags                         flag
	machine                       fleet.MachineKey
	first, last, infectedAt, read ticks
	id, host                      string
	group, policy                 label
	agent                         word
	odd                           map[instant][]byte
	news
}

// news is what a report says of a row while its chunk is being made. Its flags are among those of the row.
type news struct {
	threats                          int64
	report, scanned, statusAt        ticks
	user, ip, mac                    string
	client, os, device, public, note word
}

// Builder makes the chunk of one site. It belongs to one goroutine.
type Builder struct {
	site Site
	rows []entry
	none word
}

// NewBuilder begins the chunk of a site; sizeHint is about how many machines it will have.
func NewBuilder(site Site, sizeHint int) *Builder {
	return &Builder{site: site, rows: make([]entry, 0, max(sizeHint, 0)), none: unique.Make("")}
}

// Len is the number of machines so far.
func (b *Builder) Len() int { return len(b.rows) }

// Keep copies a row as it is, with its report and both ages, and returns its index. A row of another site becomes one of
// this site.
func (b *Builder) Keep(r Row) int {
	b.rows = append(b.rows, r.entry())
	return len(b.rows) - 1
}

// Add appends an endpoint that was read at that time, without a report, and returns its index. The names of group and
// policy are what the lists of groups and policies say, "" where unknown.
func (b *Builder) Add(e *unity.Endpoint, group, policy unity.Text, at time.Time) int {
	x := entry{agent: word1(e.AgentVersion), news: b.silence(unique.Make(fleet.NoteNotLoaded))}
	b.rows = append(b.rows, x)
	b.put(len(b.rows)-1, e, group, policy, at)
	return len(b.rows) - 1
}

// silence is the news of a machine without a report.
func (b *Builder) silence(note word) news {
	return news{client: b.none, os: b.none, device: b.none, public: b.none, note: note}
}

// AddOver is Add for an endpoint that was read before: the report of the old row is kept, with its age.
func (b *Builder) AddOver(old Row, e *unity.Endpoint, group, policy unity.Text, at time.Time) int {
	x := old.entry()
	x.flags &= ofReport
	for _, which := range []instant{firstSeen, lastSeen, lastInfected} {
		delete(x.odd, which)
	}
	b.rows = append(b.rows, x)
	b.put(len(b.rows)-1, e, group, policy, at)
	return len(b.rows) - 1
}

// put writes what the console says of an endpoint.
func (b *Builder) put(i int, e *unity.Endpoint, group, policy unity.Text, at time.Time) {
	x := &b.rows[i]
	x.id, x.host = string(e.ID), e.HostName.Raw()
	x.first, x.last, x.infectedAt = ticksOf(e.FirstSeen.Time), ticksOf(e.LastSeen.Time), ticksOf(e.LastInfected.Time)
	x.keepOdd(firstSeen, e.FirstSeen)
	x.keepOdd(lastSeen, e.LastSeen)
	x.keepOdd(lastInfected, e.LastInfected)
	x.agent = word1(e.AgentVersion)
	x.set(deactivated, e.Deactivated.On)
	x.set(deactivatedKnown, e.Deactivated.Known)
	x.group = label{unique.Make(string(e.GroupID)), word1(group), word1(e.GroupName)}
	x.policy = label{unique.Make(string(e.PolicyID)), word1(policy), word1(e.PolicyName)}
	x.machine = fleet.KeyOf(e.MachineID)
	x.set(hasMachineID, e.MachineID != "")
	x.read = ticksOf(at)
}

// Report gives the machine at an index the report of its agent, read at that time.
func (b *Builder) Report(i int, s *unity.Status, at time.Time) {
	x := &b.rows[i]
	x.note = b.none
	x.set(joined, true)
	x.set(infected, s.BasicInfo.Infected.On)
	x.set(infectedKnown, s.BasicInfo.Infected.Known)
	x.set(attention, s.BasicInfo.AttentionRequired.On)
	x.set(attentionKnown, s.BasicInfo.AttentionRequired.Known)
	x.set(managed, s.BasicInfo.Managed.On)
	x.set(managedKnown, s.BasicInfo.Managed.Known)
	x.set(threatsKnown, s.BasicInfo.ActiveThreats.Known)
	x.threats = s.BasicInfo.ActiveThreats.Or(0)
	x.set(threatened, x.threats > 0)
	x.report, x.scanned, x.statusAt = ticksOf(s.LastSeen.Time), ticksOf(s.TimesAndStats.LastScan.Time), ticksOf(at)
	x.keepOdd(reportSeen, s.LastSeen)
	x.keepOdd(lastScan, s.TimesAndStats.LastScan)
	x.user, x.ip, x.mac = s.OSAndVersions.CurrentUser.Raw(), s.OSAndVersions.IPV4.Raw(), s.OSAndVersions.MACAddress.Raw()
	x.client, x.os, x.device, x.public = word1(s.ClientVersion), word1(s.OS), word1(s.BasicInfo.DeviceType), word1(s.IPAddress)
}

// Note says why the machine at an index has no report, in the words of fleet; one with a report takes none.
func (b *Builder) Note(i int, note string) {
	if x := &b.rows[i]; x.flags&joined == 0 {
		x.note = unique.Make(note)
	}
}

func word1(t unity.Text) word { return unique.Make(t.Raw()) }

func (x *entry) set(f flag, on bool) {
	x.flags &^= f
	if on {
		x.flags |= f
	}
}

func (x *entry) keepOdd(which instant, t unity.Time) {
	delete(x.odd, which)
	if raw := unreadable(t); raw != nil {
		if x.odd == nil {
			x.odd = map[instant][]byte{}
		}
		x.odd[which] = raw
	}
}

// ofReport are the flags that a report sets.
const ofReport = joined | infected | infectedKnown | attention | attentionKnown | managed | managedKnown | threatsKnown | threatened | asked

// entry takes a row apart again.
func (r Row) entry() entry {
	c, i := r.c, int(r.i)
	x := entry{flags: c.flags[i] &^ odd, machine: c.machineOf(i), first: c.first.at(i), last: c.last.at(i), infectedAt: c.infectedAt.at(i),
		read: c.read.at(i), id: c.id.at(i), host: c.host.at(i), group: r.groupOf(), policy: r.policyOf(), agent: c.agent.handle(i), news: r.news()}
	if r.has(odd) {
		x.odd = map[instant][]byte{}
		for _, which := range []instant{firstSeen, lastSeen, lastInfected, reportSeen, lastScan} {
			if raw := c.odd[oddKey{u32(i), which}]; raw != nil {
				x.odd[which] = raw
			}
		}
	}
	return x
}

// news takes the report of a row apart again.
func (r Row) news() news {
	c, i := r.c, int(r.i)
	return news{threats: c.threatsOf(i), report: c.report.at(i), scanned: c.scanned.at(i), statusAt: c.statusAt.at(i), user: c.user.at(i), ip: c.ip.at(i),
		mac: c.mac.at(i), client: c.client.handle(i), os: c.os.handle(i), device: c.device.handle(i), public: c.public.handle(i), note: c.note.handle(i)}
}

// Chunk ends the building. The builder may go on and make another one; the chunk does not change.
func (b *Builder) Chunk() *Chunk {
	c := b.lean()
	c.packFolded()
	return c
}

// lean makes a chunk that cannot be searched: of the folded texts it has the host name only.
func (b *Builder) lean() *Chunk {
	c := newChunk(b.site, len(b.rows))
	for i := range b.rows {
		c.flags[i] = b.rows[i].flags
		c.keepOdd(i, b.rows[i].odd)
	}
	c.packOwn(b.rows)
	c.packHeard(func(i int) *news { return &b.rows[i].news })
	return c
}

// SetMachineKey gives the machine at an index the digest of its machine id, for rows that come from where only the digest
// is kept.
func (b *Builder) SetMachineKey(i int, key fleet.MachineKey) {
	b.rows[i].machine = key
	b.rows[i].set(hasMachineID, true)
}
