package ui

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

const (
	// callsEvery is how often an open list of API calls keeps up.
	callsEvery = time.Second
	// findPause is how long the query has to rest before the search starts.
	findPause = 80 * time.Millisecond
)

// finder is the search that a find overlay runs.
type finder struct {
	e      *env
	p      *picker
	n      uint64
	cancel context.CancelFunc
	hits   map[string]Hit
	// order are the keys of the hits as they stand; shown is the search they belong to.
	order []string
	shown uint64
}

type found struct {
	hits     []Hit
	progress string
}

type (
	searchMsg struct {
		n     uint64
		query string
	}
	foundMsg struct {
		n    uint64
		news []found
		box  *mailbox[found]
		done bool
	}
)

// newFind opens "find any machine": hits come while typing, later ones never move the cursor off its hit.
func newFind(e *env) *picker {
	f := &finder{e: e, hits: map[string]Hit{}}
	p := newPicker(e, "Find", nil, func(it item) tea.Cmd {
		if h := f.hits[it.id]; h.Open != nil {
			return h.Open()
		}
		return nil
	})
	p.wide, p.prompt, p.empty = 110, "host, user, IP, MAC, keycode or site", "type to search"
	p.typed, p.other, p.end = f.typed, f.news, f.stop
	p.act = func(it item) []Command {
		if h := f.hits[it.id]; h.Actions != nil {
			return h.Actions()
		}
		return nil
	}
	f.p = p
	return p
}

func (f *finder) stop() {
	if f.cancel != nil {
		f.cancel()
		f.cancel = nil
	}
}

// typed gives up the search before and starts the next once typing rests.
func (f *finder) typed(query string) tea.Cmd {
	f.stop()
	f.n++
	if strings.TrimSpace(query) == "" {
		f.show(nil, "")
		f.p.empty = "type to search"
		return nil
	}
	f.p.note = "searching"
	return after(findPause, To{Screen: f.p.id, Msg: searchMsg{f.n, query}})
}

func (f *finder) news(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case searchMsg:
		if m.n == f.n {
			return f.search(m)
		}
	case foundMsg:
		if m.n != f.n {
			return nil
		}
		if len(m.news) > 0 {
			last := m.news[len(m.news)-1]
			f.show(last.hits, last.progress)
		}
		if !m.done {
			return f.next(f.e.ctx, m.n, m.box, pagePace)
		}
		f.p.empty = "nothing found"
		if f.p.note == "searching" {
			f.p.note = ""
		}
	}
	return nil
}

func (f *finder) search(m searchMsg) tea.Cmd {
	ctx, cancel := context.WithCancel(f.e.ctx)
	f.cancel = cancel
	f.p.empty = "nothing found yet"
	box := newMailbox[found](true)
	run := func() tea.Msg {
		f.e.cfg.Find(ctx, m.query, func(hits []Hit, progress string) { box.put(found{hits, progress}) })
		box.finish(nil)
		return nil
	}
	return tea.Batch(run, f.next(ctx, m.n, box, 0))
}

func (f *finder) next(ctx context.Context, n uint64, box *mailbox[found], pause time.Duration) tea.Cmd {
	id := f.p.id
	return func() tea.Msg {
		got, ok := box.take(ctx, pause)
		if !ok {
			return nil
		}
		return To{Screen: id, Msg: foundMsg{n, got.items, box, got.done}}
	}
}

// show replaces the hits. Those of one search keep their places and later ones come behind them, so that nothing moves under the
// cursor; what somebody may have seen stays even when so many better ones came that it is no hit any more. The hits of another
// search stand in their own order.
func (f *finder) show(hits []Hit, progress string) {
	byKey := make(map[string]Hit, len(hits))
	for _, h := range hits {
		byKey[h.Key] = h
	}
	var order []string
	placed := make(map[string]bool, len(hits))
	if f.shown == f.n {
		seen := max(f.p.at(), f.p.top+f.p.page)
		for i, k := range f.order {
			if _, still := byKey[k]; !still && i > seen {
				continue
			} else if !still {
				byKey[k] = f.hits[k]
			}
			order, placed[k] = append(order, k), true
		}
	}
	for _, h := range hits {
		if !placed[h.Key] {
			order, placed[h.Key] = append(order, h.Key), true
		}
	}
	items := make([]item, 0, len(order))
	for _, k := range order {
		h := byKey[k]
		items = append(items, item{id: k, title: h.Title, sub: h.Sub, right: h.Kind, tone: h.Tone})
	}
	f.hits, f.order, f.shown = byKey, order, f.n
	f.p.note = progress
	f.p.setItems(items)
}
