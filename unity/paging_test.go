package unity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

func guid(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", n) }

// pageOf writes rows from a list of numbers; more is "" or the value of MoreAvailable.
func pageOf(key string, total int, more string, ids ...int) string {
	rows := make([]string, len(ids))
	for i, n := range ids {
		rows[i] = fmt.Sprintf(`{"EndpointId":%q,"HostName":"h%d"}`, guid(n), n)
	}
	head := ""
	if total >= 0 {
		head = fmt.Sprintf(`"TotalAvailable":%d,`, total)
	}
	if more != "" {
		head += `"MoreAvailable":` + more + `,`
	}
	return "{" + head + `"` + key + `":[` + strings.Join(rows, ",") + "]}"
}

func rng(from, to int) []int {
	var out []int
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

func TestPageWalks(t *testing.T) {
	for _, x := range []struct {
		name  string
		serve func(call, nr int) string
		rows  int
		fails bool
		calls int // 0: not checked
	}{
		{"one page", func(_, _ int) string { return pageOf("Endpoints", 2, "", 1, 2) }, 2, false, 1},
		{"nothing", func(_, _ int) string { return pageOf("Endpoints", 0, "") }, 0, false, 1},
		{"null list", func(_, _ int) string { return `{"TotalAvailable":0,"Endpoints":null}` }, 0, false, 1},
		{"null list with rows", func(_, _ int) string { return `{"TotalAvailable":3,"Endpoints":null}` }, 0, true, 0},
		{"bare list", func(_, nr int) string {
			if nr == 1 {
				return `[{"EndpointId":"` + guid(1) + `"}]`
			}
			return "[]"
		}, 1, false, 2},
		{"missing key", func(_, _ int) string { return `{"TotalAvailable":0}` }, 0, true, 0},
		{"key in other case", func(_, _ int) string { return pageOf("endpoints", 1, "", 1) }, 1, false, 1},
		{"string", func(_, _ int) string { return `{"Endpoints":"none"}` }, 0, true, 0},
		{"row is a word", func(_, _ int) string { return `{"Endpoints":["x"]}` }, 0, true, 0},
		{"html", func(_, _ int) string { return `<html>` }, 0, true, 0},
		{"empty body", func(_, _ int) string { return `` }, 0, true, 0},
		{"three pages", func(_, nr int) string { return pageOf("Endpoints", 5, "", rng(nr*2, min(nr*2+2, 7))...) }, 5, false, 3},
		{"repeated page with total", func(_, _ int) string { return pageOf("Endpoints", 5, "", 1, 2) }, 2, true, 0},
		{"repeated page with flag", func(_, _ int) string { return pageOf("Endpoints", -1, "true", 1, 2) }, 2, true, 0},
		{"empty page with flag", func(_, nr int) string { return pageOf("Endpoints", -1, "true", rng(0, 2-nr)...) }, 1, true, 0},
		{"repeated page without marks", func(_, _ int) string { return pageOf("Endpoints", -1, "", 1, 2) }, 2, false, 2},
		{"rows without id", func(_, _ int) string {
			return `{"TotalAvailable":2,"Endpoints":[{"HostName":"a"},{"HostName":"b"}]}`
		}, 2, false, 1},
		{"rows without id, repeated for ever", func(_, _ int) string { return `{"MoreAvailable":true,"Endpoints":[{"HostName":"a"}]}` }, 1, true, 0},
		{"never ending", func(_, nr int) string { return pageOf("Endpoints", -1, "true", nr) }, maxPages, true, maxPages},
		{"total that grows for ever", func(_, nr int) string { return pageOf("Endpoints", nr+1, "", nr) }, maxPages, true, maxPages},
		{"row inserted before the walk", func(call, nr int) string {
			switch { // 0 appears before 1..4 while the second page is asked for
			case call == 1:
				return pageOf("Endpoints", 4, "", 1, 2)
			case call == 2:
				return pageOf("Endpoints", 5, "", 2, 3)
			}
			return pageOf("Endpoints", 5, "", rng(nr*2-2, min(nr*2, 5))...)
		}, 5, false, 0},
		{"row removed behind the walk", func(call, nr int) string {
			if call == 1 { // 0 goes away, so that 2 moves to the first page unseen
				return pageOf("Endpoints", 5, "", 0, 1)
			}
			return pageOf("Endpoints", 4, "", rng(nr*2-1, min(nr*2+1, 5))...)
		}, 5, false, 0},
		{"missing row far back", func(call, nr int) string {
			if call == 4 { // one row is passed over in the first walk only
				return pageOf("Endpoints", 8, "", 7)
			}
			return pageOf("Endpoints", 8, "", rng(nr*2-2, min(nr*2, 8))...)
		}, 8, false, 0},
		{"always one short", func(_, nr int) string { return pageOf("Endpoints", 5, "", rng(nr*2, min(nr*2+2, 6))...) }, 4, true, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s, _ := scripted(t, func(n int, w http.ResponseWriter, r *http.Request) {
					nr, err := strconv.Atoi(r.URL.Query().Get("pageNr"))
					if err != nil || r.URL.Query().Get("pageSize") != "2" {
						t.Error(r.URL)
					}
					answer(w, 200, x.serve(n, nr))
				})
				rows, err := Collect(c.Endpoints(t.Context(), siteA, EndpointQuery{PageSize: 2}))
				if (err != nil) != x.fails || err != nil && !errors.Is(err, ErrProtocol) || len(rows) != x.rows {
					t.Errorf("%d rows, %v", len(rows), err)
				}
				if x.calls != 0 && s.count() != x.calls {
					t.Errorf("%d calls", s.count())
				}
			})
		})
	}
}

