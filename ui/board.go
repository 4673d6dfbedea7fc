package ui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/unitty/unitty/theme"
)

// Tile is a number of a Board, with what is behind it.
type Tile struct {
	// Key keeps the cursor on its tile, Name says what is counted, Label is the key that opens it from anywhere, if any.
	Key, Name, Label string
	// Value is the number or the words; "" is shown as a dash.
	Value string
	// Part of Whole is drawn as a bar where there is room; Whole 0 draws none.
	Part, Whole int
	Tone        theme.Tone
	// Open shows what is behind the number; nil means nothing is.
	Open func() tea.Cmd
}

// Board describes a screen of numbers.
type Board struct {
	Title string
	// Read gives the numbers and one line on their source and age. It runs off the update loop.
	Read func(ctx context.Context) (tiles []Tile, line string)
	// Changed gives a channel that is closed as soon as the numbers may differ; nil means never.
	Changed func() <-chan struct{}
}

// What a tile needs, and how often the numbers are looked at: when they change, soon at first and then ever less often, and for their
// ages.
const (
	tileMinW   = 25
	boardSoon  = 100 * time.Millisecond
	boardPace  = time.Second
	boardEvery = 20 * time.Second
	barCells   = 8
	// tileGap is how many blanks stand between two columns of tiles: a value must not look like the key of the tile beside it.
	tileGap = 3
	// wideLines is how many lines tiles with bars may take.
	wideLines = 6
)

// board is the screen of a Board. Above other screens it takes only as many lines as it needs.
type board struct {
	id     ScreenID
	e      *env
	spec   Board
	tiles  []Tile
	line   string
	cursor string
	focus  bool
	front  bool
	// reading is true while the numbers are worked out.
	reading bool
	wait    vigil
	// ticking is true while the clock for the ages among the numbers runs.
	ticking bool
	last    time.Time
	pace    time.Duration
	// cols and rows are how the tiles were laid out last, each of them cell wide, from the row top on.
	cols, rows, cell, top int
}

type (
	tilesMsg struct {
		tiles []Tile
		line  string
		more  <-chan struct{}
		took  time.Duration
	}
	tilesDueMsg  struct{ wait uint64 }
	tilesTickMsg struct{}
	// shellMsg asks for a command of the shell by its id.
	shellMsg struct{ id string }
)

// NewBoard makes the screen of a board. It is the upper one of two panes, or a screen of its own.
func NewBoard(b Board) Screen { return &board{id: NewID(), spec: b} }

func (b *board) ID() ScreenID     { return b.id }
func (b *board) attach(e *env)    { b.e = e }
func (b *board) setFocus(on bool) { b.focus = on }

func (b *board) Title() string {
	if b.line == "" {
		return b.spec.Title
	}
	return b.spec.Title + " · " + b.line
}

func (b *board) Init() tea.Cmd {
	b.front = true
	return b.read()
}

// Reload works the numbers out again.
func (b *board) Reload() tea.Cmd { return b.read() }

// Depends is false: the numbers follow Changed.
func (b *board) Depends(string) bool { return false }

func (b *board) Reveal(front bool) tea.Cmd {
	b.front = front
	if front {
		return b.read() // not all that it counts tells of its changes
	}
	return nil
}

func (b *board) read() tea.Cmd {
	if b.reading || b.e == nil {
		return nil
	}
	b.reading, b.last = true, b.e.now()
	b.wait.end()
	ctx, id, spec := b.e.ctx, b.id, b.spec
	return func() tea.Msg {
		var more <-chan struct{}
		if spec.Changed != nil {
			more = spec.Changed() // before the read, so that nothing falls between the two
		}
		start := time.Now()
		tiles, line := spec.Read(ctx)
		return To{Screen: id, Msg: tilesMsg{tiles, line, more, time.Since(start)}}
	}
}

func (b *board) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tilesMsg:
		b.tiles, b.line, b.reading = m.tiles, m.line, false
		b.pace = max(min(max(boardSoon, 2*b.pace), boardPace), shareOfTime*m.took)
		return b.await(m.more)
	case tilesTickMsg:
		b.ticking = false
		if b.front {
			return b.read()
		}
	case tilesDueMsg:
		switch wait := b.pace - b.e.now().Sub(b.last); {
		case m.wait != b.wait.n:
			return nil
		case !b.front:
			return nil // Reveal reads
		case wait > 0:
			return after(wait, To{Screen: b.id, Msg: m})
		}
		return b.read()
	}
	return nil
}

