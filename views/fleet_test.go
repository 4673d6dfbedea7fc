package views_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/unitty/unitty/theme"
	"github.com/unitty/unitty/ui"
	"github.com/unitty/unitty/ui/uitest"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
	"github.com/unitty/unitty/views"
)

// album is a fleet whose pictures the test puts in.
type album struct {
	mu      sync.Mutex
	pic     *picture.Picture
	state   live.State
	changes []live.Change
	changed chan struct{}
	touched []unity.SiteID
	asked   int
	// identified counts how often namesakes were to be told apart.
	identified int
	reread     int
}

func newAlbum(p *picture.Picture) *album {
	return &album{pic: p, state: live.State{Phase: live.PhaseIdle, Source: "server"}, changed: make(chan struct{})}
}

func (a *album) Current() *picture.Picture { a.mu.Lock(); defer a.mu.Unlock(); return a.pic }
func (a *album) Changed() <-chan struct{}  { a.mu.Lock(); defer a.mu.Unlock(); return a.changed }
func (a *album) State() live.State         { a.mu.Lock(); defer a.mu.Unlock(); return a.state }
func (a *album) Changes() []live.Change    { a.mu.Lock(); defer a.mu.Unlock(); return a.changes }

func (a *album) Refresh(context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return nil
}

func (a *album) Name(...unity.SiteID) {}

func (a *album) Reread() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reread++
}

func (a *album) Identify() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.identified++
}

func (a *album) Touch(sites ...unity.SiteID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.touched = append(a.touched, sites...)
}

// turn puts another picture in.
func (a *album) turn(edit func(a *album)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	edit(a)
	close(a.changed)
	a.changed = make(chan struct{})
}

// shown is a console on an album; the server behind it answers nothing.
type shown struct {
	driven
	album *album
	env   *views.Env
	hits  *int
}

