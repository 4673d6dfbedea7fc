package views

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// hitsOf makes hits of what a search in the picture found; a machine's actions work on it right there.
func (e *Env) hitsOf(found []picture.Hit) []ui.Hit {
	out := make([]ui.Hit, 0, len(found))
	now := e.now()
	actions := e.rowActions()
	for _, h := range found {
		if h.Site != nil {
			out = append(out, e.siteHit(*h.Site))
			continue
		}
		r := h.Row
		state, known := r.State(now, e.StaleAfter)
		out = append(out, ui.Hit{Key: "endpoint/" + string(r.ID()), Kind: "machine", Title: rowHost(&r),
			Sub: join(r.SiteName().String(), e.rowStatus(&r), seen(r.Seen(), now), r.User()), Tone: stateTone(state, known),
			Open: func() tea.Cmd { return ui.Push(e.EndpointScreen(*r.Machine(e.StaleAfter))) },
			Actions: func() []ui.Command {
				var cmds []ui.Command
				for _, a := range actions {
					cmds = append(cmds, ui.On(a, string(r.ID()), &r))
				}
				return cmds
			}})
	}
	return out
}

// siteHit makes a hit of a site that a search found.
func (e *Env) siteHit(s unity.Site) ui.Hit {
	return ui.Hit{Key: "site/" + string(s.ID), Kind: "site", Title: siteName(&s),
		Sub: join(s.State(), seatsText(&s)+" seats", s.Keycode.String()), Tone: siteTone(&s, theme.Plain),
		Open: func() tea.Cmd { return ui.Push(e.SiteScreen(s)) }}
}

// maxHits is how many findings are listed.
const maxHits = 200

// Find searches the picture while it grows and emits ever more hits until everything was searched.
func (e *Env) Find(ctx context.Context, query string, emit func([]ui.Hit, string)) {
	if reason := e.needsFleet(); reason != "" {
		emit(nil, reason)
		return
	}
	for {
		changed := e.Fleet.Changed() // before the look, so that nothing falls between the two
		// The state before the picture: once all is read, the picture that follows has all of it.
		state := e.Fleet.State()
		p := e.Fleet.Current()
		hits := p.Find(ctx, query, maxHits)
		if ctx.Err() != nil {
			return
		}
		emit(e.hitsOf(hits), join(bestOf(len(hits)), e.searchedWords(p, state)))
		if !searching(p, state) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// bestOf says that there may be more findings than are listed, "" where that is all of them.
func bestOf(found int) string {
	if found < maxHits {
		return ""
	}
	return "the best " + thousands(found)
}

// searching tells that more machines are on their way.
func searching(p *picture.Picture, s live.State) bool {
	switch s.Phase {
	case live.PhaseLoading, live.PhaseSites, live.PhaseMachines, live.PhaseReports:
		return true
	default:
		return blank(p) && s.Err == nil
	}
}

// searchedWords says how much of the console was searched, of when it is and what is missing.
func (e *Env) searchedWords(p *picture.Picture, s live.State) string {
	if blank(p) {
		if s.Err != nil {
			return "the sites cannot be read: " + strings.TrimSpace(s.Err.Error())
		}
		return "reading the list of sites"
	}
	done, total := p.Done, p.Total
	if s.Phase == live.PhaseMachines && !p.Stale {
		done, total = s.Done, s.Total
	}
	if total == 0 || p.Stale { // what is on disk is searched as well, though nobody has read it again
		done, total = len(p.Chunks()), len(p.Sites)-p.Hidden
	}
	text := searched(done, total, max(len(p.Failed), s.Failed), p.Hidden)
	if at := e.checkedAt(p); !at.IsZero() {
		text += ", read " + ago(at, e.now())
	}
	return join(text, e.source(p))
}
