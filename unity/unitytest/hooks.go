package unitytest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// errNoEndpoint is what the hooks answer for an id that is not in the world.
var errNoEndpoint = errors.New("unitytest: no such endpoint")

// with runs a change of one machine at the current time.
func (s *Server) with(endpointID string, change func(w *world, m *machine, now int64) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nanos()
	s.world.settle(now)
	m := s.world.byMachID[strings.ToLower(endpointID)]
	if m == nil || m.removed {
		return fmt.Errorf("%w: %q", errNoEndpoint, endpointID)
	}
	return change(s.world, m, now)
}

// AddCommand queues a command as a colleague would from the web console. A
// start in the future makes it a scheduled one; the zero time means now.
func (s *Server) AddCommand(endpointID, name, parameters string, start time.Time) error {
	return s.with(endpointID, func(w *world, m *machine, now int64) error {
		from := now
		if !start.IsZero() {
			from = max(now, start.UnixNano())
		}
		w.give(m, name, parameters, parameters != "", now, from, 0)
		return nil
	})
}

// InsertEndpoint makes a new machine appear in a site and returns its id. It
// polls every quarter of an hour.
func (s *Server) InsertEndpoint(siteID, host string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nanos()
	s.world.settle(now)
	at := s.world.byID[strings.ToLower(siteID)]
	if at == nil {
		return "", fmt.Errorf("unitytest: no such site: %q", siteID)
	}
	return s.world.appear(at, host, now).id, nil
}

func (w *world) appear(s *site, host string, now int64) *machine {
	m := w.newMachine(w.ids, s, siteFacts{public: "203.0.113.250", net: "10.250.0.", domain: "WORKGROUP"}, 0, now)
	m.host, m.deactivated, m.infected, m.attention, m.everInfected, m.activeThreats = host, false, false, false, false, 0
	m.polls, m.seen, m.firstSeen, m.modified, m.lastScan, m.lastDeep = true, now, now, now, 0, 0
	m.gap = w.scaled(15 * minute)
	m.nextPoll = now + m.gap
	w.addMachine(s, m)
	return m
}

// RemoveEndpoint makes a machine vanish from every list.
func (s *Server) RemoveEndpoint(endpointID string) error {
	return s.with(endpointID, func(_ *world, m *machine, now int64) error {
		m.stopPolling(now)
		m.removed, m.infected, m.deactivated = true, false, true
		m.site.machines = slices.DeleteFunc(m.site.machines, func(x *machine) bool { return x == m })
		m.site.byHost = nil
		return nil
	})
}

// RenameEndpoint gives a machine another host name, which may be hostile.
func (s *Server) RenameEndpoint(endpointID, host string) error {
	return s.with(endpointID, func(_ *world, m *machine, now int64) error {
		m.host, m.modified = host, now
		m.site.byHost = nil
		return nil
	})
}

// MoveEndpoint puts a machine into another site, as a changed keycode does.
func (s *Server) MoveEndpoint(endpointID, siteID string) error {
	return s.with(endpointID, func(w *world, m *machine, now int64) error {
		to := w.byID[strings.ToLower(siteID)]
		if to == nil {
			return fmt.Errorf("unitytest: no such site: %q", siteID)
		}
		m.modified = now
		w.relocate(m, to)
		return nil
	})
}

// Infect puts an active threat on a machine; it stays until it is cleaned, by
// a command or, for most, by the agent itself after some hours.
func (s *Server) Infect(endpointID, file, family string) error {
	return s.with(endpointID, func(w *world, m *machine, now int64) error {
		w.infect(m, file, family, now)
		return nil
	})
}

// Clean removes the active threats of a machine.
func (s *Server) Clean(endpointID string) error {
	return s.with(endpointID, func(w *world, m *machine, now int64) error {
		w.clean(m, now)
		return nil
	})
}

// Poll makes a machine report in now, whatever its own rhythm; one that had
// stopped polling starts again, unless its agent was uninstalled.
func (s *Server) Poll(endpointID string) error {
	return s.with(endpointID, func(w *world, m *machine, now int64) error {
		if m.uninstalled {
			return nil // There is no agent left that could.
		}
		m.seen, m.nextPoll, m.polls = m.lastSeen(now), now, true
		w.runCommands(m, now)
		if m.polls { // A command of the same instant waits for the next poll.
			m.seen, m.nextPoll = now, now+m.gap
			w.runCommands(m, now)
		}
		return nil
	})
}

// StopPolling makes a machine unreachable from now on.
func (s *Server) StopPolling(endpointID string) error {
	return s.with(endpointID, func(_ *world, m *machine, now int64) error {
		m.stopPolling(now)
		return nil
	})
}
