package views

import (
	"context"
	"iter"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// commands is what every list of issued commands of a site has in common.
func (e *Env) commands(title string, site unity.Site, depends []string, walk func(context.Context) iter.Seq2[unity.Page[unity.Command], error]) ui.Resource[unity.Command, string] {
	now := e.Client.Now
	return ui.Resource[unity.Command, string]{
		Kind: "command", Title: title,
		Key:  (*unity.Command).Key,
		Name: func(c *unity.Command) string { return c.Words() + " " + c.HostName.String() },
		Columns: []table.Column[unity.Command]{
			{ID: "requested", Title: "Requested", Min: 12, Priority: 0, Text: func(c *unity.Command) string { return ago(c.DateRequested.Time, now()) },
				Data: func(c *unity.Command) string { return stampText(c.DateRequested) },
				Less: byTime(func(c *unity.Command) time.Time { return c.DateRequested.Time })},
			{ID: "command", Title: "Command", Min: 8, Max: 16, Text: (*unity.Command).Words},
			{ID: "state", Title: "State", Min: 16, Max: 17, Text: func(c *unity.Command) string { return c.State.String() },
				Less: byInt(func(c *unity.Command) int64 { return int64(c.State) }), Tone: func(c *unity.Command) theme.Tone { return commandTone(c.State) }},
			{ID: "host", Title: "Host", Min: 12, Max: 36, Flex: 2, Priority: 1, Text: func(c *unity.Command) string { return c.HostName.String() }},
			{ID: "since", Title: "Since then", Min: 12, Max: 34, Priority: 2, Text: func(c *unity.Command) string { return e.aftermath(c.EndpointID, c.DateRequested.Time) }},
			{ID: "by", Title: "By", Min: 9, Max: 9, Priority: 3, Text: func(c *unity.Command) string { return e.sender(c) }},
			{ID: "expected", Title: "Agent expected", Min: 20, Max: 52, Flex: 1, Priority: 5, Text: func(c *unity.Command) string { return e.expectedFor(c) }},
			{ID: "until", Title: "Valid until", Min: 16, Priority: 3, Text: func(c *unity.Command) string { return local(c.EndDate.Time) },
				Data: func(c *unity.Command) string { return stampText(c.EndDate) },
				Less: byTime(func(c *unity.Command) time.Time { return c.EndDate.Time })},
			{ID: "parameters", Title: "Parameters", Min: 10, Max: 26, Priority: 4, Text: func(c *unity.Command) string { return c.Parameters.String() }},
		},
		Sort: []table.SortKey{{Column: "requested", Desc: true}},
		Load: func(ctx context.Context, emit func(ui.Page[unity.Command])) error {
			_ = e.Ledger().Read() // without it a command counts as given elsewhere, and the rest of the list is as good
			return emitAll(walk(ctx), emit)
		},
		// Commands change as agents poll, so they are looked at more often than the rest.
		Every:   max(5*time.Second, e.Refresh/6),
		Depends: depends,
		Detail:  e.commandDetail,
		Raw:     func(c *unity.Command) []byte { return raw(c.Record) },
		Copy: func(c *unity.Command) (string, string) {
			return "the poll command, for " + c.HostName.String() + " itself", e.pollHint(c.EndpointID, c.State)
		},
		Actions: []ui.Action[unity.Command]{e.againAction(site)},
		Empty:   "No command was issued. Agents fetch commands at their next poll, between 15 minutes and a day.",
	}
}

// emitAll passes pages of rows on to a list.
func emitAll[T any](pages iter.Seq2[unity.Page[T], error], emit func(ui.Page[T])) error {
	for p, err := range pages {
		if err != nil {
			return err
		}
		part := ui.Page[T]{Total: p.Total}
		for i := range p.Items {
			part.Items = append(part.Items, &p.Items[i])
		}
		emit(part)
	}
	return nil
}

func commandTone(s unity.CommandState) theme.Tone {
	switch s {
	case unity.StateExecuted:
		return theme.Good
	case unity.StateElapsed:
		return theme.Bad
	case unity.StateNotYetReceived, unity.StateScheduled:
		return theme.Warn
	default:
		return theme.Muted
	}
}

// SiteCommands lists the commands issued at a site.
func (e *Env) SiteCommands(s unity.Site) ui.Resource[unity.Command, string] {
	return e.commands("Commands of "+siteName(&s), s, []string{"commands/" + string(s.ID)}, func(ctx context.Context) iter.Seq2[unity.Page[unity.Command], error] {
		return e.Client.SiteCommands(ctx, s.ID, unity.CommandQuery{})
	})
}

// GroupCommands lists the commands issued at a group in the past six months.
func (e *Env) GroupCommands(s unity.Site, g unity.Group) ui.Resource[unity.Command, string] {
	return e.commands("Commands of "+g.Label(), s, []string{"commands/" + string(s.ID)}, func(ctx context.Context) iter.Seq2[unity.Page[unity.Command], error] {
		return e.Client.GroupCommands(ctx, s.ID, g.ID, unity.CommandQuery{})
	})
}

// EndpointCommands lists the commands issued for one machine in the past six months.
func (e *Env) EndpointCommands(m fleet.Machine) ui.Resource[unity.Command, string] {
	return e.commands("Commands", unity.Site{ID: m.SiteID, Name: m.SiteName, Keycode: m.SiteKey}, []string{"commands/" + string(m.SiteID), "endpoint/" + string(m.ID)}, func(ctx context.Context) iter.Seq2[unity.Page[unity.Command], error] {
		return e.Client.EndpointCommands(ctx, m.SiteID, m.ID, unity.CommandQuery{})
	})
}

func (e *Env) commandDetail(c *unity.Command) []ui.Field {
	now := e.Client.Now()
	return (&fields{}).in("Command").add("Command", c.Words()).add("Parameters", c.Parameters.String()).
		toned("State", c.State.String(), commandTone(c.State)).add("Host", c.HostName.String()).add("Endpoint", string(c.EndpointID)).
		add("Requested", when(c.DateRequested, now)).add("Earliest run", when(c.StartDate, now)).add("Latest run", when(c.EndDate, now)).
		add("Agent expected", e.expectedFor(c)).add("To hasten it", e.pollHint(c.EndpointID, c.State)).
		add("Since then", e.aftermath(c.EndpointID, c.DateRequested.Time)).add("Given by", e.sender(c)).out
}
