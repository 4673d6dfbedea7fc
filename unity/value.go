package unity

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// scalar reads any JSON scalar as text; null is "". Objects and arrays are kept as their JSON text, so that a record
// with one odd field is still a record.
func scalar(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0, bytes.Equal(b, []byte("null")):
		return "", nil
	case b[0] == '"':
		if s, ok := plainText(b); ok {
			return s, nil
		}
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return "", fmt.Errorf("text: %w", err)
		}
		return s, nil
	default:
		return string(b), nil
	}
}

// plainText reads a JSON string of printable ASCII without escapes, which nearly all are.
func plainText(b []byte) (string, bool) {
	if len(b) < 2 || b[len(b)-1] != '"' {
		return "", false
	}
	inner := b[1 : len(b)-1]
	for _, c := range inner {
		if c < 0x20 || c > 0x7e || c == '\\' || c == '"' {
			return "", false
		}
	}
	return string(inner), true
}

// Int is a whole number that may be missing, null or written as a string.
type Int struct {
	N     int64
	Known bool
}

// Or gives the number, or d when the server did not say.
func (i Int) Or(d int64) int64 {
	if i.Known {
		return i.N
	}
	return d
}

// String is the number, or "" when unknown.
func (i Int) String() string {
	if !i.Known {
		return ""
	}
	return strconv.FormatInt(i.N, 10)
}

// UnmarshalJSON accepts numbers, numeric strings and null; anything else is unknown, not an error.
func (i *Int) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	*i = Int{}
	if n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64); err == nil {
		*i = Int{n, true}
	} else if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && math.Abs(f) < 1<<53 && f == math.Trunc(f) {
		*i = Int{int64(f), true}
	}
	return nil
}

// Bool is a truth value that may be missing, null or written as a string.
type Bool struct{ On, Known bool }

// UnmarshalJSON accepts booleans, "true"/"false", 0/1 and null; anything else is unknown.
func (v *Bool) UnmarshalJSON(b []byte) error {
	if on := string(b) == "true"; on || string(b) == "false" {
		*v = Bool{on, true}
		return nil
	}
	s, err := scalar(b)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "true", "1", "yes":
		*v = Bool{true, true}
	case "false", "0", "no":
		*v = Bool{false, true}
	default:
		*v = Bool{}
	}
	return nil
}

// Time is an instant as the server wrote it. Values without a zone are read as UTC (§1.5). An unreadable one keeps its
// text and is the zero instant.
type Time struct {
	time.Time
	raw string
}

// Known tells that there is an instant.
func (t Time) Known() bool { return !t.IsZero() }

// Text is the value as sent, sanitised: for the case that it could not be read.
func (t Time) Text() string { return Clean(t.raw) }

// NewTime wraps an instant.
func NewTime(at time.Time) Time { return Time{Time: at.UTC()} }

var timeLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04", "2006-01-02 15:04:05.999999999", "2006-01-02",
}

// ParseTime reads the forms of §1.5. The year 1 and earlier count as "never".
func ParseTime(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 64 {
		return time.Time{}, false
	}
	for _, layout := range timeLayouts {
		if at, err := time.Parse(layout, s); err == nil {
			at = at.UTC()
			if at.Year() <= 1 || at.Year() > 9999 {
				return time.Time{}, false
			}
			return at, true
		}
	}
	return time.Time{}, false
}

// UnmarshalJSON never fails on a value it cannot read.
func (t *Time) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	at, _ := ParseTime(s)
	*t = Time{Time: at, raw: s}
	return nil
}

// MarshalJSON writes RFC 3339 in UTC, the raw text where it was unreadable, null where there was nothing.
func (t Time) MarshalJSON() ([]byte, error) {
	switch {
	case t.Known():
		return json.Marshal(t.UTC().Format(time.RFC3339Nano))
	case t.raw != "":
		return Text{t.raw}.MarshalJSON()
	default:
		return []byte("null"), nil
	}
}
