package views

import (
	"context"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
)

// Home is the first screen: the numbers of the whole console above the list of its sites, which has the keys.
func (e *Env) Home() ui.Screen {
	sites := e.allSites()
	if e.Fleet == nil {
		return ui.NewList(sites)
	}
	return ui.NewPanes("Console", "console", ui.NewBoard(ui.Board{Title: "Console", Read: e.numbers, Changed: e.Fleet.Changed}), ui.NewList(sites).Main())
}

// allSites lists all sites; it follows the picture where there is one.
func (e *Env) allSites() siteResource {
	r := e.sitesOf("Sites", "sites", nil)
	r.Actions = append(r.Actions, e.favouriteAction())
	return r
}

// rereadAll reads what changed in the whole console, and the console's name where that is not known.
func (e *Env) rereadAll(ctx context.Context) error {
	if err := e.Fleet.Refresh(ctx); err != nil {
		return err
	}
	if e.ConsoleName() == "" {
		_, _ = e.Console(ctx) // its keycode does as well
	}
	return nil
}

// numbers counts what the picture shows, for the board of the first screen.
func (e *Env) numbers(ctx context.Context) ([]ui.Tile, string) {
	p := e.Fleet.Current()
	now := e.now()
	t := e.counted(ctx, p, now)
	over := 0
	for i := range p.Sites {
		if fleet.Over(&p.Sites[i]) > 0 {
			over++
		}
	}
	var tiles []ui.Tile
	for _, v := range fleetViews() {
		tile := ui.Tile{Key: v.name, Label: v.key, Name: v.title, Open: func() tea.Cmd { return ui.PushLike("fleet/", e.fleetScreen(v)) }}
		switch v.name {
		case "seats":
			t.know.sites(over).on(&tile, len(p.Sites), warnIf(over))
		case "ending":
			tile.Name = "licences ending"
			t.know.sites(t.counts.Ending).on(&tile, len(p.Sites), warnIf(t.counts.Ending))
		case "all":
			t.know.machines(t.counts.Machines).on(&tile, 0, theme.Strong)
		default:
			if v.class == picture.DeadButSeen {
				tile.Name = "deactivated, seen"
			}
			n := t.class(v.class)
			tone := warnIf(n.n)
			if v.class == picture.Infected && n.n > 0 {
				tone = theme.Bad
			}
			n.on(&tile, t.counts.Machines, tone)
		}
		tiles = append(tiles, tile)
	}
	return append(tiles, e.moreTiles(p, t)...), join(e.standing(p, now), t.legend())
}

// tally are the numbers of a picture at a time.
type tally struct {
	of      *picture.Picture
	at      time.Time
	know    knowledge
	counts  picture.Counts
	classes map[picture.Class]*picture.Set
}

// counted counts a picture, once a minute at most while it stays the same.
func (e *Env) counted(ctx context.Context, p *picture.Picture, now time.Time) tally {
	e.mu.Lock()
	last := e.tally
	e.mu.Unlock()
	if last.of == p && now.Sub(last.at) < againAfter {
		return last
	}
	t := tally{of: p, at: now, know: knowledgeOf(p), counts: p.Counts(now, e.StaleAfter), classes: map[picture.Class]*picture.Set{}}
	for _, c := range picture.Classes() {
		t.classes[c] = p.Class(ctx, c, now, e.StaleAfter)
	}
	if ctx.Err() == nil {
		e.mu.Lock()
		e.tally = t
		e.mu.Unlock()
	}
	return t
}

// class is the number of machines of a class, with what is not known of it.
func (t *tally) class(c picture.Class) known {
	s := t.classes[c]
	switch c {
	case picture.Infected, picture.Attention, picture.Outdated:
		return t.know.reported(s.Len(), s.LeftOut, t.counts.Active)
	case picture.Stale, picture.DeadButSeen:
		return t.know.reported(s.Len(), 0, t.counts.Active) // a report may be newer than what the console says
	case picture.Duplicates:
		return t.know.reported(s.Len(), s.LeftOut, 0)
	case picture.PolicyDrift: // machines without a policy drift from none, but reports tell of unmanaged ones
		return t.know.reported(s.Len(), t.counts.Unjoined, 0)
	default:
		return t.know.machines(s.Len())
	}
}

// legend says what the plus at a number means, "" where none has one.
func (t *tally) legend() string {
	switch {
	case t.know.blank:
		return ""
	case t.know.reading || t.know.awaited:
		return "+ means so far"
	case t.counts.Unjoined > 0:
		return "+ means at least: " + unreported(t.counts.Unjoined)
	case t.know.part, t.know.closed:
		return "+ means at least"
	default:
		return ""
	}
}

