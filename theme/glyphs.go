package theme

import "fmt"

// Glyphs are the signs that are drawn. Every sign is one cell wide, needs no special font and is nothing
// that a screen reader spells out at length, such as a Braille pattern.
type Glyphs struct {
	// Name is "ascii" or "unicode".
	Name string
	// Mark stands before a marked row, Cursor before the selected one, Changed before one that the last refresh changed.
	Mark, Cursor, Changed string
	// Up and Down show the order of a column and that there is more above or below; Left and Right that there is more aside.
	Up, Down, Left, Right string
	// Ellipsis ends a text that was cut.
	Ellipsis string
	// H and V are the edges of a box, TL, TR, BL and BR its corners.
	H, V, TL, TR, BL, BR string
	// Tick is a success, Cross a failure, Dot something still to do, Run something under way, Warn something to look at.
	Tick, Cross, Dot, Run, Warn string
	// BarFull and BarEmpty make a progress bar.
	BarFull, BarEmpty string
	// Mask stands for each of a fixed number of places of a secret.
	Mask string
	// Dash stands for an empty value.
	Dash string
	// Spinner are the frames of a wait; show at most four a second.
	Spinner []string
	// Sep stands between two breadcrumbs, blanks included.
	Sep string
}

// newGlyphs returns the set of that name; "" means "ascii".
func newGlyphs(name string) (Glyphs, error) {
	switch name {
	case "", "ascii":
		return Glyphs{
			Name: "ascii", Mark: "*", Cursor: ">", Changed: "~",
			Up: "^", Down: "v", Left: "<", Right: ">", Ellipsis: "~",
			H: "-", V: "|", TL: "+", TR: "+", BL: "+", BR: "+",
			Tick: "+", Cross: "x", Dot: ".", Run: ">", Warn: "!",
			BarFull: "#", BarEmpty: ".", Mask: "*", Dash: "-",
			Spinner: []string{"|", "/", "-", "\\"}, Sep: " > ",
		}, nil
	case "unicode":
		return Glyphs{
			Name: "unicode", Mark: "✓", Cursor: "›", Changed: "~",
			Up: "↑", Down: "↓", Left: "‹", Right: "›", Ellipsis: "…",
			H: "─", V: "│", TL: "╭", TR: "╮", BL: "╰", BR: "╯",
			Tick: "✓", Cross: "✗", Dot: "·", Run: "»", Warn: "!",
			BarFull: "█", BarEmpty: "░", Mask: "•", Dash: "–",
			Spinner: []string{"|", "/", "-", "\\"}, Sep: " › ",
		}, nil
	default:
		return Glyphs{}, fmt.Errorf("unknown glyphs %q: there are ascii and unicode", name)
	}
}
