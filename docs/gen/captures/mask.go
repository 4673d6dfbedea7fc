//go:build linux

package main

import (
	"regexp"
	"strings"
)

// replacement is one thing that differs from run to run, and what stands in its place.
type replacement struct {
	pattern *regexp.Regexp
	by      string
}

// replacements are as long as what they replace where a table or a frame could be moved by them.
func replacements() []replacement {
	return []replacement{
		{regexp.MustCompile(`127\.0\.0\.1:\d{5}\b`), "127.0.0.1:50000"},
		{regexp.MustCompile(`\b20\d\d-\d\d-\d\d`), "2026-03-10"},
		{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "10:24:00"},
		{regexp.MustCompile(`\b\d\d:\d\d\b`), "10:24"},
		{regexp.MustCompile(`\b(code|state|code_challenge|nonce)=[A-Za-z0-9_%.~-]+`), "$1=…"},
		{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "00000000-0000-4000-8000-000000000000"},
		{regexp.MustCompile(`\b(request(?:Id)?[ :=]+)[0-9A-Za-z-]{6,}`), "$1…"},
		{regexp.MustCompile(`(?m)^(\d+ rows) - .*$`), "$1 - just read - refresh 60 s"},
	}
}

// mask replaces what differs from run to run, takes blanks off the ends of lines and empty lines off both ends.
// Long lines are broken where the terminal breaks them, but for the command line, which is there to be copied.
func mask(text, home string) string {
	text = strings.ReplaceAll(text, home, "~")
	for _, m := range replacements() {
		text = m.pattern.ReplaceAllString(text, m.by)
	}
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
		if !strings.HasPrefix(lines[i], "$ ") {
			lines[i] = broken(lines[i])
		}
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// broken breaks a line of single-width characters at the edge of the terminal.
func broken(line string) string {
	runes, out := []rune(line), ""
	for len(runes) > columns {
		out, runes = out+strings.TrimRight(string(runes[:columns]), " ")+"\n", runes[columns:]
	}
	return out + string(runes)
}
