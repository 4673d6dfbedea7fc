package picture

import (
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// Counts are the numbers of a dashboard.
type Counts struct {
	// Machines is all, Active those that are not deactivated.
	Machines, Active int
	// ByState counts the machines by fleet.States; those of no known state are under fleet.StateUnknown.
	ByState map[string]int
	// Unjoined is the number of active machines without a report.
	Unjoined int
	// Sites is all sites, ByLife those sites by unity.Site.State.
	Sites  int
	ByLife map[string]int
	// Seats and Used are the seats that sites may use and the endpoints that the list of sites counts, of the sites where
	// both are known; SeatsUnknown is the number of the others.
	Seats, Used  int64
	SeatsUnknown int
	// OverSites is the number of sites with more endpoints than seats.
	OverSites int
	// Ending is the number of sites that are EndingSoon.
	Ending int
}

// EndingWithin is how far ahead an end is worth a word.
const EndingWithin = 30 * 24 * time.Hour

// EndingSoon tells that the licence or the trial of a site ends within EndingWithin, or has ended, so that somebody may want to renew
// it. A deactivated site has none, and that of a suspended one was ended by the suspension.
func EndingSoon(s *unity.Site, now time.Time) bool {
	return !s.Deactivated.On && !s.Suspended.On && s.EndDate.Known() && s.EndDate.Sub(now) <= EndingWithin
}

// Counts counts machines and sites; staleAfter 0 means fleet.DefaultStaleAfter.
func (p *Picture) Counts(now time.Time, staleAfter time.Duration) Counts {
	n := Counts{Machines: p.rows, ByState: map[string]int{}, ByLife: map[string]int{}, Sites: len(p.Sites)}
	p.countStates(&n, now, staleAfter)
	for i := range p.Sites {
		s := &p.Sites[i]
		n.ByLife[s.State()]++
		if s.DevicesAllowed.Known && s.TotalEndpoints.Known {
			n.Seats += s.DevicesAllowed.N
			n.Used += s.TotalEndpoints.N
			if fleet.Over(s) > 0 {
				n.OverSites++
			}
		} else {
			n.SeatsUnknown++
		}
		if EndingSoon(s, now) {
			n.Ending++
		}
	}
	return n
}

// countStates counts machines by a table of what there can be.
func (p *Picture) countStates(n *Counts, now time.Time, staleAfter time.Duration) {
	states := append(fleet.States(), fleet.StateUnknown)
	t := newHealthTable(now, staleAfter, func(h fleet.Health, _ bool) int {
		state, known := h.State(now, staleAfter)
		if !known {
			state = fleet.StateUnknown
		}
		return slices.Index(states, state)
	})
	by := make([]int, len(states))
	for _, c := range p.chunks {
		for i, f := range c.flags {
			by[t.of(c, i)]++
			if f&deactivated == 0 {
				n.Active++
				if f&joined == 0 {
					n.Unjoined++
				}
			}
		}
	}
	for i, state := range states {
		if by[i] > 0 {
			n.ByState[state] = by[i]
		}
	}
}
