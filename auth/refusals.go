package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"time"

	"golang.org/x/crypto/scrypt"
)

// refusals remembers the last password that the server refused, so that no
// process sends it again and locks the user out. It keeps a salted, slow hash,
// never the password.
type refusals struct {
	dir, key string
	poll     time.Duration
	blob     blobStore
}

// refusal is the stored form.
type refusal struct {
	Version int       `json:"v"`
	Salt    string    `json:"salt"`
	Hash    string    `json:"hash"`
	At      time.Time `json:"at"`
}

func newRefusals(c *chain, poll time.Duration) *refusals {
	r := &refusals{dir: c.lockDir, key: c.key, poll: poll}
	if r.dir == "" {
		r.blob = itemBlob{store: c.store, key: c.key + "-r"}
	} else {
		r.blob = fileBlob{path: filepath.Join(r.dir, c.key+".refused")}
	}
	return r
}

// lock lets one process at a time try a password of this account.
func (r *refusals) lock(ctx context.Context) (func(), error) {
	if r.dir == "" {
		return func() {}, nil
	}
	path := filepath.Join(r.dir, r.key+".login.lock")
	unlock, err := fileLock(ctx, path, r.poll)
	if err != nil {
		return nil, lockError(path, err)
	}
	return unlock, nil
}

// refusedAt returns when this very password was refused, or the zero time.
func (r *refusals) refusedAt(ctx context.Context, password Secret) (time.Time, error) {
	data, err := r.blob.load(ctx)
	if err != nil {
		return time.Time{}, err
	}
	var f refusal
	if len(data) == 0 || json.Unmarshal(data, &f) != nil {
		return time.Time{}, nil //nolint:nilerr // a damaged record remembers nothing
	}
	salt, err1 := hex.DecodeString(f.Salt)
	want, err2 := hex.DecodeString(f.Hash)
	if err1 != nil || err2 != nil || len(salt) != 16 || len(want) != 32 {
		return time.Time{}, nil //nolint:nilerr // as above
	}
	got, err := slowHash(password, salt)
	if err != nil {
		return time.Time{}, err
	}
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return time.Time{}, nil
	}
	return f.At, nil
}

// record remembers a refused password.
func (r *refusals) record(ctx context.Context, password Secret, at time.Time) error {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	hash, err := slowHash(password, salt)
	if err != nil {
		return err
	}
	data, err := json.Marshal(refusal{Version: 1, Salt: hex.EncodeToString(salt), Hash: hex.EncodeToString(hash), At: at.UTC()})
	if err != nil {
		return err
	}
	return r.blob.save(ctx, data)
}

// clear forgets, after a password was accepted or on a logout.
func (r *refusals) clear(ctx context.Context) error { return r.blob.remove(ctx) }

// slowHash makes guessing the password from the file about as dear as guessing
// a passphrase.
func slowHash(password Secret, salt []byte) ([]byte, error) {
	return scrypt.Key([]byte(password.Reveal()), salt, 1<<15, 8, 1, 32)
}
