//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	// The guard has to run before the keyring library reaches for the session bus, as in the program itself.
	"github.com/unitty/unitty/auth/dbusguard"
	"github.com/unitty/unitty/cli"
)

// childVariable holds the path of the socket on which the program's other goroutines are counted. Where it is set, this
// command is the program.
const childVariable = "UNITTY_SOAK_CHILD"

// What the child can be asked to do before it tells how it is.
const (
	asItIs    = 'v'
	tidyFirst = 't' // gives back the memory that the start took: deriving a key from a passphrase takes 256 MiB
)

// vitals is what the child tells of itself.
type vitals struct {
	// Goroutines counts goroutines by the function that they began with.
	Goroutines map[string]int `json:"goroutines"`
	// HeapLive is what the last collection found alive, in bytes; Runtime is all memory that the runtime holds.
	HeapLive uint64 `json:"heap_live"`
	Runtime  uint64 `json:"runtime"`
}

// child is the program, with somebody who answers at the socket.
func child(place string) int {
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", place)
	if err != nil {
		_, _ = os.Stderr.WriteString("soak: " + err.Error() + "\n")
		return 1
	}
	go answer(l)
	_ = os.Unsetenv(childVariable)
	dbusguard.Restore()
	return cli.Main(nil)
}

// answer tells everybody who connects, until the process ends.
func answer(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		order := make([]byte, 1)
		if _, err := c.Read(order); err == nil && order[0] == tidyFirst {
			debug.FreeOSMemory()
		}
		_ = json.NewEncoder(c).Encode(ownVitals()) // the parent may have gone
		_ = c.Close()
	}
}

func ownVitals() vitals {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	var b bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&b, 1) // a buffer takes everything
	return vitals{Goroutines: origins(&b), HeapLive: s[0].Value.Uint64(), Runtime: s[1].Value.Uint64() - s[2].Value.Uint64()}
}

// origins reads a profile of goroutines: blocks of a count and a stack, whose last line is where the goroutine began.
func origins(b *bytes.Buffer) map[string]int {
	out := map[string]int{}
	count, last := 0, ""
	flush := func() {
		if count > 0 {
			out[last] += count
		}
		count, last = 0, ""
	}
	lines := bufio.NewScanner(b)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if head, _, ok := strings.Cut(line, " @ "); ok && !strings.HasPrefix(line, "#") {
			flush()
			if n, err := strconv.Atoi(head); err == nil {
				count = n
			}
			continue
		}
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "#" {
			last, _, _ = strings.Cut(f[2], "+0x")
		}
	}
	flush()
	return out
}

// ask gets the vitals of the child at a socket.
func ask(ctx context.Context, place string, order byte) (v vitals, err error) {
	c, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", place)
	if err != nil {
		return v, err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return v, err
	}
	if _, err := c.Write([]byte{order}); err != nil {
		return v, err
	}
	if err := json.NewDecoder(c).Decode(&v); err != nil {
		return v, errors.Join(errors.New("the program does not tell how it is"), err)
	}
	return v, nil
}

// count sums up the goroutines, without those of network connections: how many connections are kept open after a call is
// up to net/http.
func (v vitals) count() int {
	n := 0
	for from, k := range v.Goroutines {
		if !strings.HasPrefix(from, "net/http.(*persistConn)") && !strings.HasPrefix(from, "net/http.(*Transport)") && !strings.HasPrefix(from, "main.") {
			n += k
		}
	}
	return n
}
