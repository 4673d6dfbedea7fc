package views

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
)

// underWayPath is the place of the list of commands under way in a session.
const underWayPath = "under-way"

// underWayEvery is how often the list looks into the journals again. The following of commands, which goes on meanwhile, writes
// into them what has become of each.
const underWayEvery = 5 * time.Second

// UnderWay lists the commands of all customers that unitty has sent and that agents have not fetched yet, the oldest first: those are
// the ones that somebody has to look after.
func (e *Env) UnderWay() ui.Resource[dispatch.UnderWay, string] {
	type row = dispatch.UnderWay
	now, waits := paced(e.now), dispatch.NewWaits(e.keptJobs(), e.Binding())
	return ui.Resource[row, string]{
		Kind: "under-way", Title: "Commands under way", Path: underWayPath,
		Key:  func(c *row) string { return c.Job + "/" + string(c.Ref.ID) },
		Name: func(c *row) string { return c.Operation.Words() + " " + dispatch.Named(c.Ref) },
		Columns: []table.Column[row]{
			{ID: "host", Title: "Machine", Min: 12, Max: 36, Flex: 2, Text: func(c *row) string { return c.Ref.Name() }},
			{ID: "site", Title: "Customer", Min: 10, Max: 36, Flex: 2, Priority: 1, Text: func(c *row) string { return c.Ref.SiteName.String() }},
			{ID: "command", Title: "Command", Min: 8, Max: 16, Text: func(c *row) string { return c.Operation.Words() }},
			{ID: "since", Title: "Since", Min: 7, Right: true, Text: func(c *row) string { return since(c.Given, now()) },
				Data: func(c *row) string { return stamp(c.Given) },
				Less: byTime(func(c *row) time.Time { return c.Given })},
			{ID: "state", Title: "State", Min: 16, Max: 17, Priority: 3, Text: func(c *row) string { return openUnless(c.State).String() },
				Tone: func(c *row) theme.Tone { return commandTone(openUnless(c.State)) }},
			{ID: "seen", Title: "Seen", Min: 7, Right: true, Priority: 2, Text: func(c *row) string { return since(e.lastSeen(c.Ref.ID), now()) },
				Data: func(c *row) string { return stamp(e.lastSeen(c.Ref.ID)) },
				Less: byTime(func(c *row) time.Time { return e.lastSeen(c.Ref.ID) })},
			{ID: "expected", Title: "Agent expected", Min: 14, Max: 52, Flex: 1, Priority: 4, Text: func(c *row) string { return e.expectedWords(c.Ref.ID) }},
			{ID: "job", Title: "Job", Min: 16, Max: 16, Priority: 5, Hidden: true, Text: func(c *row) string { return c.Job }},
		},
		Sort: []table.SortKey{{Column: "since"}},
		Load: func(_ context.Context, emit func(ui.Page[row])) error {
			rows, err := waits.Read(e.now())
			if err != nil {
				return err
			}
			emitRows(rows, emit)
			return nil
		},
		Every: underWayEvery,
		Enter: func(c *row) tea.Cmd { return e.openMachine(c.Ref.ID, c.Ref.Name()) },
		Detail: func(c *row) []ui.Field {
			return (&fields{}).in("Command").add("Command", c.Operation.Words()).add("Machine", c.Ref.Name()).add("Customer", c.Ref.SiteName.String()).
				toned("State", openUnless(c.State).String(), commandTone(openUnless(c.State))).add("Sent", local(c.Given)).
				add("Last seen", local(e.lastSeen(c.Ref.ID))).add("Agent expected", e.expectedNext(c.Ref.ID)).
				add("To hasten it", e.pollHint(c.Ref.ID, openUnless(c.State))).add("Job", c.Job).add("Endpoint", string(c.Ref.ID)).out
		},
		Copy: func(c *row) (string, string) {
			return "the poll command, for " + c.Ref.Name() + " itself", e.pollHint(c.Ref.ID, openUnless(c.State))
		},
		Empty: "No command that unitty has sent waits for its agent. What others gave stands in each customer's list of commands.",
	}
}

// keptJobs are the jobs of the journal, the same each time, so that a journal is read once.
func (e *Env) keptJobs() *dispatch.Jobs {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept == nil {
		e.kept = dispatch.NewJobs(e.Journal)
	}
	return e.kept
}

// openUnderWay shows the commands under way, once however often it is asked for.
func (e *Env) openUnderWay() tea.Cmd { return ui.PushLike(underWayPath, ui.NewList(e.UnderWay())) }

// expectedWords say when a machine is expected to fetch its commands, "" while its usual gap is not known.
func (e *Env) expectedWords(id unity.EndpointID) string {
	if _, _, ok := e.PollWindow(id); !ok {
		return ""
	}
	return e.NextPoll(id)
}

// openMachine shows a machine by its id, as the picture has it.
func (e *Env) openMachine(id unity.EndpointID, name string) tea.Cmd {
	p := e.current()
	if p == nil {
		return ui.Remark("the machine is not known any more")
	}
	r, ok := p.Get(id)
	if !ok {
		return ui.Toast(ui.Info, name+" is in no site any more")
	}
	return ui.Push(e.EndpointScreen(*r.Machine(e.StaleAfter)))
}
