package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"filippo.io/age"
	"github.com/99designs/keyring"
	"github.com/unitty/unitty/auth/atomicfile"
)

func TestFileStoreRoundTripAndReopen(t *testing.T) {
	dir := privateDir(t)
	s := fileStore(t, dir)
	if _, err := s.Get(t.Context(), "v1-x-a"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if err := Canary(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "v1-x-a", []byte("canary-secret")); err != nil {
		t.Fatal(err)
	}
	again := fileStore(t, dir)
	if got, err := again.Get(t.Context(), "v1-x-a"); err != nil || string(got) != "canary-secret" {
		t.Fatalf("%q %v", got, err)
	}
	raw, _ := os.ReadFile(filepath.Join(dir, "v1-x-a.age")) //nolint:gosec // a file of this test
	if bytes.Contains(raw, []byte("canary")) || !bytes.HasPrefix(raw, []byte("age-encryption.org/")) {
		t.Fatal("the item is not encrypted")
	}
	for _, key := range []string{"", "..", "../x", "A", "a/b", "a:b"} {
		if err := s.Set(t.Context(), key, nil); err == nil {
			t.Errorf("key %q was taken", key)
		}
	}
	wrong, err := OpenFileStore(FileOptions{Dir: dir, Prompt: func(context.Context, string, bool) (Secret, error) { return NewSecret("nope"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.Get(t.Context(), "v1-x-a"); err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, errDamaged) {
		t.Fatalf("a wrong passphrase must not look like an empty store: %v", err)
	}
}

func TestFileStoreRefusesWhatItDidNotWrite(t *testing.T) {
	dir := privateDir(t)
	s := fileStore(t, dir)
	set := func(key, v string) {
		t.Helper()
		if err := s.Set(t.Context(), key, []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	path := func(key string) string { return filepath.Join(dir, key+".age") }
	set("v1-a", "one")
	set("v1-b", "two")
	good, _ := os.ReadFile(path("v1-a"))
	forge := func() []byte { // by somebody who knows the public key but not the MAC key
		var b bytes.Buffer
		w, _ := age.Encrypt(&b, s.id.Recipient())
		_, _ = w.Write(frame(nil, "v1-a", []byte("forged")))
		_ = w.Close()
		return b.Bytes()
	}
	stranger, _ := age.GenerateX25519Identity()
	alien := func() []byte {
		var b bytes.Buffer
		w, _ := age.Encrypt(&b, stranger.Recipient())
		_, _ = w.Write(frame(s.macKey, "v1-a", []byte("forged")))
		_ = w.Close()
		return b.Bytes()
	}
	moved, _ := os.ReadFile(path("v1-b"))
	for name, data := range map[string][]byte{"torn": good[:len(good)/2], "empty": {}, "text": []byte("hello"), "forged": forge(), "for another key": alien(), "moved": moved} {
		if err := os.WriteFile(path("v1-a"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "v1-a"); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	set("v1-a", "one")
	if err := os.Chmod(path("v1-a"), 0o644); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "v1-a"); !errors.Is(err, atomicfile.ErrUnsafe) {
		t.Errorf("loose mode: %v", err)
	}
	_ = os.Remove(path("v1-a"))
	if err := os.Symlink(path("v1-b"), path("v1-a")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "v1-a"); !errors.Is(err, atomicfile.ErrUnsafe) {
		t.Errorf("symbolic link: %v", err)
	}
	set("v1-a", "one") // replaces the link, does not follow it
	if got, err := s.Get(t.Context(), "v1-b"); err != nil || string(got) != "two" {
		t.Errorf("the write went through the link: %q %v", got, err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "v1-a", nil); !errors.Is(err, atomicfile.ErrUnsafe) {
		t.Errorf("loose folder: %v", err)
	}
}

func TestTornSlotFallsBackToTheOther(t *testing.T) {
	srv, dir, clk := newTokenServer(t), privateDir(t), &clock{}
	store := fileStore(t, dir)
	e := setup{base: srv.URL, store: store, dir: dir, clock: clk}.engine(t)
	mustSignIn(t, e)
	clk.jump(299 * time.Second)
	want := mustToken(t, e)
	rec, err := e.chain.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, e.chain.slotKey(otherSlot(rec.slot))+".age")
	if err := os.WriteFile(other, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	next := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	if got := mustToken(t, next); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	live := filepath.Join(dir, e.chain.slotKey(rec.slot)+".age")
	if err := os.Chmod(live, 0o644); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	last := setup{base: srv.URL, store: fileStore(t, dir), dir: dir, clock: clk}.engine(t)
	if _, err := last.Token(t.Context()); !errors.Is(err, ErrStore) || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("an unreadable slot may hold the newer token: %v", err)
	}
}

func TestPassphraseSources(t *testing.T) {
	dir, secret := privateDir(t), filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(secret, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := OpenFileStore(FileOptions{Dir: dir, PassphraseFile: secret, workFactor: 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "v1-x", []byte("y")); err != nil {
		t.Fatal(err)
	}
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "unitty-passphrase"), []byte("from a file"), 0o400); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	s, _ = OpenFileStore(FileOptions{Dir: dir})
	if got, err := s.Get(t.Context(), "v1-x"); err != nil || string(got) != "y" {
		t.Fatalf("%q %v", got, err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	cache := NewMemoryStore()
	asked := 0
	open := func() *FileStore {
		s, _ := OpenFileStore(FileOptions{Dir: dir, Cache: cache, Prompt: func(context.Context, string, bool) (Secret, error) {
			asked++
			return NewSecret("from a file"), nil
		}})
		return s
	}
	for range 3 {
		if got, err := open().Get(t.Context(), "v1-x"); err != nil || string(got) != "y" {
			t.Fatalf("%q %v", got, err)
		}
	}
	if asked != 1 {
		t.Fatalf("asked %d times in spite of the cache", asked)
	}
	if err := os.Chmod(secret, 0o644); err != nil { //nolint:gosec // the point of the test
		t.Fatal(err)
	}
	s, _ = OpenFileStore(FileOptions{Dir: dir, PassphraseFile: secret})
	if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, atomicfile.ErrUnsafe) {
		t.Fatalf("a passphrase that everybody can read: %v", err)
	}
	s, _ = OpenFileStore(FileOptions{Dir: dir})
	if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, errPassphrase) {
		t.Fatal(err)
	}
}

// TestForgottenKeyIsAskedForAgain takes the unlocked key of a store out of the
// kernel's keyring.
func TestForgottenKeyIsAskedForAgain(t *testing.T) {
	cache, err := OpenKeyringStore("keyctl")
	if err == nil {
		err = Canary(t.Context(), cache)
	}
	if err != nil {
		t.Skipf("the kernel's keyring cannot be used here: %v", err)
	}
	dir := privateDir(t)
	if err := ForgetFileKey(t.Context(), dir); err != nil {
		t.Fatalf("a store that is not there: %v", err)
	}
	asked := 0
	open := func() *FileStore {
		cache, err := OpenKeyringStore("keyctl")
		if err != nil {
			t.Fatal(err)
		}
		s, err := OpenFileStore(FileOptions{Dir: dir, Cache: cache, workFactor: 4, Prompt: func(context.Context, string, bool) (Secret, error) {
			asked++
			return NewSecret("a passphrase"), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	defer func() { _ = cache.Close() }()
	if err := errors.Join(open().Set(t.Context(), "v1-x", []byte("y")), open().Unlock(t.Context())); err != nil || asked != 1 {
		t.Fatalf("%v, asked %d times", err, asked)
	}
	if err := ForgetFileKey(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got, err := open().Get(t.Context(), "v1-x"); err != nil || string(got) != "y" || asked != 2 {
		t.Fatalf("%q %v, asked %d times", got, err, asked)
	}
	if err := ForgetFileKey(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
}

// hangingRing answers only when it is let go.
type hangingRing struct {
	*keyring.ArrayKeyring
	hang   atomic.Bool
	let    chan struct{}
	active atomic.Int32
	worst  atomic.Int32
}

func (h *hangingRing) Get(key string) (keyring.Item, error) {
	h.worst.Store(max(h.worst.Load(), h.active.Add(1)))
	defer h.active.Add(-1)
	if h.hang.Load() {
		<-h.let
	}
	return h.ArrayKeyring.Get(key)
}

// ringOf opens a keychain that is there already.
func ringOf(r ring) func(context.Context) (ring, error) {
	return func(context.Context) (ring, error) { return r, nil }
}

func TestHangingKeychainPoisonsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := &hangingRing{ArrayKeyring: keyring.NewArrayKeyring(nil), let: make(chan struct{})}
		s := newKeyringStore("secret-service", 0, ringOf(ring))
		defer func() { _ = s.Close() }()
		if err := Canary(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(t.Context(), "v1-x", []byte("v")); err != nil {
			t.Fatal(err)
		}
		ring.hang.Store(true)
		begin := time.Now()
		if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, errUnresponsive) || time.Since(begin) != 3*time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
		begin = time.Now()
		if _, err := s.Get(t.Context(), "v1-x"); !errors.Is(err, errUnresponsive) || time.Since(begin) != 0 {
			t.Fatalf("a poisoned store must fail at once: %v after %v", err, time.Since(begin))
		}
		if s.settling() == nil {
			t.Fatal("the lock would be given away while a call is on its way")
		}
		ring.hang.Store(false)
		close(ring.let)
		synctest.Wait()
		if got, err := s.Get(t.Context(), "v1-x"); err != nil || string(got) != "v" {
			t.Fatalf("%q %v", got, err)
		}
		ring.let = make(chan struct{})
		ring.hang.Store(true)
		begin = time.Now()
		if _, err := s.Get(Interactive(t.Context()), "v1-x"); !errors.Is(err, errUnresponsive) || time.Since(begin) != 30*time.Second {
			t.Fatalf("%v after %v", err, time.Since(begin))
		}
		close(ring.let)
		synctest.Wait()
		if ring.worst.Load() != 1 {
			t.Fatal("two calls at once")
		}
	})
}

func TestLockOutlivesALateWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		ring := &hangingRing{ArrayKeyring: keyring.NewArrayKeyring(nil), let: let}
		s := newKeyringStore("secret-service", 0, ringOf(ring))
		defer func() { _ = s.Close() }()
		c, err := newChain(s, Account{BaseURL: "https://x", ClientID: "c"}, nil, lockDirs{own: privateDir(t)}, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		unlock, err := c.lock(t.Context(), time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		ring.hang.Store(true)
		if _, err := c.read(t.Context()); !errors.Is(err, errUnresponsive) {
			t.Fatal(err)
		}
		unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.lock(ctx, 10*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the lock was free while a call was on its way: %v", err)
		}
		close(let)
		synctest.Wait()
		unlock, err = c.lock(t.Context(), time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		unlock()
	})
}

func TestKeyringStoreRefusesForgedItems(t *testing.T) {
	ring := keyring.NewArrayKeyring(nil)
	s := newKeyringStore("keyctl", 300, ringOf(ring))
	defer func() { _ = s.Close() }()
	if err := s.Set(t.Context(), "v1-a", []byte("v")); err != nil {
		t.Fatal(err)
	}
	good, _ := ring.Get("v1-a")
	for name, item := range map[string]keyring.Item{
		"plain":      {Key: "v1-b", Data: []byte("forged")},
		"moved":      {Key: "v1-b", Data: good.Data},
		"other name": {Key: "v1-b", Data: good.Data[:20]},
	} {
		if err := ring.Set(item); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "v1-b"); !errors.Is(err, errDamaged) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if err := s.Set(t.Context(), "v1-c", make([]byte, 400)); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "v1-none"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "v1-none"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

func TestLargeTokensKeepTheRefreshToken(t *testing.T) {
	ring := keyring.NewArrayKeyring(nil)
	s := newKeyringStore("wincred", 700, ringOf(ring))
	defer func() { _ = s.Close() }()
	c, err := newChain(s, Account{BaseURL: "https://x", ClientID: "c"}, nil, lockDirs{own: privateDir(t)}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{gen: 1, access: NewSecret(strings.Repeat("a", 900)), refresh: NewSecret("r"), issuedAt: time.Now(), life: time.Minute}
	if err := c.write(t.Context(), b, 0); err != nil {
		t.Fatal(err)
	}
	rec, err := c.read(t.Context())
	if err != nil || rec.b.refresh.Reveal() != "r" || rec.b.remaining(time.Now()) != 0 {
		t.Fatalf("%+v %v", rec, err)
	}
}

func TestCanaryFindsStoresThatOnlyOpen(t *testing.T) {
	f := newFaultStore()
	f.fail(func(string) error { return errDiskFull })
	if err := Canary(t.Context(), f); !errors.Is(err, errDiskFull) {
		t.Fatal(err)
	}
	f.fail(nil)
	if err := Canary(t.Context(), f); err != nil || len(f.inner.items) != 0 {
		t.Fatalf("%v, left %d items", err, len(f.inner.items))
	}
}

func TestChoose(t *testing.T) {
	ok := map[string]error{"memory": nil, "file": nil, "keyctl": nil, "pass": nil, "kwallet": errDiskFull, "secret-service": errDiskFull}
	opened := ""
	open := func(name string) (Store, error) {
		opened += name + " "
		if err, known := ok[name]; !known || err != nil {
			return nil, fmt.Errorf("no %s: %w", name, errDiskFull)
		}
		return NewMemoryStore(), nil
	}
	ask := func(answer string) func(context.Context, []string, []Refusal) (string, error) {
		return func(_ context.Context, names []string, refused []Refusal) (string, error) {
			if len(refused) != 2 || len(names) != 3 {
				t.Errorf("asked with %v, %v", names, refused)
			}
			return answer, nil
		}
	}
	cases := []struct {
		name   string
		o      ChooseOptions
		opened string
		bad    bool
	}{
		{"nothing set, no terminal", ChooseOptions{}, "memory ", false},
		{"auto, no terminal", ChooseOptions{Name: "auto", Pinned: "auto"}, "memory ", false},
		{"passphrase file, no terminal", ChooseOptions{PassphraseFile: "/x"}, "file ", false},
		{"pinned", ChooseOptions{Pinned: "keyctl", PassphraseFile: "/x"}, "keyctl ", false},
		{"set beats pinned", ChooseOptions{Name: "pass", Pinned: "keyctl"}, "pass ", false},
		{"named and broken: no other", ChooseOptions{Name: "kwallet", PassphraseFile: "/x"}, "kwallet ", true},
		{"pinned and broken: no other", ChooseOptions{Pinned: "secret-service", Interactive: true}, "secret-service ", true},
		{"unknown", ChooseOptions{Name: "cloud"}, "cloud ", true},
		{"terminal, asks", ChooseOptions{Interactive: true, Ask: ask("keyctl")}, "secret-service kwallet keyctl ", false},
		{"terminal, nobody to ask", ChooseOptions{Interactive: true}, "secret-service kwallet memory ", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			opened = ""
			c.o.open = open
			s, refused, err := Choose(t.Context(), c.o)
			if opened != c.opened || (err != nil) != c.bad || (s == nil) != c.bad {
				t.Fatalf("opened %q, store %v, err %v", opened, s, err)
			}
			if c.bad && (!errors.Is(err, ErrStore) || len(refused) == 0) {
				t.Fatalf("err %v, refused %v", err, refused)
			}
		})
	}
	for name, want := range map[string]string{"keychain/darwin": "built without Keychain", "secret-service/linux": "session bus", "wincred/linux": "does not exist"} {
		n, goos, _ := strings.Cut(name, "/")
		if got := missingReason(n, goos); !strings.Contains(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestJose2goIsNotTheForgeableOne looks at the module list, since a test binary
// does not know its own.
func TestJose2goIsNotTheForgeableOne(t *testing.T) {
	data, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(data), "github.com/dvsekhvalnov/jose2go v1.")
	minor, _, _ := strings.Cut(rest, ".")
	if n, err := strconv.Atoi(minor); !ok || err != nil || n < 10 {
		t.Fatalf("jose2go older than v1.10 accepts forged items: %q", minor)
	}
}
