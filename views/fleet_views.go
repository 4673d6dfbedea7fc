package views

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// fleetView is a view across all customers, one key away from everywhere.
type fleetView struct {
	name, key, title, help string
	// list is the title of its list where that says more than its name.
	list string
	// class is what it shows of the machines; sites, when set, what it shows of the sites instead.
	class picture.Class
	sites func(s *unity.Site, now time.Time) bool
	sort  []table.SortKey
	empty string
}

// fleetViews are the views across all customers, in the order of their keys.
func fleetViews() []fleetView {
	return []fleetView{
		{name: "infected", key: "1", title: "infected", help: "Lists the infected machines of all customers, as status:infected does.", class: picture.Infected,
			empty: "No agent reports an infection."},
		{name: "attention", key: "2", title: "needs attention", list: "Needs attention, infected ones too",
			help:  "Lists the machines of all customers whose agents ask for attention, infected ones too; status:attention leaves those out.",
			class: picture.Attention, empty: "No agent asks for attention."},
		{name: "stale", key: "3", title: "stale",
			help:  "Lists the active machines of all customers that have been silent for long, whatever else holds; status:stale leaves out those that are infected or ask for attention.",
			class: picture.Stale, sort: []table.SortKey{{Column: "seen"}}, empty: "No active machine has been silent for long."},
		{name: "seen-deactivated", key: "4", title: "deactivated, still seen", help: "Lists deactivated machines that were seen within 30 days, as status:deactivated seen:<30d does.",
			class: picture.DeadButSeen, sort: []table.SortKey{{Column: "seen", Desc: true}}, empty: "No deactivated machine was seen within 30 days."},
		{name: "duplicates", key: "5", title: "duplicates", help: "Lists machines with several active records: same machine id, or same host name and MAC address. The newest is marked keep.",
			class: picture.Duplicates, sort: []table.SortKey{{Column: "same"}, {Column: "keep"}}, empty: "No machine has two active records."},
		{name: "outdated", key: "6", title: "outdated agents", help: "Lists active machines whose agent is older than what at least one in fifty of their kind has.",
			class: picture.Outdated, sort: []table.SortKey{{Column: "version"}}, empty: "No agent is older than what one in fifty of its kind has, as far as versions are known."},
		{name: "drift", key: "7", title: "policy drift", help: "Lists active machines whose policy is not that of most machines of their group, or that are unmanaged.",
			class: picture.PolicyDrift, sort: []table.SortKey{{Column: "site"}, {Column: "group"}}, empty: "Every machine has the policy of its group."},
		{name: "seats", key: "8", title: "seats over", help: "Lists the customers with more active endpoints than seats.",
			sites: func(s *unity.Site, _ time.Time) bool { return fleet.Over(s) > 0 }, sort: []table.SortKey{{Column: "over", Desc: true}},
			empty: "No customer uses more seats than it has."},
		{name: "ending", key: "9", title: "licences and trials ending", help: "Lists the customers whose licence or trial ends within 30 days, or has ended. Those that were suspended are left out.",
			sites: picture.EndingSoon, sort: []table.SortKey{{Column: "ends"}}, empty: "No licence and no trial ends within 30 days."},
		{name: "all", key: "0", title: "everything", help: "Lists the machines of all customers.", class: picture.Everything,
			empty: "No endpoint was found at any site this user may see."},
	}
}

// everything is the view of all machines.
func everything() fleetView {
	all := fleetViews()
	return all[len(all)-1]
}

func (e *Env) fleetCommands() []ui.Command {
	var out []ui.Command
	for _, v := range fleetViews() {
		out = append(out, ui.Command{Spec: ui.Spec{ID: "fleet." + v.name, Title: v.title, Help: v.help, Keys: []string{v.key}},
			Ready: e.needsFleet, Do: func() tea.Cmd { return ui.PushLike("fleet/", e.fleetScreen(v)) }})
	}
	return append(out, e.rereadCommand())
}

// needsFleet is why nothing across all customers can be shown, "" when it can.
func (e *Env) needsFleet() string {
	if e.Fleet == nil {
		return "sign in first: the machines of all customers are not read yet"
	}
	return ""
}

// fleetScreen makes the screen of a view.
func (e *Env) fleetScreen(v fleetView) ui.Screen {
	path := "fleet/" + v.name
	title := cmp.Or(v.list, strings.ToUpper(v.title[:1])+v.title[1:])
	switch {
	case v.sites != nil:
		r := e.sitesOf(title, path, func(s *unity.Site) bool { return v.sites(s, e.now()) })
		r.Sort, r.Empty = v.sort, v.empty
		for i := range r.Columns {
			if r.Columns[i].ID == r.Sort[0].Column {
				r.Columns[i].Hidden = false // what a list is sorted by is shown
			}
		}
		return ui.NewList(r)
	case v.class == picture.Duplicates:
		return ui.NewList(e.duplicates(v, title, path))
	}
	f := &feed{empty: v.empty}
	if v.class == picture.PolicyDrift {
		f.leftOut = func(n int) string { return leftOut(n) + "they have no policy" }
	}
	if v.class != picture.Everything {
		f.choose = func(ctx context.Context, p *picture.Picture, now time.Time) members {
			return p.Class(ctx, v.class, now, e.StaleAfter)
		}
	}
	r := e.rows(title, path, f)
	r.Empty = v.empty
	if v.class == picture.PolicyDrift {
		r.Columns = e.withUsual(r.Columns)
	}
	if len(v.sort) > 0 {
		r.Sort = v.sort
	}
	return ui.NewList(r)
}

