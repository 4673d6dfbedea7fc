package theme

import "strings"

// spelling is a sign of sentences and what stands for it in ASCII. Both are one cell wide.
type spelling struct{ sign, plain string }

func spellings() [5]spelling {
	return [...]spelling{{"·", "-"}, {"→", ">"}, {"…", "~"}, {"–", "-"}, {"—", "-"}}
}

// Spell writes the signs between the parts of sentences as the set does: in ASCII they become ASCII, cell for cell. Only signs that
// have a blank, a style or an end of the line on a side are taken for such; within a word, as in Paral·lel, they are letters of a name
// and stay. Where nothing is to be done it
// makes no copy, so that it can be asked of every line of every frame.
func (g Glyphs) Spell(s string) string {
	if g.Name != "ascii" {
		return s
	}
	for _, p := range spellings() {
		if strings.Contains(s, p.sign) {
			s = p.spell(s)
		}
	}
	return s
}

func (p spelling) spell(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	done := 0
	for at := 0; ; {
		i := strings.Index(s[at:], p.sign)
		if i < 0 {
			break
		}
		i, at = at+i, at+i+len(p.sign)
		if i == 0 || at == len(s) || edge(s[i-1]) || edge(s[at]) || s[i-1] == 'm' && styled(s[:i]) {
			b.WriteString(s[done:i])
			b.WriteString(p.plain)
			done = at
		}
	}
	b.WriteString(s[done:])
	return b.String()
}

// edge tells of bytes that are no part of a word: blanks, ends of lines and the beginning of a style.
func edge(c byte) bool { return c == ' ' || c == '\n' || c == '\x1b' }

// styled tells that a text ends in a sequence that sets a style.
func styled(s string) bool {
	i := strings.LastIndexByte(s, '\x1b')
	return i >= 0 && strings.HasPrefix(s[i:], "\x1b[") && strings.Trim(s[i+2:len(s)-1], "0123456789;:") == ""
}
