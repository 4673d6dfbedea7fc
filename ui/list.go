package ui

import (
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table"
)

// List is the screen of a Resource: a table with its filter line and a status line. It is made by NewList.
type List[T any, K ~string] struct {
	id    ScreenID
	e     *env
	res   Resource[T, K]
	rows  *table.Rows[T, K]
	view  table.View[T, K]
	scope string

	in        entry
	filtering bool
	filter    string
	fault     string

	load  loading
	live  following
	front bool
	// want is the row to stand on once it has come, restored from the last session.
	want string
	// rested is the row that Moved was told of last.
	rested     string
	restedOnce bool
	markedOnly bool
	// sorting is the order that is being worked out, nil when none is.
	sorting *table.Reorder[T, K]
	// bodyY is the line of the last View on which the table begins, and width how many cells that had.
	bodyY, width int
	// filterRoom is how many cells the filter had in the last View.
	filterRoom int
	focus      bool
	main       bool
}

// NewList makes the list screen of a resource.
func NewList[T any, K ~string](r Resource[T, K]) *List[T, K] {
	l := &List[T, K]{id: NewID(), res: r, rows: table.NewRows(r.Key, r.Columns, r.Marks), focus: true}
	l.rows.SetSort(r.Sort)
	return l
}

// SetScope narrows the list to rows that keep accepts and says so with the label; a nil keep shows all. It belongs into the update
// loop.
func (l *List[T, K]) SetScope(label string, keep func(*T) bool) {
	l.scope = label
	l.rows.SetScope(keep)
}

// Main makes the list the main one among panes: it has the keys at first and the larger part of the room.
func (l *List[T, K]) Main() *List[T, K] { l.main = true; return l }

func (l *List[T, K]) isMain() bool { return l.main }

// Rows is the table's content. It belongs into the update loop.
func (l *List[T, K]) Rows() *table.Rows[T, K] { return l.rows }

// ID implements Screen.
func (l *List[T, K]) ID() ScreenID { return l.id }

// Title implements Screen.
func (l *List[T, K]) Title() string { return l.res.Title }

// Path implements Pather.
func (l *List[T, K]) Path() string { return l.res.Path }

// Generation implements Generational.
func (l *List[T, K]) Generation() uint64 { return l.load.gen }

// Capturing implements Capturer: true while the filter is typed.
func (l *List[T, K]) Capturing() bool { return l.filtering }

func (l *List[T, K]) markCount() int { return l.rows.Marks().Len() }

// setFocus is how a parent tells whether the list has the keys among its panes.
func (l *List[T, K]) setFocus(on bool) { l.focus = on }

func (l *List[T, K]) attach(e *env) {
	l.e = e
	if l.res.Marks != nil && l.res.Kind != "" {
		e.marked[l.res.Kind] = l.res.Marks.Len
	}
	st, ok := e.lists[l.stateKey()]
	if !ok {
		return
	}
	if keys := parseSort(st.Sort, l.res.Columns); len(keys) > 0 {
		l.rows.SetSort(keys)
	}
	if len(st.Columns) > 0 {
		l.view.SetColumns(st.Columns)
	}
	l.want = st.Cursor
	if st.Filter != "" {
		l.in.set(st.Filter)
		l.applyFilter(st.Filter)
	}
}

// Init implements Screen: it starts loading.
func (l *List[T, K]) Init() tea.Cmd {
	l.front = true
	if l.res.Live != nil {
		return l.follow()
	}
	return l.Reload()
}

// Close implements Closer: it ends what loads.
func (l *List[T, K]) Close() {
	l.live.wait.end()
	l.load.stop()
	if l.live.cancel != nil {
		l.live.cancel()
	}
}

// Back implements Backer: it clears the filter; marks are left alone.
func (l *List[T, K]) Back() bool {
	switch {
	case l.in.String() != "" || l.filter != "":
		l.clearFilter()
		return true
	case l.rows.RangeOn():
		l.rows.Range(false)
		return true
	}
	return false
}

// Update implements Screen.
func (l *List[T, K]) Update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case pagesMsg[T]:
		return l.received(m)
	case dueMsg:
		return l.due(m)
	case deltaMsg[T]:
		return l.mergedDelta(m)
	case moreRowsMsg:
		return l.moreRows(m)
	case refreshedMsg:
		return l.refreshed(m)
	case restMsg:
		return l.rest(m)
	case orderMsg[T, K]:
		return l.ordered(m)
	case tea.KeyPressMsg:
		if l.filtering && l.in.key(m) {
			l.typed()
			return l.moved()
		}
	case tea.PasteMsg:
		if l.filtering && l.in.insert(m.Content) {
			l.typed()
			return l.moved()
		}
	}
	return nil
}

// typed puts the filter in force that stands on the line. What it finds is shown from the first row: with the cursor where it was, the
// rows above it would be out of sight.
func (l *List[T, K]) typed() {
	l.applyFilter(l.in.String())
	if l.fault == "" && l.filter != "" {
		l.rows.Top()
	}
}

