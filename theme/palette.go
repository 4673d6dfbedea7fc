package theme

import (
	"fmt"
	"image/color"
	"strconv"

	"charm.land/lipgloss/v2"
)

// look is the recipe of one tone: colours and the attributes that also work without any.
type look struct {
	fg, bg                          color.Color
	bold, faint, reverse, underline bool
}

// style builds the style; without colour the attributes remain, so that nothing is told by colour alone.
func (l look) style(noColor bool) lipgloss.Style {
	s := lipgloss.NewStyle().Bold(l.bold).Faint(l.faint).Reverse(l.reverse).Underline(l.underline)
	if noColor {
		// A box of colour becomes reverse video, else the badge or the selection would be gone.
		if l.bg != nil && !l.reverse {
			s = s.Reverse(true)
		}
		return s
	}
	if l.fg != nil {
		s = s.Foreground(l.fg)
	}
	if l.bg != nil {
		s = s.Background(l.bg)
	}
	return s
}

// palette gives every tone its look.
type palette [toneCount]look

// newPalette returns the palette of that name and its full name; "" means "ansi".
func newPalette(name string) (palette, string, error) {
	switch name {
	case "", "ansi":
		return ansiPalette(), "ansi", nil
	case "dark":
		return richPalette(darkColors()), "dark", nil
	case "light":
		return richPalette(lightColors()), "light", nil
	default:
		return palette{}, "", fmt.Errorf("unknown theme %q: there are ansi, dark and light", name)
	}
}

// ansiPalette works on dark and light backgrounds alike, because it uses no colour that disappears on one of them.
// Of the sixteen only bright red and bright magenta are legible as text on both; green, yellow and cyan fade on white, blue on
// black, and grey is the background itself in Solarized. So what is well stays in the terminal's own colour, and
// where a colour is needed as a signal it brings its own background.
func ansiPalette() palette {
	// By number, lipgloss writes the short sequences that every terminal knows, not those of the 256 colours.
	c := func(n int) color.Color { return lipgloss.Color(strconv.Itoa(n)) }
	red, magenta := c(9), c(13)
	black, white := c(0), c(15)
	return palette{
		Plain: {}, Muted: {faint: true}, Good: {}, Warn: {fg: magenta}, Bad: {fg: red, bold: true}, Info: {},
		Accent: {bold: true}, Strong: {bold: true}, Changed: {bold: true}, Marked: {bold: true},
		Key: {bold: true}, Title: {bold: true}, Heading: {bold: true, underline: true}, Section: {bold: true, underline: true},
		Header: {reverse: true}, Footer: {}, Crumb: {faint: true}, CrumbLast: {bold: true},
		Selected: {reverse: true}, SelectedIdle: {bold: true, underline: true},
		Border: {faint: true}, BorderFocus: {bold: true},
		Badge: {fg: black, bg: c(3), bold: true}, BadgeWarn: {fg: black, bg: c(6), bold: true}, BadgeBad: {fg: white, bg: c(1), bold: true},
		Label: {}, Input: {underline: true}, Placeholder: {faint: true}, Cursor: {reverse: true},
		Error: {fg: red, bold: true}, Match: {bold: true, underline: true}, Disabled: {faint: true},
		Button: {}, ButtonFocus: {reverse: true, bold: true}, ButtonDanger: {fg: white, bg: c(1), bold: true},
	}
}

// colors are what the two themes for a known background differ in.
type colors struct {
	text, back                       string // what the theme is made for; never drawn, so that the terminal's own stays
	muted, good, warn, bad, info     string
	accent, bar, barText, idle, line string
	badge, badgeWarn, badgeBad       string
	onBadge, onBad                   string
}

func darkColors() colors {
	return colors{
		text: "#e6e6e6", back: "#1c1c1c",
		muted: "#9a9a9a", good: "#7fce6b", warn: "#e5c04b", bad: "#ff7a70", info: "#7db7ff",
		accent: "#8fd0e0", bar: "#303a46", barText: "#e6e6e6", idle: "#3a3a3a", line: "#9a9a9a",
		badge: "#e5c04b", badgeWarn: "#8fd0e0", badgeBad: "#b3261e", onBadge: "#101010", onBad: "#ffffff",
	}
}

func lightColors() colors {
	return colors{
		text: "#1a1a1a", back: "#fafafa",
		muted: "#5f6368", good: "#1b6e20", warn: "#845400", bad: "#b3261e", info: "#0b57a4",
		accent: "#00616b", bar: "#d7dfe8", barText: "#1a1a1a", idle: "#dedede", line: "#6b6b6b",
		badge: "#845400", badgeWarn: "#00616b", badgeBad: "#b3261e", onBadge: "#ffffff", onBad: "#ffffff",
	}
}

// richPalette is the palette for a background that is known.
func richPalette(p colors) palette {
	c := func(hex string) color.Color { return lipgloss.Color(hex) }
	return palette{
		Plain: {}, Muted: {fg: c(p.muted)}, Good: {fg: c(p.good)}, Warn: {fg: c(p.warn)}, Bad: {fg: c(p.bad), bold: true}, Info: {fg: c(p.info)},
		Accent: {fg: c(p.accent)}, Strong: {bold: true}, Changed: {fg: c(p.info)}, Marked: {fg: c(p.accent), bold: true},
		Key: {fg: c(p.accent), bold: true}, Title: {fg: c(p.accent), bold: true},
		Heading: {fg: c(p.muted), bold: true, underline: true}, Section: {fg: c(p.muted), bold: true, underline: true},
		Header: {fg: c(p.barText), bg: c(p.bar)}, Footer: {fg: c(p.muted)}, Crumb: {fg: c(p.muted)}, CrumbLast: {bold: true},
		Selected: {reverse: true}, SelectedIdle: {fg: c(p.text), bg: c(p.idle), bold: true},
		Border: {fg: c(p.line)}, BorderFocus: {fg: c(p.accent), bold: true},
		Badge:     {fg: c(p.onBadge), bg: c(p.badge), bold: true},
		BadgeWarn: {fg: c(p.onBadge), bg: c(p.badgeWarn), bold: true},
		BadgeBad:  {fg: c(p.onBad), bg: c(p.badgeBad), bold: true},
		Label:     {}, Input: {underline: true}, Placeholder: {fg: c(p.muted)}, Cursor: {reverse: true},
		Error: {fg: c(p.bad), bold: true}, Match: {fg: c(p.warn), bold: true, underline: true}, Disabled: {fg: c(p.muted)},
		Button: {}, ButtonFocus: {reverse: true, bold: true}, ButtonDanger: {fg: c(p.onBad), bg: c(p.badgeBad), bold: true},
	}
}
