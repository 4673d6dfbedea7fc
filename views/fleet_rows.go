package views

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
)

type rowResource = ui.Resource[picture.Row, unity.EndpointID]

// rows is what every list over the picture has in common.
func (e *Env) rows(title, path string, f *feed) rowResource {
	f.env = e
	g := e.filters()
	return rowResource{
		Kind: "endpoint", Title: title, Path: path,
		Key:     func(r *picture.Row) unity.EndpointID { return r.ID() },
		Name:    func(r *picture.Row) string { return r.Name() },
		Columns: e.rowColumns(),
		Sort:    []table.SortKey{{Column: "host"}},
		Search: func(r *picture.Row) string {
			return strings.Join([]string{r.HostName().Raw(), r.SiteName().Raw(), r.User(), r.IPs(), r.MAC(), r.SiteKey().String()}, " ")
		},
		Filter: f.filter(g), Aside: f.undecided,
		Complete: g.Complete,
		Live:     f.live(),
		Moved:    func(r *picture.Row) tea.Cmd { e.Fleet.Name(r.SiteID()); return nil },
		Enter:    func(r *picture.Row) tea.Cmd { return ui.Push(e.EndpointScreen(*r.Machine(e.StaleAfter))) },
		Detail:   func(r *picture.Row) []ui.Field { return e.machineDetail(r.Machine(e.StaleAfter)) },
		Marks:    e.Marks,
		Actions:  e.rowActions(),
	}
}

// rowActions are the actions on endpoints.
func (e *Env) rowActions() []ui.Action[picture.Row] {
	return endpointActionsOf(e, func(r *picture.Row) fleet.Ref { return r.Ref() })
}

// rowColumns are the columns of machineColumns over rows of the picture.
func (e *Env) rowColumns() []table.Column[picture.Row] {
	now := paced(e.now)
	return []table.Column[picture.Row]{
		{ID: "host", Title: "Host", Min: 15, Max: 40, Flex: 3, Text: rowHost, Data: func(r *picture.Row) string { return r.HostName().String() }},
		{ID: "status", Title: "Status", Min: 11, Max: 11, Priority: 1, Text: func(r *picture.Row) string { return e.rowStatus(r) },
			Rank: func(r *picture.Row) int64 { s, known := r.State(now(), e.StaleAfter); return stateRank(s, known) },
			Tone: func(r *picture.Row) theme.Tone { s, known := r.State(now(), e.StaleAfter); return stateTone(s, known) }},
		{ID: "site", Title: "Site", Min: 12, Max: 36, Flex: 2, Priority: 1, Text: func(r *picture.Row) string { return r.SiteName().String() }},
		{ID: "seen", Title: "Seen", Min: 8, Right: true, Priority: 2, Text: func(r *picture.Row) string { return since(r.Seen(), now()) },
			Data: func(r *picture.Row) string { return stamp(r.Seen()) },
			Rank: func(r *picture.Row) int64 { return r.Seen().Unix() }, Tone: func(r *picture.Row) theme.Tone {
				s, _ := r.State(now(), e.StaleAfter)
				return seenTone(s, r.Stale(now(), e.StaleAfter))
			}},
		{ID: "user", Title: "User", Min: 6, Max: 20, Flex: 1, Priority: 4, Text: func(r *picture.Row) string { return r.User() }},
		{ID: "version", Title: "Agent", Min: 9, Max: 12, Priority: 7, Text: func(r *picture.Row) string { return r.Version() },
			Rank: func(r *picture.Row) int64 { return versionRank(r.Version()) }},
		{ID: "os", Title: "System", Min: 12, Max: 36, Flex: 1, Priority: 9, Text: func(r *picture.Row) string { return r.OS() }},
		{ID: "ip", Title: "Addresses", Min: 12, Max: 32, Priority: 8, Text: func(r *picture.Row) string { return r.IPs() }},
		// What is the same in most rows stands last: a page sends the cells of a line up to the last one that differs.
		{ID: "group", Title: "Group", Min: 8, Max: 24, Flex: 1, Priority: 5, Text: e.groupOfRow, Tone: e.askForName},
		{ID: "policy", Title: "Policy", Min: 10, Max: 28, Flex: 1, Priority: 6, Text: e.policyOfRow},
		{ID: "mac", Title: "MAC", Min: 17, Priority: 10, Hidden: true, Text: func(r *picture.Row) string { return r.MAC() }},
		{ID: "first", Title: "First seen", Min: 10, Priority: 11, Hidden: true, Text: func(r *picture.Row) string { return e.dateText(r.FirstSeen()) },
			Data: func(r *picture.Row) string { return stampText(r.FirstSeen()) },
			Rank: func(r *picture.Row) int64 { return r.FirstSeen().Unix() }},
		{ID: "id", Title: "Id", Min: 36, Priority: 12, Hidden: true, Text: func(r *picture.Row) string { return string(r.ID()) }},
	}
}

