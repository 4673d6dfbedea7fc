package ptytest

import "fmt"

// The colours of the picture's terminal where the program asks for none.
const (
	svgForeground = "#d7dae0"
	svgBackground = "#16181d"
)

// basicColour returns the picture's rendering of one of the 16 colours a terminal theme defines. The values keep a
// contrast of at least 4.5 to 1 against the background, but for black.
func basicColour(i uint8) string {
	return [16]string{
		"#2b2f37", "#f07178", "#8ccf7e", "#e5c76b", "#71a7f0", "#c792ea", "#6cbfbf", "#c8ccd4",
		"#7d8590", "#ff8b92", "#a5e696", "#f7dc8a", "#8fbdff", "#d9acf5", "#86d9d9", "#ffffff",
	}[i&15]
}

// hexColour returns a colour as #rrggbb, or fallback for the terminal's own.
func hexColour(c Color, fallback string) string {
	switch c.Kind {
	case ColorBasic:
		return basicColour(c.Index)
	case ColorIndexed:
		return indexedColour(c.Index)
	case ColorRGB:
		return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
	default:
		return fallback
	}
}

// indexedColour returns a colour of xterm's 256: a 6×6×6 cube from 16 and 24 greys from 232.
func indexedColour(i uint8) string {
	switch {
	case i < 16:
		return basicColour(i)
	case i >= 232:
		grey := 8 + 10*int(i-232)
		return fmt.Sprintf("#%02x%02x%02x", grey, grey, grey)
	}
	level := func(n int) int {
		if n == 0 {
			return 0
		}
		return 55 + 40*n
	}
	n := int(i) - 16
	return fmt.Sprintf("#%02x%02x%02x", level(n/36), level(n/6%6), level(n%6))
}
