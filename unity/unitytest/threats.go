package unitytest

import (
	"sort"
	"strings"
	"time"
)

type foundThreat struct {
	m *machine
	t *threat
}

// window reads startDate and endDate of the threat history: a day up to now
// by default, three calendar months at most.
func (c *call) window() (from, to int64, bad *reply) {
	if from, bad = c.date("startdate"); bad != nil {
		return 0, 0, bad
	}
	if to, bad = c.date("enddate"); bad != nil {
		return 0, 0, bad
	}
	if to == 0 {
		to = c.now
	}
	if from == 0 {
		from = to - day
	}
	limit := time.Unix(0, from).UTC().AddDate(0, 3, 0).UnixNano()
	var r reply
	switch {
	case from > to:
		r = badRequest("The start date must not be after the end date.")
	case to > limit:
		r = badRequest("The time between start date and end date must not exceed 3 months.")
	default:
		return from, to, nil
	}
	return 0, 0, &r
}

// threatHistory serves the lists of a site, of a group and of one endpoint.
// Records are chosen by LastSeen, as users report, newest first.
func (c *call) threatHistory() reply {
	p, bad := c.page()
	if bad != nil {
		return *bad
	}
	from, to, bad := c.window()
	if bad != nil {
		return *bad
	}
	source := c.site.machines
	if c.machine != nil {
		source = []*machine{c.machine}
	}
	var rows []foundThreat
	for _, m := range source {
		if m.removed || (c.group != nil && m.group != c.group) {
			continue
		}
		for _, t := range m.threats {
			if last := c.lastOf(t); last >= from && last <= to {
				rows = append(rows, foundThreat{m, t})
			}
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return c.lastOf(rows[i].t) > c.lastOf(rows[j].t) })
	out := list{}
	for _, x := range cut(rows, p) {
		out = append(out, c.threatRow(x))
	}
	return ok(object{{"MoreAvailable", p.number*p.size < len(rows)}, {"PageNr", p.number}, {"PageSize", p.size}, {"StartDate", stamp(from)},
		{"EndDate", stamp(to)}, {"ThreatRecords", out}})
}

// lastOf is when a threat was seen last, as far as that has come: some are seen
// for a while.
func (c *call) lastOf(t *threat) int64 { return max(t.first, min(t.last, c.now)) }

func (c *call) threatRow(x foundThreat) object {
	t := x.t
	o := object{{"EndpointId", x.m.id}, {"MachineId", x.m.machineID}, {"HostName", x.m.host}, {"FileName", t.file}, {"PathName", t.path},
		{"MalwareGroup", t.family}, {"FirstSeen", stamp(t.first)}, {"LastSeen", stamp(c.lastOf(t))}}
	if c.returned("extendedinfo") {
		return append(o, field{"ExtendedInfo", object{{"DwellTime", t.dwell}, {"FileMD5", t.md5}, {"FileSize", t.size}, {"UserName", t.user},
			{"IPAddress", t.ip}, {"Determination", "B"}, {"FileVendor", t.vendor}, {"FileProduct", t.prod}, {"FileVersion", t.version}}})
	}
	if c.s.variants["threats-null-info"] {
		o = append(o, field{"ExtendedInfo", nil})
	}
	return o
}

// returned tells whether returnedInfo names a section.
func (c *call) returned(section string) bool {
	for part := range strings.SplitSeq(c.query.Get("returnedinfo"), ",") {
		if strings.EqualFold(strings.TrimSpace(part), section) {
			return true
		}
	}
	return false
}