// unreported says of how many active machines nobody knows what their agents report.
func unreported(n int) string {
	if n == 1 {
		return "the report of 1 active machine is not known"
	}
	return "the reports of " + thousands(n) + " active machines are not known"
}

func warnIf(n int) theme.Tone {
	if n > 0 {
		return theme.Warn
	}
	return theme.Good
}

// moreTiles are the numbers that have no view of their own.
func (e *Env) moreTiles(p *picture.Picture, t tally) []ui.Tile {
	where := func(name, expr string) func() tea.Cmd {
		return func() tea.Cmd {
			v := SavedView{Name: name, Where: expr}
			if _, _, err := e.meaning(v); err != nil {
				return ui.Remark(name + " machines cannot be listed: " + unity.Clean(err.Error()))
			}
			return ui.PushLike("view/", e.savedScreen(v))
		}
	}
	n, know := &t.counts, &t.know
	ok := ui.Tile{Key: "ok", Name: "machines ok", Open: where("ok", "status:ok")}
	know.reported(n.ByState[fleet.StateOK], n.ByState[fleet.StateUnknown], n.Active).on(&ok, n.Machines, theme.Good)
	gone := ui.Tile{Key: "gone", Name: "deactivated", Open: where("deactivated", "status:deactivated")}
	know.machines(n.Machines-n.Active).on(&gone, n.Machines, theme.Muted)
	mute := ui.Tile{Key: "unjoined", Name: "without a report", Open: func() tea.Cmd { return ui.PushLike("view/", e.unreportedScreen()) }}
	know.silent(n.Unjoined).on(&mute, n.Machines, theme.Muted)
	used := ui.Tile{Key: "seats-used", Name: "seats used", Value: "?", Tone: theme.Muted,
		Open: func() tea.Cmd { return ui.PushLike("usage", ui.NewList(e.Usage())) }}
	if !know.blank {
		used.Value, used.Part, used.Whole, used.Tone = thousands(int(n.Used))+"/"+thousands(int(n.Seats)), int(n.Used), int(n.Seats), theme.Plain
	}
	tiles := []ui.Tile{ok, gone, mute, used, e.changesTile(), e.underWayTile(),
		{Key: "customers", Label: "F", Name: "favourites", Value: thousands(len(e.Book.Book().Favourites)), Tone: theme.Plain, Open: e.customers}}
	if failed := len(p.Failed); failed > 0 {
		tiles = append(tiles, ui.Tile{Key: "failed", Name: "sites not read", Value: thousands(failed), Part: failed, Whole: len(p.Sites), Tone: theme.Bad,
			Open: func() tea.Cmd { return ui.Push(ui.NewText("What is missing", e.missingText())) }})
	}
	return tiles
}

// unreportedScreen lists the active machines without an agent's report.
func (e *Env) unreportedScreen() ui.Screen {
	r := e.rows("Without a report", "", &feed{bare: true, choose: func(context.Context, *picture.Picture, time.Time) members {
		return memberIf(func(r picture.Row) bool { return !r.Deactivated() && !r.Joined() })
	}})
	r.Empty = "Every active machine has a report of its agent."
	return ui.NewList(r)
}

// missingText names the sites that could not be read, with the reasons.
func (e *Env) missingText() string {
	problems, notes := e.missing(e.Fleet.Current())
	text := ""
	for _, line := range append(problems, notes...) {
		text += line + "\n"
	}
	return text
}

// standing says how much of the console was read and how old that is.
func (e *Env) standing(p *picture.Picture, now time.Time) string {
	if blank(p) {
		return e.progress()
	}
	all := sites(len(p.Sites))
	if p.Hidden > 0 {
		all += ", " + thousands(p.Hidden) + " not readable for this user"
	}
	parts := []string{all, e.progress()}
	if p.Total > 0 && p.Done < p.Total && !p.Stale && e.progress() == "" {
		parts = append(parts, thousands(p.Done)+" of "+thousands(p.Total)+" sites read")
	}
	if state := e.Fleet.State(); len(p.Failed) > 0 && (state.Phase != live.PhaseMachines || state.Failed == 0) { // else the progress says so
		parts = append(parts, sites(len(p.Failed))+" failed")
	}
	if text := e.offlineSince(); text != "" {
		parts = append(parts, text)
	}
	if at := e.checkedAt(p); !at.IsZero() {
		parts = append(parts, "read "+ago(at, now), e.oldest(p))
	}
	return join(append(parts, e.source(p))...)
}

func sites(n int) string {
	if n == 1 {
		return "1 site"
	}
	return thousands(n) + " sites"
}

// thousands writes a number with its thousands set apart.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
