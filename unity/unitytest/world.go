package unitytest

import (
	"container/heap"
	"math"
	"slices"
	"sort"
	"strings"
	"time"
)

const (
	minute = int64(time.Minute)
	hour   = int64(time.Hour)
	day    = 24 * hour
)

// Access levels of the vendor's reference, section Console GSM admins.
const (
	levelAdmin = 128
	levelView  = 1
	levelNone  = 0
)

// world is the truth behind the API. All moments are Unix nanoseconds, zero
// meaning never. It is guarded by the lock of the server.
type world struct {
	seed     uint64
	ids      random
	dice     random
	speed    float64
	within   int64
	gsmKey   string
	name     string
	created  int64
	end      int64
	seats    int
	sites    []*site
	byID     map[string]*site
	byKey    map[string]*site
	machines []*machine
	byMachID map[string]*machine
	policies []*policy
	admins   []*admin
	access   []*accessRequest
	events   eventQueue
	eventSeq int
	churnAt  int64
	churnGap int64
}

type policy struct {
	id, name, description string
	site                  *site // nil: a global policy
}

type admin struct {
	id, email, first, last, mobile, office, state string
	level                                         int
	msp, confirmed                                bool
	reach                                         string // "all", "mixed", "none": default access to sites
}

type group struct {
	id, name, description string
	policy                *policy
}

// grantedLevel is an access level of an admin at a site from a moment on.
type grantedLevel struct {
	level int
	from  int64
}

type site struct {
	index                         int
	id, name, key                 string
	dashedKey                     bool
	seats, mobile                 int
	deactivated, suspended, trial bool
	deactivatedBy, suspendedBy    string
	created, end                  int64
	billingCycle, billingDate     string
	comments, emails, createdBy   string
	globalPolicies, overrides     bool
	policy                        *policy
	modules                       []module
	groups                        []*group
	policies                      []*policy
	machines                      []*machine // by serial
	byHost                        []*machine // cache of the default order; nil when stale
	commands                      []*command // by the time of the request
	siteAdmins                    []*admin
	levels                        map[string][]grantedLevel
}

type module struct {
	kind, license string
	end           int64
}

type machine struct {
	serial                                    int
	id, machineID, host, user, os, version    string
	ip, publicIP, mac, browser, workgroup     string
	mac64                                     bool // a Mac
	site                                      *site
	group                                     *group
	policy                                    *policy // nil: inherits the policy of its group
	polls                                     bool
	firstSeen, seen, nextPoll, gap            int64
	due                                       int64 // the event that looks at pending commands next
	infected, attention, managed              bool
	everInfected, firewall, scheduled         bool
	activeThreats, threatsRemoved             int
	lastInfected, lastScan, lastDeep          int64
	deactivated, isolated, uninstalled, reset bool
	modified                                  int64
	pending, commands                         []*command
	threats                                   []*threat
	removed                                   bool
}

type threat struct {
	file, path, family          string
	first, last                 int64
	dwell, size                 int
	md5, user, ip, vendor, prod string
	version                     string
}

// command states as numbered by the vendor's reference, section commands.
const (
	stateElapsed   = 1
	stateWaiting   = 2
	stateExecuted  = 3
	stateScheduled = 4
)

type command struct {
	machine                          *machine
	name, parameters                 string
	hasParameters                    bool
	requested, start, end, visibleAt int64
	executedAt                       int64
	state                            int
}

// stateAt tells a command that has not been sent yet from one that waits.
func (c *command) stateAt(now int64) int {
	if c.state == stateWaiting && now < c.start {
		return stateScheduled
	}
	return c.state
}

// lastSeen is the last poll at or before now.
func (m *machine) lastSeen(now int64) int64 {
	if !m.polls || now < m.nextPoll {
		return m.seen
	}
	return m.nextPoll + (now-m.nextPoll)/m.gap*m.gap
}

// pollFrom is the first poll at or after a moment; math.MaxInt64 if there is
// none.
func (m *machine) pollFrom(t int64) int64 {
	if !m.polls {
		return math.MaxInt64
	}
	if t <= m.nextPoll {
		return m.nextPoll
	}
	return m.nextPoll + (t-m.nextPoll+m.gap-1)/m.gap*m.gap
}

