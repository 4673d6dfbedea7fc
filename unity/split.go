package unity

import (
	"bytes"
	"encoding/json"
)

// splitObject lists the members of a JSON object as parts of it, without copying them: pages are a megabyte. ok is false
// where the object is not valid, or a name in it is not plain; objectFields knows what to do then.
func splitObject(raw []byte) (out []field, ok bool) {
	if !json.Valid(raw) {
		return nil, false
	}
	s := splitter{raw: raw}
	if !s.take('{') {
		return nil, false
	}
	for !s.take('}') {
		name := s.value()
		if len(name) < 2 || !plain(string(name)) || bytes.IndexByte(name, '\\') >= 0 {
			return nil, false
		}
		s.take(':')
		out = append(out, field{string(name[1 : len(name)-1]), s.value()})
		s.take(',')
	}
	return out, true
}

// splitArray lists the elements of a valid JSON array as parts of it.
func splitArray(raw []byte) (out []json.RawMessage, ok bool) {
	s := splitter{raw: raw}
	if !s.take('[') {
		return nil, false
	}
	for !s.take(']') {
		out = append(out, s.value())
		s.take(',')
	}
	return out, true
}

// splitter goes through JSON that is known to be valid.
type splitter struct {
	raw []byte
	at  int
}

func (s *splitter) blanks() {
	for s.at < len(s.raw) && s.raw[s.at] <= ' ' {
		s.at++
	}
}

// take passes a sign if it stands next.
func (s *splitter) take(sign byte) bool {
	s.blanks()
	if s.at < len(s.raw) && s.raw[s.at] == sign {
		s.at++
		return true
	}
	return false
}

// value passes a value.
func (s *splitter) value() []byte {
	s.blanks()
	from, depth := s.at, 0
	for s.at < len(s.raw) {
		switch s.raw[s.at] {
		case '"':
			s.text()
			if depth == 0 {
				return s.raw[from:s.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return s.raw[from:s.at]
			}
			if depth--; depth == 0 {
				s.at++
				return s.raw[from:s.at]
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.raw[from:s.at]
			}
		}
		s.at++
	}
	return s.raw[from:]
}

// text passes a string.
func (s *splitter) text() {
	for s.at++; s.at < len(s.raw); s.at++ {
		switch s.raw[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
}
