package wiretap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// answer is a response that has been read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP carries one call: it records it, asks the rules, forwards it and sends the answer, changed or not.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r.Body)
	if err != nil {
		reset(w)
		return
	}
	e := newExchange(r, body, time.Now())
	rule, hit := p.choose(r.Method, r.URL.Path)
	if hit {
		e.Fault = rule.Name
		if e.Fault == "" {
			e.Fault = string(rule.Fault.Kind)
		}
	}
	p.begin(&e)
	// The outcome is stored before the client can see it: a test that has its answer finds the call in the record.
	e.Status, e.Sent = 0, 0
	send := p.plan(r, body, rule.Fault, &e)
	p.finish(&e)
	send(w, r)
}

// plan does everything but the sending: it decides what the client will get, and returns the function that sends it.
func (p *Proxy) plan(r *http.Request, body []byte, f Fault, e *Exchange) func(http.ResponseWriter, *http.Request) {
	if f.Kind == Hold && !pause(r.Context(), f.Delay) {
		return sendReset
	}
	if f.Kind == ResetBefore {
		return sendReset
	}
	a := replacement(f)
	if f.forwards() {
		e.Forwarded = true
		// The client's end must not cancel the call: what the server does with it is what the judge has to know.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), upstreamTimeout)
		defer cancel()
		got, err := p.forward(ctx, r, body)
		if err != nil {
			if e.Fault == "" {
				e.Fault = "server out of reach"
			}
			return sendReset
		}
		e.Answered, e.ServerStatus = true, got.status
		if f.Kind == ResetAfter {
			return sendReset
		}
		if f.Kind != ReplaceAfter {
			a = p.rewrite(got)
		}
	}
	if f.Kind == Retype {
		a.header.Set("Content-Type", f.ContentType)
	}
	e.Status, e.Sent = a.status, len(a.body)
	switch {
	case f.Kind == Truncate:
		e.Sent = len(a.body) / 2
		return a.sendTruncated
	case f.Kind == Slow:
		return func(w http.ResponseWriter, r *http.Request) { a.sendSlowly(w, r, f.Delay) }
	case p.opt.Hostile && a.status >= 400:
		return func(w http.ResponseWriter, _ *http.Request) { p.sendRaw(w, a) }
	}
	return a.send
}

// replacement returns the answer of a Replace fault.
func replacement(f Fault) answer {
	h := http.Header{}
	h.Set("Content-Type", f.ContentType)
	if f.RetryAfter != "" {
		h.Set("Retry-After", f.RetryAfter)
	}
	return answer{status: f.Status, header: h, body: []byte(f.Body)}
}

// forward sends the request to the server and reads the whole answer.
func (p *Proxy) forward(ctx context.Context, r *http.Request, body []byte) (answer, error) {
	u := *r.URL
	u.Scheme, u.Host = p.target.Scheme, p.target.Host
	out, err := http.NewRequestWithContext(ctx, r.Method, u.String(), bytes.NewReader(body)) //nolint:gosec // the host is the fixed target
	if err != nil {
		return answer{}, fmt.Errorf("wiretap: request: %w", err)
	}
	out.Header = r.Header.Clone()
	dropHopByHop(out.Header)
	if p.opt.Hostile {
		// A compressed body could not be rewritten.
		out.Header.Set("Accept-Encoding", "identity")
	}
	if len(body) == 0 {
		out.Body = http.NoBody
	}
	if !p.opt.OwnHost {
		out.Host = r.Host
	}
	resp, err := p.opt.Transport.RoundTrip(out)
	if err != nil {
		return answer{}, fmt.Errorf("wiretap: forward: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // The body has been read or has failed already.
	got, err := readAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("wiretap: read answer: %w", err)
	}
	h := resp.Header.Clone()
	dropHopByHop(h)
	h.Del("Content-Length")
	return answer{status: resp.StatusCode, header: h, body: got}, nil
}

// dropHopByHop removes the headers that belong to one connection.
func dropHopByHop(h http.Header) {
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		h.Del(name)
	}
}

// rewrite makes an answer hostile, if that is asked for. Bodies that are neither JSON nor text stay as they are.
func (p *Proxy) rewrite(a answer) answer {
	if !p.opt.Hostile {
		return a
	}
	if body, err := p.hostile.json(a.body); err == nil {
		a.body = body
	} else if a.status >= 400 && len(a.body) > 0 {
		a.body = []byte(p.hostile.text(string(a.body)))
	}
	for name, values := range a.header {
		if keptHeader(name) {
			continue
		}
		for i := range values {
			values[i] = p.hostile.header(values[i])
		}
	}
	a.header.Set("X-Notice", p.hostile.header("notice"))
	return a
}

// keptHeader reports whether a header steers the protocol and must stay as it is.
func keptHeader(name string) bool {
	switch name {
	case "Content-Type", "Content-Encoding", "Retry-After", "Date", "Location", "Cache-Control", "Vary":
		return true
	}
	return false
}

// send sends the answer in the ordinary way.
func (a answer) send(w http.ResponseWriter, _ *http.Request) {
	a.writeHead(w)
	_, _ = w.Write(a.body) // The client may be gone; the record says what was meant for it.
}

// writeHead sends the status and the headers.
func (a answer) writeHead(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status != http.StatusNoContent && a.status != http.StatusNotModified && a.status >= 200 {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
}

// sendTruncated announces the whole body, sends half of it and closes the connection.
func (a answer) sendTruncated(w http.ResponseWriter, _ *http.Request) {
	a.writeHead(w)
	_, _ = w.Write(a.body[:len(a.body)/2])
	rc := http.NewResponseController(w)
	_ = rc.Flush()
	if conn, _, err := rc.Hijack(); err == nil {
		_ = conn.Close()
	}
}

// sendSlowly sends the body in 16 pieces with pauses between them.
func (a answer) sendSlowly(w http.ResponseWriter, r *http.Request, gap time.Duration) {
	a.writeHead(w)
	rc := http.NewResponseController(w)
	piece := len(a.body)/16 + 1
	for rest := a.body; len(rest) > 0; {
		n := min(piece, len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			return
		}
		_ = rc.Flush()
		if rest = rest[n:]; len(rest) > 0 && !pause(r.Context(), gap) {
			return
		}
	}
}

// sendRaw writes an error by hand, with a hostile reason phrase, which no HTTP library lets a server choose.
func (p *Proxy) sendRaw(w http.ResponseWriter, a answer) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", a.status, p.hostile.header(http.StatusText(a.status)))
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	a.header.Set("Connection", "close")
	_ = a.header.Write(&b)
	_, _ = io.WriteString(&b, "\r\n")
	b.Write(a.body)
	_, _ = conn.Write(b.Bytes())
}

// sendReset resets the connection without an answer.
func sendReset(w http.ResponseWriter, _ *http.Request) { reset(w) }

// reset closes the connection so that the client sees a reset and not an orderly end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 or a recorder: aborting is all that is left.
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// pause waits for d; it returns false when the client has gone away before.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
