package cli

import (
	"errors"
	"strings"
	"time"

	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/unity"
)

// show gives the latest calls as the live pane shows them. The curl form stands for the token by a variable.
func (l *callLog) show(baseURL string) func() []ui.Call {
	return func() []ui.Call {
		calls := l.list()
		out := make([]ui.Call, 0, len(calls))
		for _, c := range calls {
			x := ui.Call{N: c.n, At: c.At, Method: c.Method, Path: unity.Clean(c.Path), Status: c.Status, Took: c.Took, RequestID: c.RequestID,
				Curl: curl(baseURL, c)}
			if c.Err != nil {
				x.Err = unity.Clean(c.Err.Error())
			}
			out = append(out, x)
		}
		return out
	}
}

func curl(baseURL string, c call) string {
	var b strings.Builder
	b.WriteString(`curl -sS -H "Authorization: Bearer $TOKEN" -H 'Accept: application/json'`)
	if c.Method != "GET" {
		b.WriteString(" -X " + c.Method)
	}
	if len(c.Body) > 0 {
		b.WriteString(" -H 'Content-Type: application/json' -d " + shellQuote(string(c.Body)))
	}
	return b.String() + " " + shellQuote(baseURL+c.Path)
}

func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(unity.Clean(s), "'", `'\''`) + "'"
}

// network tells how the server can be reached, by what the calls came to; the latest wins.
func (l *callLog) network() <-chan ui.Connection {
	out := make(chan ui.Connection, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	var lostAt time.Time
	last := ""
	l.tell = func(a unity.Attempt) {
		c := ui.Connection{Level: ui.Good, Text: "online"}
		switch {
		case a.Err != nil && errors.Is(a.Err, unity.ErrUnreachable):
			if lostAt.IsZero() {
				lostAt = a.At
			}
			c = ui.Connection{Level: ui.Bad, Text: "out of reach since " + lostAt.Local().Format("15:04")}
		case a.Err != nil && (errors.Is(a.Err, unity.ErrUnavailable) || errors.Is(a.Err, unity.ErrRateLimited)):
			lostAt = time.Time{}
			c = ui.Connection{Level: ui.Warn, Text: "server busy"}
		default:
			lostAt = time.Time{}
		}
		if c.Text == last {
			return
		}
		last = c.Text
		select {
		case <-out:
		default:
		}
		out <- c
	}
	return out
}