// TestTwinCommands: the API gives commands no id, so two rows may look the same and are two all the same.
func TestTwinCommands(t *testing.T) {
	row := `{"EndpointId":"` + string(idA) + `","Command":"scan","DateRequested":"2025-05-30T11:02:03","CommandState":"2"}`
	c, s, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, fmt.Sprintf(`{"TotalAvailable":2,"Commands":[%s,%s]}`, row, row))
	})
	rows, err := Collect(c.SiteCommands(t.Context(), siteA, CommandQuery{PageSize: 2}))
	if err != nil || len(rows) != 2 || s.count() != 1 || rows[0].State != StateNotYetReceived {
		t.Error(rows, err)
	}
}

// TestSmallerPages: when a gateway gives up, the walk goes on with less at a time, wherever it stood.
func TestSmallerPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []string
		c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, r *http.Request) {
			size, nr := r.URL.Query().Get("pageSize"), r.URL.Query().Get("pageNr")
			if !slices.Contains(sizes, size) {
				sizes = append(sizes, size)
			}
			n, _ := strconv.Atoi(size)
			page, _ := strconv.Atoi(nr)
			if n > 62 && page > 1 {
				answer(w, 504, "<html>")
				return
			}
			answer(w, 200, pageOf("Endpoints", 1200, "", rng((page-1)*n, min(page*n, 1200))...))
		})
		rows, err := Collect(c.Endpoints(t.Context(), siteA, EndpointQuery{}))
		if err != nil || len(rows) != 1200 || !slices.Equal(sizes, []string{"1000", "250", "62"}) {
			t.Error(len(rows), err, sizes)
		}
	})
	if lessOf(&Error{Kind: ErrUnavailable, Status: 504}, 50) != 0 || lessOf(&Error{Kind: ErrUnavailable, Status: 503}, 500) != 0 {
		t.Error("a walk would go on for ever")
	}
}

func TestReaderMayStop(t *testing.T) {
	c, s, _ := scripted(t, func(n int, w http.ResponseWriter, _ *http.Request) { answer(w, 200, pageOf("Endpoints", 100, "", n)) })
	for _, err := range c.Endpoints(t.Context(), siteA, EndpointQuery{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	for _, err := range c.GSMStatus(t.Context(), StatusQuery{}) {
		if err == nil {
			t.Error("a body without its list passed")
		}
		break
	}
	for _, err := range c.Paginate(t.Context(), read()) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if s.count() != 3 {
		t.Error(s.count())
	}
}

func TestAnotherOneIsRefused(t *testing.T) {
	for _, text := range []string{`{}`, `{"EndpointId":"` + string(idB) + `"}`, `{"Endpoints":[]}`, `{"Endpoints":[{},{}]}`, `[]`, `null`} {
		synctest.Test(t, func(t *testing.T) {
			c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) { answer(w, 200, text) })
			if e, err := c.Endpoint(t.Context(), siteA, idA); !errors.Is(err, ErrProtocol) || e != nil {
				t.Errorf("%s: %v", text, err)
			}
			if s, err := c.Site(t.Context(), siteA); !errors.Is(err, ErrProtocol) || s != nil {
				t.Errorf("%s: %v", text, err)
			}
		})
	}
	c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, "\ufeff"+`{"EndpointId":"`+strings.ToUpper(string(idA))+`"}`)
	})
	if e, err := c.Endpoint(t.Context(), siteA, idA); err != nil || e.ID != idA {
		t.Error(e, err)
	}
}

