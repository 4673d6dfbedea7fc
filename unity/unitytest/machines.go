package unitytest

import (
	"strconv"
	"strings"
)

// siteFacts is what the machines of a site share.
type siteFacts struct {
	public, net, domain string
	machines            int
}

// newMachine makes one machine of a site; it is not yet part of the world.
func (w *world) newMachine(r random, s *site, f siteFacts, i int, start int64) *machine {
	m := &machine{id: r.guid(), machineID: strings.ToUpper(r.hex(32)) + ":::" + strings.ToUpper(r.hex(32)) + ":::" + strings.ToUpper(r.hex(32)),
		site: s, group: s.groups[0], managed: !r.chance(0.02), firewall: r.chance(0.9), scheduled: r.chance(0.95),
		mac: macAddress(r), ip: f.net + strconv.Itoa(2+i%250), publicIP: f.public, workgroup: f.domain}
	m.user = pick(r, firstNames())
	if r.chance(0.4) {
		m.user += "." + pick(r, lastNames())
	}
	w.equip(r, m, f, i)
	w.times(r, m, start)
	w.health(r, m)
	if i > 2 && r.chance(0.022) {
		reinstalled(r, m, s.machines[r.IntN(len(s.machines))])
	}
	return m
}

func macAddress(r random) string {
	h := strings.ToUpper(r.hex(6))
	return pick(r, []string{"00:1A:2B:", "3C:52:82:", "D4:81:D7:"}) + h[:2] + ":" + h[2:4] + ":" + h[4:]
}

// equip decides what kind of machine it is: server, Mac or PC, and its name.
func (w *world) equip(r random, m *machine, f siteFacts, i int) {
	switch x := r.Float64(); {
	case x < 0.08 && f.machines > 4:
		m.host = pick(r, serverHosts()) + "0" + strconv.Itoa(1+r.IntN(4))
		m.os, m.version, m.user = pick(r, serverVersions()), pick(r, pcAgents()), "Administrator"
		m.policy = w.policies[1]
		w.join(m, "Servers")
		return
	case x < 0.13:
		m.mac64, m.os, m.version, m.browser, m.workgroup = true, pick(r, macVersions()), pick(r, macAgents()), "safari", ""
		first, _, _ := strings.Cut(m.user, ".")
		m.host = first + "s-MacBook-Pro"
		if r.chance(0.3) {
			m.host += ".local"
		}
		return
	}
	m.os, m.version = pick(r, windowsVersions()), pick(r, pcAgents())
	m.browser = pick(r, []string{"chrome", "msedge", "", "firefox"})
	m.host = hostName(r, m.user, i)
	switch {
	case strings.HasPrefix(m.host, "LAPTOP"):
		w.join(m, "Laptops")
	case r.chance(0.6):
		w.join(m, "Workstations")
	}
	if r.chance(0.05) {
		m.policy = w.policies[2+r.IntN(2)]
	}
}

func (w *world) join(m *machine, name string) {
	for _, g := range m.site.groups {
		if g.name == name {
			m.group = g
		}
	}
}

// hostName is a name as machines really have: 40 % are what Windows made up.
func hostName(r random, user string, i int) string {
	switch x := r.Float64(); {
	case x < 0.26:
		return "DESKTOP-" + r.letters(7)
	case x < 0.37:
		return "LAPTOP-" + r.letters(8)
	case x < 0.40:
		return "WIN-" + r.letters(11)
	case x < 0.405:
		return ""
	case x < 0.43:
		return pick(r, localHosts()) + "-" + strconv.Itoa(1+i)
	case x < 0.55:
		first, _, _ := strings.Cut(user, ".")
		return first + "-pc"
	case x < 0.62:
		return strings.ToUpper(pick(r, lastNames())) + "-NB" + strconv.Itoa(10+r.IntN(90))
	default:
		return pick(r, roleHosts()) + "-" + leadingZero(1+r.IntN(1+min(i, 60)))
	}
}

func leadingZero(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// times decides how often a machine polls and when it was seen last: about
// 78 % poll, 6 % are away for days, 15 % for more than a week, some never came.
func (w *world) times(r random, m *machine, start int64) {
	m.gap = w.scaled(r.between(15*minute, 24*hour))
	real := r.between(15*minute, 24*hour)
	x := r.Float64()
	m.deactivated = r.chance(0.06)
	switch {
	case m.deactivated && x > 0.25:
		m.seen = start - r.between(10*day, 500*day)
	case x < 0.78:
		m.polls = true
		left := r.Int64N(real)
		m.seen = start - (real - left)
		m.nextPoll = start + w.scaled(left)
	case x < 0.84:
		m.seen = start - r.between(26*hour, 6*day+12*hour)
	case x < 0.99:
		m.seen = start - r.between(7*day+hour, 420*day)
	}
	if m.seen == 0 {
		m.firstSeen = start - r.between(day, 100*day)
		return
	}
	m.firstSeen = m.seen - r.between(10*day, 1500*day)
	m.modified = m.seen
	m.lastScan = max(m.seen-r.between(hour, 9*day), m.firstSeen)
	if r.chance(0.3) {
		m.lastDeep = max(m.seen-r.between(10*day, 200*day), m.firstSeen)
	}
}

func (w *world) health(r random, m *machine) {
	m.everInfected = r.chance(0.18)
	if m.deactivated || m.seen == 0 {
		return
	}
	switch x := r.Float64(); {
	case x < 0.016:
		m.infected, m.attention, m.everInfected = true, true, true
		m.activeThreats = 1 + r.IntN(3)
	case x < 0.045:
		m.attention = true
	}
}

// reinstalled makes a machine the successor of an older record: the same host
// and network card under new ids, while the old record is never seen again.
func reinstalled(r random, m, old *machine) {
	m.host, m.mac, m.user, m.os, m.mac64 = old.host, old.mac, old.user, old.os, old.mac64
	m.version, m.group = old.version, old.group
	if old.seen != 0 && old.polls {
		old.polls = false
		old.seen -= r.between(8*day, 200*day)
		old.firstSeen = min(old.firstSeen, old.seen-day)
		old.lastScan = min(old.lastScan, old.seen)
		old.lastDeep = min(old.lastDeep, old.seen)
		old.modified = old.seen
	}
}
