package ui

import (
	tea "charm.land/bubbletea/v2"
)

// ScreenID identifies one screen while the program runs. Results carry it, so that a late one never lands on another screen.
type ScreenID uint64

// Screen is a place in the stack. The stack owns the value; all methods run inside the update loop.
type Screen interface {
	// ID is given once and never changes.
	ID() ScreenID
	// Title is the breadcrumb.
	Title() string
	// Init starts loading. It is called once, when the screen is pushed.
	Init() tea.Cmd
	// Update handles a message that is addressed to this screen, and the broadcasts.
	Update(tea.Msg) tea.Cmd
	// View draws exactly h lines of at most w cells.
	View(w, h int) string
}