func TestUnpagedListIsShort(t *testing.T) {
	c, _, _ := scripted(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		answer(w, 200, `{"TotalCount":2,"Groups":[{"GroupId":"x"}],"Sites":[{"SiteId":"x"}]}`)
	})
	var short *IncompleteError
	if g, err := c.Groups(t.Context(), siteA); !errors.As(err, &short) || len(g) != 1 || short.Total != 2 || !strings.Contains(err.Error(), "1 of 2") {
		t.Error(err)
	}
	if s, err := c.Sites(t.Context()); !errors.Is(err, ErrProtocol) || len(s.Sites) != 1 {
		t.Error(err)
	}
}

func TestContinuations(t *testing.T) {
	row := func(n int) string { return fmt.Sprintf(`{"HostName":"h%d"}`, n) }
	path := "/service/api/status/gsm/AAAA-BBBB-CCCC-DDDD-EEEE"
	for _, x := range []struct {
		name  string
		serve func(n int, q url.Values) string
		rows  int
		fails bool
	}{
		{"token", func(n int, q url.Values) string {
			if n == 3 {
				return `{"QueryResults":[` + row(3) + `],"ContinuationToken":null,"ContinuationURI":null}`
			}
			if n > 1 && (q.Get("continuation") != "t+/=1" || q.Get("batchSize") != "7") {
				return "wrong"
			}
			return fmt.Sprintf(`{"QueryResults":[%s],"ContinuationToken":"t+/=%d","ContinuationURI":"https://evil.test/x"}`, row(n), n)
		}, 3, false},
		{"address", func(n int, q url.Values) string {
			if q.Get("continuation") == "z" {
				return `{"QueryResults":[` + row(2) + `]}`
			}
			return `{"QueryResults":[` + row(n) + `],"ContinuationURI":"` + testBase + path + `?continuation=z&batchSize=7"}`
		}, 2, false},
		{"empty batch", func(n int, _ url.Values) string {
			return []string{`{"QueryResults":[],"ContinuationToken":"a"}`, `{"QueryResults":[` + row(1) + `],"ContinuationToken":""}`}[n-1]
		}, 1, false},
		{"other host", func(n int, _ url.Values) string {
			return `{"QueryResults":[` + row(n) + `],"ContinuationURI":"https://evil.test` + path + `?continuation=z"}`
		}, 1, true},
		{"other host without a scheme", func(n int, _ url.Values) string {
			return `{"QueryResults":[` + row(n) + `],"ContinuationURI":"//evil.test` + path + `?continuation=z"}`
		}, 1, true},
		{"other scheme", func(n int, _ url.Values) string {
			return `{"QueryResults":[` + row(n) + `],"ContinuationURI":"http://unity.test` + path + `?continuation=z"}`
		}, 1, true},
		{"other method", func(n int, _ url.Values) string {
			return `{"QueryResults":[` + row(n) + `],"ContinuationURI":"` + testBase + `/service/api/status/gsm/x?continuation=z"}`
		}, 1, true},
		{"unreadable address", func(n int, _ url.Values) string {
			return `{"QueryResults":[` + row(n) + `],"ContinuationURI":"http://%zz"}`
		}, 1, true},
		{"loop of one", func(n int, _ url.Values) string { return `{"QueryResults":[` + row(n) + `],"ContinuationToken":"a"}` }, 2, true},
		{"loop of two", func(n int, _ url.Values) string {
			return fmt.Sprintf(`{"QueryResults":[%s],"ContinuationToken":"%d"}`, row(n), n%2)
		}, 3, true},
		{"never ending", func(n int, _ url.Values) string {
			return fmt.Sprintf(`{"QueryResults":[],"ContinuationToken":"%d"}`, n)
		}, 0, true},
		{"missing key", func(_ int, _ url.Values) string { return `{"Count":0,"ContinuationToken":null}` }, 0, true},
		{"dead token", func(n int, _ url.Values) string {
			if n == 2 {
				return ""
			}
			return `{"QueryResults":[` + row(n) + `],"ContinuationToken":"a"}`
		}, 1, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _, _ := scripted(t, func(n int, w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != path || r.Host != "unity.test" {
						t.Error(r.Host, r.URL)
					}
					if text := x.serve(n, r.URL.Query()); text != "" {
						answer(w, 200, text)
						return
					}
					answer(w, 400, errorJSON(400, "", "dead"))
				})
				rows, err := Collect(c.GSMStatus(t.Context(), StatusQuery{BatchSize: 7}))
				// The addresses are judged after the rows of their page were read, which are not lost.
				if (err != nil) != x.fails || len(rows) > x.rows || !x.fails && len(rows) != x.rows {
					t.Errorf("%d rows, %v", len(rows), err)
				}
			})
		})
	}
}

