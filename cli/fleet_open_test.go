//go:build unix

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity/fleet/snapshot"
	"github.com/unitty/unitty/unity/unitytest"
)

// TestSnapshotKey: the key is made once, and kept in the store under a name that tells nothing.
func TestSnapshotKey(t *testing.T) {
	t.Parallel()
	store := auth.NewMemoryStore()
	s := &settings{Profile: "main", BaseURL: "https://api.example", Key: "AAAABBBBCCCCDDDDEEEE", Username: "kim@msp.example"}
	item := snapshotItem(s)
	if strings.Contains(item, "kim") || len(item) > 40 {
		t.Errorf("item %q", item)
	}
	one, err := snapshotKey(t.Context(), store, item)
	if err != nil || len(one) != snapshot.KeySize || bytes.Equal(one, make([]byte, snapshot.KeySize)) {
		t.Fatalf("%d bytes, %v", len(one), err)
	}
	two, err := snapshotKey(t.Context(), store, item)
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("another key the second time: %v", err)
	}
	other := *s
	other.Username = "lee@msp.example"
	if snapshotItem(&other) == item {
		t.Error("two users share a key")
	}
	if err := store.Set(t.Context(), item, []byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	if key, err := snapshotKey(t.Context(), store, item); err == nil {
		t.Errorf("nonsense is a key of %d bytes", len(key))
	}
	// What dies with the process keeps no picture on disk.
	sess := &session{settings: s, store: store}
	if f, err := sess.snapshotFile(t.Context()); f != nil || err != nil {
		t.Errorf("%v, %v", f, err)
	}
}

// TestCachePurge: a picture is kept beside a file store; `cache purge` removes it and leaves the key, `logout --purge` removes
// both.
func TestCachePurge(t *testing.T) {
	t.Parallel()
	sim := startTestSim(t, unitytest.Options{Sites: 3, Endpoints: 20})
	home := t.TempDir()
	pass := filepath.Join(home, "passphrase")
	if err := os.WriteFile(pass, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	unlockCheaply(t, home, "correct horse")
	c := sim.Credentials()
	environment := map[string]string{"HOME": home, "UNITTY_KEYRING": "file", "UNITTY_KEYRING_PASSPHRASE_FILE": pass, "UNITTY_BASE_URL": sim.url,
		"UNITTY_GSM_KEY": c.GSMKey, "UNITTY_USERNAME": c.Username, "UNITTY_PASSWORD": c.Password, "UNITTY_CLIENT_ID": c.ClientID, "UNITTY_CLIENT_SECRET": c.ClientSecret}
	var errs strings.Builder
	a := &app{in: strings.NewReader(""), out: new(strings.Builder), err: &errs, env: func(name string) string { return environment[name] }}
	keep := func() *settings {
		t.Helper()
		s, err := a.settings()
		if err != nil {
			t.Fatal(err)
		}
		sess, err := a.open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer sess.close()
		f := sess.openFleet()
		if err := f.Sync(t.Context()); err != nil || f.State().Disk != nil || f.Current().Len() != 20 {
			t.Fatalf("%v, %v, %d machines", err, f.State().Disk, f.Current().Len())
		}
		again := sess.openFleet()
		if err := again.Load(t.Context()); err != nil || again.Current().Len() != 20 {
			t.Fatalf("%v, %d machines", err, again.Current().Len())
		}
		if _, err := sess.store.Get(t.Context(), snapshotItem(s)); err != nil {
			t.Fatal(err)
		}
		return s
	}
	there := func(s *settings) (file, key bool) {
		t.Helper()
		_, err := os.Stat(s.paths.snapshot(s.Profile))
		store, serr := a.openStore(t.Context(), s)
		if serr != nil {
			t.Fatal(serr)
		}
		defer func() { _ = store.Close() }()
		_, kerr := store.Get(t.Context(), snapshotItem(s))
		return err == nil, kerr == nil
	}
	s := keep()
	if code := a.run(t.Context(), []string{"cache", "purge"}); code != 0 || !strings.Contains(errs.String(), "Removed "+s.paths.snapshot("main")) {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if file, key := there(s); file || !key {
		t.Errorf("after cache purge: file %v, key %v", file, key)
	}
	if code := a.run(t.Context(), []string{"cache", "purge"}); code != 0 || !strings.Contains(errs.String(), "No picture") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	s = keep()
	if code := a.run(t.Context(), []string{"logout", "--purge"}); code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	if file, key := there(s); file || key {
		t.Errorf("after logout --purge: file %v, key %v", file, key)
	}
}
