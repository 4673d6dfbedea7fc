package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/unitty/unitty/auth/atomicfile"
)

// identityFile holds the store's key, wrapped by the passphrase.
const identityFile = "identity.age"

// credentialName is the name of the passphrase among the credentials that a
// service manager hands over in $CREDENTIALS_DIRECTORY.
const credentialName = "unitty-passphrase" //nolint:gosec // the name of a file

// MinPassphrase is the least number of characters of the passphrase of a new
// file store. Stores that have a shorter one go on.
const MinPassphrase = 8

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
	name, file := identityCacheKey(wrapped), s.passphraseFile()
	kept, ok := s.kept(ctx, name)
	if ok && file == "" {
		s.renew(ctx, name, kept)
		return kept.id, nil
	}
	pass, err := s.passphrase(ctx, file, false)
	if err != nil {
		return nil, err
	}
	// A file that is given is looked at even so: a wrong one would be found out only when the key is gone.
	if ok && kept.mark == passphraseMark(kept.id, pass) {
		s.renew(ctx, name, kept)
		return kept.id, nil
	}
	id, err := unwrapIdentity(wrapped, pass)
	if err != nil && file != "" {
		return nil, fmt.Errorf("passphrase file %s: %w", file, err)
	}
	if err != nil {
		return nil, err
	}
	s.keep(ctx, name, id, passphraseMark(id, pass))
	return id, nil
}

// renew keeps a key for longer that was just used.
func (s *FileStore) renew(ctx context.Context, name string, k keptKey) {
	if time.Until(k.until) < FileKeyLife-fileKeyRenew {
		s.keep(ctx, name, k.id, k.mark)
	}
}

// createIdentity makes the key of a new store. The lock keeps two processes from
// making two keys, of which the second would make the first one's items
// unreadable.
func (s *FileStore) createIdentity(ctx context.Context, path string) (*age.X25519Identity, error) {
	pass, err := s.passphrase(ctx, s.passphraseFile(), true)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(pass.Reveal()) < MinPassphrase {
		return nil, fmt.Errorf("the passphrase is too short: a new one has %d characters at least", MinPassphrase)
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
	s.keep(ctx, identityCacheKey(wrapped), id, passphraseMark(id, pass))
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

// passphraseFile is the file that holds the passphrase: the one that was named,
// else the service manager's, else "".
func (s *FileStore) passphraseFile() string {
	if s.opt.PassphraseFile != "" {
		return s.opt.PassphraseFile
	}
	if !hasCredential() {
		return ""
	}
	return filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), credentialName)
}

// passphrase reads the passphrase from the file, or asks a person where there
// is none.
func (s *FileStore) passphrase(ctx context.Context, file string, create bool) (Secret, error) {
	if file != "" {
		return readPassphrase(file)
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
