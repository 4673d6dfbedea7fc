package selector

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexeme is a term as it stands in the expression.
type lexeme struct {
	column int
	neg    bool
	name   string // "" for a bare word
	exact  bool   // :=
	op     string // < <= > >=
	values []value
	slip   slip // what a bare word may have been meant for
}

type value struct {
	column int
	text   string
	// star tells that a * stands outside of quotes.
	star bool
}

// scan cuts an expression into terms.
func scan(expr string) ([]lexeme, error) {
	s := scanner{in: []rune(expr)}
	var out []lexeme
	for {
		s.blanks()
		if s.end() {
			return out, nil
		}
		lx, err := s.term()
		if err != nil {
			return nil, err
		}
		out = append(out, lx)
	}
}

type scanner struct {
	in []rune
	at int
}

func (s *scanner) end() bool { return s.at >= len(s.in) }

func (s *scanner) peek() rune {
	if s.end() {
		return utf8.RuneError
	}
	return s.in[s.at]
}

func (s *scanner) take(prefix string) bool {
	p := []rune(prefix)
	if len(s.in)-s.at < len(p) || string(s.in[s.at:s.at+len(p)]) != prefix {
		return false
	}
	s.at += len(p)
	return true
}

func (s *scanner) blanks() {
	for !s.end() && unicode.IsSpace(s.in[s.at]) {
		s.at++
	}
}

func (s *scanner) fail(text string) error { return &SyntaxError{Column: s.at + 1, Text: text} }

func (s *scanner) term() (lexeme, error) {
	lx := lexeme{column: s.at + 1}
	if s.take("!") {
		lx.neg = true
		if s.end() || unicode.IsSpace(s.peek()) {
			return lx, s.fail("a term is expected after !")
		}
		if s.peek() == '!' {
			return lx, s.fail("a term takes one ! only; a name that begins with ! needs quotes")
		}
	}
	if lx.name = s.name(); lx.name == "" {
		lx.slip = s.slip()
	} else {
		s.sign(&lx)
	}
	for {
		v, err := s.word(lx.name != "")
		if err != nil {
			return lx, err
		}
		if v.text == "" {
			return lx, &SyntaxError{Column: v.column, Text: "a value is expected"}
		}
		lx.values = append(lx.values, v)
		if lx.name == "" || !s.take("|") {
			return lx, nil
		}
	}
}

// sign reads how a field is compared.
func (s *scanner) sign(lx *lexeme) {
	if lx.exact = s.take("="); lx.exact {
		return
	}
	for _, op := range []string{"<=", ">=", "<", ">"} {
		if s.take(op) {
			lx.op = op
			return
		}
	}
}

// letters gives the end of what can be the name of a field.
func (s *scanner) letters() int {
	i := s.at
	for i < len(s.in) && (unicode.IsLetter(s.in[i]) || s.in[i] == '_' || i > s.at && s.in[i] == '-') {
		i++
	}
	return i
}

// name reads "field:" and gives "" when the term is a bare word. Addresses (00:1a:…, fe80::1) are bare words.
func (s *scanner) name() string {
	i := s.letters()
	if i == s.at || i >= len(s.in) || s.in[i] != ':' || address(s.in[s.at:]) {
		return ""
	}
	name := strings.ToLower(string(s.in[s.at:i]))
	s.at = i + 1
	return name
}

// address tells whether a word starts like a MAC or IPv6 address: hex groups between colons.
func address(in []rune) bool {
	colons, run := 0, 0
	for _, r := range in {
		switch {
		case unicode.IsSpace(r):
			return colons > 0 && run <= 4
		case r == ':':
			colons++
			run = 0
		case strings.ContainsRune("0123456789abcdefABCDEF", r):
			if run++; run > 4 {
				return false
			}
		default:
			return false
		}
	}
	return colons > 0
}

func (s *scanner) word(alternatives bool) (value, error) {
	v := value{column: s.at + 1}
	var b strings.Builder
	for !s.end() {
		r := s.in[s.at]
		if r == '"' {
			if err := s.quoted(&b); err != nil {
				return v, err
			}
			continue
		}
		if unicode.IsSpace(r) || alternatives && r == '|' {
			break
		}
		v.star = v.star || r == '*'
		b.WriteRune(r)
		s.at++
	}
	v.text = b.String()
	return v, nil
}

func (s *scanner) quoted(b *strings.Builder) error {
	open := s.at
	for s.at++; !s.end(); s.at++ {
		switch s.in[s.at] {
		case '"':
			s.at++
			return nil
		case '\\':
			if s.at+1 < len(s.in) && (s.in[s.at+1] == '"' || s.in[s.at+1] == '\\') {
				s.at++
			}
		}
		b.WriteRune(s.in[s.at])
	}
	return &SyntaxError{Column: open + 1, Text: "the quote is not closed"}
}
