package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
)

// Plan is a change as the person confirms it. It is plain data: what it means is known to whoever made it.
type Plan struct {
	// Action is the action's ID, Title what is done ("scan"), Risk how it is confirmed.
	Action string
	Title  string
	Risk   Risk
	// Own is the risk that the change has whatever the number of machines; 0 is that of Risk.
	Own Risk
	// Grave says why a destroy is one ("takes something away until it is reverted"); "" is that it cannot simply be taken back.
	Grave string
	// Console is the console's name as read from the server.
	Console string
	// Line is the whole plan in one line, for the footer: "scan FRONTDESK-02 · Harbour Dental · seen 4 min ago".
	Line string
	// Machines and Sites count what is touched.
	Machines, Sites int
	// Customers lists "Harbour Dental · 3 machines".
	Customers []string
	// Servers names the machines that are servers, Serving says of several machines how many are; "" where nobody asks.
	Servers []string
	Serving string
	// Opposed names machines for which the opposite is under way already; that is asked about first, by itself.
	Opposed []string
	// Names are the machines' names, in order.
	Names []string
	// Warnings, Skipped, Hidden and Stale are sentences or names shown under their headings.
	Warnings, Skipped, Hidden, Stale []string
	// Elsewhere names chosen machines that the list in front does not hold: they were marked on another screen, or in an earlier session.
	Elsewhere []string
	// Incomplete says what of the chosen is left out because it could not be read again; that is asked about first, by itself.
	Incomplete []string
	// Found says through which fields of the filter the machines were found.
	Found []string
	// Changes are the fields that change, before and after.
	Changes []string
	// Dialog asks in a dialog also where a line in the footer would do: there is more to see than fits one.
	Dialog bool
	// Requests are the exact requests: method, path and body. Calls is how many there are where some stand for others, else 0.
	Requests []string
	Calls    int
	// Type is what has to be typed before a destroy, TypeLabel what that is ("host name", "number of machines").
	Type, TypeLabel string
	// Touches are the invalidation keys of what the change alters.
	Touches []string
	// Run carries the plan out and reports; it returns when every target has an outcome. The last report is the final one.
	Run func(ctx context.Context, report func(Job))
	// Follow watches what the agents make of the finished job and reports it with new values of Tracking; nil follows nothing.
	// It ends when there is nothing left to watch, or with ctx.
	Follow func(ctx context.Context, finished Job, report func(Job))
	// Then is asked inside the update loop for what to show once the job is over, a new keycode for example; nil shows nothing.
	Then func(finished Job) tea.Cmd
	// Blocked says why the plan cannot be carried out at all ("nothing to do: all skipped"); "" when it can.
	Blocked string
}

// Outcome is how it ended for one target.
type Outcome string

// The outcomes of a target. Waiting and Running are not final.
const (
	Waiting   Outcome = "waiting"
	Running   Outcome = "running"
	Sent      Outcome = "sent"
	Failed    Outcome = "failed"
	Unknown   Outcome = "unknown"
	Skipped   Outcome = "skipped"
	Cancelled Outcome = "cancelled"
)

// Agent says how far an agent is with a command.
type Agent string

// What is known of a command that was sent. The zero value is one that was not looked up yet, or no command.
const (
	AgentWaiting   Agent = "not yet received"
	AgentScheduled Agent = "scheduled"
	AgentHas       Agent = "sent to agent"
	AgentElapsed   Agent = "elapsed"
)

// Target is one target of a job with its outcome.
type Target struct {
	Key, Name, Site string
	Outcome         Outcome
	Reason          string
	RequestID       string
	// Agent is how far the agent is, and Tracking says so with what is known besides ("not yet received · expected 14:20–15:20").
	Agent    Agent
	Tracking string
	// Hint is what can be typed at the machine to hasten it; "" for none.
	Hint string
}

// Job is a snapshot of a running or finished change.
type Job struct {
	ID, Title string
	Targets   []Target
	Started   time.Time
	// Finished is zero while it runs.
	Finished time.Time
	// Note is a line about the whole ("waiting: too many requests, next try in 4 s").
	Note string
	// PerSecond is how many targets get an outcome in a second, Left how long the rest takes at that rate; 0 while nobody knows.
	PerSecond float64
	Left      time.Duration
	// Next names the steps of a combined action that follow and were not begun, once the job is over; "" for none.
	Next string
	// OneWay tells that nothing takes it back.
	OneWay bool
}

// Progress counts the targets of one customer.
type Progress struct {
	Name        string
	Done, Total int
}

// Progress counts the targets with an outcome, in all and per customer in order of their first target. Skipped ones do not
// count: nothing was to be done for them.
func (j Job) Progress() (all Progress, sites []Progress) {
	at := map[string]int{}
	for i := range j.Targets {
		t := &j.Targets[i]
		if t.Outcome == Skipped {
			continue
		}
		k, there := at[t.Site]
		if !there {
			k = len(sites)
			at[t.Site] = k
			sites = append(sites, Progress{Name: t.Site})
		}
		all.Total++
		sites[k].Total++
		if t.Outcome != Waiting && t.Outcome != Running {
			all.Done++
			sites[k].Done++
		}
	}
	return all, sites
}

// Count gives the number of targets with that outcome.
func (j Job) Count(o Outcome) int {
	n := 0
	for _, t := range j.Targets {
		if t.Outcome == o {
			n++
		}
	}
	return n
}

// Live is true while targets wait or run.
func (j Job) Live() bool { return j.Finished.IsZero() }
