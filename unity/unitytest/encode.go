package unitytest

import (
	"encoding/xml"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// field is one key of an object; the order of keys in a body is the order of
// the fields.
type field struct {
	key string
	val any
}

// object and list are the tree that a handler answers with. Leaves are string,
// int, bool, nil, stamp and zoneless.
type (
	object []field
	list   []object
)

// stamp is a moment in Unix nanoseconds that is written as UTC with Z; zero is
// written as null.
type stamp int64

// zoneless is a moment that is written without fraction and zone, as agent
// status does; zero is written as null.
type zoneless int64

// encoder writes a tree as JSON or XML with the shape that variants ask for.
type encoder struct {
	dropNulls, numbersAsStrings, datesZoneless bool
}

const (
	layoutUTC      = "2006-01-02T15:04:05.9999999Z"
	layoutZoneless = "2006-01-02T15:04:05"
)

func (e encoder) time(v any) (string, bool) {
	switch t := v.(type) {
	case stamp:
		if t == 0 {
			return "", false
		}
		if e.datesZoneless {
			return time.Unix(0, int64(t)).UTC().Format(layoutZoneless), true
		}
		return time.Unix(0, int64(t)).UTC().Format(layoutUTC), true
	case zoneless:
		if t == 0 {
			return "", false
		}
		return time.Unix(0, int64(t)).UTC().Format(layoutZoneless), true
	}
	return "", false
}

func isNull(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case stamp:
		return t == 0
	case zoneless:
		return t == 0
	}
	return false
}

func (e encoder) json(b []byte, v any) []byte {
	switch t := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, t)
	case bool:
		return strconv.AppendBool(b, t)
	case int:
		if e.numbersAsStrings {
			return appendString(b, strconv.Itoa(t))
		}
		return strconv.AppendInt(b, int64(t), 10)
	case stamp, zoneless:
		s, ok := e.time(t)
		if !ok {
			return append(b, "null"...)
		}
		return appendString(b, s)
	case object:
		return e.jsonObject(b, t)
	case list:
		b = append(b, '[')
		for i, o := range t {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.jsonObject(b, o)
		}
		return append(b, ']')
	}
	panic("unitytest: value of an unknown kind in an answer")
}

func (e encoder) jsonObject(b []byte, o object) []byte {
	b = append(b, '{')
	first := true
	for _, f := range o {
		if e.dropNulls && isNull(f.val) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = appendString(b, f.key)
		b = append(b, ':')
		b = e.json(b, f.val)
	}
	return append(b, '}')
}

// appendString writes a JSON string. Only what JSON demands is escaped, so
// that other characters (bidirectional overrides, for one) travel as they are.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

const xmlNamespace = "http://schemas.datacontract.org/2004/07/Webroot.UnityAPI.ServiceExtension.Console.Models"

// xmlDocument writes a tree the way a DataContract serialiser does: elements
// in alphabetical order, null as i:nil.
func (e encoder) xmlDocument(o object) []byte {
	var b strings.Builder
	b.WriteString(`<ResponseModel xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns="` + xmlNamespace + `">`)
	e.xmlFields(&b, o)
	b.WriteString(`</ResponseModel>`)
	return []byte(b.String())
}

func (e encoder) xmlFields(b *strings.Builder, o object) {
	sorted := append(object(nil), o...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].key < sorted[j].key })
	for _, f := range sorted {
		if isNull(f.val) {
			b.WriteString("<" + f.key + ` i:nil="true" />`)
			continue
		}
		b.WriteString("<" + f.key + ">")
		e.xmlValue(b, f.key, f.val)
		b.WriteString("</" + f.key + ">")
	}
}

func (e encoder) xmlValue(b *strings.Builder, key string, v any) {
	switch t := v.(type) {
	case object:
		e.xmlFields(b, t)
	case list:
		name := strings.TrimSuffix(key, "s")
		for _, o := range t {
			b.WriteString("<" + name + ">")
			e.xmlFields(b, o)
			b.WriteString("</" + name + ">")
		}
	case string:
		_ = xml.EscapeText(b, []byte(t)) // A strings.Builder never fails.
	case bool:
		b.WriteString(strconv.FormatBool(t))
	case int:
		b.WriteString(strconv.Itoa(t))
	case stamp, zoneless:
		s, _ := e.time(t)
		b.WriteString(s)
	}
}
