// Package form asks for a few values: one line each, a choice, a secret or some lines of text. It is the one door to
// the inputs of the bubbles library, of which only the editing is used; drawing is done here, because that
// library counts runes where a terminal counts cells.
package form

// Field is one question.
type Field struct {
	// ID names the value, Label is what the user reads before it.
	ID, Label string
	// Help is shown below the field while it has the focus, Placeholder in it while it is empty.
	Help, Placeholder string
	// Value is what it starts with.
	Value string
	// Secret hides the value and its length.
	Secret bool
	// Required refuses an empty value when the form is sent.
	Required bool
	// Options make it a choice; Value is one of them, else the first one is chosen.
	Options []string
	// Labels are what is shown for the options, in their order; without them the options themselves are shown.
	Labels []string
	// Multiline takes several lines.
	Multiline bool
	// Validate returns what is wrong with a value, or "". It is called while typing, so it must be quick.
	Validate func(string) string
	// Check returns what is wrong with a value in the light of all values, or "". It is called while typing, after every change of
	// any field, and for empty values too, so it takes the place of Required and Validate.
	Check func(value string, all map[string]string) string
}
