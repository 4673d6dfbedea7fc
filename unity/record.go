package unity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Record keeps a row as the server sent it, so that unknown keys pass through and order is kept.
type Record struct{ raw json.RawMessage }

// Raw is the row as the server sent it.
func (r Record) Raw() json.RawMessage { return r.raw }

// Extra is a key that stands beside the server's own ones in output.
type Extra struct {
	Name  string
	Value any
}

// JSON writes the row with the server's names and order. Values under the names in dates become RFC 3339 in UTC where
// they can be read. The extras stand at the end, unless the server itself uses their name.
func (r Record) JSON(dates map[string]bool, extras ...Extra) ([]byte, error) {
	fields, err := objectFields(r.raw)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteByte('{')
	seen := map[string]bool{}
	write := func(name string, value []byte) error {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return fmt.Errorf("key: %w", err)
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
		seen[name] = true
		return nil
	}
	for _, f := range fields {
		if err := write(f.name, isoDates(f.name, f.value, dates)); err != nil {
			return nil, err
		}
	}
	for _, x := range extras {
		if seen[x.Name] {
			continue
		}
		value, err := json.Marshal(x.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.Name, err)
		}
		if err := write(x.Name, value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return escapeJSON(b.Bytes()), nil
}

// escapeJSON escapes in JSON text what a terminal would obey or what cannot be seen: JSON itself lets C1 controls and
// bidi marks stand. Outside of strings JSON is ASCII, so the text may be taken as a whole.
func escapeJSON(text []byte) []byte {
	if asciiOnly(text) {
		return text
	}
	out := make([]byte, 0, len(text)+32)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			out = append(out, `\ufffd`...)
		case r > 0xffff && hidden(r):
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		case r == 0x7f, r > 0x7f && hidden(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, text[i:i+size]...)
		}
		i += size
	}
	return out
}

func asciiOnly(text []byte) bool {
	for _, c := range text {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

// isoDates rewrites a date, and the dates inside nested objects and arrays.
func isoDates(name string, value json.RawMessage, dates map[string]bool) []byte {
	trimmed := bytes.TrimSpace(value)
	switch {
	case len(trimmed) == 0:
		return []byte("null")
	case trimmed[0] == '{':
		nested, err := Record{trimmed}.JSON(dates)
		if err == nil {
			return nested
		}
	case trimmed[0] == '[':
		var items []json.RawMessage
		if json.Unmarshal(trimmed, &items) == nil {
			var b bytes.Buffer
			b.WriteByte('[')
			for i, item := range items {
				if i > 0 {
					b.WriteByte(',')
				}
				b.Write(isoDates(name, item, dates))
			}
			b.WriteByte(']')
			return b.Bytes()
		}
	case trimmed[0] == '"' && dates[name]:
		var s string
		if json.Unmarshal(trimmed, &s) == nil {
			if at, ok := ParseTime(s); ok {
				return []byte(`"` + at.Format(time.RFC3339Nano) + `"`)
			}
		}
	}
	return trimmed
}

type field struct {
	name  string
	value json.RawMessage
}

// objectFields lists the members of a JSON object in order, duplicates included.
func objectFields(raw []byte) ([]field, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	tok, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	if d, ok := tok.(json.Delim); !ok || d != '{' {
		return nil, fmt.Errorf("object expected")
	}
	var out []field
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("object: %w", err)
		}
		name, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("object: key expected")
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("object: %w", err)
		}
		out = append(out, field{name, value})
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	return out, nil
}

// member finds a value by name, first exactly, then in any case.
func member(fields []field, name string) (json.RawMessage, bool) {
	for _, f := range fields {
		if f.name == name {
			return f.value, true
		}
	}
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			return f.value, true
		}
	}
	return nil, false
}

// DateKeys are the names under which the API sends dates (§1.5), in every row unitty reads.
func DateKeys() map[string]bool {
	return map[string]bool{
		"EndDate": true, "CreatedDate": true, "StartDate": true, "DateRequested": true, "FirstSeen": true, "LastSeen": true,
		"LastInfected": true, "LastScan": true, "LastDeepScan": true, "Timestamp": true, "UpdatedDate": true,
		"InitiatedDate": true, "StatusChangeDate": true, "EffectiveDate": true, "ExpiryDate": true, "SiteExpiryDate": true,
		"SiteStateChangedDate": true, "DeactivatedDate": true,
	}
}
