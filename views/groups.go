package views

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// groupRow is a group, or the first line that stands for all groups.
type groupRow struct{ unity.Group }

const allGroups unity.GroupID = "*"

func (g *groupRow) all() bool { return g.ID == allGroups }

// everyGroup is the line for all groups.
func everyGroup() *groupRow {
	return &groupRow{unity.Group{ID: allGroups, Name: unity.NewText("All groups")}}
}

// Groups is the list of a site's groups, headed by a line for all of them.
func (e *Env) Groups(s unity.Site) ui.Resource[groupRow, unity.GroupID] {
	load := orKept(e, s.ID, func(ctx context.Context, emit func(ui.Page[groupRow])) error { return e.loadGroups(ctx, s, emit) }, keptGroups)
	return ui.Resource[groupRow, unity.GroupID]{
		Kind: "group", Title: "Groups",
		Key:  func(g *groupRow) unity.GroupID { return g.ID },
		Name: func(g *groupRow) string { return g.Label() },
		Columns: []table.Column[groupRow]{
			{ID: "group", Title: "Group", Min: 10, Max: 40, Flex: 1, Text: func(g *groupRow) string { return g.Label() },
				Less: func(a, b *groupRow) int {
					switch {
					case a.all() != b.all() && a.all():
						return -1
					case a.all() != b.all():
						return 1
					}
					return compareFold(a.Label(), b.Label())
				},
				Tone: func(g *groupRow) theme.Tone {
					if g.all() {
						return theme.Muted
					}
					return theme.Plain
				}},
			{ID: "policy", Title: "Policy", Min: 8, Max: 28, Flex: 1, Priority: 2, Text: func(g *groupRow) string { return e.policyLabel(g.PolicyID, g.PolicyName) }},
			{ID: "description", Title: "Description", Min: 8, Max: 40, Flex: 1, Priority: 3, Text: func(g *groupRow) string { return g.Description.String() }},
		},
		Sort: []table.SortKey{{Column: "group"}},
		Load: func(ctx context.Context, emit func(ui.Page[groupRow])) error {
			emit(ui.Page[groupRow]{Items: []*groupRow{everyGroup()}, Total: -1}) // it is there whatever the server says
			return load(ctx, emit)
		},
		Depends: []string{"groups/" + string(s.ID)},
		Detail: func(g *groupRow) []ui.Field {
			return (&fields{}).in("Group").add("Name", g.Label()).add("Description", g.Description.String()).
				add("Policy", e.policyLabel(g.PolicyID, g.PolicyName)).add("Id", string(g.ID)).out
		},
		Raw:     func(g *groupRow) []byte { return raw(g.Record) },
		Actions: e.groupActions(s),
		Empty:   "This site has no groups.",
	}
}

// groupActions are what can be done on a group.
func (e *Env) groupActions(s unity.Site) []ui.Action[groupRow] {
	open := func(id, title, help, key string, hint int, screen func(*groupRow) ui.Screen) ui.Action[groupRow] {
		return ui.Action[groupRow]{
			Spec: ui.Spec{ID: id, Title: title, Help: help, Keys: []string{key}, Arity: ui.One, Hint: hint},
			Do:   func(sel ui.Selection[groupRow]) tea.Cmd { return ui.Push(screen(sel.Items[0])) },
		}
	}
	return append([]ui.Action[groupRow]{
		open("group.details", "details", "Shows all that is known of the group.", "i", 10, func(g *groupRow) ui.Screen {
			return ui.NewDetail(e.Groups(s), g)
		}),
		open("group.commands", "commands", "Lists the agent commands issued at the group in the past six months.", "c", 11, func(g *groupRow) ui.Screen {
			if g.all() {
				return ui.NewList(e.SiteCommands(s))
			}
			return ui.NewList(e.GroupCommands(s, g.Group))
		}),
		open("group.threats", "threats", "Lists the group's threat history of the past three months.", "t", 12, func(g *groupRow) ui.Screen {
			if g.all() {
				return ui.NewList(e.SiteThreats(s))
			}
			return ui.NewList(e.GroupThreats(s, g.Group))
		}),
		{Spec: groupPolicySpec(), Ready: func(sel ui.Selection[groupRow]) string {
			if len(sel.Items) == 0 || sel.Items[0].all() {
				return "choose one group"
			}
			return e.sendable([]fleet.Ref{{Site: s.ID}})
		}, Do: func(sel ui.Selection[groupRow]) tea.Cmd { return e.groupPolicy(s, sel.Items[0].Group) }},
	}, e.groupChanges(s)...)
}

func groupPolicySpec() ui.Spec {
	return ui.Spec{ID: "group.set-policy", Title: "policy for all machines", Help: "Gives all machines of the group a policy, by a complete list of them that is read now.",
		Keys: []string{"p"}, Arity: ui.One, Risk: ui.RiskChange, Hint: 13}
}

// groupPolicy reads the complete list of a group's machines and gives the active ones a policy that is chosen.
func (e *Env) groupPolicy(s unity.Site, g unity.Group) tea.Cmd {
	return ui.Prepare("policy of "+g.Label(), func(ctx context.Context) (tea.Cmd, error) {
		rows, err := unity.Collect(e.Client.GroupEndpoints(ctx, s.ID, g.ID))
		if err != nil {
			return nil, err
		}
		var refs []fleet.Ref
		for _, row := range rows {
			if !row.Deactivated.On {
				refs = append(refs, fleet.NewMachine(row, &s, fleet.SiteOptions{StaleAfter: e.StaleAfter}, e.Client.Now()).Ref())
			}
		}
		if len(refs) == 0 {
			return nil, errors.New("the group has no active machine")
		}
		return e.choosePolicy(ctx, refs, func(args dispatch.Args) tea.Cmd {
			op, err := dispatch.OperationByID("endpoint.set-policy", args)
			if err != nil {
				return ui.Fail(err)
			}
			return e.proposeOn("set policy", op, choice{refs: refs})
		})
	})
}

func compareFold(a, b string) int {
	a, b = unity.Fold(a), unity.Fold(b)
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

func (e *Env) loadGroups(ctx context.Context, s unity.Site, emit func(ui.Page[groupRow])) error {
	e.loadPolicyNames(ctx, s.ID)
	groups, err := e.Client.Groups(ctx, s.ID)
	if err != nil {
		return err
	}
	page := ui.Page[groupRow]{Total: len(groups) + 1}
	for i := range groups {
		page.Items = append(page.Items, &groupRow{groups[i]})
	}
	emit(page)
	return nil
}

// loadPolicyNames reads the names of policies; without them ids are shown, which is no failure of the list.
func (e *Env) loadPolicyNames(ctx context.Context, site unity.SiteID) {
	policies, err := e.Client.SitePolicies(ctx, site)
	if err != nil {
		return
	}
	e.keepPolicies(policies)
}

func (e *Env) policyLabel(id unity.PolicyID, name unity.Text) string {
	if !name.Empty() {
		return name.String()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if known := e.policyOf[id]; !known.Empty() {
		return known.String()
	}
	return string(id)
}
