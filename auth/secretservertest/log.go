package secretservertest

import "time"

// Entry is one request as the server saw it. It holds no secret: neither tokens
// nor the values of form fields.
type Entry struct {
	// N counts requests from 1.
	N int
	// Time is the server's clock.
	Time time.Time
	// Method and Path are those of the request; the path has no virtual directory.
	Method, Path string
	// Query is the raw query.
	Query string
	// Status is the answer's code; 0 when the connection was cut instead.
	Status int
	// Grant is the grant type of a token request.
	Grant string
	// Fields are the names of the form fields of a token request, sorted.
	Fields []string
	// OTP tells whether a one-time code came along.
	OTP bool
	// Comment is the comment of a restricted reading.
	Comment string
	// Fault is the fault that struck, or empty.
	Fault string
}

// Counts sum up what was asked of the server.
type Counts struct {
	// Passwords counts password grants, refused ones included.
	Passwords int
	// Refreshes counts refresh grants that were carried out.
	Refreshes int
	// Refused counts refresh grants that were refused for any reason.
	Refused int
	// Reuses counts refused refresh grants with a token that was spent before.
	Reuses int
	// OverLimit counts refused refresh grants beyond the allowed number.
	OverLimit int
	// Late counts refused refresh grants with a token that had died.
	Late int
	// Reads counts values and secrets that were handed out.
	Reads int
	// Checkouts counts readings that checked a secret out.
	Checkouts int
	// Expirations counts sessions that were ended by their owner.
	Expirations int
}

// maxLog bounds the memory of a long-running simulator.
const maxLog = 20000

// Log returns the requests since the start, oldest first; at most 20,000 are
// kept.
func (s *Server) Log() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.log...)
}

// Counts returns the sums since the start.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

func (s *Server) record(e Entry) {
	if len(s.log) >= maxLog {
		s.log = append([]Entry(nil), s.log[maxLog/2:]...)
	}
	s.requests++
	e.N, e.Time = s.requests, s.now()
	s.log = append(s.log, e)
}
