//go:build unix

package main

import (
	"net/http"
	"strings"

	"github.com/unitty/unitty/unity/unitytest/wiretap"
)

// The states of outcomes.
const (
	stateSent      = "sent"
	stateFailed    = "failed"
	stateUnknown   = "unknown"
	stateSkipped   = "skipped"
	stateCancelled = "cancelled"
)

// idsPerRequest is how many machines fit into a request.
const idsPerRequest = 100

// verdict is what the record says about the program's word.
type verdict struct {
	states map[string]int
	// twice counts machines that got the command more than once, strays those that got it and are not in the job, whole
	// requests that named no machine.
	twice, strays, whole int
	// falseWords counts outcomes that are not so, open those that are none, unnamed machines of the plan without one,
	// doubled those with two, and fallen those that were silent for too long to be selected a second time.
	falseWords, open, unnamed, doubled, fallen int
	// unknownArrived counts the machines of unknown outcome that got the command.
	unknownArrived int
	// skipped names why machines were left out, and how often.
	skipped map[string]int
	// changes were made, refused of them refused by an answer, and allowed is what the plan needs.
	changes, refused, allowed int
	// torn counts machines of which record and console do not tell the same: the rig is at fault.
	torn int
}

// judge compares the program's word with the proxy's record and with the console's list.
func judge(p *planned, job []outcome, changes []wiretap.Change, t truth) verdict {
	v := verdict{states: map[string]int{}, skipped: map[string]int{}, changes: len(changes)}
	delivered := map[string]int{}
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Delivered:
			for _, id := range c.IDs {
				delivered[strings.ToLower(id)]++
			}
		case c.Status >= http.StatusBadRequest && c.Status < http.StatusInternalServerError:
			v.refused++
		}
		if c.WholeSet {
			v.whole++
		}
	}
	named, perSite := map[string]bool{}, map[string]int{}
	for _, o := range job {
		if named[o.EndpointID] {
			v.doubled++
		}
		named[o.EndpointID] = true
		v.outcome(o, delivered[o.EndpointID])
		if o.State != stateSkipped {
			perSite[o.SiteID]++
		}
	}
	for _, n := range perSite {
		v.allowed += (n + idsPerRequest - 1) / idsPerRequest
	}
	v.compare(p, named, delivered, t)
	return v
}

// outcome judges one line of the job.
func (v *verdict) outcome(o outcome, got int) {
	v.states[o.State]++
	if got > 1 {
		v.twice++
	}
	switch o.State {
	case stateSent:
		if got == 0 {
			v.falseWords++
		}
	case stateUnknown:
		if got > 0 {
			v.unknownArrived++
		}
	case stateFailed, stateCancelled, stateSkipped:
		if got > 0 {
			v.falseWords++
		}
		if o.State == stateSkipped {
			v.skipped[o.Reason]++
		}
	default:
		v.open++
	}
}

// compare looks for machines that only one of plan, job, record and console knows.
func (v *verdict) compare(p *planned, named map[string]bool, delivered map[string]int, t truth) {
	for _, target := range p.Targets {
		switch {
		case named[target.EndpointID]:
		case t.silent[target.EndpointID]:
			v.fallen++
		default:
			v.unnamed++
		}
	}
	for id := range delivered {
		if !named[id] {
			v.strays++
		}
	}
	for id, n := range delivered {
		if t.given[id] != n {
			v.torn++
		}
	}
	for id := range t.given {
		if delivered[id] == 0 {
			v.torn++
		}
	}
}
