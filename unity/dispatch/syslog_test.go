//go:build unix

package dispatch

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheSystemsLogGetsACopy(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "log")
	daemon, err := new(net.ListenConfig).ListenPacket(t.Context(), "unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = daemon.Close() }()
	a := NewAudit(filepath.Join(dir, "audit.jsonl"), "main", false)
	a.syslog = socket
	read := func() string {
		buffer := make([]byte, 64<<10)
		_ = daemon.SetReadDeadline(time.Now().Add(5 * time.Second)) // a socket takes deadlines
		n, _, err := daemon.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	if err := a.Write(Entry{Event: "intent", Action: "endpoint.scan", Note: "ticket \x1b[2J"}); err != nil {
		t.Fatal(err)
	}
	if got := read(); !strings.HasPrefix(got, "<85>") || !strings.Contains(got, "unitty[") || !strings.Contains(got, `"action":"endpoint.scan"`) || strings.Contains(got, "\x1b") {
		t.Errorf("the daemon got %q", got)
	}
	long := Entry{Event: "outcome", Action: "endpoint.scan"}
	for i := range 500 {
		long.Targets = append(long.Targets, Target{EndpointID: fmt.Sprint("id-", i), HostName: "HOST"})
	}
	if err := a.Write(long); err != nil {
		t.Fatal(err)
	}
	if got := read(); len(got) > syslogMost || !strings.Contains(got, `"target_count":500`) {
		t.Errorf("of a long line the daemon got %d bytes: %.300q", len(got), got)
	}
	a.syslog = filepath.Join(dir, "nobody")
	if err := a.Write(Entry{Event: "intent"}); err != nil {
		t.Errorf("without a daemon: %v", err)
	}
}
