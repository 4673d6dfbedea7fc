package ui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui/table"
)

// Page is a part of a list as it arrives.
type Page[T any] struct {
	// Items are new or newer rows; a row whose key is already there replaces it.
	Items []*T
	// Total is how many rows the server says there are, or -1 when it does not say.
	Total int
	// Problems name what is missing from the list ("Harbour Dental: 504 gateway time-out").
	Problems []string
	// Notes are remarks on rows that are there ("6 of 47 machines have no agent status").
	Notes []string
	// Age is when the data was read from the server; zero means now.
	Age time.Time
	// Progress is a line shown while loading ("searched 12 of 40 sites").
	Progress string
}

// Field is a line of a detail view.
type Field struct {
	// Section starts a new block when it differs from that of the field before.
	Section string
	Name    string
	// Value is sanitised text; "" is shown as a dash.
	Value string
	Tone  theme.Tone
	// Copy is what `y` copies; "" means Value.
	Copy string
}

// Resource describes a kind of rows: the whole of a list screen as data.
type Resource[T any, K ~string] struct {
	// Kind names the resource in actions, configuration and file names: "endpoint".
	Kind string
	// Title is the breadcrumb.
	Title string
	// Path rebuilds the screen in a later session; "" means it is not restored.
	Path string
	// Key is the row's identity and Name what a person calls it.
	Key  func(*T) K
	Name func(*T) string

	Columns []table.Column[T]
	// Sort is the order in force at first.
	Sort []table.SortKey
	// Search is the text that a bare word of the filter looks in; nil means all columns.
	Search func(*T) string
	// Filter compiles a filter expression; nil means substring over Search. An error is shown in place, with its column.
	Filter func(expr string) (func(*T) bool, error)
	// Aside is said in the status line while a filter is in force: what it could not decide on; nil says nothing.
	Aside func() string
	// Complete proposes completions of the filter text; nil means none.
	Complete func(expr string) []string

	// Load reads the list and emits pages as they come. It runs off the update loop and ends with ctx.
	// The list is complete when it returns nil; rows that were not emitted are then gone.
	Load func(ctx context.Context, emit func(Page[T])) error
	// Live replaces Load and Every for rows that are kept current elsewhere.
	Live *Live[T]
	// Every is the refresh interval, shown in the status line; 0 means by hand only.
	Every time.Duration
	// Depends are invalidation keys; one of them reloads the list.
	Depends []string

	// Enter is what `enter` does on a row.
	Enter func(*T) tea.Cmd
	// Moved is called inside the update loop when the cursor comes to rest on another row; it must not block.
	Moved func(*T) tea.Cmd
	// Detail are the fields of the detail view; its first call may be extended by More.
	Detail func(*T) []Field
	// More loads what the list does not carry; it runs off the update loop.
	More func(ctx context.Context, row *T) ([]Field, error)
	// Raw is the row as the API sent it, for the raw view and JSON export; nil means none.
	Raw func(*T) []byte

	// Copy is what `y` copies at once, with what it is called; "" lets it ask what to copy. Nil always asks.
	Copy func(*T) (label, text string)

	// Marks is the set shared by all lists of this kind; nil gives the list its own.
	Marks *table.Marks[K]
	// Actions work on rows, besides those every list has.
	Actions []Action[T]
	// Empty is shown when there is nothing; it says why or what to do.
	Empty string
}
