package ui

import (
	"strconv"
	"strings"
	"time"
)

func itoa(n int) string { return strconv.Itoa(n) }

// plural counts things: "1 machine", "3 machines".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(n) + " " + many
}

// plural2 names rows after a count that is already written out.
func plural2(count string) string {
	if count == "1" {
		return "1 row"
	}
	return count + " rows"
}

// every writes a refresh interval: seconds up to two minutes, then minutes.
func every(d time.Duration) string {
	if d < 2*time.Minute {
		return itoa(int(d/time.Second)) + " s"
	}
	return span(d)
}

// oneLine is a problem as a message.
func oneLine(p Problem) string {
	parts := []string{}
	order := []string{p.Title, p.Text, p.Advice}
	if p.SignIn { // of a line that is cut off the way out is to be left
		order = []string{p.Title, strings.TrimSuffix(p.Advice, "."), p.Text}
	}
	for _, s := range order {
		if s = strings.TrimSpace(strings.ReplaceAll(clean(s), "\n", " ")); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// joinLines makes exactly h lines.
func joinLines(lines []string, h int) string {
	if len(lines) > h {
		lines = lines[:h]
	}
	return strings.Join(lines, "\n") + strings.Repeat("\n", max(h-max(len(lines), 1), 0))
}

func blank(h int) string { return strings.Repeat("\n", max(h-1, 0)) }
