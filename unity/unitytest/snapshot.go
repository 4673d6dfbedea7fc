package unitytest

import "time"

// Snapshot is a copy of the truth at one moment, for tests to compare with.
type Snapshot struct {
	Now       time.Time
	GSMKey    string
	Console   string
	Sites     []SiteTruth
	Endpoints []EndpointTruth
	Commands  []CommandTruth
	Policies  []PolicyTruth
}

// SiteTruth is one site.
type SiteTruth struct {
	ID, Name, Keycode             string // the keycode without dashes
	Seats                         int
	Deactivated, Suspended, Trial bool
	EndDate                       time.Time
	Groups                        []GroupTruth
	Endpoints                     int // all records, deactivated ones too
	Comments, Emails              string
	BillingCycle, BillingDate     string
	// AccessOf maps names of built-in users to their access level.
	AccessOf map[string]int
}

// GroupTruth is one group of a site.
type GroupTruth struct{ ID, Name, Description, PolicyID string }

// PolicyTruth is one policy; SiteID is empty for a global one.
type PolicyTruth struct{ ID, Name, SiteID string }

// EndpointTruth is one machine. Zero times mean never.
type EndpointTruth struct {
	ID, MachineID, HostName, SiteID, GroupID, PolicyID string
	User, OS, Version, IP, PublicIP, MAC, DeviceType   string
	FirstSeen, LastSeen, LastInfected, LastScan        time.Time
	// NextPoll is zero for a machine that does not poll.
	NextPoll                                                  time.Time
	Deactivated, Infected, Attention, Managed, EverInfected   bool
	Isolated, Uninstalled, Restarted                          bool
	ActiveThreats, ThreatsRemoved, ThreatRecords, PendingJobs int
}

// CommandTruth is one command; State is numbered as in the API. ExecutedAt is
// zero unless the machine has received it.
type CommandTruth struct {
	EndpointID, SiteID, Name, Parameters string
	Requested, Start, End, ExecutedAt    time.Time
	State                                int
}

func moment(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(0, t).UTC()
}

// World copies the truth behind the API as it is now. Sites and endpoints
// come in the order they were made, commands by site and request.
func (s *Server) World() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.nanos()
	w := s.world
	w.settle(at)
	snap := Snapshot{Now: moment(at), GSMKey: w.gsmKey, Console: w.name}
	for _, p := range w.policies {
		snap.Policies = append(snap.Policies, PolicyTruth{p.id, p.name, ""})
	}
	for _, x := range w.sites {
		snap.Sites = append(snap.Sites, s.siteTruth(x, at))
		for _, p := range x.policies {
			snap.Policies = append(snap.Policies, PolicyTruth{p.id, p.name, x.id})
		}
		for _, c := range x.commands {
			snap.Commands = append(snap.Commands, CommandTruth{c.machine.id, x.id, c.name, c.parameters, moment(c.requested), moment(c.start),
				moment(c.end), moment(c.executedAt), c.stateAt(at)})
		}
	}
	for _, m := range w.machines {
		if !m.removed {
			snap.Endpoints = append(snap.Endpoints, endpointTruth(m, at))
		}
	}
	return snap
}

func (s *Server) siteTruth(x *site, at int64) SiteTruth {
	t := SiteTruth{ID: x.id, Name: x.name, Keycode: x.key, Seats: x.seats, Deactivated: x.deactivated, Suspended: x.suspended, Trial: x.trial,
		EndDate: moment(x.end), Endpoints: len(x.machines), Comments: x.comments, Emails: x.emails, BillingCycle: x.billingCycle,
		BillingDate: x.billingDate, AccessOf: map[string]int{}}
	for _, g := range x.groups {
		id := ""
		if g.policy != nil {
			id = g.policy.id
		}
		t.Groups = append(t.Groups, GroupTruth{g.id, g.name, g.description, id})
	}
	for _, u := range s.users {
		if a := s.world.adminOf(u); a != nil {
			t.AccessOf[u.name] = x.level(a, at)
		}
	}
	return t
}

func endpointTruth(m *machine, at int64) EndpointTruth {
	kind := "PC"
	if m.mac64 {
		kind = "Mac"
	}
	t := EndpointTruth{ID: m.id, MachineID: m.machineID, HostName: m.host, SiteID: m.site.id, GroupID: m.group.id,
		PolicyID: m.effectivePolicy().id, User: m.user, OS: m.os, Version: m.version, IP: m.ip, PublicIP: m.publicIP, MAC: m.mac, DeviceType: kind,
		FirstSeen: moment(m.firstSeen), LastSeen: moment(m.lastSeen(at)), LastInfected: moment(m.lastInfected), LastScan: moment(m.lastScan),
		Deactivated: m.deactivated, Infected: m.infected, Attention: m.attention || m.infected, Managed: m.managed, EverInfected: m.everInfected,
		Isolated: m.isolated, Uninstalled: m.uninstalled, Restarted: m.reset, ActiveThreats: m.activeThreats,
		ThreatsRemoved: m.threatsRemoved, ThreatRecords: len(m.threats), PendingJobs: len(m.pending)}
	if m.polls {
		t.NextPoll = moment(m.pollFrom(at + 1))
	}
	return t
}
