package views

import (
	"context"
	"fmt"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity/fleet"
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

// numbers counts what the picture shows, for the board of the first screen.
func (e *Env) numbers(ctx context.Context) ([]ui.Tile, string) {
	p := e.Fleet.Current()
	now := e.now()
	n, counts := e.counted(ctx, p, now)
	over, ending := 0, 0
	for i := range p.Sites {
		if fleet.Over(&p.Sites[i]) > 0 {
			over++
		}
		if endingSoon(&p.Sites[i], now) {
			ending++
		}
	}
	var tiles []ui.Tile
	for _, v := range fleetViews() {
		t := ui.Tile{Key: v.name, Label: v.key, Name: v.title, Open: func() tea.Cmd { return ui.PushLike("fleet/", e.fleetScreen(v)) }}
		switch v.name {
		case "seats":
			t.Value, t.Part, t.Whole, t.Tone = thousands(over), over, len(p.Sites), warnIf(over)
		case "seen-deactivated":
			k := counts[v.class]
			t.Name, t.Value, t.Part, t.Whole, t.Tone = "deactivated, seen", thousands(k), k, n.Machines, warnIf(k)
		case "ending":
			t.Name, t.Value, t.Part, t.Whole, t.Tone = "licences ending", thousands(ending), ending, len(p.Sites), warnIf(ending)
		case "all":
			t.Value, t.Tone = thousands(n.Machines), theme.Strong
		default:
			k := counts[v.class]
			t.Value, t.Part, t.Whole, t.Tone = thousands(k), k, n.Machines, warnIf(k)
			if v.class == picture.Infected && k > 0 {
				t.Tone = theme.Bad
			}
		}
		if blank(p) {
			t.Value, t.Whole, t.Tone = "?", 0, theme.Muted
		}
		tiles = append(tiles, t)
	}
	return append(tiles, e.moreTiles(p, n)...), e.standing(p, now)
}

// tally are the numbers of a picture at a time.
type tally struct {
	of      *picture.Picture
	at      time.Time
	counts  picture.Counts
	classes map[picture.Class]int
}

// counted counts a picture, once a minute at most while it stays the same.
func (e *Env) counted(ctx context.Context, p *picture.Picture, now time.Time) (picture.Counts, map[picture.Class]int) {
	e.mu.Lock()
	last := e.tally
	e.mu.Unlock()
	if last.of == p && now.Sub(last.at) < againAfter {
		return last.counts, last.classes
	}
	t := tally{of: p, at: now, counts: p.Counts(now, e.StaleAfter), classes: map[picture.Class]int{}}
	for _, c := range picture.Classes() {
		t.classes[c] = p.Class(ctx, c, now, e.StaleAfter).Len()
	}
	if ctx.Err() == nil {
		e.mu.Lock()
		e.tally = t
		e.mu.Unlock()
	}
	return t.counts, t.classes
}

func warnIf(n int) theme.Tone {
	if n > 0 {
		return theme.Warn
	}
	return theme.Good
}

// moreTiles are the numbers that have no view of their own.
func (e *Env) moreTiles(p *picture.Picture, n picture.Counts) []ui.Tile {
	where := func(name, expr string) func() tea.Cmd {
		return func() tea.Cmd {
			return ui.PushLike("view/", e.savedScreen(SavedView{Name: name, Where: expr}))
		}
	}
	ok := n.ByState[fleet.StateOK]
	tiles := []ui.Tile{
		{Key: "ok", Name: "machines ok", Value: thousands(ok), Part: ok, Whole: n.Machines, Tone: theme.Good, Open: where("ok", "status:ok")},
		{Key: "gone", Name: "deactivated", Value: thousands(n.Machines - n.Active), Part: n.Machines - n.Active, Whole: n.Machines,
			Tone: theme.Muted, Open: where("deactivated", "status:deactivated")},
		{Key: "unjoined", Name: "without a report", Value: thousands(n.Unjoined), Part: n.Unjoined, Whole: n.Machines, Tone: theme.Muted,
			Open: func() tea.Cmd { return ui.PushLike("view/", e.unreportedScreen()) }},
		{Key: "seats-used", Name: "seats used", Value: thousands(int(n.Used)) + "/" + thousands(int(n.Seats)), Part: int(n.Used), Whole: int(n.Seats), Tone: theme.Plain,
			Open: func() tea.Cmd { return ui.PushLike("usage", ui.NewList(e.Usage())) }},
		e.changesTile(), e.underWayTile(),
		{Key: "customers", Label: "F", Name: "favourites", Value: thousands(len(e.Book.Book().Favourites)), Tone: theme.Plain, Open: e.customers},
	}
	if failed := len(p.Failed); failed > 0 {
		tiles = append(tiles, ui.Tile{Key: "failed", Name: "sites not read", Value: thousands(failed), Part: failed, Whole: len(p.Sites), Tone: theme.Bad,
			Open: func() tea.Cmd { return ui.Push(ui.NewText("What is missing", e.missingText())) }})
	}
	return tiles
}

// unreportedScreen lists the active machines without an agent's report.
func (e *Env) unreportedScreen() ui.Screen {
	r := e.rows("Without a report", "", &feed{choose: func(context.Context, *picture.Picture, time.Time) members {
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
	parts := []string{sites(len(p.Sites)), e.progress()}
	if p.Total > 0 && p.Done < p.Total && !p.Stale && e.progress() == "" {
		parts = append(parts, fmt.Sprintf("%d of %d sites read", p.Done, p.Total))
	}
	if len(p.Failed) > 0 {
		parts = append(parts, fmt.Sprintf("%d sites failed", len(p.Failed)))
	}
	if reason := e.offline(); reason != "" {
		parts = append(parts, "offline")
	}
	if !p.ReadAt.IsZero() {
		parts = append(parts, "read "+ago(p.ReadAt, now))
	}
	if at := e.Fleet.State().LastDelta; at.Sub(p.ReadAt) > time.Minute {
		parts = append(parts, "changes read "+ago(at, now))
	}
	return join(append(parts, source(p))...)
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
