package snapshot

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/fleet/picture"
	"github.com/unitty/unitty/unity/fleet/picture/picturetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testBinding = Binding{BaseURL: "https://api.example", Console: "AAAABBBBCCCCDDDDEEEE", User: "kim@msp.example"}

func testFile(t testing.TB, b Binding, key byte) *File {
	t.Helper()
	return fileAt(t, filepath.Join(t.TempDir(), "cache", "fleet-main.snapshot"), b, key)
}

func fileAt(t testing.TB, path string, b Binding, key byte) *File {
	t.Helper()
	f, err := New(path, bytes.Repeat([]byte{key}, KeySize), b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func contentOf(p *picture.Picture, at time.Time) *Content {
	return &Content{Finished: at, Console: p.Console, SitesAt: p.SitesAt, StatusAt: p.StatusAt, FullAt: at, Sites: p.Sites, Rows: p.Len(),
		Failed: []Failure{{Site: "x", Name: unity.NewText("Harbour\x1b Dental"), Err: "timed out"}}, Counts: map[unity.SiteID]int64{"x": 4},
		Changes: []byte(`[{"Kind":"new"}]`)}
}

func save(t testing.TB, f *File, p *picture.Picture, at time.Time) bool {
	t.Helper()
	saved, err := f.Save(t.Context(), contentOf(p, at), slices.Values(p.Chunks()))
	if err != nil {
		t.Fatal(err)
	}
	return saved
}

// load puts a picture together again.
func load(f *File) (*Content, *picture.Picture, error) {
	var head *Content
	var chunks []*picture.Chunk
	err := f.Load(context.Background(), func(c *Content) error { head = c; return nil },
		func(c *picture.Chunk) error { chunks = append(chunks, c); return nil })
	return head, picture.New(chunks, picture.Picture{}), err
}

// same tells the first difference of two pictures in anything that a row tells.
func same(t interface{ Fatalf(string, ...any) }, got, want *picture.Picture) {
	if got.Len() != want.Len() || len(got.Chunks()) != len(want.Chunks()) {
		t.Fatalf("%d machines of %d sites, want %d of %d", got.Len(), len(got.Chunks()), want.Len(), len(want.Chunks()))
	}
	for i, c := range want.Chunks() {
		d := got.Chunks()[i]
		if d.Site() != c.Site() || !d.ReadAt().Equal(c.ReadAt()) {
			t.Fatalf("site %d is %+v at %s, want %+v at %s", i, d.Site(), d.ReadAt(), c.Site(), c.ReadAt())
		}
		for j := range c.Len() {
			a, b := d.Row(j), c.Row(j)
			x, y := a.Machine(0), b.Machine(0)
			xs, ys := x.Status, y.Status
			x.Status, y.Status = nil, nil
			ka, oka := a.MachineKey()
			kb, okb := b.MachineKey()
			if xa, ya := show(*x), show(*y); xa != ya || ka != kb || oka != okb || !a.StatusAt().Equal(b.StatusAt()) || show(xs) != show(ys) {
				t.Fatalf("row %d of site %d:\n%s\n%s\n%s\n%s", j, i, xa, ya, show(xs), show(ys))
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	f := testFile(t, testBinding, 1)
	want := picturetest.Random(3, 40, 3000)
	at := time.Date(2026, 6, 1, 10, 0, 0, 123, time.UTC)
	if !save(t, f, want, at) {
		t.Fatal("not saved")
	}
	head, got, err := load(f)
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	if head.Console != want.Console || !head.Finished.Equal(at) || len(head.Sites) != len(want.Sites) || head.Sites[3].ID != want.Sites[3].ID ||
		head.Sites[3].Name != want.Sites[3].Name || head.Counts["x"] != 4 || string(head.Changes) != `[{"Kind":"new"}]` || head.Failed[0].Name.Raw() != "Harbour\x1b Dental" {
		t.Errorf("%+v", head)
	}
	if runtime.GOOS != "windows" {
		for path, mode := range map[string]fs.FileMode{f.Path(): 0o600, filepath.Dir(f.Path()): 0o700} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v %v", path, info.Mode(), err)
			}
		}
	}
	raw, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{want.Chunks()[0].Row(0).HostName().Raw(), testBinding.User, string(testBinding.Console), "api.example", want.Sites[0].Name.Raw()} {
		if bytes.Contains(raw, []byte(secret)) {
			t.Errorf("%q stands in the file", secret)
		}
	}
}

// TestAnyRow: values that no server should send come back as they were.
func TestAnyRow(t *testing.T) {
	f := testFile(t, testBinding, 1)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{"", "PC-1", "\xff\x00", "12345678-1234-1234-1234-123456789abc", "12345678-1234-1234-1234-123456789ABC"}))
		any1 := func() unity.Text { return unity.NewText(text.Draw(t, "text")) }
		when := func() unity.Time {
			var x unity.Time
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 1:
				_ = x.UnmarshalJSON([]byte(`"not a date"`))
			case 2:
				x = unity.NewTime(time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, "s"), 100*rapid.Int64Range(0, 9_999_999).Draw(t, "ns")))
			}
			return x
		}
		truth := func() unity.Bool {
			return unity.Bool{On: rapid.Bool().Draw(t, "on"), Known: rapid.Bool().Draw(t, "known")}
		}
		var chunks []*picture.Chunk
		for i := range rapid.IntRange(0, 4).Draw(t, "sites") {
			b := picture.NewBuilder(picture.Site{ID: unity.SiteID(rune('a' + i)), Name: any1(), Key: unity.Keycode(any1().Raw())}, 0)
			for range rapid.IntRange(0, 5).Draw(t, "rows") {
				e := unity.Endpoint{ID: unity.EndpointID(any1().Raw()), MachineID: unity.MachineID(any1().Raw()), HostName: any1(), FirstSeen: when(), LastSeen: when(),
					LastInfected: when(), AgentVersion: any1(), Deactivated: truth(), GroupID: unity.GroupID(any1().Raw()), GroupName: any1(), PolicyID: unity.PolicyID(any1().Raw()), PolicyName: any1()}
				row := b.Add(&e, any1(), any1(), when().Time)
				if rapid.Bool().Draw(t, "joined") {
					var s unity.Status
					s.OS, s.IPAddress, s.ClientVersion, s.LastSeen = any1(), any1(), any1(), when()
					s.BasicInfo.DeviceType, s.BasicInfo.AttentionRequired, s.BasicInfo.Infected, s.BasicInfo.Managed = any1(), truth(), truth(), truth()
					if rapid.Bool().Draw(t, "threats") {
						s.BasicInfo.ActiveThreats = unity.Int{N: rapid.Int64().Draw(t, "n"), Known: true}
					}
					s.OSAndVersions.CurrentUser, s.OSAndVersions.IPV4, s.OSAndVersions.MACAddress, s.TimesAndStats.LastScan = any1(), any1(), any1(), when()
					b.Report(row, &s, when().Time)
				} else {
					b.Note(row, any1().Raw())
				}
			}
			chunks = append(chunks, b.Chunk())
		}
		want := picture.New(chunks, picture.Picture{})
		if _, err := f.Save(context.Background(), contentOf(want, time.Now()), slices.Values(chunks)); err != nil {
			t.Fatalf("%v", err)
		}
		_, got, err := load(f)
		if err != nil {
			t.Fatalf("%v", err)
		}
		same(t, got, want)
	})
}