func show(t testing.TB, p *picture.Picture, w, h int, saved ...views.SavedView) *shown {
	t.Helper()
	hits := new(int)
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		*hits++
		mu.Unlock()
		rw.Header().Set("Date", picturetest.Now().Format(http.TimeFormat)) // the client goes by the server's clock
		rw.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(server.Close)
	key, err := unity.ParseKeycode("SAAA-AAAA-AAAA-AAAA-AAAA")
	if err != nil {
		t.Fatal(err)
	}
	client, err := unity.New(unity.Options{BaseURL: server.URL, GSMKey: key, Tokens: anyToken{}, Version: "test", Now: picturetest.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := &shown{driven: driven{t: t}, album: newAlbum(p), env: views.NewEnv(client, "kim"), hits: hits}
	s.env.Fleet, s.env.Saved = s.album, saved
	th, err := theme.New("", "", true)
	if err != nil {
		t.Fatal(err)
	}
	cfg := ui.Config{Version: "test", Theme: th, IdleLock: time.Hour, Now: picturetest.Now,
		Header: func() ui.Header { return ui.Header{Profile: "test"} },
		Home:   s.env.Home, Restore: s.env.Restore, Commands: s.env.Places(), Catalog: views.Catalog(), Touched: s.env.Touched,
		Warnings: views.CheckViews(saved), Find: s.env.Find, Explain: views.Explain, ExportDir: t.TempDir()}
	if err := ui.CheckKeys(cfg); err != nil {
		t.Fatal(err)
	}
	s.Driver = uitest.New(ui.New(cfg), w, h)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// rowCount is how many rows the status line of a list says there are.
func (s *shown) rowCount() string {
	for line := range strings.SplitSeq(s.Screen(), "\n") {
		if head, _, ok := strings.Cut(line, " row"); ok && strings.TrimLeft(head, "0123456789,/") == "" {
			return head
		}
	}
	return ""
}

func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// viewKeys are the keys of the views with what each of them has to show of a picture.
func viewKeys(p *picture.Picture) map[string]int {
	now := picturetest.Now()
	out := map[string]int{}
	for i, class := range []picture.Class{picture.Infected, picture.Attention, picture.Stale, picture.DeadButSeen, picture.Duplicates, picture.Outdated, picture.PolicyDrift} {
		out[fmt.Sprint(i+1)] = p.Class(context.Background(), class, now, fleet.DefaultStaleAfter).Len()
	}
	for i := range p.Sites {
		if fleet.Over(&p.Sites[i]) > 0 {
			out["8"]++
		}
		if s := &p.Sites[i]; !s.Deactivated.On && !s.Suspended.On && s.EndDate.Known() && s.EndDate.Sub(now) <= picture.EndingWithin {
			out["9"]++
		}
	}
	out["0"] = p.Len()
	return out
}

// TestEachViewIsOneKeyAwayFromEverywhere opens every view from every other one, from a detail and from a text, and counts its rows.
func TestEachViewIsOneKeyAwayFromEverywhere(t *testing.T) {
	p := picturetest.Random(3, 30, 900)
	keys := viewKeys(p)
	for _, size := range [][2]int{{120, 30}, {80, 24}, {40, 10}} {
		s := show(t, p, size[0], size[1])
		from := map[string]func(){
			"the first screen": func() {},
			"a view":           func() { s.Press("0") },
			"a machine":        func() { s.Press("0", "enter") },
			"another place":    func() { s.Press(":"); s.Type("go to admins"); s.Press("enter") },
			"what changed":     func() { s.Press(":"); s.Type("what changed"); s.Press("enter") },
		}
		for name, go2 := range from {
			for key, n := range keys {
				go2()
				s.Press(key, "x")
				if got := s.rowCount(); got != grouped(n) {
					t.Fatalf("%v: %s from %s shows %q rows, want %d:\n%s", size, key, name, got, n, s.Screen())
				}
				s.Press(":")
				s.Type("first screen")
				s.Press("enter")
			}
		}
	}
}

// TestGoingThroughViewsLeavesNoTrail presses several keys of views and goes back once.
func TestGoingThroughViewsLeavesNoTrail(t *testing.T) {
	s := show(t, picturetest.Random(3, 10, 200), 100, 30)
	s.Press("1", "2", "3", "0", "q")
	s.want("needs attention", "Sites")
	s.Press("q")
	if !s.Quit() {
		t.Fatalf("q at the first screen does not quit:\n%s", s.Screen())
	}
}

// TestDigitsAreTextInAFilter types digits where they are text.
func TestDigitsAreTextInAFilter(t *testing.T) {
	s := show(t, picturetest.Random(3, 10, 200), 100, 30)
	s.Press("0", "/")
	s.Type("seen:<30d")
	s.want("/ seen:<30d", "Everything")
	s.Press("esc", "f")
	s.Type("123")
	s.want("> 123")
}

// TestFilterIsThatOfTheSelectorLanguage holds the rows that a filter leaves against the language, row by row.
func TestFilterIsThatOfTheSelectorLanguage(t *testing.T) {
	p := picturetest.Random(8, 20, 600)
	g := picture.Language(false, fleet.DefaultStaleAfter, picturetest.Now, nil)
	for _, expr := range []string{"desktop", "status:stale", "seen:>30d", "type:pc !status:ok", "policy:unmanaged", "version:<9.0.36", "status:infected|attention"} {
		q, err := g.Compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for r := range p.Rows() {
			if q.Plan().Match(r, picturetest.Now()) {
				n++
			}
		}
		s := show(t, p, 160, 30)
		s.Press("0", "/")
		s.Type(expr)
		s.Press("enter")
		if got, want := s.rowCount(), grouped(n)+"/"+grouped(p.Len()); got != want {
			t.Errorf("%s shows %q, want %q", expr, got, want)
		}
		if left := p.Select(t.Context(), q, picturetest.Now()).LeftOut; left > 0 {
			s.want(fmt.Sprintf("%d left out", left))
		}
	}
}

// churn makes the next picture: some sites are read again, some of their machines are gone, others new.
func churn(t testing.TB, p *picture.Picture, round int) *picture.Picture {
	t.Helper()
	now := picturetest.Now().Add(time.Duration(round) * time.Minute)
	var chunks []*picture.Chunk
	for n, c := range p.Chunks() {
		if n%3 != round%3 {
			continue
		}
		b := picture.NewBuilder(c.Site(), c.Len())
		for i := range c.Len() {
			if (i+round)%11 != 0 {
				b.Keep(c.Row(i))
			}
		}
		b.Add(&unity.Endpoint{ID: unity.EndpointID(fmt.Sprintf("00000000-0000-4000-8000-%04d%08d", round, n)),
			HostName: unity.NewText(fmt.Sprintf("AAA-%d-%d", round, n)), LastSeen: unity.NewTime(now)}, unity.Text{}, unity.Text{}, now)
		chunks = append(chunks, b.Chunk())
	}
	next := p.With(chunks...)
	next.Revision++
	return next
}

// TestCursorAndMarksStayOnTheirIDs changes the picture under a list with a cursor, marks, an order and a filter.
func TestCursorAndMarksStayOnTheirIDs(t *testing.T) {
	for _, filter := range []string{"", "seen:<4000d"} {
		p := picturetest.Random(5, 30, 800)
		s := show(t, p, 160, 40)
		s.Press("0")
		if filter != "" {
			s.Press("/")
			s.Type(filter)
			s.Press("enter")
		}
		for range 13 {
			s.Press("j")
		}
		s.Press("space", "k", "k")
		keys := s.env.Marks.Keys()
		for round := range 12 {
			host := cursorHost(s)
			id := idOf(t, p, host)
			next := churn(t, p, round)
			s.Advance(time.Second)
			s.album.turn(func(a *album) { a.pic = next })
			if !s.Until(func() bool { return s.rowCount() != "" && strings.HasSuffix("/"+s.rowCount(), "/"+grouped(next.Len())) }) {
				t.Fatalf("the picture of round %d did not come: %d\n%s", round, next.Len(), s.Screen())
			}
			if _, still := next.Get(id); still && cursorHost(s) != host {
				t.Fatalf("round %d: the cursor went from %s to %s", round, host, cursorHost(s))
			}
			if got := s.env.Marks.Keys(); fmt.Sprint(got) != fmt.Sprint(keys) {
				t.Fatalf("round %d: the marks were %v and are %v", round, keys, got)
			}
			p = next
		}
	}
}

// cursorHost is the first word of the line that the real cursor stands on.
func cursorHost(s *shown) string {
	_, y, _ := s.Cursor()
	for _, w := range strings.Fields(s.Line(y)) {
		if len(w) > 2 {
			return w
		}
	}
	return ""
}

func idOf(t testing.TB, p *picture.Picture, host string) unity.EndpointID {
	t.Helper()
	for r := range p.Rows() {
		if r.Name() == host {
			return r.ID()
		}
	}
	return ""
}
