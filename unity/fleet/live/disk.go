package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// errServerFirst ends the reading of a snapshot when the server was quicker.
var errServerFirst = errors.New("the server has answered already")

// Load paints from the snapshot, piece by piece: the first picture, with the sites, comes after its first piece. Without a
// snapshot it does nothing. An error tells that there was one that could not be used; the console is read as if there
// were none.
func (f *Fleet) Load(ctx context.Context) error { return f.load(ctx, 0) }

// LoadBehind is Load for a program that draws its first screen at the same time: once the sites are there, the machines wait
// for the pause, since unfolding them takes the processors that the screen needs.
func (f *Fleet) LoadBehind(ctx context.Context, pause time.Duration) error { return f.load(ctx, pause) }

func (f *Fleet) load(ctx context.Context, pause time.Duration) error {
	ctx, done, err := f.take(ctx, false)
	if err != nil {
		return err
	}
	defer done()
	file, err := f.disk(ctx)
	if err != nil || file == nil {
		f.note(func(s *State) { s.Disk = err })
		return err
	}
	f.note(func(s *State) { s.Phase = PhaseLoading })
	usual := func() {}
	if pause > 0 {
		usual = hurry()
		defer usual()
	}
	var head *snapshot.Content
	err = file.Load(ctx, func(c *snapshot.Content) error {
		head = c
		if err := f.loadSites(c); err != nil {
			return err
		}
		err := sleep(ctx, pause)
		usual()
		return err
	}, f.loadChunk)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errServerFirst) {
		err = nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Phase, f.state.Disk = PhaseIdle, err
	if head != nil && err == nil {
		f.full, f.checked, f.watched = head.FullAt, head.Finished, head.FullAt
	}
	f.publish(true)
	return err
}

func (f *Fleet) loadSites(c *snapshot.Content) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.meta.SitesAt.IsZero() {
		return errServerFirst
	}
	f.meta = picture.Picture{Console: c.Console, Sites: c.Sites, SitesAt: c.SitesAt, StatusAt: c.StatusAt, ReadAt: c.Finished, Stale: true}
	for _, e := range c.Failed {
		f.meta.Failed = append(f.meta.Failed, fleet.SiteError{Site: e.Site, Name: e.Name, Err: errors.New(unity.Clean(e.Err))})
	}
	switch {
	case c.StatusScope:
		f.meta.StatusErr = fmt.Errorf("agents' reports: %w", unity.ErrScope)
	case c.StatusErr != "":
		f.meta.StatusErr = errors.New(unity.Clean(c.StatusErr))
	}
	f.counts = map[unity.SiteID]int64{}
	f.loading = c.Counts
	f.changes = decodeChanges(c.Changes)
	f.state.Source, f.state.LastFull = "disk", c.FullAt
	f.publish(true)
	return nil
}

func (f *Fleet) loadChunk(c *picture.Chunk) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	site := c.Site().ID
	f.chunks[site] = c
	// A site counts as read only once its rows are there: a file may break off.
	if n, ok := f.loading[site]; ok {
		f.counts[site] = n
		f.tried[site] = c.ReadAt()
	}
	f.publish(false)
	return nil
}

// save keeps the picture on disk.
func (f *Fleet) save(ctx context.Context) {
	file, err := f.disk(ctx)
	if err != nil || file == nil {
		return // Load has said so
	}
	c, chunks := f.content()
	_, err = file.Save(ctx, c, slices.Values(chunks))
	if ctx.Err() != nil {
		return
	}
	f.note(func(s *State) { s.Disk = err })
}

func (f *Fleet) content() (*snapshot.Content, []*picture.Chunk) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &f.meta
	c := &snapshot.Content{Finished: f.o.Now(), Console: m.Console, SitesAt: m.SitesAt, StatusAt: m.StatusAt, FullAt: f.full,
		Hidden: m.Hidden, Total: m.Total, Counts: maps.Clone(f.counts), Changes: encodeChanges(f.changes), Sites: m.Sites}
	for _, e := range m.Failed {
		c.Failed = append(c.Failed, snapshot.Failure{Site: e.Site, Name: e.Name, Err: e.Err.Error()})
	}
	if m.StatusErr != nil {
		c.StatusErr, c.StatusScope = m.StatusErr.Error(), errors.Is(m.StatusErr, unity.ErrScope)
	}
	pic := f.pic.Load()
	c.Rows = pic.Len()
	return c, pic.Chunks()
}
