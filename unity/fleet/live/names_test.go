package live

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestNamesOfWhatIsLookedAt: the groups of sites that somebody looks at have their names at once, whatever others wait.
func TestNamesOfWhatIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, unitytest.Options{Sites: 40, Endpoints: 400, Seed: 5})
		f := l.fleet(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		synctest.Wait()
		if !f.Current().Complete() {
			t.Fatal("not complete")
		}
		var bare []unity.SiteID
		for _, c := range f.Current().Chunks() {
			if c.Nameless(nil) {
				bare = append(bare, c.Site().ID)
			}
		}
		if len(bare) < 10 {
			t.Fatalf("%d sites have groups without names", len(bare))
		}
		l.forget()
		last := bare[len(bare)-3:]
		f.Name(last...)
		f.Name(last...)
		synctest.Wait()
		if n := l.count("/groups"); n != len(last) {
			t.Errorf("%d calls for %d sites", n, len(last))
		}
		wait(publishEvery)
		for _, id := range last {
			if f.Current().Chunk(id).Nameless(nil) {
				t.Errorf("%s has groups without names", id)
			}
		}
		f.Name(last...)
		synctest.Wait()
		if n := l.count("/groups"); n > len(last)+namesAtOnce {
			t.Errorf("%d calls", n)
		}
		wait(time.Duration(len(bare)/namesAtOnce+2) * namesEvery)
		for _, c := range f.Current().Chunks() {
			if c.Nameless(nil) {
				t.Errorf("%s has groups without names at the end", c.Site().ID)
			}
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestOnlySitesThatCouldTell: where the console's reports name no host of a site's machines, the site is not asked; where
// there are no reports at all, its own list may still have some.
func TestOnlySitesThatCouldTell(t *testing.T) {
	for body, want := range map[string]int{`{"QueryResults":[{"HostName":"somebody-else"}]}`: 0, `{"QueryResults":[]}`: 30} {
		l := newLab(t, unitytest.Options{Sites: 30, Endpoints: 900, Seed: 3})
		l.intercept = func(r *http.Request) *http.Response {
			if !strings.Contains(r.URL.Path, "/status/gsm") {
				return nil
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
		}
		f := l.fleet(Options{})
		sync1(t, f)
		if n := l.count("status/site"); n != want {
			t.Errorf("%s: %d sites were asked, want %d", body, n, want)
		}
	}
}
