package cli

import (
	"encoding/json"

	"github.com/unitty/unitty/ui/table"
	"github.com/unitty/unitty/unity/dispatch"
	"github.com/unitty/unitty/unity/fleet"
)

// hit is a finding as JSON: the ids that other verbs take, and what matched.
type hit struct {
	Kind       string
	Match      string
	EndpointID string `json:"EndpointId,omitempty"`
	HostName   string `json:",omitempty"`
	SiteID     string `json:"SiteId"`
	SiteName   string
	Keycode    string
	Status     string `json:",omitempty"`
	LastSeen   string `json:",omitempty"`
}

func hitJSON(sess *session) func(*fleet.Hit) ([]byte, error) {
	return func(h *fleet.Hit) ([]byte, error) {
		if s := h.Site; s != nil {
			return json.Marshal(hit{Kind: "site", Match: h.Field, SiteID: string(s.ID), SiteName: s.Name.Raw(), Keycode: s.Keycode.String(), Status: s.State()})
		}
		m := h.Machine
		out := hit{Kind: "endpoint", Match: h.Field, EndpointID: string(m.ID), HostName: m.HostName.Raw(), SiteID: string(m.SiteID),
			SiteName: m.SiteName.Raw(), Keycode: m.SiteKey.String()}
		if state, known := m.State(sess.client.Now()); known {
			out.Status = state
		}
		if at := m.Seen(); !at.IsZero() {
			out.LastSeen = at.UTC().Format("2006-01-02T15:04:05Z")
		}
		return json.Marshal(out)
	}
}

// idCells is how wide ids are: a part of one is of no use.
const idCells = 36

func hitColumns(sess *session) []table.Column[fleet.Hit] {
	now := sess.client.Now
	machine := func(h *fleet.Hit, of func(*fleet.Machine) string) string {
		if h.Machine == nil {
			return ""
		}
		return of(h.Machine)
	}
	return []table.Column[fleet.Hit]{
		{ID: "kind", Title: "Kind", Text: func(h *fleet.Hit) string {
			if h.Site != nil {
				return "site"
			}
			return "machine"
		}},
		{ID: "name", Title: "Name", Min: 14, Max: 40, Text: func(h *fleet.Hit) string {
			if h.Site != nil {
				return h.Site.Name.String()
			}
			return h.Machine.Name()
		}},
		{ID: "site", Title: "Site", Min: 10, Max: 36, Priority: 1, Text: func(h *fleet.Hit) string {
			return machine(h, func(m *fleet.Machine) string { return m.SiteName.String() })
		}},
		{ID: "status", Title: "Status", Min: 11, Priority: 2, Text: func(h *fleet.Hit) string {
			if h.Site != nil {
				return h.Site.State()
			}
			if state, known := h.Machine.State(now()); known {
				return state
			}
			return h.Machine.StatusNote
		}},
		{ID: "seen", Title: "Seen", Min: 11, Priority: 3, Text: func(h *fleet.Hit) string {
			return machine(h, func(m *fleet.Machine) string {
				if m.Seen().IsZero() {
					return "never"
				}
				return dispatch.AgeWords(now().Sub(m.Seen())) + " ago"
			})
		}},
		{ID: "user", Title: "User", Min: 8, Max: 24, Priority: 5, Text: func(h *fleet.Hit) string { return machine(h, (*fleet.Machine).User) }},
		{ID: "match", Title: "Match", Min: 7, Priority: 6, Text: func(h *fleet.Hit) string { return h.Field }},
		{ID: "id", Title: "Id", Min: idCells, Priority: 4, Text: func(h *fleet.Hit) string {
			if h.Site != nil {
				return string(h.Site.ID)
			}
			return string(h.Machine.ID)
		}},
	}
}
