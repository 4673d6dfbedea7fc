//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/unitytest"
)

// console is a size of console, and the conditions under which it is read.
type console struct {
	sites, machines int
	latency         time.Duration
	parallel        int
	rate            float64
	variants        []string
	// budget is the part of the time of the calls one after another, at page size 50.
	budget float64
	note   string
}

// consoles lists what is measured.
func (b *bench) consoles() []console {
	var out []console
	for _, c := range []console{{sites: 40, machines: 1_000}, {sites: 200, machines: 10_000}, {sites: 1500, machines: 50_000}} {
		if b.quick && c.sites > 200 {
			continue
		}
		for _, latency := range []time.Duration{0, 20 * time.Millisecond, 80 * time.Millisecond} {
			c.latency, c.budget = latency, 0
			if c.sites == 200 && latency == 80*time.Millisecond {
				c.budget = 1. / 8
			}
			out = append(out, c)
		}
	}
	mid := console{sites: 200, machines: 10_000, latency: 80 * time.Millisecond}
	four, clamped, limited := mid, mid, mid
	four.parallel, four.note = 4, ", 4 calls at once"
	clamped.variants, clamped.note = []string{"page-size-clamp-50"}, ", pages of 50 at most"
	limited.rate, limited.note = 20, ", 20 calls a second"
	return append(out, four, clamped, limited)
}

func syncRows(ctx context.Context, b *bench) error {
	b.forget()
	walks := map[string]walk{}
	for _, c := range b.consoles() {
		if err := b.sync(ctx, c, walks); err != nil {
			return fmt.Errorf("%d sites, %d machines, %s%s: %w", c.sites, c.machines, c.latency, c.note, err)
		}
	}
	return nil
}

// sync reads one console and adds its row.
func (b *bench) sync(ctx context.Context, c console, walks map[string]walk) error {
	w, err := serve(ctx, unitytest.Options{Sites: c.sites, Endpoints: c.machines, Latency: c.latency, Parallel: c.parallel, Rate: c.rate, Variants: c.variants})
	if err != nil {
		return err
	}
	defer w.close()
	client, err := w.client()
	if err != nil {
		return err
	}
	if _, err := w.tokens.Token(ctx); err != nil {
		return err
	}
	f := live.New(live.Options{Client: client})
	began := time.Now()
	first := make(chan time.Duration, 1)
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go func() { first <- firstRows(watching, f, began) }()
	if err := f.Sync(ctx); err != nil {
		return err
	}
	took := time.Since(began)
	p, state := f.Current(), f.State()
	if !p.Complete() || p.Len() != c.machines {
		return fmt.Errorf("incomplete: %d machines, %d sites failed", p.Len(), len(p.Failed))
	}
	name := fmt.Sprintf("sync %s/%s, %d ms a call%s", count(c.sites), count(c.machines), c.latency.Milliseconds(), c.note)
	for _, size := range []int{50, 1000} {
		one, err := oneAfterAnother(ctx, c, size, walks)
		if err != nil {
			return err
		}
		r := row{name: name, value: ms(took), unit: unitMS, yardstick: fmt.Sprintf("one after another, pages of %d,", size), yard: ms(one.took(c.latency)),
			note: fmt.Sprintf("%d calls against %d", state.Calls, one.calls)}
		if size == 50 {
			r.budget = c.budget
		}
		b.add(r)
	}
	b.add(row{name: name + ": first rows", value: ms(<-first), unit: unitMS})
	return nil
}

// firstRows waits for the first picture with anything to show.
func firstRows(ctx context.Context, f *live.Fleet, began time.Time) time.Duration {
	for len(f.Current().Sites) == 0 {
		select {
		case <-f.Changed():
		case <-ctx.Done():
			return time.Since(began)
		}
	}
	return time.Since(began)
}

// walk is what the calls of a sync cost one after another: their number, and the time that the machines at both ends spent on them.
type walk struct {
	calls int
	work  time.Duration
}

// took adds the time on the way to every call. Going the way for real gives the same, and takes up to half an hour.
func (w walk) took(latency time.Duration) time.Duration {
	return w.work + time.Duration(w.calls)*latency
}

// oneAfterAnother does what a script does: the sites, the machines of each, the reports of all, without latency.
func oneAfterAnother(ctx context.Context, c console, size int, walks map[string]walk) (walk, error) {
	key := fmt.Sprint(c.sites, c.machines, size)
	if done, ok := walks[key]; ok {
		return done, nil
	}
	w, err := serve(ctx, unitytest.Options{Sites: c.sites, Endpoints: c.machines})
	if err != nil {
		return walk{}, err
	}
	defer w.close()
	if _, err := w.tokens.Token(ctx); err != nil {
		return walk{}, err
	}
	began := time.Now()
	s := script{w: w, size: size}
	if err := s.run(ctx); err != nil {
		return walk{}, err
	}
	if s.machines != c.machines || s.reports != c.machines {
		return walk{}, fmt.Errorf("the script found %d machines and %d reports", s.machines, s.reports)
	}
	done := walk{calls: s.calls, work: time.Since(began)}
	walks[key] = done
	return done, nil
}

// script reads a console with plain calls.
type script struct {
	w                        *world
	size                     int
	calls, machines, reports int
}

// answer is what a script needs of any list.
type answer struct {
	Sites             []struct{ SiteId string }
	Endpoints         []json.RawMessage
	TotalAvailable    int
	QueryResults      []json.RawMessage
	ContinuationToken string
}

func (s *script) run(ctx context.Context) error {
	root := "/service/api/console/gsm/" + s.w.creds.GSMKey + "/sites"
	var sites answer
	if err := s.get(ctx, root, nil, &sites); err != nil {
		return err
	}
	for _, site := range sites.Sites {
		for page, seen, total := 1, 0, 1; seen < total; page++ {
			var rows answer
			q := url.Values{"pageSize": {strconv.Itoa(s.size)}, "pageNr": {strconv.Itoa(page)}}
			if err := s.get(ctx, root+"/"+site.SiteId+"/endpoints", q, &rows); err != nil {
				return err
			}
			seen, total = seen+len(rows.Endpoints), rows.TotalAvailable
			s.machines += len(rows.Endpoints)
		}
	}
	q := url.Values{"batchSize": {strconv.Itoa(s.size)}}
	for more := true; more; {
		var batch answer
		if err := s.get(ctx, "/service/api/status/gsm/"+s.w.creds.GSMKey, q, &batch); err != nil {
			return err
		}
		s.reports += len(batch.QueryResults)
		more = batch.ContinuationToken != ""
		q.Set("continuation", batch.ContinuationToken)
	}
	return nil
}

func (s *script) get(ctx context.Context, path string, q url.Values, into any) error {
	token, err := s.w.tokens.Token(ctx)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.w.base+path+"?"+q.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	s.calls++
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = got.Body.Close() }()
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, got.Status)
	}
	return json.NewDecoder(got.Body).Decode(into)
}
