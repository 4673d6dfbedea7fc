package auth

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// keptStore opens a file store that a person unlocks, and counts the questions.
func keptStore(t *testing.T, dir string, cache Store, asked *int) *FileStore {
	t.Helper()
	s, err := OpenFileStore(FileOptions{Dir: dir, Cache: cache, workFactor: 4, Prompt: func(context.Context, string, bool) (Secret, error) {
		*asked++
		return NewSecret("a passphrase"), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestUnlockedKeyEndsTwelveHoursAfterItsLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, cache, asked := privateDir(t), NewMemoryStore(), 0
		unlock := func(want int) {
			t.Helper()
			if err := keptStore(t, dir, cache, &asked).Unlock(t.Context()); err != nil || asked != want {
				t.Fatalf("%v, asked %d times, want %d", err, asked, want)
			}
		}
		unlock(1)
		for range 3 { // each use renews it
			<-time.After(FileKeyLife - time.Minute)
			unlock(1)
		}
		<-time.After(FileKeyLife + time.Second)
		unlock(2)
		// A clock that was set back a day makes a key that seems to be good for longer than any.
		name := ""
		for name = range cache.items {
		}
		k, ok := parseKeptKey(cache.items[name], time.Now())
		if !ok {
			t.Fatal("nothing is kept")
		}
		k.until = time.Now().Add(36 * time.Hour)
		if err := cache.Set(t.Context(), name, k.encode()); err != nil {
			t.Fatal(err)
		}
		unlock(3)
	})
}

// TestKeyWithoutAnEndIsForgotten takes a key for none that was kept for good.
func TestKeyWithoutAnEndIsForgotten(t *testing.T) {
	dir, cache, asked := privateDir(t), NewMemoryStore(), 0
	if err := keptStore(t, dir, cache, &asked).Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, data := range cache.items {
		if strings.Contains(string(data), "a passphrase") {
			t.Error("the passphrase is kept beside the key")
		}
		cache.items[name] = []byte(strings.Split(string(data), "\n")[0])
	}
	if err := keptStore(t, dir, cache, &asked).Unlock(t.Context()); err != nil || asked != 2 {
		t.Fatalf("%v, asked %d times", err, asked)
	}
}

// TestWrongPassphraseFileIsNoticed looks at the file also while the key is
// unlocked, without the time that stretching takes when it is right.
func TestWrongPassphraseFileIsNoticed(t *testing.T) {
	dir, cache, asked := privateDir(t), NewMemoryStore(), 0
	first := keptStore(t, dir, cache, &asked)
	if err := first.Set(t.Context(), "v1-x", []byte("y")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pass")
	read := func(pass string) ([]byte, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(pass+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenFileStore(FileOptions{Dir: dir, Cache: cache, PassphraseFile: file})
		if err != nil {
			t.Fatal(err)
		}
		return s.Get(t.Context(), "v1-x")
	}
	wrong := "another one"
	for n := 0; passphraseMark(first.id, NewSecret(wrong)) == passphraseMark(first.id, NewSecret("a passphrase")); n++ {
		wrong = fmt.Sprint("another one ", n) // one in 65,536 has the same mark
	}
	if got, err := read(wrong); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong file: %q, %v", got, err)
	}
	if got, err := read("a passphrase"); err != nil || string(got) != "y" {
		t.Errorf("the right file: %q, %v", got, err)
	}
	if err := os.Remove(filepath.Join(dir, identityFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := read("a passphrase"); err == nil {
		t.Error("a store without its key file was opened")
	}
}

func TestNewPassphraseHasALeastLength(t *testing.T) {
	for pass, ok := range map[string]bool{"x": false, "1234567": false, "äöüäöüä": false, "12345678": true, "äöüäöüäö": true} {
		file := filepath.Join(t.TempDir(), "pass")
		if err := os.WriteFile(file, []byte(pass+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		dir := privateDir(t)
		s, err := OpenFileStore(FileOptions{Dir: dir, PassphraseFile: file, workFactor: 4})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Unlock(t.Context())
		_, missing := os.Stat(filepath.Join(dir, identityFile))
		if (err == nil) != ok || (missing == nil) != ok {
			t.Errorf("%q: %v, key file: %v", pass, err, missing)
		}
		if err != nil && strings.Contains(err.Error(), pass) {
			t.Errorf("the passphrase is in the error: %v", err)
		}
	}
}
