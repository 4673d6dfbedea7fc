package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/unitty/unitty/auth/atomicfile"
)

// identityFile holds the store's key, wrapped by the passphrase.
const identityFile = "identity.age"

// credentialName is the name of the passphrase among the credentials that a
// service manager hands over in $CREDENTIALS_DIRECTORY.
const credentialName = "unitty-passphrase" //nolint:gosec // the name of a file

// errPassphrase means that no source gave a passphrase.
var errPassphrase = errors.New("the file store needs a passphrase: set UNITTY_KEYRING_PASSPHRASE_FILE, or run in a terminal")

// loadIdentity finds the key: from the cache, else unwrapped by the passphrase,
// else, when create is set, a new one. The caller holds mu.
func (s *FileStore) loadIdentity(ctx context.Context, create bool) (*age.X25519Identity, error) {
	path := filepath.Join(s.opt.Dir, identityFile)
	wrapped, err := atomicfile.Read(path, 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, fmt.Errorf("%w: %s is missing", errDamaged, path)
		}
		return s.createIdentity(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	cacheKey := identityCacheKey(wrapped)
	if id := s.cached(ctx, cacheKey); id != nil {
		return id, nil
	}
	pass, err := s.passphrase(ctx, false)
	if err != nil {
		return nil, err
	}
	id, err := unwrapIdentity(wrapped, pass)
	if err != nil {
		return nil, err
	}
	s.remember(ctx, cacheKey, id)
	return id, nil
}

// createIdentity makes the key of a new store. The lock keeps two processes from
// making two keys, of which the second would make the first one's items
// unreadable.
func (s *FileStore) createIdentity(ctx context.Context, path string) (*age.X25519Identity, error) {
	pass, err := s.passphrase(ctx, true)
	if err != nil {
		return nil, err
	}
	lctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	unlock, err := fileLock(lctx, filepath.Join(s.opt.Dir, "identity.lock"), 20*time.Millisecond)
	if err != nil {
		return nil, err
	}
	defer unlock()
	wrapped, err := atomicfile.Read(path, 64<<10)
	if err == nil {
		return unwrapIdentity(wrapped, pass)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	wrapped, err = wrapIdentity(id, pass, s.opt.workFactor)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(path, wrapped); err != nil {
		return nil, err
	}
	s.remember(ctx, identityCacheKey(wrapped), id)
	return id, nil
}

// Stretching a passphrase takes 256 MiB, which the process gives back at once instead of some minutes later.
func wrapIdentity(id *age.X25519Identity, pass Secret, work int) ([]byte, error) {
	defer debug.FreeOSMemory()
	r, err := age.NewScryptRecipient(pass.Reveal())
	if err != nil {
		return nil, err
	}
	if work > 0 {
		r.SetWorkFactor(work)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		return nil, err
	}
	if _, err = io.WriteString(w, id.String()); err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func unwrapIdentity(wrapped []byte, pass Secret) (*age.X25519Identity, error) {
	defer debug.FreeOSMemory()
	scr, err := age.NewScryptIdentity(pass.Reveal())
	if err != nil {
		return nil, err
	}
	scr.SetMaxWorkFactor(20) // a planted file must not cost minutes
	r, err := age.Decrypt(bytes.NewReader(wrapped), scr)
	if err != nil {
		return nil, errors.New("the passphrase of the file store is wrong, or its key file is damaged")
	}
	text, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil {
		return nil, errors.New("the key file of the file store is damaged")
	}
	id, err := age.ParseX25519Identity(string(text))
	if err != nil {
		return nil, errors.New("the key file of the file store is damaged")
	}
	return id, nil
}

// passphrase asks the sources in order: the file that was named, the service
// manager, a person.
func (s *FileStore) passphrase(ctx context.Context, create bool) (Secret, error) {
	path := s.opt.PassphraseFile
	if path == "" {
		if dir := os.Getenv("CREDENTIALS_DIRECTORY"); filepath.IsAbs(dir) {
			candidate := filepath.Join(dir, credentialName)
			if _, err := os.Lstat(candidate); err == nil {
				path = candidate
			}
		}
	}
	if path != "" {
		return readPassphrase(path)
	}
	if s.opt.Prompt == nil {
		return Secret{}, errPassphrase
	}
	text := "Passphrase of the unitty store"
	if create {
		text = "New passphrase for the unitty store"
	}
	pass, err := s.opt.Prompt(ctx, text, create)
	if err == nil && pass.Empty() {
		err = errors.New("the passphrase is empty")
	}
	return pass, err
}

func readPassphrase(path string) (Secret, error) {
	data, err := atomicfile.ReadForeign(path, 4096)
	if err != nil {
		return Secret{}, fmt.Errorf("reading the passphrase file: %w", err)
	}
	text := strings.TrimRight(string(data), "\r\n")
	if text == "" {
		return Secret{}, errors.New("the passphrase file is empty")
	}
	return NewSecret(text), nil
}

// identityCacheKey names a key by its wrapped form, so that another store or a
// new passphrase is another entry.
func identityCacheKey(wrapped []byte) string {
	sum := sha256.Sum256(wrapped)
	return "v1-identity-" + hex.EncodeToString(sum[:8])
}

func (s *FileStore) cached(ctx context.Context, key string) *age.X25519Identity {
	if s.opt.Cache == nil {
		return nil
	}
	data, err := s.opt.Cache.Get(ctx, key)
	if err != nil {
		return nil
	}
	id, err := age.ParseX25519Identity(string(data))
	if err != nil {
		return nil
	}
	return id
}

// remember is best effort: without the cache the passphrase is asked for again.
func (s *FileStore) remember(ctx context.Context, key string, id *age.X25519Identity) {
	if s.opt.Cache != nil {
		_ = s.opt.Cache.Set(ctx, key, []byte(id.String()))
	}
}

// ForgetFileKey removes the unlocked key of the file store in dir from the
// kernel's keyring, so that the next use asks for the passphrase again. Where
// there is no such store or no such keyring there is nothing to forget.
func ForgetFileKey(ctx context.Context, dir string) error {
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
	return cache.Delete(ctx, identityCacheKey(wrapped))
}
