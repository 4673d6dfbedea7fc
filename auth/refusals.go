package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/crypto/scrypt"
)

// refusals remembers the passwords of a user that the server refused, so that no
// process sends one again, for whatever chain, and locks the user out. It keeps a salted, slow hash,
// never the password.
type refusals struct {
	dir, key string
	poll     time.Duration
	blob     blobStore
}

// refusal is the stored form: the password that was refused last, and some
// before it, all under one salt.
type refusal struct {
	Version int       `json:"v"`
	Salt    string    `json:"salt"`
	Hash    string    `json:"hash"`
	At      time.Time `json:"at"`
	// Earlier are the ones before, newest first.
	Earlier []refused `json:"earlier,omitempty"`
	// Count is how many passwords were refused one after another.
	Count int `json:"count,omitempty"`
}

// refused is one password that was refused.
type refused struct {
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
}

// maxEarlierRefused bounds how many refused passwords are remembered.
const maxEarlierRefused = 15

// freeTries is how many passwords may be refused one after another before the
// next one has to wait; longestWait bounds that wait.
const (
	freeTries   = 3
	longestWait = 5 * time.Minute
)

// nextTry is when another password may be tried.
func (f refusal) nextTry() time.Time {
	if f.Count <= freeTries {
		return time.Time{}
	}
	return f.At.Add(min(longestWait, time.Second<<min(f.Count-freeTries, 10)))
}

func newRefusals(c *chain, person string, poll time.Duration) *refusals {
	r := &refusals{dir: c.lockDir, key: person, poll: poll}
	if r.dir == "" {
		r.blob = itemBlob{store: c.store, key: person + "-r"}
	} else {
		r.blob = fileBlob{path: filepath.Join(r.dir, person+".refused")}
	}
	return r
}

// lock lets one process at a time try a password of this user. Users share a
// few lock files, which are never removed, so that a folder does not fill with
// the locks of accounts that are long gone.
func (r *refusals) lock(ctx context.Context) (func(), error) {
	if r.dir == "" {
		return func() {}, nil
	}
	path := filepath.Join(r.dir, "login-"+r.key[len(r.key)-1:]+".lock")
	unlock, err := fileLock(ctx, path, r.poll)
	if err != nil {
		return nil, lockError(path, err)
	}
	return unlock, nil
}

// last gives what is remembered; a damaged record remembers nothing.
func (r *refusals) last(ctx context.Context) (refusal, error) {
	data, err := r.blob.load(ctx)
	if err != nil {
		return refusal{}, err
	}
	var f refusal
	if len(data) == 0 || json.Unmarshal(data, &f) != nil {
		return refusal{}, nil //nolint:nilerr // as above
	}
	return f, nil
}

// check says why a password must not be sent: it was refused before, or too many
// were.
func (r *refusals) check(ctx context.Context, password Secret, now time.Time) (why string, err error) {
	f, err := r.last(ctx)
	if err != nil {
		return "", err
	}
	at, err := f.refused(password)
	if err != nil {
		return "", err
	}
	if !at.IsZero() {
		return "this password was refused at " + at.Local().Format("2006-01-02 15:04:05") +
			" and is not sent again, so that the user is not locked out; give another one, or log out first to try it once more", nil
	}
	if next := f.nextTry(); next.After(now) && next.Before(now.Add(longestWait+time.Second)) {
		return fmt.Sprintf("%d passwords of this user were refused one after another; so that the user is not locked out, the next one is sent from %s on",
			f.Count, next.Local().Format("15:04:05")), nil
	}
	return "", nil
}

// refused returns when this very password was refused, or the zero time.
func (f refusal) refused(password Secret) (time.Time, error) {
	salt, err := hex.DecodeString(f.Salt)
	if err != nil || len(salt) != 16 {
		return time.Time{}, nil //nolint:nilerr // damaged: it remembers nothing
	}
	got, err := slowHash(password, salt)
	if err != nil {
		return time.Time{}, err
	}
	for _, r := range append([]refused{{f.Hash, f.At}}, f.Earlier...) {
		if want, err := hex.DecodeString(r.Hash); err == nil && subtle.ConstantTimeCompare(got, want) == 1 {
			return r.At, nil
		}
	}
	return time.Time{}, nil
}

// record remembers a refused password beside the earlier ones.
func (r *refusals) record(ctx context.Context, password Secret, at time.Time) error {
	f, err := r.last(ctx)
	if err != nil {
		return err
	}
	salt, err := hex.DecodeString(f.Salt)
	if err != nil || len(salt) != 16 {
		f, salt = refusal{}, make([]byte, 16)
		if _, err := rand.Read(salt); err != nil {
			return err
		}
	}
	hash, err := slowHash(password, salt)
	if err != nil {
		return err
	}
	if f.Hash != "" {
		f.Earlier = append([]refused{{f.Hash, f.At}}, f.Earlier...)
		f.Earlier = f.Earlier[:min(len(f.Earlier), maxEarlierRefused)]
	}
	f.Version, f.Salt, f.Hash, f.At = 1, hex.EncodeToString(salt), hex.EncodeToString(hash), at.UTC()
	f.Count = max(0, f.Count) + 1
	data, err := json.Marshal(f)
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