// usualMin is a width in which policies can be told apart that begin alike.
const usualMin = 22

// withUsual adds the policy that a machine is expected to have, beside the one that it has.
func (e *Env) withUsual(columns []table.Column[picture.Row]) []table.Column[picture.Row] {
	at := slices.IndexFunc(columns, func(c table.Column[picture.Row]) bool { return c.ID == "policy" })
	columns[at].Min, columns[at].Priority = usualMin, 0
	for i := range columns {
		if columns[i].ID == "status" {
			columns[i].Priority = 2 // whose machine it is says more here
		}
	}
	return slices.Insert(columns, at+1, table.Column[picture.Row]{ID: "usual", Title: "Usual policy", Min: usualMin, Max: 40, Flex: 1,
		Text: func(r *picture.Row) string {
			usual := e.policyLabel(r.UsualPolicy())
			if on, known := r.Managed(); known && !on {
				return "unmanaged; usual: " + usual
			}
			return usual
		}})
}

// twins are the duplicates of the picture that a list shows.
type twins struct {
	mu sync.Mutex
	of map[*picture.Picture]*picture.DuplicateGroups
	// shown are those of the rows in the list.
	shown *picture.DuplicateGroups
	// asked tells that what is not known of namesakes has been asked for.
	asked bool
}

// firstLook tells once that all sites were read.
func (t *twins) firstLook(p *picture.Picture) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.asked && p.Complete()
	t.asked = t.asked || first
	return first
}

func (t *twins) find(ctx context.Context, p *picture.Picture) {
	d := p.Duplicates(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of = map[*picture.Picture]*picture.DuplicateGroups{p: d}
	if t.shown == nil {
		t.shown = d
	}
}

// untold says of how many records nobody knows whether they are of one machine.
func (t *twins) untold(n int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	names := 0
	for _, d := range t.of {
		names = d.OpenNames
	}
	if names == 1 {
		return "1 host name occurs several times at one site, and whether its records are one machine is not known yet"
	}
	return thousands(names) + " host names occur several times at one site, and whether their " + thousands(n) + " records are " + thousands(names) +
		" machines is not known yet"
}

func (t *twins) use(p *picture.Picture) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := t.of[p]; d != nil {
		t.shown = d
	}
}

// among gives the record to keep of a row's machine, and what the row is beside it.
func (t *twins) among(r picture.Row) (keep picture.Row, standing picture.Standing) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.shown == nil {
		return r, ""
	}
	if i, ok := t.shown.Group(r); ok {
		return t.shown.Groups[i][0], t.shown.Standing(r)
	}
	return r, ""
}

// duplicates lists machines that have several records, those of one host name and address together.
func (e *Env) duplicates(v fleetView, title, path string) rowResource {
	t := &twins{}
	r := e.rows(title, path, &feed{empty: v.empty, leftOut: t.untold,
		choose: func(ctx context.Context, p *picture.Picture, now time.Time) members {
			if t.firstLook(p) {
				e.Fleet.Identify()
			}
			t.find(ctx, p)
			return p.Class(ctx, picture.Duplicates, now, e.StaleAfter)
		},
		chosen: t.use,
	})
	own := []table.Column[picture.Row]{
		{ID: "keep", Title: "Keep", Min: 5, Max: 5, Text: func(r *picture.Row) string {
			_, standing := t.among(*r)
			return string(standing)
		}, Tone: func(r *picture.Row) theme.Tone {
			switch _, standing := t.among(*r); standing {
			case picture.RecordKeep:
				return theme.Good
			case picture.RecordOlder:
				return theme.Warn
			default:
				return theme.Muted
			}
		}},
		{ID: "same", Title: "Same machine as", Min: 16, Max: 44, Flex: 1, Priority: 3, Text: func(r *picture.Row) string {
			keep, _ := t.among(*r)
			return join(keep.FoldedHost(), keep.MAC())
		}},
	}
	r.Columns = append(append(append([]table.Column[picture.Row]{}, r.Columns[0], own[0]), r.Columns[1:]...), own[1])
	r.Sort, r.Empty = v.sort, v.empty
	r.Actions = append(r.Actions, e.cleanAction(t))
	return r
}

// restoreFleet makes the screen of a view or of a saved view from its path, or nil.
func (e *Env) restoreFleet(path string) ui.Screen {
	if e.Fleet == nil {
		return nil
	}
	kind, name, _ := strings.Cut(path, "/")
	switch kind {
	case "fleet":
		for _, v := range fleetViews() {
			if v.name == name {
				return e.fleetScreen(v)
			}
		}
	case "view":
		for _, v := range e.Saved {
			if v.Name == name {
				return e.savedScreen(v)
			}
		}
	case "changes":
		return ui.NewList(e.changes())
	case "usage":
		return ui.NewList(e.Usage())
	}
	return nil
}

// cutKey splits an invalidation key such as "endpoint/ID".
func cutKey(key string) (kind, id string, ok bool) { return strings.Cut(key, "/") }
