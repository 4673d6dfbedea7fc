package auth

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean turns text from outside into one harmless line: every control or format
// character becomes visible, invalid UTF-8 becomes U+FFFD, and what is longer
// than limit runes ends in an ellipsis.
func clean(text string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n >= limit {
			b.WriteRune('…')
			break
		}
		n++
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteByte(' ')
		case isHostile(r):
			fmt.Fprintf(&b, "\\u{%x}", r)
		case r == utf8.RuneError:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return strings.TrimSpace(b.String())
}

// isHostile names the runes that move a cursor, hide text or turn it round.
func isHostile(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) ||
		r == '\u2028' || r == '\u2029' || r&0xfffe == 0xfffe || (r >= 0xfdd0 && r <= 0xfdef)
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, isHostile) || !utf8.ValidString(s)
}

// redact removes values that were part of a request from a text that came back,
// in the spellings in which servers and proxies echo them.
func redact(text string, secrets ...Secret) string {
	for _, s := range secrets {
		v := s.Reveal()
		if v == "" {
			continue
		}
		forms := []string{v, url.QueryEscape(v), url.PathEscape(v),
			base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v))}
		for _, form := range forms {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	return text
}
