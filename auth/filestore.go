package auth

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/unitty/unitty/auth/atomicfile"
)

// maxItem bounds what is read back from a file.
const maxItem = 256 << 10

// PromptFunc asks a person for a passphrase. With confirm it asks twice. It must
// not be called while something else draws on the terminal.
type PromptFunc func(ctx context.Context, text string, confirm bool) (Secret, error)

// FileOptions configure a FileStore.
type FileOptions struct {
	// Dir is the folder of the store, made with mode 0700 when it is missing.
	Dir string
	// PassphraseFile holds the passphrase; it must be private to this user or to
	// the administrator.
	PassphraseFile string
	// Prompt asks for the passphrase when there is no file; nil never asks.
	Prompt PromptFunc
	// Cache keeps the unlocked key for the user's other processes, usually in the
	// kernel's keyring, until it was not used for FileKeyLife; nil keeps it in this
	// process only.
	Cache Store

	workFactor int // of the passphrase; 0 means the library's default
}

// FileStore keeps each item in a file that is encrypted to one random key; only
// that key is wrapped by the passphrase, so that the slow part happens once.
type FileStore struct {
	opt FileOptions

	mu     sync.Mutex
	id     *age.X25519Identity
	macKey []byte
}

// OpenFileStore checks the folder. The key is unlocked by the first access, or
// by Unlock.
func OpenFileStore(o FileOptions) (*FileStore, error) {
	dir, err := filepath.Abs(o.Dir)
	if o.Dir == "" || err != nil {
		return nil, errors.New("the file store needs a folder")
	}
	o.Dir = dir
	if err := atomicfile.EnsureDir(dir); err != nil {
		return nil, err
	}
	return &FileStore{opt: o}, nil
}

// Name returns "file".
func (s *FileStore) Name() string { return "file" }

// LockDir is the store's own folder: every process that can write the files
// shares the lock beside them, on network file systems too.
func (s *FileStore) LockDir() string { return s.opt.Dir }

// Close forgets the key.
func (s *FileStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.macKey = nil, nil
	if s.opt.Cache != nil {
		return s.opt.Cache.Close()
	}
	return nil
}

// Get reads and decrypts an item.
func (s *FileStore) Get(ctx context.Context, key string) ([]byte, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, err
	}
	sealed, err := atomicfile.Read(path, maxItem)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	id, mac, err := s.unlock(ctx, false)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), id)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errDamaged, path)
	}
	item, err := io.ReadAll(io.LimitReader(r, maxItem))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errDamaged, path)
	}
	return unframe(mac, key, item)
}

// Set encrypts and writes an item, durably and all at once.
func (s *FileStore) Set(ctx context.Context, key string, data []byte) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if len(data) > maxItem/2 {
		return ErrTooLarge
	}
	id, mac, err := s.unlock(ctx, true)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, id.Recipient())
	if err != nil {
		return err
	}
	if _, err = w.Write(frame(mac, key, data)); err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	if err := atomicfile.EnsureDir(s.opt.Dir); err != nil {
		return err
	}
	atomicfile.Sweep(s.opt.Dir, leftover, "."+key+".age[0-9]*", canaryPrefix+"*.age", "."+canaryPrefix+"*.age[0-9]*")
	return atomicfile.Write(path, sealed.Bytes())
}

// leftover is the age from which a temporary file belongs to a writer that was
// killed.
const leftover = time.Minute

// Delete removes an item.
func (s *FileStore) Delete(_ context.Context, key string) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	return atomicfile.Remove(path)
}

// Unlock makes the key ready, so that a question is asked now and not later.
func (s *FileStore) Unlock(ctx context.Context) error {
	_, _, err := s.unlock(ctx, true)
	return err
}

func (s *FileStore) path(key string) (string, error) {
	if !keyShape.MatchString(key) {
		return "", errors.New("this is not a key of a store")
	}
	return filepath.Join(s.opt.Dir, key+".age"), nil
}

// unlock returns the key of the store, making one when create is set and there
// is none yet.
func (s *FileStore) unlock(ctx context.Context, create bool) (*age.X25519Identity, []byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.id != nil {
		return s.id, s.macKey, nil
	}
	id, err := s.loadIdentity(ctx, create)
	if err != nil {
		return nil, nil, err
	}
	mac, err := hkdf.Key(sha256.New, []byte(id.String()), nil, "unitty file store items", sha256.Size)
	if err != nil {
		return nil, nil, err
	}
	s.id, s.macKey = id, mac
	return id, mac, nil
}