// TestDamage flips each byte and cuts at each byte: nothing of it is a crash or a picture that is taken for whole.
func TestDamage(t *testing.T) {
	f := testFile(t, testBinding, 1)
	save(t, f, picturetest.Random(1, 3, 12), time.Now())
	good, err := os.ReadFile(f.Path())
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, at int, raw []byte) {
		if err := os.WriteFile(f.Path(), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := load(f)
		var aside *AsideError
		switch {
		case err == nil:
			t.Fatalf("%s at %d: read as if it were whole", what, at)
		case errors.Is(err, ErrNewer):
			if _, err := os.Stat(f.Path()); err != nil {
				t.Fatalf("%s at %d: a newer file was moved", what, at)
			}
		case !errors.As(err, &aside) || aside.Path == "":
			t.Fatalf("%s at %d: %v", what, at, err)
		default:
			if got, err := os.ReadFile(aside.Path); err != nil || !bytes.Equal(got, raw) {
				t.Fatalf("%s at %d: %s is not the file", what, at, aside.Path)
			}
		}
	}
	for i := range good {
		bad := slices.Clone(good)
		bad[i] ^= 1 << (i % 8)
		try("flip", i, bad)
		try("cut", i, good[:i])
	}
	try("more", len(good), append(slices.Clone(good), 0))
	if left := f.asides(); len(left) != 1 {
		t.Errorf("%d files are set aside", len(left))
	}
	save(t, f, picturetest.Random(1, 3, 12), time.Now())
	if _, _, err := load(f); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

func TestForeignOlderNewer(t *testing.T) {
	f := testFile(t, testBinding, 1)
	p := picturetest.Random(1, 2, 5)
	others := map[string]*File{
		"base URL": fileAt(t, f.Path(), Binding{"https://other.example", testBinding.Console, testBinding.User}, 1),
		"console":  fileAt(t, f.Path(), Binding{testBinding.BaseURL, "FFFF", testBinding.User}, 1),
		"user":     fileAt(t, f.Path(), Binding{testBinding.BaseURL, testBinding.Console, "lee"}, 1),
		"key":      fileAt(t, f.Path(), testBinding, 2),
	}
	for what, other := range others {
		save(t, f, p, time.Now())
		head, _, err := load(other)
		var aside *AsideError
		if head != nil || !errors.Is(err, ErrForeign) || !errors.As(err, &aside) || !strings.Contains(err.Error(), ".bad-") {
			t.Errorf("%s: %v", what, err)
		}
	}
	versioned := func(v byte) {
		save(t, f, p, time.Now())
		raw, err := os.ReadFile(f.Path())
		if err != nil {
			t.Fatal(err)
		}
		raw[len(magic)+1] = v
		if err := os.WriteFile(f.Path(), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	versioned(version + 1)
	if _, _, err := load(f); !errors.Is(err, ErrNewer) {
		t.Error(err)
	}
	if saved, err := f.Save(t.Context(), contentOf(p, time.Now()), slices.Values(p.Chunks())); saved || !errors.Is(err, ErrNewer) {
		t.Errorf("a newer file was replaced: %v", err)
	}
	if removed, err := Purge(f.Path()); err != nil || len(removed) == 0 {
		t.Errorf("purge: %v %v", removed, err)
	}
	versioned(version - 1)
	if _, _, err := load(f); !errors.Is(err, ErrOlder) {
		t.Error(err)
	}
}

// TestLastSyncWins: of two processes the one that finished its sync last has its picture in the file, whoever writes last.
func TestLastSyncWins(t *testing.T) {
	f := testFile(t, testBinding, 1)
	g := fileAt(t, f.Path(), testBinding, 1)
	one, two := picturetest.Random(1, 2, 5), picturetest.Random(2, 2, 7)
	at := time.Now()
	if !save(t, f, one, at) || save(t, g, two, at.Add(-time.Second)) {
		t.Error("an earlier sync replaced a later one")
	}
	if _, p, err := load(g); err != nil || p.Len() != 5 {
		t.Errorf("%d machines, %v", p.Len(), err)
	}
	if !save(t, g, two, at.Add(time.Second)) {
		t.Error("a later sync was not saved")
	}
	done := make(chan struct{})
	for i := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			h := fileAt(t, f.Path(), testBinding, 1)
			for j := range 5 {
				if _, err := h.Save(context.Background(), contentOf(one, at.Add(time.Duration(10*j+i)*time.Second)), slices.Values(one.Chunks())); err != nil {
					t.Error(err)
				}
				if _, p, err := load(h); err != nil || p.Len() != 5 && p.Len() != 7 {
					t.Errorf("%d machines, %v", p.Len(), err)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
	head, _, err := load(f)
	if err != nil || !head.Finished.Equal(at.Add(43*time.Second)) {
		t.Errorf("%v, %v", head.Finished.Sub(at), err)
	}
}

func TestPlaces(t *testing.T) {
	f := testFile(t, testBinding, 1)
	if _, _, err := load(f); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := New("x", []byte("short"), testBinding); err == nil {
		t.Error("a short key was taken")
	}
	if runtime.GOOS == "windows" {
		t.Skip("links and modes are another matter here")
	}
	p := picturetest.Random(1, 2, 5)
	save(t, f, p, time.Now())
	if err := os.Chmod(f.Path(), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(f); err == nil {
		t.Error("a file that all may read was taken")
	}
	target := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(f.Path()), os.Symlink(target, f.Path())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := load(f); err == nil {
		t.Error("a link was followed")
	}
	save(t, f, p, time.Now())
	if raw, err := os.ReadFile(target); err != nil || string(raw) != "precious" {
		t.Error("a link was written through")
	}
	dir := filepath.Dir(f.Path())
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Save(t.Context(), contentOf(p, time.Now()), slices.Values(p.Chunks())); err == nil {
		t.Error("a folder that all may enter was taken")
	}
}

// TestFileFromTheFuture: a file that was written while the clock was wrong does not stay until its time comes.
func TestFileFromTheFuture(t *testing.T) {
	f := testFile(t, testBinding, 1)
	at := time.Now()
	if !save(t, f, picturetest.Random(1, 2, 5), at.Add(48*time.Hour)) || !save(t, f, picturetest.Random(2, 2, 7), at) {
		t.Error("it was not saved")
	}
	if head, p, err := load(f); err != nil || p.Len() != 7 || !head.Finished.Equal(at) {
		t.Errorf("%v", err)
	}
}

// TestFileThatIsTooLarge is not written: the one before stays.
func TestFileThatIsTooLarge(t *testing.T) {
	f := testFile(t, testBinding, 1)
	save(t, f, picturetest.Random(1, 2, 5), time.Now())
	_, err := f.replace(t.Context(), time.Now().Add(time.Second), func(w *frameWriter) error {
		w.size = maxFile
		return w.write(frameHead, []byte("more"), nil)
	})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("a file above the limit was written: %v", err)
	}
	for what, fill := range map[string]func(w *frameWriter) error{
		"frame":                    func(w *frameWriter) error { return w.write(frameRows, nil, make([]byte, maxFrame)) },
		"frame that unfolds to it": func(w *frameWriter) error { return w.write(frameRows, make([]byte, maxPlain), nil) },
	} {
		if _, err := f.replace(t.Context(), time.Now().Add(time.Second), fill); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a %s above the limit was written: %v", what, err)
		}
	}
	if _, p, err := load(f); err != nil || p.Len() != 5 {
		t.Errorf("the file before is gone: %v", err)
	}
}
