package views

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
)

// SiteScreen shows a site's groups and endpoints side by side; the group under the cursor narrows the endpoints.
func (e *Env) SiteScreen(s unity.Site) ui.Screen {
	e.visited(&s)
	endpoints := ui.NewList(e.SiteEndpoints(s)).Main()
	groups := e.Groups(s)
	groups.Moved = func(g *groupRow) tea.Cmd {
		if g.all() {
			endpoints.SetScope("", nil)
			return nil
		}
		id := g.ID
		endpoints.SetScope("group "+g.Label(), func(m *fleet.Machine) bool { return m.GroupID == id })
		return nil
	}
	groups.Enter = func(*groupRow) tea.Cmd { return ui.ToMain() }
	return ui.About(ui.NewPanes(siteName(&s), "site/"+string(s.ID), ui.NewList(groups), endpoints), func() []ui.Command {
		now := e.site(s.ID)
		if now == nil {
			now = &s
		}
		var out []ui.Command
		for _, a := range e.siteActions() {
			out = append(out, ui.On(a, string(s.ID), now))
		}
		return out
	})
}

// siteActions are what can be done on a site, besides opening it.
func (e *Env) siteActions() []ui.Action[unity.Site] {
	open := func(id, title, help, key string, hint int, screen func(unity.Site) ui.Screen) ui.Action[unity.Site] {
		return ui.Action[unity.Site]{
			Spec: ui.Spec{ID: id, Title: title, Help: help, Keys: []string{key}, Arity: ui.One, Hint: hint},
			Do:   func(sel ui.Selection[unity.Site]) tea.Cmd { return ui.Push(screen(*sel.Items[0])) },
		}
	}
	return append([]ui.Action[unity.Site]{
		open("site.details", "details", "Shows all that is known of the site.", "i", 10, func(s unity.Site) ui.Screen {
			return ui.NewDetail(e.Sites(), &s)
		}),
		open("site.commands", "commands", "Lists the agent commands issued at the site, with their states.", "c", 11, func(s unity.Site) ui.Screen {
			return ui.NewList(e.SiteCommands(s))
		}),
		open("site.threats", "threats", "Lists the site's threat history of the past three months.", "t", 12, func(s unity.Site) ui.Screen {
			return ui.NewList(e.SiteThreats(s))
		}),
		open("site.policies", "policies", "Lists the policies the site can use.", "p", 0, func(s unity.Site) ui.Screen {
			return ui.NewList(e.SitePolicies(s))
		}),
		open("site.admins", "admins", "Lists who has access to the site.", "m", 0, func(s unity.Site) ui.Screen {
			return ui.NewList(e.SiteAdmins(s))
		}),
	}, e.siteChanges()...)
}

// Restore makes the screen of a path that an earlier session left, or nil.
func (e *Env) Restore(path string) ui.Screen {
	kind, id, _ := strings.Cut(path, "/")
	switch kind {
	case "sites":
		return ui.NewList(e.allSites())
	case "policies":
		return ui.NewList(e.Policies())
	case "admins":
		return ui.NewList(e.Admins())
	case underWayPath:
		return ui.NewList(e.UnderWay())
	case "site":
		if !unity.IsGUID(id) {
			return nil
		}
		if s := e.site(unity.SiteID(id)); s != nil {
			return e.SiteScreen(*s)
		}
		return e.SiteScreen(unity.Site{ID: unity.SiteID(id)})
	}
	return e.restoreFleet(path)
}

// siteOf completes a site of which only the id is known.
func (e *Env) siteOf(ctx context.Context, s unity.Site) (unity.Site, error) {
	if s.Keycode != "" {
		return s, nil
	}
	full, err := e.readSite(ctx, s.ID)
	if err != nil {
		return s, err
	}
	return *full, nil
}
