package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/unitty/unitty/unity/unitytest"
)

// testSim is a simulated console in the test process, with the program under test in another one.
type testSim struct {
	*unitytest.Server
	url  string
	http *httptest.Server
	// locks is where programs that sign in here keep locks and the memory of refused passwords.
	locks string

	mu sync.Mutex
	// last is the body of the latest answer below /service.
	last []byte
	// breaks chooses calls, as METHOD PATH, that are answered with brokenStatus instead of reaching the simulator.
	breaks       *regexp.Regexp
	brokenStatus int
	broken       []string
	// answer, when set, answers in the simulator's place where it returns true.
	answer func(http.ResponseWriter, *http.Request) bool
	// arrived gets a word for each call below /service; it is never waited for.
	arrived chan struct{}
}

// newTestSim starts a simulator; the caller closes it.
func newTestSim(o unitytest.Options) (*testSim, error) {
	s := &testSim{Server: unitytest.New(o), arrived: make(chan struct{}, 1)}
	if err := s.Err(); err != nil {
		return nil, err
	}
	var err error
	if s.locks, err = os.MkdirTemp("", "unitty-locks-"); err != nil {
		return nil, err
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.url = s.http.URL
	return s, nil
}

// startTestSim starts a simulator for the length of a test.
func startTestSim(t *testing.T, o unitytest.Options) *testSim {
	t.Helper()
	s, err := newTestSim(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	return s
}

func (s *testSim) close() {
	s.http.CloseClientConnections()
	s.http.Close()
	_ = os.RemoveAll(s.locks)
}

func (s *testSim) serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/service/") {
		s.ServeHTTP(w, r)
		return
	}
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	if s.breakCall(w, r) || s.answerCall(w, r) {
		return
	}
	tee := &teeWriter{ResponseWriter: w}
	s.ServeHTTP(tee, r)
	s.mu.Lock()
	s.last = tee.body.Bytes()
	s.mu.Unlock()
}

// breakCall answers a chosen call with an error in the documented shape.
func (s *testSim) breakCall(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.breaks == nil || !s.breaks.MatchString(r.Method+" "+r.URL.Path) {
		return false
	}
	s.broken = append(s.broken, fmt.Sprintf("broken %s %s %d", r.Method, r.URL.Path, s.brokenStatus))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.brokenStatus)
	_, _ = fmt.Fprintf(w, `{"statusCode":%d,"requestId":"req-broken","error":"bad_request","error_description":"told to break","AdditionalInformation":{}}`, s.brokenStatus)
	return true
}

// answerCall lets the test answer, if it wants to.
func (s *testSim) answerCall(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	return answer != nil && answer(w, r)
}

// loseSignIn answers commands after the first one as if no token were good any more.
func (s *testSim) loseSignIn(on bool) {
	var sent atomic.Int32
	answer := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || sent.Add(1) == 1 {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"statusCode":401,"requestId":"req-lost","error":"invalid_token","error_description":"the token is no longer good","AdditionalInformation":{}}`))
		return true
	}
	if !on {
		answer = nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// teeWriter keeps a copy of the body.
type teeWriter struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (t *teeWriter) Write(p []byte) (int, error) {
	t.body.Write(p)
	return t.ResponseWriter.Write(p)
}

// Unwrap lets the simulator reach the connection, which it has to cut for some faults.
func (t *teeWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

func (t *teeWriter) Flush() { _ = http.NewResponseController(t.ResponseWriter).Flush() }

// environment is what the program has to be given to sign in as a built-in user.
func (s *testSim) environment(user string) [][2]string {
	// Addresses come again: what an earlier test was refused at this one must not count.
	return append(signInVariables(s.url, s.CredentialsOf(user)), [2]string{"UNITTY_TEST_LOCK_DIR", s.locks})
}

func signInVariables(url string, c unitytest.Credentials) [][2]string {
	return [][2]string{{"UNITTY_BASE_URL", url}, {"UNITTY_GSM_KEY", c.GSMKey}, {"UNITTY_USERNAME", c.Username}, {"UNITTY_PASSWORD", c.Password},
		{"UNITTY_CLIENT_ID", c.ClientID}, {"UNITTY_CLIENT_SECRET", c.ClientSecret}}
}

// lines gives the simulator's log, one line a request.
func (s *testSim) lines() []string {
	s.mu.Lock()
	out := append([]string(nil), s.broken...)
	s.mu.Unlock()
	for _, e := range s.Log() {
		line := fmt.Sprintf("%s %s", e.Method, e.Path)
		if e.Query != "" {
			line += "?" + e.Query
		}
		line += fmt.Sprintf(" %d user=%s", e.Status, e.User)
		if e.Grant != "" {
			line += " grant=" + e.Grant
		}
		if e.Committed {
			line += " committed"
		}
		out = append(out, line+" body="+e.Body)
	}
	return out
}

// count counts the lines of the log that a pattern matches.
func (s *testSim) count(pattern string) int {
	re, n := regexp.MustCompile(pattern), 0
	for _, l := range s.lines() {
		if re.MatchString(l) {
			n++
		}
	}
	return n
}

// changes counts the calls that could have changed the console.
func (s *testSim) changes() int { return s.count(`^(POST|PUT|PATCH|DELETE) /service/`) }

// siteFacts are a site of a world that tests can act on, with machines that nothing stands against: active, polling,
// with a name of their own, nothing waiting for them.
type siteFacts struct {
	site     unitytest.SiteTruth
	machines []unitytest.EndpointTruth
	active   int
}

// plainSites gives the sites with a plain state that a built-in user may change, those with most plain machines first.
func plainSites(s *testSim) []siteFacts {
	w := s.World()
	names := map[string]int{}
	for _, e := range w.Endpoints {
		names[strings.ToLower(e.HostName)]++
	}
	waiting := map[string]bool{}
	for _, c := range w.Commands {
		if c.ExecutedAt.IsZero() {
			waiting[c.EndpointID] = true
		}
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9 .&'-]+$`)
	var out []siteFacts
	for _, site := range w.Sites {
		if site.Deactivated || site.Suspended || !plain.MatchString(site.Name) {
			continue
		}
		f := siteFacts{site: site}
		for _, e := range w.Endpoints {
			if e.SiteID != site.ID || e.Deactivated {
				continue
			}
			f.active++
			if names[strings.ToLower(e.HostName)] == 1 && plain.MatchString(e.HostName) && !e.Infected && !e.NextPoll.IsZero() && !waiting[e.ID] {
				f.machines = append(f.machines, e)
			}
		}
		out = append(out, f)
	}
	sort.SliceStable(out, func(i, j int) bool { return len(out[i].machines) > len(out[j].machines) })
	return out
}
