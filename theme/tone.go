package theme

// Tone is what a piece of text means. Screens name tones; only the theme knows which colours and attributes they become.
type Tone int

// The tones. None of them is the only carrier of a state: a word or a glyph always says the same.
const (
	// Plain is the terminal's own text.
	Plain Tone = iota
	// Muted is text that matters less: units, ages, hints.
	Muted
	// Good, Warn and Bad are the three outcomes; Info is a neutral notice.
	Good
	Warn
	Bad
	Info
	// Accent draws the eye without judging; Strong is emphasis in running text.
	Accent
	Strong
	// Changed is a table row that the last refresh changed, Marked one that the user marked.
	Changed
	Marked
	// Key is the name of a key in a hint.
	Key
	// Title heads a pane or a dialog, Heading the columns of a table, Section a block of fields.
	Title
	Heading
	Section
	// Header and Footer are the standing lines at the top and the bottom.
	Header
	Footer
	// Crumb is a step of the breadcrumbs, CrumbLast the step the user is on.
	Crumb
	CrumbLast
	// Selected is the row under the cursor, SelectedIdle the same in a pane without focus.
	Selected
	SelectedIdle
	// Border is the frame of a box, BorderFocus that of the box with the focus.
	Border
	BorderFocus
	// Badge is a word in a box of its own (DEMO), BadgeWarn one that must be noticed (READ-ONLY), BadgeBad one that must be obeyed.
	Badge
	BadgeWarn
	BadgeBad
	// Label names an input, Input is what was typed, Placeholder stands in an empty one, Cursor is the cell of the text cursor.
	Label
	Input
	Placeholder
	Cursor
	// Error is a fault in place, beside what caused it.
	Error
	// Match is the part of a text that a search found.
	Match
	// Disabled is an action that is not available, with its reason.
	Disabled
	// Button is a choice of a dialog, ButtonFocus the one that Enter takes, ButtonDanger that one when it does harm.
	Button
	ButtonFocus
	ButtonDanger

	toneCount
)

// Tones returns all tones in order of declaration.
func Tones() []Tone {
	all := make([]Tone, 0, toneCount)
	for t := Plain; t < toneCount; t++ {
		all = append(all, t)
	}
	return all
}

func (t Tone) valid() bool { return t >= Plain && t < toneCount }
