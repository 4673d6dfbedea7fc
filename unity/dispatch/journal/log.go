package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Holder is a process that holds a journal.
type Holder struct {
	Host string `json:"host"`
	PID  int    `json:"pid"`
}

// String names the process.
func (h Holder) String() string {
	if h.PID == 0 {
		return "another process"
	}
	return fmt.Sprintf("process %d on %s", h.PID, h.Host)
}

func self() Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return Holder{Host: host, PID: os.Getpid()}
}

// BusyError says that another process holds the journal.
type BusyError struct {
	ID     string
	Holder Holder
}

// Error names the process.
func (e *BusyError) Error() string { return fmt.Sprintf("job %s is run by %s", e.ID, e.Holder) }

// errLocked is the lock's own no.
var errLocked = errors.New("held by another process")

// Log is a journal held by this process. It is safe for concurrent use.
type Log struct {
	id   string
	file *os.File
	now  func() time.Time

	mu     sync.Mutex // guards what follows and the writing
	seq    int
	broken error

	syncing sync.Mutex // held while the disk is waited for
	synced  int
}

// ID is the journal's id.
func (l *Log) ID() string { return l.id }

// load reads what is there and cuts off a line that was never whole.
func (l *Log) load() ([]Record, error) {
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	raw, err := io.ReadAll(l.file)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	records, whole, err := decode(raw)
	if err != nil {
		return nil, err
	}
	if whole < len(raw) {
		if err := l.file.Truncate(int64(whole)); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
	}
	l.seq, l.synced = len(records), 0
	return records, nil
}

// Append writes a record and returns when it is on the disk. Callers that wait at the same time share one wait. After a
// failure every further one fails: the end of the file is not known any more.
func (l *Log) Append(kind string, data any) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	if l.broken != nil {
		l.mu.Unlock()
		return l.broken
	}
	err := l.write(kind, data)
	mine := l.seq
	l.mu.Unlock()
	if err != nil {
		return err
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.synced >= mine {
		return nil
	}
	l.mu.Lock()
	upTo := l.seq
	l.mu.Unlock()
	if err := l.file.Sync(); err != nil {
		return l.fail(err)
	}
	l.synced = upTo
	return nil
}

// write appends a record without waiting for the disk. The lock must be held, or nobody else know the log yet.
func (l *Log) write(kind string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	line, err := encode(Record{Seq: l.seq, Kind: kind, At: l.now().UTC(), Data: raw})
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := l.file.Write(line); err != nil {
		l.broken = fmt.Errorf("journal: %w", err)
		return l.broken
	}
	l.seq++
	return nil
}

func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = fmt.Errorf("journal: %w", err)
	return l.broken
}

// Close lets the journal go. Closing nil is nothing.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
