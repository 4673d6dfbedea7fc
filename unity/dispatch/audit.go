package dispatch

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Audit appends one JSON line per change, before it and after it. It never holds a secret. A nil Audit writes nothing.
type Audit struct {
	path     string
	profile  string
	required bool
	// syslog is the socket of the system's log; "" copies nothing there.
	syslog string
	mu     sync.Mutex
	now    func() time.Time
	// complain is told of lines that cannot be written and are not required.
	complain func(error)
}

// NewAudit makes an audit in a file that is readable by its owner only. required stops a change that cannot be written
// down.
func NewAudit(path, profile string, required bool) *Audit {
	return &Audit{path: path, profile: profile, required: required, syslog: syslogSocket, now: time.Now}
}

// Complain has f told when a line about a job cannot be written that is not required. It is called before the audit is in use.
func (a *Audit) Complain(f func(error)) { a.complain = f }

// Entry is one line.
type Entry struct {
	Version int       `json:"version"`
	Time    time.Time `json:"time"`
	Event   string    `json:"event"` // intent, outcome, api
	Job     string    `json:"job,omitempty"`
	Action  string    `json:"action"`
	Args    Args      `json:"args,omitempty"`
	RetryOf string    `json:"retry_of,omitempty"`
	// RevertOf is the job that this one takes back.
	RevertOf string   `json:"revert_of,omitempty"`
	Profile  string   `json:"profile"`
	BaseURL  string   `json:"base_url,omitempty"`
	GSMKey   string   `json:"gsm_key,omitempty"`
	User     string   `json:"user,omitempty"`
	OSUser   string   `json:"os_user"`
	Login    string   `json:"login_uid,omitempty"`
	Sudo     string   `json:"sudo_user,omitempty"`
	SSH      string   `json:"ssh_client,omitempty"`
	Host     string   `json:"host"`
	Object   *Object  `json:"object,omitempty"`
	Targets  []Target `json:"targets,omitempty"`
	Method   string   `json:"method,omitempty"`
	Path     string   `json:"path,omitempty"`
	Status   int      `json:"status,omitempty"`
	Note     string   `json:"note,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// Object is the object of a change in an audit line, with the fields that change.
type Object struct {
	Kind   string `json:"kind"`
	ID     string `json:"id,omitempty"`
	Name   string `json:"name"`
	SiteID string `json:"site_id,omitempty"`
	// SiteName is the customer's name as it was, of which the id says nothing once the site is gone.
	SiteName string        `json:"site_name,omitempty"`
	Diff     []FieldChange `json:"diff,omitempty"`
}

// Target is a machine in an audit line. Names are raw: JSON escapes them.
type Target struct {
	EndpointID string `json:"endpoint_id"`
	HostName   string `json:"host_name"`
	SiteID     string `json:"site_id"`
	SiteName   string `json:"site_name,omitempty"`
	State      State  `json:"state,omitempty"`
	RequestID  string `json:"request_id,omitempty"`
}

// Audit files turn over at this size; five are kept.
const (
	auditSize = 10 << 20
	auditKept = 5
)

func (a *Audit) begin(j *Job, note string) error {
	err := a.Write(jobEntry("intent", j, note))
	if err != nil && a.required {
		return fmt.Errorf("the audit cannot be written and this profile requires it: %w", err)
	}
	a.say(err)
	return nil
}

// say tells of a line that could not be written.
func (a *Audit) say(err error) {
	if err != nil && a.complain != nil {
		a.complain(err)
	}
}

func (a *Audit) end(j *Job, note string) error {
	err := a.Write(jobEntry("outcome", j, note))
	if err != nil && a.required {
		return fmt.Errorf("the change was made, but the audit cannot be written: %w", err)
	}
	a.say(err)
	return nil
}

func jobEntry(event string, j *Job, note string) Entry {
	e := Entry{Event: event, Job: j.ID, Action: j.Operation.ID, BaseURL: j.Binding.BaseURL, GSMKey: j.Binding.Key.String(),
		User: j.Binding.User, Note: note, RetryOf: j.RetryOf, RevertOf: j.RevertOf, Args: j.Operation.Args}
	if ch := j.Object; ch != nil {
		e.Object = &Object{Kind: ch.Kind, ID: ch.ObjectID, Name: ch.Name, SiteID: string(ch.Site), SiteName: ch.SiteName, Diff: ch.Diff}
	}
	for _, r := range j.Results {
		t := Target{EndpointID: string(r.Ref.ID), HostName: r.Ref.HostName.Raw(), SiteID: string(r.Ref.Site), SiteName: r.Ref.SiteName.Raw(), RequestID: r.RequestID}
		if event == "outcome" || r.State == Skipped || r.State == Failed {
			t.State = r.State
		}
		e.Targets = append(e.Targets, t)
	}
	return e
}

// ready tells before anything else is written that a required audit cannot be.
func (a *Audit) ready() error {
	if !a.Required() {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	err := os.MkdirAll(filepath.Dir(a.path), 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY|noFollow, 0o600); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("the audit cannot be written and this profile requires it: %w", err)
	}
	return nil
}

// Required tells that changes must not be made when they cannot be written down.
func (a *Audit) Required() bool { return a != nil && a.required }

// Write appends an entry and makes it durable.
func (a *Audit) Write(e Entry) error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Version, e.Time, e.Profile = 1, a.now().UTC(), a.profile
	whoami(&e)
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	line = escapeUnseen(line)
	toSyslog(a.syslog, e, line) // also when the file below cannot be written
	if err := os.MkdirAll(filepath.Dir(a.path), 0o700); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err := a.turnOver(); err != nil {
		return err
	}
	f, err := os.OpenFile(a.path, os.O_APPEND|os.O_CREATE|os.O_RDWR|noFollow, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	// A file that someone else made or widened becomes ours alone before it is told anything.
	err = f.Chmod(0o600)
	if err == nil {
		_, err = f.Write(append(endOfTorn(f), append(line, '\n')...))
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// endOfTorn gives the end of a line that was written in part only, because the disk was full for example: what follows it is a
// line of its own.
func endOfTorn(f *os.File) []byte {
	last := make([]byte, 1)
	if info, err := f.Stat(); err != nil || info.Size() == 0 {
		return nil
	} else if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return nil
	}
	return []byte{'\n'}
}

// escapeUnseen writes what JSON leaves as it is, though terminals obey it or hide it, as \u and four digits: C1 controls, DEL, and
// characters of direction or of no width. The line is read in terminals.
func escapeUnseen(line []byte) []byte {
	out := make([]byte, 0, len(line)+16)
	for _, r := range string(line) {
		if r < 0x7f || unicode.IsPrint(r) {
			out = utf8.AppendRune(out, r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

func (a *Audit) turnOver() error {
	info, err := os.Lstat(a.path)
	if err != nil || info.Size() < auditSize {
		return nil //nolint:nilerr // no file yet: nothing to turn over
	}
	for i := auditKept; i > 0; i-- {
		from := a.path
		if i > 1 {
			from += "." + strconv.Itoa(i-1)
		}
		if err := os.Rename(from, a.path+"."+strconv.Itoa(i)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("audit: %w", err)
		}
	}
	return nil
}

func whoami(e *Entry) {
	if u, err := user.Current(); err == nil {
		e.OSUser = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		e.Host = host
	}
	e.Sudo = os.Getenv("SUDO_USER")
	e.SSH, _, _ = strings.Cut(os.Getenv("SSH_CLIENT"), " ")
	if id, err := os.ReadFile("/proc/self/loginuid"); err == nil {
		if s := strings.TrimSpace(string(id)); s != "4294967295" {
			e.Login = s
		}
	}
}
