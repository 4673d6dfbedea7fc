package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

// show writes all that a value holds.
func show(v any) string { return fmt.Sprintf("%+v", v) }

// FuzzFile reads anything as a snapshot.
func FuzzFile(f *testing.F) {
	file := testFile(f, testBinding, 1)
	var b bytes.Buffer
	p := picturetest.Random(1, 2, 3)
	err := file.writeAll(&b, time.Unix(1, 0), func(w *frameWriter) error {
		return writeHead(w, contentOf(p, time.Unix(1, 0)))
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte(magic))
	var good atomic.Pointer[[]byte]
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := &loader{sites: func(*Content) error { return nil }, chunk: func(*picture.Chunk) error { return nil }}
		err := file.readFrames(t.Context(), bytes.NewReader(raw), l)
		// The first that can be read is the one above; a process of the fuzzer has it from another one, with another salt.
		if err == nil && !good.CompareAndSwap(nil, &raw) && !bytes.Equal(raw, *good.Load()) {
			t.Fatal("a file that nobody wrote was read")
		}
	})
}

// FuzzFrames reads anything as the content of frames, as if it had been sealed, and asks what was read.
func FuzzFrames(f *testing.F) {
	var e picture.Encoder
	if err := e.Add(picturetest.Random(1, 1, 3).Chunks()[0], func() error { return nil }); err != nil {
		f.Fatal(err)
	}
	packable, noise := e.Take()
	f.Add(byte(frameRows), packable, noise)
	f.Add(byte(frameSites), []byte{2, '{', '}'}, []byte(nil))
	f.Add(byte(frameHead), []byte(`{"SiteCount":1}`), []byte(nil))
	f.Fuzz(func(_ *testing.T, kind byte, data, noise []byte) {
		for _, begun := range []bool{false, true} {
			var chunks []*picture.Chunk
			l := &loader{sites: func(*Content) error { return nil }, begun: begun,
				chunk: func(c *picture.Chunk) error { chunks = append(chunks, c); return nil }}
			if begun {
				l.head = &Content{}
			}
			p, err := unfold(kind, data, noise)
			if err != nil {
				continue
			}
			_ = l.take(time.Time{}, p) // it must come back
			for _, c := range chunks {
				for i := range min(c.Len(), 100) {
					_ = show(c.Row(i).Machine(0)) + c.Row(i).IPs() + c.Row(i).FoldedHost()
				}
				picture.New([]*picture.Chunk{c}, picture.Picture{}).Find(context.Background(), "a b", 9)
			}
		}
	})
}
