package dispatch

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"
)

// syslogSocket is where a syslog daemon listens, if one does.
const syslogSocket = "/dev/log"

// syslogMost is the length of a message that every daemon takes.
const syslogMost = 8000

// syslogTime bounds the handing over: a daemon that hangs holds up nothing.
const syslogTime = 250 * time.Millisecond

// syslogPriority is authpriv.notice: what somebody did, for the eyes of administrators.
const syslogPriority = 10<<3 | 5

// toSyslog hands a copy of an audit line to the system's log, where the one who acted cannot edit it. It is done as well
// as it can be: without a daemon there is no copy.
func toSyslog(socket string, e Entry, line []byte) {
	if socket == "" {
		return
	}
	if len(line) > syslogMost {
		// The number of targets is kept; their names are in the file, under the job's id.
		short := struct {
			Entry
			Count int `json:"target_count"`
		}{e, len(e.Targets)}
		short.Targets = nil
		raw, err := json.Marshal(short)
		if err != nil {
			return
		}
		line = escapeUnseen(raw)
	}
	conn, err := net.DialTimeout("unixgram", socket, syslogTime) //nolint:noctx // a cancelled job is audited too, and the wait is bounded
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetWriteDeadline(time.Now().Add(syslogTime))
	_, _ = fmt.Fprintf(conn, "<%d>%s unitty[%d]: %s", syslogPriority, e.Time.Local().Format(time.Stamp), os.Getpid(), line)
}