func (m *machine) stopPolling(at int64) {
	m.seen = m.lastSeen(at)
	m.polls = false
}

// pollAt moves the next poll to a moment that is not in the past.
func (m *machine) pollAt(now, at int64) {
	m.seen = m.lastSeen(now)
	m.nextPoll = at
}

// effectivePolicy is the machine's own policy or the one of its group.
func (m *machine) effectivePolicy() *policy {
	if m.policy != nil {
		return m.policy
	}
	if m.group != nil && m.group.policy != nil {
		return m.group.policy
	}
	return m.site.policy
}

func (s *site) hosts() []*machine {
	if s.byHost == nil {
		type keyed struct {
			fold string
			m    *machine
		}
		rows := make([]keyed, len(s.machines))
		for i, m := range s.machines {
			rows[i] = keyed{strings.ToLower(m.host), m}
		}
		sort.Slice(rows, func(i, j int) bool {
			if rows[i].fold != rows[j].fold {
				return rows[i].fold < rows[j].fold
			}
			return rows[i].m.serial < rows[j].m.serial
		})
		s.byHost = make([]*machine, len(rows))
		for i, r := range rows {
			s.byHost[i] = r.m
		}
	}
	return s.byHost
}

func (s *site) active() int {
	n := 0
	for _, m := range s.machines {
		if !m.deactivated {
			n++
		}
	}
	return n
}

func (s *site) group(id string) *group {
	for _, g := range s.groups {
		if strings.EqualFold(g.id, id) {
			return g
		}
	}
	return nil
}

func (w *world) policyFor(s *site, id string) *policy {
	for _, p := range w.policies {
		if strings.EqualFold(p.id, id) {
			return p
		}
	}
	if s != nil {
		for _, p := range s.policies {
			if strings.EqualFold(p.id, id) {
				return p
			}
		}
	}
	return nil
}

// level is the access of an admin to a site at a moment.
func (s *site) level(a *admin, now int64) int {
	level := levelNone
	switch a.reach {
	case "all":
		level = levelAdmin
	case "mixed":
		level = []int{levelAdmin, levelView, levelNone}[s.index%3]
	}
	for _, g := range s.levels[a.id] {
		if g.from <= now {
			level = g.level
		}
	}
	return level
}

// addMachine puts a new machine into a site and its indexes.
func (w *world) addMachine(s *site, m *machine) {
	m.serial = len(w.machines)
	m.site = s
	w.machines = append(w.machines, m)
	w.byMachID[m.id] = m
	s.machines = append(s.machines, m)
	s.byHost = nil
}

// relocate moves a machine to another site, into that site's first group.
func (w *world) relocate(m *machine, to *site) {
	from := m.site
	from.machines = slices.DeleteFunc(from.machines, func(x *machine) bool { return x == m })
	from.byHost = nil
	m.site, m.group, m.policy = to, to.groups[0], nil
	at, _ := slices.BinarySearchFunc(to.machines, m.serial, func(x *machine, n int) int { return x.serial - n })
	to.machines = slices.Insert(to.machines, at, m)
	to.byHost = nil
}

// scaled shortens a span of the agents' time by the speed of the world.
func (w *world) scaled(span int64) int64 {
	return max(int64(float64(span)/w.speed)/tick*tick, tick)
}

// event is something that happens to a machine at a moment.
type event struct {
	at   int64
	seq  int // keeps simultaneous events in the order they were made
	kind int
	m    *machine
}

const (
	eventCommands = iota
	eventHealed
)

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at < q[j].at || (q[i].at == q[j].at && q[i].seq < q[j].seq)
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push and Pop make an eventQueue a heap.Interface.
func (q *eventQueue) Push(x any) {
	if e, isEvent := x.(event); isEvent {
		*q = append(*q, e)
	}
}

// Pop removes the last element.
func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

func (w *world) schedule(at int64, kind int, m *machine) {
	if at == math.MaxInt64 {
		return
	}
	w.eventSeq++
	heap.Push(&w.events, event{at, w.eventSeq, kind, m})
}