// toCome stands for a name that is about to be read. An id in its place would tell nobody anything.
const toCome = "…"

// groupOfRow is the name of a row's group, its id where names cannot be had.
func (e *Env) groupOfRow(r *picture.Row) string {
	if r.GroupID() == "" || !r.Group().Empty() || e.refused(r.SiteID()) {
		return r.GroupLabel()
	}
	return toCome
}

// policyOfRow is the name of a row's policy, its id where the console has no policy of that id.
func (e *Env) policyOfRow(r *picture.Row) string {
	label := e.policyLabel(r.PolicyID(), r.Policy())
	if label != "" && label == string(r.PolicyID()) && e.refused("") {
		return toCome
	}
	return label
}

// refused tells that the names of a site's groups, or with "" those of the policies, could not be read.
func (e *Env) refused(site unity.SiteID) bool {
	refused := e.unread.Load()
	return refused != nil && (*refused)[site]
}

// noteRefused keeps which names could not be read, so that rows need not ask for it one by one.
func (e *Env) noteRefused() {
	var refused map[unity.SiteID]bool
	for _, f := range e.Fleet.State().Nameless {
		if refused == nil {
			refused = map[unity.SiteID]bool{}
		}
		refused[f.Site] = true
	}
	e.unread.Store(&refused)
}

// askForName has the group of a row named, since the row is being drawn and shows an id instead. Names are read in the background, those
// asked for first; a text may be asked for to sort or to compare, a tone for nothing but to draw.
func (e *Env) askForName(r *picture.Row) theme.Tone {
	if r.GroupID() != "" && r.Group().Empty() {
		e.Fleet.Name(r.SiteID())
	}
	return theme.Plain
}

// Parts of a version that count for its rank, and the bits that each has. A larger part counts as the largest.
const (
	versionParts = 4
	versionBits  = 15
)

// versionRank orders versions as compareVersions does, by their first four parts.
func versionRank(version string) int64 {
	if version == "" {
		return -1
	}
	var rank int64
	rest := version
	for range versionParts {
		var part string
		part, rest, _ = strings.Cut(rest, ".")
		rank = rank<<versionBits | versionPart(part)
	}
	return rank
}

// versionPart is the number that a part is, 0 for what is no number.
func versionPart(part string) int64 {
	n := int64(0)
	for i := range len(part) {
		if part[i] < '0' || part[i] > '9' {
			return 0
		}
		n = min(n*10+int64(part[i]-'0'), 1<<versionBits-1)
	}
	return n
}

func rowHost(r *picture.Row) string {
	if r.HostName().Empty() {
		return nameless(r.ID())
	}
	return r.HostName().String()
}

// rowStatus is the state, or why it is not known.
func (e *Env) rowStatus(r *picture.Row) string {
	if state, known := r.State(e.now(), e.StaleAfter); known {
		return state
	}
	if note := r.Note(); note != "" {
		return note
	}
	return fleet.StateUnknown
}