// await has the numbers read again when they change, and after a while for the ages among them.
func (b *board) await(more <-chan struct{}) tea.Cmd {
	b.wait.end()
	var cmds []tea.Cmd
	if !b.ticking { // one clock, however often the numbers change
		b.ticking = true
		cmds = append(cmds, after(boardEvery, To{Screen: b.id, Msg: tilesTickMsg{}}))
	}
	if more != nil {
		cmds = append(cmds, b.wait.news(b.e.ctx, more, To{Screen: b.id, Msg: tilesDueMsg{b.wait.n}}))
	}
	return tea.Batch(cmds...)
}

// Close implements Closer: nothing is waited for any more.
func (b *board) Close() { b.wait.end() }

// all are the tiles with those that the shell itself knows of.
func (b *board) all() []Tile {
	if b.e == nil || b.e.auth == nil {
		return b.tiles
	}
	return append(append([]Tile{}, b.tiles...), b.e.jobsTile(), b.e.authTile())
}

// jobsTile says what is being sent.
func (e *env) jobsTile() Tile {
	t := Tile{Key: "shell/jobs", Name: "jobs under way", Label: e.keys.label(e.keys.builtin("app.jobs")), Value: "0", Tone: theme.Muted,
		Open: func() tea.Cmd { return send(shellMsg{"app.jobs"}) }}
	if jobs, machines := e.live(); jobs > 0 {
		t.Value, t.Tone = group(jobs), theme.Info
		if machines > 0 {
			t.Value += " (" + plural(machines, "machine", "machines") + ")"
		}
	}
	return t
}

// authTile says how the sign-in is.
func (e *env) authTile() Tile {
	a := e.auth()
	t := Tile{Key: "shell/token", Name: "token", Label: e.keys.label(e.keys.builtin("app.signin")), Value: a.State, Tone: a.Level.tone(),
		Open: func() tea.Cmd { return send(shellMsg{"app.signin"}) }}
	if !a.AccessUntil.IsZero() && !a.Needed {
		t.Value = left(a.AccessUntil.Sub(e.now()))
	}
	return t
}

// at is the place of the cursor among the tiles.
func (b *board) at(tiles []Tile) int {
	for i, t := range tiles {
		if t.Key == b.cursor {
			return i
		}
	}
	return 0
}

func (b *board) move(by int) tea.Cmd {
	tiles := b.all()
	if len(tiles) > 0 {
		b.cursor = tiles[min(max(b.at(tiles)+by, 0), len(tiles)-1)].Key
	}
	return nil
}

// Commands implements Actor.
func (b *board) Commands() []Command {
	if b.e == nil {
		return nil
	}
	do := func(id string, by int) Command { return b.e.command(id, func() tea.Cmd { return b.move(by) }) }
	chosen := func() Tile {
		if tiles := b.all(); len(tiles) > 0 {
			return tiles[b.at(tiles)]
		}
		return Tile{}
	}
	var out []Command
	// A side on which there is no column is left to what its key means elsewhere: to open, and to go back.
	if tiles := b.all(); b.rows > 0 && (b.at(tiles)/b.rows+1)*b.rows < len(tiles) {
		out = append(out, do("board.right", b.rows))
	}
	if b.rows > 0 && b.at(b.all()) >= b.rows {
		out = append(out, do("board.left", -b.rows))
	}
	out = append(out,
		b.e.guarded("table.open", func() string {
			if chosen().Open == nil {
				return "there is nothing behind it"
			}
			return ""
		}, func() tea.Cmd { return chosen().Open() }),
	)
	return append(out, moves(b.e, "table", func() int { return b.rows }, b.move)...)
}

