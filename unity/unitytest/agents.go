package unitytest

import (
	"container/heap"
	"math"
	"strings"
)

// Windows in which a command may be picked up.
const (
	windowShort = 14 * day // uninstall, deactivate
	windowLong  = 30 * day
)

// maxChurn bounds the infections made up in one go when a clock jumps far.
const maxChurn = 20000

// settle lets everything happen that is due at or before now, in order.
func (w *world) settle(now int64) {
	steps := 0
	for {
		churn := w.churnGap > 0 && w.churnAt <= now
		due := len(w.events) > 0 && w.events[0].at <= now
		switch {
		case due && (!churn || w.events[0].at <= w.churnAt):
			if e, isEvent := heap.Pop(&w.events).(event); isEvent {
				w.happen(e)
			}
		case churn:
			w.infectSomeone(w.churnAt)
			w.churnAt += w.churnGap
			if steps++; steps >= maxChurn {
				w.churnAt += (now - w.churnAt) / w.churnGap * w.churnGap
				steps = 0
			}
		default:
			return
		}
	}
}

func (w *world) happen(e event) {
	switch e.kind {
	case eventCommands:
		if e.at == e.m.due { // Otherwise the plan has changed since.
			e.m.due = 0
			w.runCommands(e.m, e.at)
		}
	case eventHealed:
		if e.m.infected && e.m.polls {
			w.clean(e.m, e.at)
		}
	}
}

// runCommands executes or ends the commands of a machine that are due.
func (w *world) runCommands(m *machine, now int64) {
	for {
		next, at, polled := -1, int64(math.MaxInt64), false
		for i, c := range m.pending {
			poll := m.pollFrom(max(c.requested, c.start))
			due, hit := c.end, false
			if poll <= c.end {
				due, hit = poll, true
			}
			if due < at {
				next, at, polled = i, due, hit
			}
		}
		if next < 0 {
			return
		}
		if at > now {
			if m.due != at {
				m.due = at
				w.schedule(at, eventCommands, m)
			}
			return
		}
		c := m.pending[next]
		m.pending = append(m.pending[:next], m.pending[next+1:]...)
		if !polled {
			c.state = stateElapsed
			continue
		}
		c.state, c.executedAt = stateExecuted, at
		w.apply(m, c, at)
	}
}

// apply is what a command does to the machine that received it.
func (w *world) apply(m *machine, c *command, at int64) {
	m.modified = at
	switch c.name {
	case "scan":
		m.lastScan = at
	case "cleanup":
		w.clean(m, at)
		m.lastScan = at
	case "restart":
		m.reset = true
	case "sysisolate":
		m.isolated = strings.EqualFold(c.parameters, "on")
	case "uninstall":
		m.stopPolling(at)
		m.uninstalled = true
	case "deactivate":
		m.deactivated = true
	case "reactivate":
		m.deactivated = false
	case "changekeycode":
		target, ok := w.byKey[bareKey(c.parameters)]
		if !ok { // The agent now reports to a console that is not this one.
			m.stopPolling(at)
			return
		}
		w.relocate(m, target)
	}
}

// give queues a command at a machine; lag delays its showing up in lists.
func (w *world) give(m *machine, name, parameters string, hasParameters bool, now, start, lag int64) *command {
	window := windowLong
	if name == "uninstall" || name == "deactivate" {
		window = windowShort
	}
	c := &command{machine: m, name: name, parameters: parameters, hasParameters: hasParameters, requested: now,
		start: start, end: start + w.scaled(window), visibleAt: now + lag, state: stateWaiting}
	m.commands = append(m.commands, c)
	m.pending = append(m.pending, c)
	m.site.commands = append(m.site.commands, c)
	if w.within > 0 && m.polls {
		soon := now + int64((0.2+0.75*w.dice.Float64())*float64(w.within))/tick*tick
		if m.pollFrom(now) > soon {
			m.pollAt(now, soon)
		}
	}
	w.runCommands(m, now)
	return c
}

func (w *world) infectSomeone(at int64) {
	if len(w.machines) == 0 {
		return
	}
	for range 8 {
		m := w.machines[w.dice.IntN(len(w.machines))]
		if m.polls && !m.deactivated && !m.infected && !m.removed {
			kind := pick(w.dice, malware())
			w.infect(m, kind[0], kind[1], at)
			return
		}
	}
}

// infect records a threat; most machines heal by themselves after some hours.
func (w *world) infect(m *machine, file, family string, at int64) {
	m.infected, m.everInfected = true, true
	m.activeThreats++
	m.lastInfected, m.modified = at, at
	m.threats = append(m.threats, w.makeThreat(w.dice, m, file, family, at))
	if w.dice.chance(0.7) {
		w.schedule(at+w.scaled(w.dice.between(2*hour, 48*hour)), eventHealed, m)
	}
}

func (w *world) clean(m *machine, at int64) {
	if m.infected {
		m.threatsRemoved += m.activeThreats
	}
	m.infected, m.activeThreats, m.modified = false, 0, at
}

func (w *world) makeThreat(r random, m *machine, file, family string, at int64) *threat {
	user := m.user
	if user == "" {
		user = "public"
	}
	t := &threat{file: file, path: `?:\users\` + user + `\downloads`, family: family, first: at,
		last: at + r.between(minute, 20*minute), dwell: 10 + r.IntN(4000), size: 2048 + r.IntN(4<<20),
		md5: strings.ToUpper(r.hex(32)), user: user, ip: m.publicIP}
	if m.mac64 {
		t.path = "/users/" + user + "/downloads"
	}
	if r.chance(0.2) {
		t.vendor, t.prod, t.version = "Free Tools Ltd", "Installer", "1.2.0.4"
	}
	return t
}
