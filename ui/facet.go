package ui

import tea "charm.land/bubbletea/v2"

// The interfaces of this file are extras a Screen may have. The shell asks for each of them by itself.

// Actor offers what can be done here and now: hints, help, palette and keys come from it.
type Actor interface{ Commands() []Command }

// Capturer says whether an entry owns the keys. While it does, printable keys and pastes go to Update unseen.
type Capturer interface{ Capturing() bool }

// Backer lets a screen use "back" for itself, for instance to clear a filter. It returns false when it has no use for it.
type Backer interface{ Back() bool }

// Closer is told when its screen leaves the stack for good; it ends what runs.
type Closer interface{ Close() }

// Reloader can read its data again.
type Reloader interface {
	// Reload starts reading again.
	Reload() tea.Cmd
	// Depends says whether the data depends on that invalidation key.
	Depends(key string) bool
}

// Stopper can stop what it is loading. It returns false when nothing was running.
type Stopper interface{ Stop() bool }

// Generational counts its questions; results of older generations are dropped.
type Generational interface{ Generation() uint64 }

// Parent has further screens inside, to which messages can be addressed.
type Parent interface{ Children() []Screen }

// Pather names the path from which Config.Restore makes the screen again.
type Pather interface{ Path() string }

// Cursorer says where the real cursor belongs, in cells from the upper left corner of the last View.
type Cursorer interface {
	Cursor() (x, y int, ok bool)
}

// Revealer is told when its screen comes to the front or is covered, by another screen, an overlay or another window.
type Revealer interface{ Reveal(front bool) tea.Cmd }

// Pointer takes part in mouse reports when the mouse is on.
type Pointer interface {
	Wheel(delta int) tea.Cmd
	// Click gets cells from the upper left corner of the last View.
	Click(x, y int) tea.Cmd
}

// attacher is a screen that needs the shell's surroundings; they are given before Init.
type attacher interface{ attach(*env) }

// stateful is a list with something to remember between sessions.
type stateful interface {
	stateKey() string
	state() ListState
}

// counter tells the header how many rows are marked.
type counter interface{ markCount() int }
