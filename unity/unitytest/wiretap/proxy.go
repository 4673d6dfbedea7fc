package wiretap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxBody is the largest request or response the proxy carries, in bytes.
const maxBody = 256 << 20

// upstreamTimeout bounds a call to the server. It does not end when the client goes away, since the judge must learn
// what the server did.
const upstreamTimeout = 2 * time.Minute

// Options say what a Proxy does besides recording.
type Options struct {
	// Listen is the address to listen on; the default is a free port of 127.0.0.1.
	Listen string
	// Rules break calls; the first that chooses a call wins. More can be added with AddRule.
	Rules []Rule
	// Hostile rewrites every text in the server's answers.
	Hostile bool
	// Keep names further JSON keys whose values Hostile leaves alone.
	Keep []string
	// Seed makes the probabilities of rules and the hostile texts repeatable.
	Seed uint64
	// Log gets one line of JSON for each call when it is over. Writes are serialised.
	Log io.Writer
	// OwnHost sends the server its own name in the Host header. By default the client's is kept, so that absolute
	// addresses in answers lead back through the proxy.
	OwnHost bool
	// Transport carries calls to the server; the default is a plain transport without proxies or compression.
	Transport http.RoundTripper
}

// Proxy is a recording and fault-injecting HTTP proxy on a listener of its own. It is safe for concurrent use.
type Proxy struct {
	target   *url.URL
	opt      Options
	hostile  hostility
	listener net.Listener
	server   *http.Server
	served   chan struct{}

	mu    sync.Mutex
	rules []rule
	rng   *rand.Rand
	calls []Exchange
}

// rule is a Rule with its counters.
type rule struct {
	Rule
	seen, used int
}

// New starts a proxy in front of target. It serves until Close.
func New(target *url.URL, opt Options) (*Proxy, error) {
	if target == nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, errors.New("wiretap: the target must be an http or https address with a host")
	}
	if opt.Listen == "" {
		opt.Listen = "127.0.0.1:0"
	}
	if opt.Transport == nil {
		opt.Transport = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", opt.Listen)
	if err != nil {
		return nil, fmt.Errorf("wiretap: listen: %w", err)
	}
	p := &Proxy{
		target: target, opt: opt, hostile: newHostility(opt.Seed, opt.Keep), listener: l,
		rng: newRand(opt.Seed), served: make(chan struct{}),
	}
	for _, r := range opt.Rules {
		p.AddRule(r)
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 30 * time.Second}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(l) // It returns when Close closes the server.
	}()
	return p, nil
}

// newRand returns the source of the rules' luck.
func newRand(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 0x77697265)) //nolint:gosec // faults must be repeatable; nothing here is a secret
}

// URL returns the base address that the program under test must be given.
func (p *Proxy) URL() *url.URL {
	u := *p.target
	u.Scheme, u.Host = "http", p.listener.Addr().String()
	return &u
}

// Close ends the proxy and all connections to it.
func (p *Proxy) Close() error {
	err := p.server.Close()
	<-p.served
	if t, ok := p.opt.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
	return err
}

// AddRule adds a rule behind the others.
func (p *Proxy) AddRule(r Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, rule{Rule: r})
}

// ClearRules removes all rules; calls pass unharmed again.
func (p *Proxy) ClearRules() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = nil
}

// Exchanges returns the calls that are over, in the order their requests were read.
func (p *Proxy) Exchanges() []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Exchange, 0, len(p.calls))
	for _, e := range p.calls {
		if e.Took > 0 {
			out = append(out, e)
		}
	}
	return out
}

// Changes returns the calls that can change the console, in order.
func (p *Proxy) Changes() []Change {
	var out []Change
	for _, e := range p.Exchanges() {
		if c, ok := e.change(); ok {
			out = append(out, c)
		}
	}
	return out
}

// DeliveredIDs returns how often each endpoint id was part of a delivered change with the agent command; "" counts
// changes of every kind. A count above one is a change that was sent twice.
func (p *Proxy) DeliveredIDs(command string) map[string]int {
	out := map[string]int{}
	for _, c := range p.Changes() {
		if !c.Delivered || (command != "" && c.Command != command) {
			continue
		}
		for _, id := range c.IDs {
			out[id]++
		}
	}
	return out
}

// Reset forgets the calls recorded so far. Calls under way are recorded when they are over.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = slices.DeleteFunc(p.calls, func(e Exchange) bool { return e.Took > 0 })
}

// choose counts a call for every rule that looks at it and returns the first that changes it.
func (p *Proxy) choose(method, path string) (Rule, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	chosen := -1
	for i := range p.rules {
		r := &p.rules[i]
		if !r.matches(method, path) {
			continue
		}
		r.seen++
		// The draw happens for every call a rule looks at, so that one rule does not shift the luck of another.
		lucky := r.Rate <= 0 || p.rng.Float64() < r.Rate
		if chosen >= 0 || !lucky || (r.Nth > 0 && r.seen != r.Nth) || (r.Limit > 0 && r.used >= r.Limit) {
			continue
		}
		chosen = i
	}
	if chosen < 0 {
		return Rule{}, false
	}
	p.rules[chosen].used++
	return p.rules[chosen].Rule, true
}

// begin gives the call its number.
func (p *Proxy) begin(e *Exchange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.N = 1
	if len(p.calls) > 0 {
		e.N = p.calls[len(p.calls)-1].N + 1
	}
	p.calls = append(p.calls, *e)
}

// finish stores what became of the call and writes the log.
func (p *Proxy) finish(e *Exchange) {
	e.Took = max(time.Since(e.Time), 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.calls {
		if p.calls[i].N == e.N {
			p.calls[i] = *e
		}
	}
	if p.opt.Log == nil {
		return
	}
	line, err := json.Marshal(logLine{Exchange: *e, Body: string(e.Body)})
	if err != nil {
		return // Only strings, numbers and times are in it.
	}
	_, _ = p.opt.Log.Write(append(line, '\n')) // The record in memory is the one that counts.
}

// logLine is an exchange with its body as text.
type logLine struct {
	Exchange
	Body string
}

// errTooLarge is returned by readAll for bodies above maxBody.
var errTooLarge = errors.New("wiretap: body too large")

// readAll reads a body up to maxBody.
func readAll(r io.Reader) ([]byte, error) {
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, maxBody+1))
	if err == nil && n > maxBody {
		err = errTooLarge
	}
	return buf.Bytes(), err
}