// tileGrid divides the room among n tiles: wide ones with bars where few lines do for that, else narrow ones.
func tileGrid(n, w int) (cols, rows int) {
	lines := func(least int) int {
		cols := max(w/least, 1)
		return (n + cols - 1) / cols
	}
	rows = lines(tileMinW)
	if wide := lines(tileMinW + barCells + 2); wide <= wideLines {
		rows = wide
	}
	return (n + rows - 1) / max(rows, 1), rows
}

// bannerLines implements banner: all tiles, if what is below keeps room enough.
func (b *board) bannerLines(w, h int) int {
	if b.e == nil {
		return 0
	}
	_, rows := tileGrid(len(b.all()), w)
	if h-rows-2 < paneMinH {
		return 0
	}
	return rows
}

// View implements Screen.
func (b *board) View(w, h int) string {
	if b.e == nil || w < 1 || h < 1 {
		return blank(h)
	}
	tiles := b.all()
	if len(tiles) == 0 {
		return blank(h)
	}
	b.cols, b.rows = tileGrid(len(tiles), w)
	at := b.at(tiles)
	b.cell, b.top = w/b.cols, min(max(at%b.rows-h+1, 0), max(b.rows-h, 0))
	var lines []string
	for y := b.top; y < b.rows && len(lines) < h; y++ {
		line := ""
		for x := range b.cols {
			if i := x*b.rows + y; i < len(tiles) {
				line += b.tile(tiles[i], b.cell, b.focus && i == at)
			}
		}
		lines = append(lines, line)
	}
	return joinLines(lines, h)
}

// tile draws one number in exactly w cells: its key, its name, the number and, where there is room, how much of all it is.
func (b *board) tile(t Tile, w int, selected bool) string {
	th := b.e.th
	withBar := t.Whole > 0 && w >= tileMinW+barCells+2
	w = max(w-tileGap, 1)
	value := clean(t.Value)
	if value == "" {
		value = th.Glyphs.Dash
	}
	name := clean(t.Name)
	if t.Label != "" {
		name = t.Label + " " + name
	}
	bar, gap := "", strings.Repeat(" ", tileGap)
	if withBar {
		n := min((t.Part*barCells+t.Whole-1)/t.Whole, barCells)
		bar = " " + strings.Repeat(th.Glyphs.BarFull, n) + strings.Repeat(th.Glyphs.BarEmpty, barCells-n)
	}
	room := w - ansi.StringWidth(bar)
	if short, _, more := strings.Cut(value, ", "); more && ansi.StringWidth(name)+1+ansi.StringWidth(value) > room {
		value = short // the name tells more than what is added to the number
	}
	value = ansi.Truncate(value, max(room-4, 1), th.Glyphs.Ellipsis)
	name = fit(name, max(room-ansi.StringWidth(value)-1, 0), th.Glyphs.Ellipsis)
	if selected {
		return th.Paint(theme.Selected, fit(name+" "+value+bar, w, "")) + gap
	}
	return fit(th.Paint(theme.Muted, name)+" "+th.Paint(t.Tone, value)+th.Paint(t.Tone, bar), w, "") + gap
}

// Cursor implements Cursorer.
func (b *board) Cursor() (int, int, bool) {
	tiles := b.all()
	if b.rows == 0 || len(tiles) == 0 {
		return 0, 0, false
	}
	at := b.at(tiles)
	return at / b.rows * b.cell, at%b.rows - b.top, true
}

// Wheel implements Pointer.
func (b *board) Wheel(delta int) tea.Cmd { return b.move(delta) }

// Click implements Pointer: it chooses the tile, and opens it when it was chosen already.
func (b *board) Click(x, y int) tea.Cmd {
	tiles := b.all()
	if b.rows == 0 || b.cell == 0 {
		return nil
	}
	i := x/b.cell*b.rows + y + b.top
	if y+b.top >= b.rows || i >= len(tiles) {
		return nil
	}
	if tiles[i].Key == b.cursor && tiles[i].Open != nil {
		return tiles[i].Open()
	}
	b.cursor = tiles[i].Key
	return nil
}

// machines counts the jobs that are being sent and the machines they have not reached yet.
func (s *jobs) machines() (running, waiting int) {
	live := s.live()
	for _, j := range live {
		waiting += j.job.Count(Waiting) + j.job.Count(Running)
	}
	return len(live), waiting
}
