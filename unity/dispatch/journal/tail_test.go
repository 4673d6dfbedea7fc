package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTheTailIsTheEndOfTheWhole over journals of random lines, cut anywhere: what is shown backwards is what is read forwards, and
// a note stands behind what was whole.
func TestTheTailIsTheEndOfTheWhole(t *testing.T) {
	d := newDir(t)
	if err := create(t, d, "x").Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.Path(), "x.journal")
	begin, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		raw := append([]byte(nil), begin...)
		for i, n := range rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 100, 5000, firstTail - 60, 3 * firstTail}), 0, 8).Draw(t, "lines") {
			line, err := encode(Record{Seq: 3 + i, Kind: "note", Data: []byte(`"` + strings.Repeat("x", n) + `"`)})
			if err != nil {
				t.Fatalf("%v", err)
			}
			raw = append(raw, line...)
		}
		raw = raw[:len(raw)-rapid.IntRange(0, len(raw)-len(begin)).Draw(t, "cut")]
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatalf("%v", err)
		}
		want, err := d.Read("x")
		if err != nil {
			t.Fatalf("%v", err)
		}
		enough := rapid.IntRange(1, len(want)+1).Draw(t, "enough")
		var got []Record
		size, err := d.Tail("x", func(r Record) bool { got = append(got, r); return len(got) == enough })
		if err != nil || size != int64(len(raw)) || len(got) != min(enough, len(want)) {
			t.Fatalf("%d records of %d, %d bytes of %d, %v", len(got), len(want), size, len(raw), err)
		}
		for i, r := range got {
			if w := want[len(want)-1-i]; r.Seq != w.Seq || string(r.Data) != string(w.Data) {
				t.Fatalf("record %d stands in the place of %d", r.Seq, w.Seq)
			}
		}
		err = d.Note("x", func(Record) bool { return true }, func() []Entry { return []Entry{{"note", word{"a"}}, {"note", word{"b"}}} })
		after, again := d.Read("x")
		if err = errors.Join(err, again); err != nil || len(after) != len(want)+2 || string(after[len(after)-1].Data) != `{"Text":"b"}` {
			t.Fatalf("%d records after a note of two to %d, %v", len(after), len(want), err)
		}
	})
}

func TestANoteIsNoHolder(t *testing.T) {
	d := newDir(t)
	l := create(t, d, "x")
	none := func() []Entry { t.Error("records are made of a journal that another one holds"); return nil }
	var busy *BusyError
	if err := d.Note("x", func(Record) bool { return true }, none); !errors.As(err, &busy) {
		t.Errorf("a held journal takes a note: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Note("x", func(Record) bool { return true }, func() []Entry { return []Entry{{"note", word{"a"}}} }); err != nil {
		t.Fatal(err)
	}
	if _, held := d.Held("x"); held {
		t.Error("a note holds on")
	}
	if _, err := d.Tail("none", func(Record) bool { return true }); !errors.Is(err, ErrNoJob) {
		t.Errorf("no journal gives %v", err)
	}
	for name, text := range map[string]string{"empty": "", "torn": "12345678 {"} {
		if err := os.WriteFile(filepath.Join(d.Path(), name+".journal"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Tail(name, func(Record) bool { return true }); !errors.Is(err, ErrNoBeginning) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

// TestReadersDoNotSeeEachOther: a journal that many ask about at once, and that nobody holds, is free for all of them.
func TestReadersDoNotSeeEachOther(t *testing.T) {
	d := newDir(t)
	if err := create(t, d, "x").Close(); err != nil {
		t.Fatal(err)
	}
	f, err := d.open("x", os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	reader := &Log{id: "x", file: f, now: time.Now}
	if err := reader.lockShared(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if h, held := d.Held("x"); held {
					t.Errorf("held by %s", h)
				}
			}
		})
	}
	wg.Wait()
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
}
