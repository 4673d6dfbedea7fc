package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

type word struct{ Text string }

func newDir(t *testing.T) *Dir {
	t.Helper()
	return At(filepath.Join(t.TempDir(), "state", "jobs"))
}

func create(t *testing.T, d *Dir, id string) *Log {
	t.Helper()
	l, err := d.Create(id, "plan", word{"first"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatIsAppendedIsRead(t *testing.T) {
	d := newDir(t)
	l := create(t, d, "a1")
	for i := range 20 {
		if err := l.Append("note", word{fmt.Sprint(i, "\n\x00\u2028")}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	records, err := d.Read("a1")
	if err != nil || len(records) != 23 || records[0].Kind != KindFormat || records[1].Kind != "plan" || records[2].Kind != KindHold {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if string(records[22].Data) != `{"Text":"19\n\u0000\u2028"}` {
		t.Errorf("the last record is %s", records[22].Data)
	}
	again, records, err := d.Hold("a1")
	if err != nil || len(records) != 23 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	if err := errors.Join(again.Append("note", word{"later"}), again.Close()); err != nil {
		t.Fatal(err)
	}
	if records, err = d.Read("a1"); err != nil || len(records) != 25 || records[24].Seq != 24 {
		t.Errorf("after the second holder: %d records, %v", len(records), err)
	}
}

// TestCutAnywhere cuts a journal at every byte: it is read up to its last whole record, or refused, and whoever takes it
// over goes on behind what is whole.
func TestCutAnywhere(t *testing.T) {
	d := newDir(t)
	l := create(t, d, "whole")
	for i := range 6 {
		if err := l.Append("note", word{strings.Repeat("x", i*3)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(d.Path(), "whole.journal"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(raw) + 1 {
		if err := os.WriteFile(filepath.Join(d.Path(), "cut.journal"), raw[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := strings.Count(string(raw[:n]), "\n")
		records, err := d.Read("cut")
		if want == 0 {
			if !errors.Is(err, ErrNoBeginning) {
				t.Fatalf("cut at %d: %v", n, err)
			}
			continue
		}
		if err != nil || len(records) != want {
			t.Fatalf("cut at %d: %d records instead of %d, %v", n, len(records), want, err)
		}
		held, records, err := d.Hold("cut")
		if err != nil || len(records) != want {
			t.Fatalf("cut at %d: held with %d records, %v", n, len(records), err)
		}
		if err := errors.Join(held.Append("note", word{"on"}), held.Close()); err != nil {
			t.Fatal(err)
		}
		if records, err = d.Read("cut"); err != nil || len(records) != want+2 {
			t.Fatalf("cut at %d, then gone on: %d records instead of %d, %v", n, len(records), want+2, err)
		}
	}
}

func TestDamageIsRefused(t *testing.T) {
	d := newDir(t)
	if err := create(t, d, "whole").Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(d.Path(), "whole.journal"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(raw)-2).Draw(t, "at")
		bad := append([]byte(nil), raw...)
		bad[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if err := os.WriteFile(filepath.Join(d.Path(), "bad.journal"), bad, 0o600); err != nil {
			t.Fatalf("%v", err)
		}
		if _, err := d.Read("bad"); err == nil && raw[at] != '\n' {
			t.Fatalf("a byte changed at %d, and nobody saw it", at)
		}
	})
}

func TestANewerFormatIsLeftAlone(t *testing.T) {
	d := newDir(t)
	if err := create(t, d, "x").Close(); err != nil {
		t.Fatal(err)
	}
	line, err := encode(Record{Kind: KindFormat, Data: []byte(`{"format":2}`)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(d.Path(), "newer.journal")
	if err := os.WriteFile(path, append(line, "half a line"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read("newer"); !errors.Is(err, ErrNewer) {
		t.Errorf("read gives %v", err)
	}
	if _, _, err := d.Hold("newer"); !errors.Is(err, ErrNewer) {
		t.Errorf("hold gives %v", err)
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(line)+"half a line" {
		t.Errorf("the file was changed: %q, %v", now, err)
	}
}

func TestOneHolderAtATime(t *testing.T) {
	d := newDir(t)
	l := create(t, d, "b1")
	if _, held := d.Held("b1"); !held {
		t.Error("a held journal counts as free")
	}
	_, _, err := d.Hold("b1")
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Holder.PID != os.Getpid() || busy.Holder.Host == "" {
		t.Fatalf("the second holder gets %v", err)
	}
	if err := d.Remove("b1"); !errors.As(err, &busy) {
		t.Errorf("a held journal is removed: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, held := d.Held("b1"); held {
		t.Error("a free journal counts as held")
	}
	if err := d.Remove("b1"); err != nil {
		t.Error(err)
	}
	if _, err := d.Read("b1"); !errors.Is(err, ErrNoJob) {
		t.Errorf("what was removed gives %v", err)
	}
}

func TestFilesAreForTheOwnerOnly(t *testing.T) {
	d := newDir(t)
	if err := os.MkdirAll(d.Path(), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(d.Path(), 0o777); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	if err := create(t, d, "c1").Close(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{d.Path(): 0o700, filepath.Join(d.Path(), "c1.journal"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has %v, %v", path, info.Mode(), err)
		}
	}
	if err := os.Symlink("c1.journal", filepath.Join(d.Path(), "link.journal")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read("link"); err == nil {
		t.Error("a link is followed")
	}
	if ids, err := d.IDs(); err != nil || len(ids) != 1 {
		t.Errorf("the list is %q, %v", ids, err)
	}
	for _, id := range []string{"", "../c1", "C1", "a/b", strings.Repeat("a", 65)} {
		if _, err := d.Read(id); !errors.Is(err, ErrNoJob) {
			t.Errorf("%q gives %v", id, err)
		}
	}
	if _, err := d.Create("c1", "plan", word{}); err == nil {
		t.Error("a journal is made twice")
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	d := newDir(t)
	l := create(t, d, "d1")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 25 {
				if err := l.Append("note", word{"x"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if records, err := d.Read("d1"); err != nil || len(records) != 403 {
		t.Errorf("%d records, %v", len(records), err)
	}
	if err := l.Append("note", word{"x"}); err == nil {
		t.Error("a closed journal takes records")
	}
	if err := l.Append("note", word{"x"}); err == nil {
		t.Error("a journal that failed takes records")
	}
}