func TestPaginate(t *testing.T) {
	for _, x := range []struct {
		name  string
		path  string
		serve func(n int, q url.Values) string
		pages int
		fails bool
	}{
		{"no marks", "/a", func(int, url.Values) string { return `{"Sites":[]}` }, 1, false},
		{"total", "/a?PageNr=1&x=1", func(_ int, q url.Values) string {
			if q.Get("x") != "1" || len(q["pageNr"])+len(q["PageNr"]) != 1 {
				return "wrong"
			}
			return `{"TotalAvailable":3,"Rows":[1]}`
		}, 3, false},
		{"flag", "/a", func(n int, _ url.Values) string {
			return fmt.Sprintf(`{"MoreAvailable":%v,"PageNr":%d,"Rows":[1]}`, n < 4, n)
		}, 4, false},
		{"flag, same page", "/a", func(int, url.Values) string { return `{"MoreAvailable":true,"PageNr":1,"Rows":[1]}` }, 2, true},
		{"flag, empty page", "/a", func(int, url.Values) string { return `{"MoreAvailable":true,"Rows":[]}` }, 1, true},
		{"token", "/a", func(n int, _ url.Values) string {
			return fmt.Sprintf(`{"ContinuationToken":"%s"}`, strings.Repeat("x", 3-n))
		}, 3, false},
		{"loop of two", "/a", func(n int, _ url.Values) string { return fmt.Sprintf(`{"ContinuationToken":"%d"}`, n%2) }, 3, true},
		{"never ending", "/a", func(n int, _ url.Values) string { return fmt.Sprintf(`{"ContinuationToken":"%d"}`, n) }, maxPages, true},
		{"position", "/a?position=0", func(n int, q url.Values) string {
			if q.Get("position") != strconv.Itoa(n-1) {
				return "wrong"
			}
			return fmt.Sprintf(`{"NextPosition":"%d","MoreAvailable":%v,"Notifications":[1]}`, n, n < 3)
		}, 3, false},
		{"list", "/a", func(int, url.Values) string { return `[]` }, 1, true},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, _, _ := scripted(t, func(n int, w http.ResponseWriter, r *http.Request) { answer(w, 200, x.serve(n, r.URL.Query())) })
			pages, failed := 0, error(nil)
			for _, err := range c.Paginate(t.Context(), Request{Method: "GET", Path: x.path}) {
				if err != nil {
					failed = err
					break
				}
				pages++
			}
			if pages != x.pages || (failed != nil) != x.fails || failed != nil && !errors.Is(failed, ErrProtocol) {
				t.Errorf("%d pages, %v", pages, failed)
			}
		})
	}
	c, s, _ := scripted(t, nil)
	for _, err := range c.Paginate(t.Context(), Request{Method: "POST", Path: siteRoot + "/suspend", Counted: true}) {
		if !errors.Is(err, ErrRefused) || s.count() != 0 {
			t.Error(err)
		}
	}
}

