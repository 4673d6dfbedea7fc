package snapshot

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/unitty/unitty/unity"
)

// encoder writes the values of rows. A text that comes again in the same frame is written as its number.
type encoder struct {
	buf   []byte
	table map[string]uint64
}

func (e *encoder) reset() {
	e.buf = e.buf[:0]
	e.table = map[string]uint64{}
}

func (e *encoder) uint(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }

func (e *encoder) int(n int64) { e.buf = binary.AppendVarint(e.buf, n) }

func (e *encoder) raw(s string) {
	e.uint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// text writes a text that is likely to come again.
func (e *encoder) text(s string) {
	if n, ok := e.table[s]; ok {
		e.uint(n)
		return
	}
	e.table[s] = uint64(len(e.table)) + 1
	e.uint(0)
	e.raw(s)
}

// id writes an id: sixteen bytes when it is a GUID in lower case, which it should be.
func (e *encoder) id(s string) {
	if raw, ok := packGUID(s); ok {
		e.uint(0)
		e.buf = append(e.buf, raw[:]...)
		return
	}
	e.uint(uint64(len(s)) + 1)
	e.buf = append(e.buf, s...)
}

// Kinds of instants.
const (
	timeNever = iota
	timeKnown
	timeOdd // could not be read; its text follows as JSON
)

// epoch keeps the seconds of the instants that matter short.
const epoch = 1_700_000_000

func (e *encoder) instant(at time.Time) {
	if at.IsZero() {
		e.uint(timeNever)
		return
	}
	e.uint(timeKnown)
	e.int(at.Unix() - epoch)
	e.uint(uint64(at.Nanosecond())) //nolint:gosec // never negative
}

func (e *encoder) time(t unity.Time) {
	if !t.Known() {
		if raw, err := t.MarshalJSON(); err == nil && string(raw) != "null" {
			e.uint(timeOdd)
			e.raw(string(raw))
			return
		}
	}
	e.instant(t.Time)
}

func (e *encoder) bool(b unity.Bool) {
	n := uint64(0)
	if b.On {
		n |= 1
	}
	if b.Known {
		n |= 2
	}
	e.uint(n)
}

func (e *encoder) number(n unity.Int) {
	if !n.Known {
		e.uint(0)
		return
	}
	e.uint(1)
	e.int(n.N)
}

// packGUID is exact: what does not come back as it was is no GUID here.
func packGUID(s string) (out [16]byte, ok bool) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return out, false
	}
	plain := make([]byte, 0, 32)
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			plain = append(plain, c)
		default:
			return out, false
		}
	}
	_, err := hex.Decode(out[:], plain)
	return out, err == nil
}

func unpackGUID(b []byte) string {
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// decoder reads what encoder wrote. After the first value that is not there, bad is set and everything is empty.
type decoder struct {
	buf   []byte
	table []string
	bad   bool
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 {
		d.bad, d.buf = true, nil
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.buf)
	if n <= 0 {
		d.bad, d.buf = true, nil
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.buf)) {
		d.bad, d.buf = true, nil
		return nil
	}
	out := d.buf[:n]
	d.buf = d.buf[n:]
	return out
}

func (d *decoder) raw() string { return string(d.bytes(d.uint())) }

func (d *decoder) text() string {
	n := d.uint()
	if n == 0 {
		s := d.raw()
		d.table = append(d.table, s)
		return s
	}
	if n > uint64(len(d.table)) {
		d.bad, d.buf = true, nil
		return ""
	}
	return d.table[n-1]
}

func (d *decoder) id() string {
	n := d.uint()
	if n > 0 {
		return string(d.bytes(n - 1))
	}
	if b := d.bytes(16); b != nil {
		return unpackGUID(b)
	}
	return ""
}

func (d *decoder) instant() time.Time { return d.time().Time }

func (d *decoder) time() unity.Time {
	switch d.uint() {
	case timeKnown:
		sec, nano := d.int(), d.uint()
		if nano >= uint64(time.Second) || sec > 1<<40 || sec < -1<<40 {
			d.bad, d.buf = true, nil
			return unity.Time{}
		}
		return unity.NewTime(time.Unix(sec+epoch, int64(nano)))
	case timeOdd:
		var t unity.Time
		if json.Unmarshal(d.bytes(d.uint()), &t) != nil {
			d.bad, d.buf = true, nil
		}
		return t
	}
	return unity.Time{}
}

func (d *decoder) bool() unity.Bool {
	n := d.uint()
	return unity.Bool{On: n&1 != 0, Known: n&2 != 0}
}

func (d *decoder) number() unity.Int {
	if d.uint() == 0 {
		return unity.Int{}
	}
	return unity.Int{N: d.int(), Known: true}
}