// applyFilter puts a filter in force. A wrong one is shown as such, and the last right one stays.
func (l *List[T, K]) applyFilter(expr string) {
	if strings.TrimSpace(expr) == "" {
		l.fault, l.filter = "", ""
		l.rows.SetFilter(nil)
		return
	}
	keep, err := l.compile(expr)
	if err != nil {
		l.fault = clean(err.Error())
		return
	}
	l.fault, l.filter = "", expr
	l.rows.SetFilter(keep)
}

func (l *List[T, K]) compile(expr string) (func(*T) bool, error) {
	if l.res.Filter != nil {
		return l.res.Filter(expr)
	}
	words := strings.Fields(strings.ToLower(expr))
	text := l.res.Search
	if text == nil {
		text = func(row *T) string { return strings.Join(l.cells(row), " ") }
	}
	return func(row *T) bool {
		hay := strings.ToLower(text(row))
		for _, w := range words {
			if !strings.Contains(hay, w) {
				return false
			}
		}
		return true
	}, nil
}

func (l *List[T, K]) clearFilter() {
	l.in.set("")
	l.filtering = false
	l.applyFilter("")
}

func (l *List[T, K]) cells(row *T) []string {
	out := make([]string, 0, len(l.res.Columns))
	for i := range l.res.Columns {
		out = append(out, l.res.Columns[i].Text(row))
	}
	return out
}

// restMsg comes when the cursor may have come to rest on a row.
type restMsg struct{ key string }

// restAfter is how long the cursor has to stay on a row before Moved is told.
const restAfter = 120 * time.Millisecond

// moved asks for Moved to be told once the cursor stays where it is now.
func (l *List[T, K]) moved() tea.Cmd {
	key := string(l.rows.CursorKey())
	if l.res.Moved == nil || l.restedOnce && key == l.rested {
		return nil
	}
	return after(restAfter, To{Screen: l.id, Msg: restMsg{key}})
}

func (l *List[T, K]) rest(m restMsg) tea.Cmd {
	row := l.rows.Cursor()
	if string(l.rows.CursorKey()) != m.key || row == nil || l.restedOnce && m.key == l.rested {
		return nil
	}
	l.rested, l.restedOnce = m.key, true
	return l.res.Moved(row)
}

func (l *List[T, K]) stateKey() string {
	if l.res.Path != "" {
		return l.res.Path
	}
	return l.res.Kind
}

func (l *List[T, K]) state() ListState {
	st := ListState{Filter: l.filter, Columns: l.view.Columns(), Cursor: string(l.rows.CursorKey())}
	if st.Cursor == "" {
		st.Cursor = l.want
	}
	if keys := l.sortKeys(); !slices.Equal(keys, l.res.Sort) {
		st.Sort = formatSort(keys)
	}
	return st
}

// View implements Screen.
func (l *List[T, K]) View(w, h int) string {
	if l.e == nil || w < 1 || h < 1 {
		return blank(h)
	}
	th := l.e.th
	var lines []string
	if l.filtering || l.in.String() != "" {
		lines = append(lines, l.filterLine(w))
	}
	l.bodyY, l.width = len(lines), w
	room := h - len(lines)
	status := room >= 3
	if status {
		room--
	}
	switch {
	case room <= 0:
	case l.rows.Len() == 0:
		lines = append(lines, l.emptyLines(w, room)...)
	default:
		lines = append(lines, l.view.Render(l.rows, th, w, room, l.focus)...)
	}
	if status {
		for len(lines) < h-1 {
			lines = append(lines, "")
		}
		lines = append(lines, l.statusLine(w))
	}
	return joinLines(lines, h)
}

// fills is how many lines all rows take, with what stands above and below them. It does not change while a filter is typed.
func (l *List[T, K]) fills(w int) int {
	lines := 1 + l.rows.Total()
	if l.rows.Total() == 0 {
		lines = len(l.emptyLines(w, paneMinH))
	}
	lines = max(lines+1, 3) // with less there is no line for the state
	if l.filtering || l.in.String() != "" {
		lines++
	}
	return lines
}

// Cursor implements Cursorer: on the filter while it is typed, else on the selected row.
func (l *List[T, K]) Cursor() (int, int, bool) {
	if l.filtering {
		_, x := l.in.view(theme.Theme{}, max(l.filterRoom, 1), "")
		return x + 2, 0, true
	}
	if l.rows.Len() == 0 {
		return 0, 0, false
	}
	line, ok := l.view.CursorLine()
	return 0, l.bodyY + line, ok
}

// Wheel implements Pointer.
func (l *List[T, K]) Wheel(delta int) tea.Cmd {
	l.rows.Move(delta)
	return l.moved()
}

// Click implements Pointer: it selects the row.
func (l *List[T, K]) Click(_, y int) tea.Cmd {
	if i, ok := l.view.RowAt(y - l.bodyY); ok {
		l.rows.JumpTo(i)
	}
	return l.moved()
}
