package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestResetConnectionsDoNotEndTheProgram: callers that hang up before their answer leave a server with writes that nobody takes.
// That is no reason to end, as it would be if nobody read what the program prints.
func TestResetConnectionsDoNotEndTheProgram(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unitty", "simulate", "--sites", "2", "--endpoints", "10", "--latency", "50ms")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), detector()}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	var line struct {
		BaseURL string `json:"base_url"`
	}
	if err != nil || json.Unmarshal([]byte(first), &line) != nil {
		t.Fatalf("%q: %v", first, err)
	}
	address := strings.TrimPrefix(line.BaseURL, "http://")
	for range 20 {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			t.Fatalf("the simulator is gone: %v", err)
		}
		// Two requests at once: the answer to the first is the write that meets the reset, those to both the one after it.
		_, err = fmt.Fprintf(conn, "%[1]s%[1]s", "GET /service/api/health/version HTTP/1.1\r\nHost: "+address+"\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck,forcetypeassert // a TCP connection, closed by a reset
		_ = conn.Close()
	}
	// An answer that comes after all of those shows that the program goes on.
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, line.BaseURL+"/_sim/log", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("the simulator has ended: %v", err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitDone {
		t.Errorf("exit code %d after an interrupt", code)
	}
}
