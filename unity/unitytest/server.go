package unitytest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Server is a simulated Unity API. It is an http.Handler and safe for use by
// many goroutines; it owns none.
type Server struct {
	opts   Options
	users  []*user
	routes []route

	mu       sync.Mutex
	offset   time.Duration
	world    *world
	tokens   *tokenStore
	variants variantSet
	faults   *faultSet
	jitter   random
	requests random // request ids
	lag      time.Duration
	log      []Entry
	count    int
	inFlight int
	budget   float64
	budgetAt time.Time
	startErr error
}

// New builds the console that the options describe. Unknown names of faults or
// variants make every call fail with 500 and the reason, since New cannot
// return an error; Err tells them beforehand.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{opts: o, users: builtinUsers(o.Seed), variants: newVariantSet(), faults: newFaultSet(o.Seed), jitter: newRandom(o.Seed, 5),
		requests: newRandom(o.Seed, 6), lag: 10 * time.Second, budget: max(o.Rate, 1)}
	s.world = build(o, o.Now())
	s.tokens = newTokenStore()
	s.routes = catalogue()
	for name, rate := range o.Faults {
		if err := s.faults.set(name, rate); err != nil {
			s.startErr = err
		}
	}
	for _, name := range o.Variants {
		if err := s.variants.set(name, true); err != nil {
			s.startErr = err
		}
	}
	if s.userNamed(o.User) == nil {
		s.startErr = errNoUser(o.User)
	}
	return s
}

// Err reports options that New could not follow: an unknown fault, variant or
// user.
func (s *Server) Err() error { return s.startErr }

// now is the server's clock. The lock must be held.
func (s *Server) now() time.Time { return s.opts.Now().Add(s.offset) }

// nanos is the server's clock in the precision of the world.
func (s *Server) nanos() int64 { return s.now().UnixNano() / tick * tick }

// Advance moves the clock of the server, which rules tokens, agents and
// infections, ahead by d; a negative d is ignored.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += max(d, 0)
	s.world.settle(s.nanos())
}

// SetFault gives a fault a probability per call between 0 and 1. It fails for
// an unknown name or a rate out of range.
func (s *Server) SetFault(name string, rate float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.set(name, rate)
}

// FaultCounts tells how often each fault has struck so far.
func (s *Server) FaultCounts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]int, len(s.faults.counts))
	for k, v := range s.faults.counts {
		counts[k] = v
	}
	return counts
}

// SetVariant switches a variant on or off. It fails for an unknown name.
func (s *Server) SetVariant(name string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.variants.set(name, on)
}

// SetCommandLag sets how long the fault command-lag hides a new command from
// lists; it is 10 seconds at the start.
func (s *Server) SetCommandLag(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lag = d
}

// call is one request on its way through the server.
type call struct {
	s         *Server
	r         *http.Request
	at        time.Time
	now       int64
	query     url.Values // names in lower case
	body      []byte
	params    map[string]string
	entry     Entry
	requestID string
	user      *user
	granted   []string
	site      *site
	group     *group
	machine   *machine
	lagged    bool
}

const maxBody = 8 << 20

// ServeHTTP answers one request: the API under /service and /auth, the
// control of the simulator under /_sim/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.serveControl(w, r)
		return
	}
	c := &call{s: s, r: r, entry: Entry{Method: r.Method, Path: r.URL.Path, Query: safeQuery(r.URL.RawQuery), TokenState: "none"}}
	admitted, wait := s.enter()
	defer s.leave()
	if wait > 0 && !pause(r, wait) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // The client broke off in the middle of its own request.
	}
	c.body = body
	c.query = url.Values{}
	for k, v := range r.URL.Query() {
		c.query[strings.ToLower(k)] = v
	}
	answer, bytes, contentType, enc := s.decide(c, admitted)
	if bytes == nil && answer.body != nil {
		if c.wantsXML() && !strings.HasPrefix(r.URL.Path, "/auth/") {
			bytes, contentType = enc.xmlDocument(answer.body), "application/xml; charset=utf-8"
		} else {
			bytes, contentType = enc.json(nil, answer.body), "application/json; charset=utf-8"
		}
	}
	c.write(w, answer, bytes, contentType)
}

// enter counts a call in and tells whether the limits admit it and how long
// it takes.
func (s *Server) enter() (bool, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	admitted := s.opts.Parallel <= 0 || s.inFlight <= s.opts.Parallel
	if s.opts.Rate > 0 && admitted {
		now := s.now()
		if !s.budgetAt.IsZero() {
			s.budget = min(s.budget+now.Sub(s.budgetAt).Seconds()*s.opts.Rate, max(s.opts.Rate, 1))
		}
		s.budgetAt = now
		admitted = s.budget >= 1
		if admitted {
			s.budget--
		}
	}
	if s.opts.Latency <= 0 || !admitted {
		return admitted, 0
	}
	return admitted, time.Duration(float64(s.opts.Latency) * (0.7 + 0.6*s.jitter.Float64()))
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

// decide does under the lock everything that reads or changes the world.
func (s *Server) decide(c *call, admitted bool) (reply, []byte, string, encoder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.at = s.now()
	c.now = s.nanos()
	c.requestID = s.requests.guid()
	s.count++
	c.entry.N, c.entry.Time = s.count, c.at
	s.world.settle(c.now)
	answer := s.answer(c, admitted)
	if answer.drop {
		c.entry.Status = 0
	} else {
		c.entry.Status = answer.status
	}
	if c.user != nil {
		c.entry.User = c.user.name
	}
	s.record(c.entry)
	body, contentType := s.render(c, answer)
	enc := encoder{}
	if !strings.HasPrefix(c.r.URL.Path, "/auth/") {
		enc = encoder{dropNulls: s.variants["nulls-dropped"], numbersAsStrings: s.variants["numbers-as-strings"], datesZoneless: s.variants["dates-zoneless"]}
	}
	return answer, body, contentType, enc
}

func (s *Server) answer(c *call, admitted bool) reply {
	path := c.r.URL.Path
	isToken := path == "/auth/token"
	if !isToken && c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		c.entry.Body = string(c.body)
	}
	switch {
	case s.startErr != nil:
		return fail(http.StatusInternalServerError, "", s.startErr.Error())
	case !admitted:
		r := fail(http.StatusTooManyRequests, "", "Too many requests.")
		if s.variants["rate-retry-after"] {
			r.header = map[string]string{"Retry-After": "1"}
		}
		return r
	case s.variants["user-agent-required"] && !strings.Contains(c.r.UserAgent(), "/"):
		return badRequest("The User-Agent header must identify the application.")
	case isToken:
		return s.serveToken(c)
	case path == "/auth/authorize":
		return s.serveAuthorize(c)
	case strings.HasPrefix(path, "/service/"):
		return s.serveService(c)
	}
	return notFound("The address")
}
