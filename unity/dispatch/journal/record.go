package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Format is the number of the format that this package writes and the highest that it reads.
const Format = 1

// Record is one line of a journal.
type Record struct {
	// Seq counts the records of a file from 0.
	Seq int `json:"seq"`
	// Kind says what Data is. KindFormat and KindHold are the journal's own.
	Kind string    `json:"kind"`
	At   time.Time `json:"at"`
	// Data is the record's own JSON.
	Data json.RawMessage `json:"data,omitempty"`
}

// Kinds of records that the journal writes itself.
const (
	// KindFormat is the first record of every file.
	KindFormat = "format"
	// KindHold names the process that took the file over.
	KindHold = "hold"
)

// Reasons for which a journal is refused.
var (
	// ErrNewer: the file was written by a newer unitty. It is left alone.
	ErrNewer = errors.New("the journal was written by a newer version")
	// ErrCorrupt: a whole line does not hold what was written.
	ErrCorrupt = errors.New("the journal is damaged")
	// ErrNoBeginning: the file was cut before its first record was whole; whoever wrote it had done nothing yet.
	ErrNoBeginning = errors.New("the journal has no beginning: nothing was sent")
	// ErrNoJob: there is no journal of that id.
	ErrNoJob = errors.New("there is no such job")
)

type format struct {
	Format int `json:"format"`
}

// sumLen is the length of a line's checksum: eight digits and a blank.
const sumLen = 9

// encode writes a record as a line: the CRC-32C of its JSON, a blank, the JSON.
func encode(r Record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	line := fmt.Appendf(make([]byte, 0, len(body)+sumLen+1), "%08x ", checksum(body))
	return append(append(line, body...), '\n'), nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// decode reads the records of a file and gives the length of what is whole. A last line without an end was cut off while
// it was written: whoever wrote it had not been told that it was written, so it is left out.
func decode(raw []byte) (records []Record, whole int, err error) {
	for len(raw) > whole {
		end := bytes.IndexByte(raw[whole:], '\n')
		if end < 0 {
			break
		}
		r, err := decodeLine(raw[whole : whole+end])
		if err != nil {
			return nil, 0, err
		}
		if r.Seq != len(records) {
			return nil, 0, fmt.Errorf("%w: record %d stands in the place of %d", ErrCorrupt, r.Seq, len(records))
		}
		if len(records) == 0 {
			if err := checkFormat(r); err != nil {
				return nil, 0, err
			}
		}
		records = append(records, r)
		whole += end + 1
	}
	if len(records) == 0 {
		return nil, 0, ErrNoBeginning
	}
	return records, whole, nil
}

func decodeLine(line []byte) (Record, error) {
	var r Record
	if len(line) < sumLen || line[sumLen-1] != ' ' {
		return r, fmt.Errorf("%w: a line has no checksum", ErrCorrupt)
	}
	body := line[sumLen:]
	if string(line[:sumLen-1]) != fmt.Sprintf("%08x", checksum(body)) {
		return r, fmt.Errorf("%w: a line does not have its checksum", ErrCorrupt)
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return r, nil
}

func checkFormat(r Record) error {
	var f format
	if r.Kind != KindFormat || json.Unmarshal(r.Data, &f) != nil || f.Format < 1 {
		return fmt.Errorf("%w: it does not begin with its format", ErrCorrupt)
	}
	if f.Format > Format {
		return fmt.Errorf("%w (format %d, this one reads up to %d)", ErrNewer, f.Format, Format)
	}
	return nil
}
