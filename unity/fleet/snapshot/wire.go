package snapshot

import "encoding/binary"

// encoder writes records one after the other.
type encoder struct{ buf []byte }

func (e *encoder) raw(s string) {
	e.buf = binary.AppendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// decoder reads what encoder wrote. After the first record that is not there, bad is set and everything is empty.
type decoder struct {
	buf []byte
	bad bool
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

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.buf)) {
		d.bad, d.buf = true, nil
		return nil
	}
	out := d.buf[:n]
	d.buf = d.buf[n:]
	return out
}
