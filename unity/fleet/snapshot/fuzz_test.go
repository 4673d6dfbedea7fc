package snapshot

import (
	"bytes"
	"fmt"
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
	f.Fuzz(func(t *testing.T, raw []byte) {
		l := &loader{sites: func(*Content) error { return nil }, chunk: func(*picture.Chunk) error { return nil }}
		err := file.readFrames(t.Context(), bytes.NewReader(raw), l.frame)
		if err == nil && !bytes.Equal(raw, b.Bytes()) {
			t.Fatal("a file that nobody wrote was read")
		}
	})
}

// FuzzFrames reads anything as the content of frames, as if it had been sealed.
func FuzzFrames(f *testing.F) {
	var e encoder
	e.reset()
	e.text("site")
	e.text("name")
	e.text("key")
	e.uint(1)
	e.uint(1)
	e.row(picturetest.Random(1, 1, 1).Chunks()[0].Row(0))
	f.Add(byte(frameRows), e.buf)
	f.Add(byte(frameSites), []byte{2, '{', '}'})
	f.Add(byte(frameHead), []byte(`{"SiteCount":1}`))
	f.Fuzz(func(_ *testing.T, kind byte, raw []byte) {
		for _, begun := range []bool{false, true} {
			l := &loader{sites: func(*Content) error { return nil }, chunk: func(*picture.Chunk) error { return nil }, begun: begun}
			if begun {
				l.head = &Content{}
			}
			_ = l.frame(time.Time{}, kind, raw) // it must come back
		}
	})
}
