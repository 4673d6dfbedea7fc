package ui

import (
	tea "charm.land/bubbletea/v2"
)

// Risk says how much harm an action can do, and with it how it is confirmed.
type Risk int

// The four risks, in rising order.
const (
	// RiskRead changes nothing and asks nothing.
	RiskRead Risk = iota
	// RiskChange is easily repeated or undone: one line in the footer, or a dialog with OK focused.
	RiskChange
	// RiskDisrupt interrupts somebody's work: a dialog with Cancel focused.
	RiskDisrupt
	// RiskDestroy cannot be taken back: something has to be typed.
	RiskDestroy
)

// String is the word used in help, plans and audit lines.
func (r Risk) String() string {
	switch r {
	case RiskChange:
		return "change"
	case RiskDisrupt:
		return "disrupt"
	case RiskDestroy:
		return "destroy"
	default:
		return "read"
	}
}

// Arity says on how many rows an action works.
type Arity int

// The three arities.
const (
	// None needs no row.
	None Arity = iota
	// One works on the row under the cursor only.
	One
	// Many works on the marked rows, else on the row under the cursor.
	Many
)

// Spec is what is said about an action once and shown everywhere: key map, help, palette, hints, verbs, generated pages.
type Spec struct {
	// ID names the action in configuration, audit and tests: "endpoint.scan".
	ID string
	// Title is the short name in hints and palette: "scan".
	Title string
	// Help is one sentence for `?`.
	Help string
	// Keys are the default keys; [keys] in the configuration replaces them by ID.
	Keys []string
	// Arity and Risk as declared.
	Arity Arity
	Risk  Risk
	// Hint is the place among the footer hints; 0 keeps the action out of them.
	Hint int
	// Beside is the first word of the ids that the action can be reached together with, where that is not the first word of
	// its own: keys must not clash among them.
	Beside string
}

// Action is an action on rows of one resource.
type Action[T any] struct {
	Spec
	// Ready gives the reason why the action is not available for these rows, or "". Nil means always available.
	Ready func(Selection[T]) string
	// Do starts it: usually Propose, Push or Ask. It runs inside the update loop and must not block.
	Do func(Selection[T]) tea.Cmd
}

// Selection is what an action works on, frozen when the key was pressed.
type Selection[T any] struct {
	// Items are the chosen rows that the list holds, in display order.
	Items []*T
	// Keys are all chosen ids, those not in this list included.
	Keys []string
	// Hidden are the names of chosen rows that the list holds but its filter hides, HiddenKeys their ids.
	Hidden, HiddenKeys []string
	// Filter is the filter text in force.
	Filter string
	// Marked is true when the rows were marked, false when it is just the row under the cursor.
	Marked bool
}

// Command is an action of the shell or of a place, which needs no row.
type Command struct {
	Spec
	// Ready gives the reason why it is not available, or "". Nil means always available.
	Ready func() string
	// Do starts it; it must not block.
	Do func() tea.Cmd
	// section is where it belongs in the help.
	section section
	// keyless tells that its key is not in force where it is offered.
	keyless bool
}
