package auth

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/unitty/unitty/auth/atomicfile"
)

// FileKeyLife is how long the kernel keeps the unlocked key of a file store
// after it was last used. Every program of the user can open the store without
// the passphrase until then.
const FileKeyLife = 12 * time.Hour

// fileKeyRenew is how much of its life a kept key has lost when a use renews
// it, so that a script with many runs does not write one for each.
const fileKeyRenew = time.Hour

// keptKey is the unlocked key of a file store as the kernel keeps it. The end
// stands in the item too: a process that is killed before it could tell the
// kernel leaves a key that nobody takes.
type keptKey struct {
	id    *age.X25519Identity
	until time.Time
	mark  string
}

func (k keptKey) encode() []byte {
	return []byte(strings.Join([]string{k.id.String(), k.until.UTC().Format(time.RFC3339), k.mark}, "\n"))
}

// parseKeptKey reads a kept key. One whose end has passed, or lies further off
// than any end that is set, is none: a clock was set meanwhile.
func parseKeptKey(data []byte, now time.Time) (keptKey, bool) {
	parts := strings.Split(string(data), "\n")
	if len(parts) != 3 {
		return keptKey{}, false
	}
	id, err := age.ParseX25519Identity(parts[0])
	if err != nil {
		return keptKey{}, false
	}
	until, err := time.Parse(time.RFC3339, parts[1])
	if err != nil || !until.After(now) || until.After(now.Add(FileKeyLife+time.Minute)) {
		return keptKey{}, false
	}
	return keptKey{id: id, until: until, mark: parts[2]}, true
}

// passphraseMark tells a passphrase that opened the key from nearly every other
// one without the second that stretching it takes. It has 16 bits only, so that
// it is of no use to whoever guesses a passphrase.
func passphraseMark(id *age.X25519Identity, pass Secret) string {
	sum, err := hkdf.Key(sha256.New, []byte(id.String()), []byte(pass.Reveal()), "unitty file store passphrase", 2)
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum)
}

// identityCacheKey names a key by its wrapped form, so that another store or a
// new passphrase is another entry.
func identityCacheKey(wrapped []byte) string {
	sum := sha256.Sum256(wrapped)
	return "v1-identity-" + hex.EncodeToString(sum[:8])
}

// expirer is a Store that can forget an item by itself.
type expirer interface {
	expire(ctx context.Context, key string, after time.Duration) error
}

// kept gives the key that was unlocked before. Anything else under its name is
// removed.
func (s *FileStore) kept(ctx context.Context, name string) (keptKey, bool) {
	if s.opt.Cache == nil {
		return keptKey{}, false
	}
	data, err := s.opt.Cache.Get(ctx, name)
	if err != nil {
		return keptKey{}, false
	}
	k, ok := parseKeptKey(data, time.Now())
	if !ok {
		_ = s.opt.Cache.Delete(ctx, name) // the passphrase is asked for either way
	}
	return k, ok
}

// keep is best effort: without the cache the passphrase is asked for again. A
// key that would stay for ever is not kept.
func (s *FileStore) keep(ctx context.Context, name string, id *age.X25519Identity, mark string) {
	if s.opt.Cache == nil {
		return
	}
	k := keptKey{id: id, until: time.Now().Add(FileKeyLife), mark: mark}
	err := s.opt.Cache.Set(ctx, name, k.encode())
	if e, ok := s.opt.Cache.(expirer); ok && err == nil {
		err = e.expire(ctx, name, FileKeyLife)
	}
	if err != nil {
		_ = s.opt.Cache.Delete(ctx, name)
	}
}

// FileKeyUntil tells until when the store in dir opens without its passphrase;
// it is zero when the passphrase is asked for, or nothing is known.
func FileKeyUntil(ctx context.Context, dir string) time.Time {
	var until time.Time
	_ = withKeptKey(dir, func(cache Store, name string) error {
		if data, err := cache.Get(ctx, name); err == nil {
			k, _ := parseKeptKey(data, time.Now())
			until = k.until
		}
		return nil
	})
	return until
}

// ForgetFileKey removes the unlocked key of the file store in dir from the
// kernel's keyring, so that the next use asks for the passphrase again. Where
// there is no such store or no such keyring there is nothing to forget.
func ForgetFileKey(ctx context.Context, dir string) error {
	return withKeptKey(dir, func(cache Store, name string) error { return cache.Delete(ctx, name) })
}

// withKeptKey calls do with the kernel's keyring and the name of the key of the
// store in dir, where there are both.
func withKeptKey(dir string, do func(cache Store, name string) error) error {
	wrapped, err := atomicfile.Read(filepath.Join(dir, identityFile), 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	cache, err := OpenKeyringStore("keyctl")
	if err != nil {
		return nil // nothing was ever kept
	}
	defer func() { _ = cache.Close() }()
	return do(cache, identityCacheKey(wrapped))
}
