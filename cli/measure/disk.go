//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// snapshotKey encrypts the files of this run; nothing in them is anybody's.
func snapshotKey() []byte { return slices.Repeat([]byte{7}, snapshot.KeySize) }

// snapshotAt is a snapshot in a folder of its own.
func (b *bench) snapshotAt(n int) (*snapshot.File, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("snapshot-%d", n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return snapshot.New(filepath.Join(dir, "fleet"), snapshotKey(), snapshot.Binding{BaseURL: "https://measure.example"})
}

// save writes a console of n machines to disk.
func save(ctx context.Context, f *snapshot.File, p *picture.Picture) error {
	now := time.Now()
	sites, err := recorded(p.Sites)
	if err != nil {
		return err
	}
	c := &snapshot.Content{Finished: now, Console: p.Console, SitesAt: p.SitesAt, StatusAt: p.StatusAt, FullAt: now, Total: p.Total, Sites: sites}
	saved, err := f.Save(ctx, c, slices.Values(p.Chunks()))
	if err == nil && !saved {
		return fmt.Errorf("%s was not written", f.Path())
	}
	return err
}

// recorded gives sites the records that a server would have sent, which is what a snapshot keeps of them.
func recorded(sites []unity.Site) ([]unity.Site, error) {
	out := make([]unity.Site, 0, len(sites))
	for i := range sites {
		raw, err := json.Marshal(map[string]any{"SiteId": sites[i].ID, "SiteName": sites[i].Name.Raw(), "AccountKeyCode": sites[i].Keycode,
			"TotalEndpoints": sites[i].TotalEndpoints.N, "DevicesAllowed": sites[i].DevicesAllowed.N})
		if err != nil {
			return nil, err
		}
		site, err := unity.DecodeSite(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, site)
	}
	return out, nil
}

// load reads it; first is when the sites were there.
func load(ctx context.Context, f *snapshot.File) (p *picture.Picture, first time.Duration, err error) {
	began := time.Now()
	var head picture.Picture
	var chunks []*picture.Chunk
	err = f.Load(ctx, func(c *snapshot.Content) error {
		first = time.Since(began)
		head = picture.Picture{Console: c.Console, Sites: c.Sites, Stale: true}
		return nil
	}, func(c *picture.Chunk) error {
		chunks = append(chunks, c)
		return nil
	})
	return picture.New(chunks, head), first, err
}

func snapshotRows(ctx context.Context, b *bench) error {
	for _, n := range b.sizes() {
		if err := b.snapshotOf(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) snapshotOf(ctx context.Context, n int) error {
	f, err := b.snapshotAt(n)
	if err != nil {
		return err
	}
	p := b.console(n)
	written, err := b.median(func() error { return save(ctx, f, p) })
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(f.Path())
	if err != nil {
		return err
	}
	copied, err := b.median(func() error { return os.WriteFile(f.Path()+".copy", raw, 0o600) })
	if err != nil {
		return err
	}
	read, err := b.median(func() error {
		_, err := os.ReadFile(f.Path())
		return err
	})
	if err != nil {
		return err
	}
	var first time.Duration
	loaded, err := b.median(func() error {
		got, at, err := load(ctx, f)
		if err == nil && got.Len() != n {
			return fmt.Errorf("%d of %d machines came back", got.Len(), n)
		}
		first = at
		return err
	})
	if err != nil {
		return err
	}
	name := "snapshot " + count(n)
	b.add(row{name: name + ": write", value: ms(written), unit: unitMS, yardstick: "the same bytes as they are", yard: ms(copied),
		note: fmt.Sprintf("%s bytes, %.0f an endpoint", count(len(raw)), float64(len(raw))/float64(n))})
	b.add(row{name: name + ": load", value: ms(loaded), unit: unitMS, yardstick: "the same bytes as they are", yard: ms(read),
		note: fmt.Sprintf("%.0f ns an endpoint", float64(loaded.Nanoseconds())/float64(n))})
	b.add(row{name: name + ": until the sites are there", value: ms(first), unit: unitMS})
	return os.RemoveAll(filepath.Dir(f.Path()))
}