func FuzzDecodeList(f *testing.F) {
	for _, s := range []string{pageOf("Endpoints", 2, "true", 1, 2), `{"Endpoints":null}`, `[{}]`, `{"endpoints":[{"EndpointId":null,"LastSeen":7,"Modules":3}]}`,
		`{"Endpoints":[{"HostName":{"a":[]},"Deactivated":"yes","GroupId":[1]}],"TotalCount":"x","PageSize":-1}`, "\ufeff{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		env, err := decodeList(text, "Endpoints", endpointRow)
		if err != nil {
			return
		}
		if env.total < -1 || env.size < 0 {
			t.Fatal(env.total, env.size)
		}
		for i := range env.items {
			e := &env.items[i]
			if Clean(e.Name()) != e.Name() || Clean(string(e.MachineID)) != string(e.MachineID) {
				t.Fatalf("%q", e.Name())
			}
			out, err := e.Record.JSON(DateKeys())
			if err != nil || !json.Valid(out) {
				t.Fatalf("%s from %s: %v", out, text, err)
			}
		}
		_, _ = env.last(len(env.items), 0)
	})
}

func FuzzDecodeOne(f *testing.F) {
	f.Add([]byte(`{"Sites":[{"SiteId":"x","Modules":[{"Seats":"4"}]}]}`))
	f.Add([]byte(`{"SiteId":"x","AccountKeyCode":"` + "\\u001b" + `234567890123456789"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := decodeOne(text, "Sites", siteRow)
		if err == nil && (Clean(string(s.ID)) != string(s.ID) || Clean(s.Keycode.String()) != s.Keycode.String()) {
			t.Fatalf("%q %q", s.ID, s.Keycode.String())
		}
	})
}

func FuzzStatusPage(f *testing.F) {
	f.Add([]byte(`{"QueryResults":[{"OSAndVersions":7,"BasicInfo":{"Infected":"true"}}],"ContinuationToken":"a"}`))
	f.Add([]byte(`{"QueryResults":[],"ContinuationURI":"https://unity.test/p?continuation=a"}`))
	f.Add([]byte(`{"QueryResults":[],"ContinuationURI":"//evil/p?continuation=a"}`))
	c, err := New(Options{BaseURL: testBase, Tokens: noToken{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_, next, err := c.statusPage(text, "/p", url.Values{"batchSize": {"7"}})
		if err != nil && next != nil {
			t.Fatal("an error and a next page")
		}
	})
}

func FuzzNextPage(f *testing.F) {
	f.Add([]byte(`{"MoreAvailable":true,"PageNr":"3","Rows":[1,2]}`), "pageNr=2")
	f.Add([]byte(`{"ContinuationToken":7}`), "Continuation=x&continuation=y")
	f.Add([]byte(`{"NextPosition":"a","MoreAvailable":1}`), "")
	f.Fuzz(func(t *testing.T, text []byte, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		_, next, err := nextPage(text, q, 1, 0)
		if err != nil && next != nil {
			t.Fatal("an error and a next page")
		}
		for _, name := range []string{"pageNr", "continuation", "position"} {
			if next.Get(name) != "" && next.Get(name) != q.Get(name) && len(next[name]) != 1 {
				t.Fatal(next)
			}
		}
	})
}

func TestStatusRowKeepsOddSections(t *testing.T) {
	s, err := statusRow(json.RawMessage(`{"HostName":"h","BasicInfo":[1],"OSAndVersions":"x","TimesAndStats":{"LastScan":"2025-01-01"}}`))
	if err != nil || s.HostName.Raw() != "h" || !s.TimesAndStats.LastScan.Known() || !strings.Contains(string(s.Record.Raw()), "BasicInfo") {
		t.Error(s, err)
	}
	site, err := siteRow(json.RawMessage(`{"SiteId":"` + strings.ToUpper(string(siteA)) + `","Modules":"none"}`))
	if err != nil || site.ID != siteA {
		t.Error(site, err)
	}
	if _, err := siteRow(json.RawMessage(`{"SiteId":{}}`)); err != nil {
		t.Error(err)
	}
	if _, err := siteRow(json.RawMessage(`[]`)); err == nil {
		t.Error("a list passed for a row")
	}
}

func TestBackgroundMarksCalls(t *testing.T) {
	if on, _ := Background(context.Background()).Value(background{}).(bool); !on {
		t.Error("not marked")
	}
}
