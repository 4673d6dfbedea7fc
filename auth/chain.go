package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// chain is the stored side of an account: two slots, the client secret, the
// sidecar and the lock. An account has one main chain and may have narrower ones
// beside it, each with fewer scopes; they share the client secret.
type chain struct {
	store    Store
	base     string // names the account
	key      string // names the chain: base, and more for a narrower one
	tag      string // tells apart the stores that keep locks in one folder
	side     blobStore
	lockPath string // empty when the store locks itself
	lockDir  string // where refusals lie; empty when there is no such folder
	timeout  time.Duration
}

// record is the newest generation found in the slots.
type record struct {
	b    *bundle
	slot int
}

// newChain works out where lock and sidecar lie, so that they cover exactly
// what the store covers. With only it is the narrower chain of these scopes.
func newChain(s Store, acct Account, only []string, dirs lockDirs, timeout time.Duration) (*chain, error) {
	c := &chain{store: s, base: acct.key(), timeout: timeout, lockDir: dirs.own}
	_, private := s.(selfLocker)
	if l, ok := s.(lockDirer); ok && c.lockDir == "" {
		c.lockDir = l.LockDir()
	}
	if c.lockDir == "" {
		dir, err := dirs.perUser()
		if err != nil && !private {
			return nil, err
		}
		c.lockDir = dir
		sum := sha256.Sum256([]byte(hostTag() + "\x00" + s.Name()))
		c.tag = "-" + hex.EncodeToString(sum[:4])
	}
	key := c.base
	if len(only) > 0 {
		names := slices.Sorted(slices.Values(only))
		sum := sha256.Sum256([]byte(strings.Join(slices.Compact(names), " ")))
		key += "-n" + hex.EncodeToString(sum[:4])
	}
	c.settleAt(key)
	return c, nil
}

// settleAt makes c the chain of a key.
func (c *chain) settleAt(key string) {
	c.key = key
	if _, private := c.store.(selfLocker); private {
		c.side = itemBlob{store: c.store, key: key + "-s"}
		return
	}
	c.lockPath = filepath.Join(c.lockDir, key+c.tag+".lock")
	c.side = fileBlob{path: filepath.Join(c.lockDir, key+c.tag+".json")}
}

// narrower lists the narrower chains of the account, which were locked before
// they were used for the first time.
func (c *chain) narrower() ([]*chain, error) {
	if c.lockPath == "" {
		return nil, nil // such a store dies with its process
	}
	found, err := filepath.Glob(filepath.Join(globQuote(c.lockDir), c.base+"-n????????"+c.tag+".lock"))
	if err != nil {
		return nil, err
	}
	var all []*chain
	for _, path := range found {
		n := *c
		n.settleAt(strings.TrimSuffix(filepath.Base(path), c.tag+".lock"))
		if n.key != c.key && keyShape.MatchString(n.key) {
			all = append(all, &n)
		}
	}
	return all, nil
}

// globQuote keeps the name of a folder from being read as a pattern.
func globQuote(dir string) string {
	if runtime.GOOS == "windows" {
		return dir // a backslash separates there, and the other signs are rare
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// lock takes the chain's lock for as long as ctx allows.
func (c *chain) lock(ctx context.Context, poll time.Duration) (func(), error) {
	if l, ok := c.store.(selfLocker); ok {
		return l.lockChain(ctx)
	}
	unlock, err := fileLock(ctx, c.lockPath, poll)
	if err != nil {
		return nil, lockError(c.lockPath, err)
	}
	return func() { c.unlockSettled(unlock) }, nil
}

// unlockSettled keeps the lock while a write that missed its deadline may still
// land: it would overwrite what the next holder of the lock saves.
func (c *chain) unlockSettled(unlock func()) {
	if s, ok := c.store.(interface{ settling() <-chan struct{} }); ok {
		if late := s.settling(); late != nil {
			go func() {
				<-late
				unlock()
			}()
			return
		}
	}
	unlock()
}

func (c *chain) slotKey(slot int) string { return c.key + [2]string{"-a", "-b"}[slot] }

func (c *chain) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := c.timeout
	w, ok := c.store.(interface{ awaiting() bool })
	if isInteractive(ctx) || ok && w.awaiting() {
		limit = max(limit, interactiveDeadline)
	}
	return context.WithTimeout(ctx, limit)
}

// read returns the newest valid generation, or a record without a bundle. A
// damaged slot is passed over, since the other one holds a whole record. A slot
// that cannot be read at all is an error: its content may be the newer one, and
// acting on the older one would spend a dead token.
func (c *chain) read(ctx context.Context) (record, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	best := record{slot: -1}
	for slot := range 2 {
		key := c.slotKey(slot)
		data, err := c.store.Get(ctx, key)
		if errors.Is(err, ErrNotFound) || errors.Is(err, errDamaged) {
			continue
		}
		if err != nil {
			return record{slot: -1}, err
		}
		b, err := decodeBundle(c.key, data)
		if errors.Is(err, errNewerFormat) {
			return record{slot: -1}, err
		}
		if err != nil {
			continue
		}
		if best.b == nil || b.gen > best.b.gen {
			best = record{b: b, slot: slot}
		}
	}
	return best, nil
}

// write puts a generation into a slot and reads it back.
func (c *chain) write(ctx context.Context, b *bundle, slot int) error {
	err := c.writeOnce(ctx, b, slot)
	if errors.Is(err, ErrTooLarge) && !b.access.Empty() && !b.refresh.Empty() {
		// Only the refresh token must survive; an access token can be had again.
		small := *b
		small.access, small.life = Secret{}, 0
		return c.writeOnce(ctx, &small, slot)
	}
	return err
}

func (c *chain) writeOnce(ctx context.Context, b *bundle, slot int) error {
	data, err := b.encode(c.key)
	if err != nil {
		return err
	}
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	key := c.slotKey(slot)
	if err := c.store.Set(ctx, key, data); err != nil {
		return err
	}
	back, err := c.store.Get(ctx, key)
	if err != nil {
		return err
	}
	if !bytes.Equal(back, data) {
		return errors.New("the item read back differs from the one written")
	}
	return nil
}

func (c *chain) clientSecret(ctx context.Context) (Secret, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	data, err := c.store.Get(ctx, c.base+"-c")
	if errors.Is(err, ErrNotFound) || errors.Is(err, errDamaged) {
		return Secret{}, nil
	}
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(string(data)), nil
}

func (c *chain) saveClientSecret(ctx context.Context, s Secret) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	return c.store.Set(ctx, c.base+"-c", []byte(s.Reveal()))
}

// wipe removes everything, the sidecar first: slots without a sidecar are an
// unfinished logout, a sidecar without slots is a store that lost them.
func (c *chain) wipe(ctx context.Context) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	errs := []error{c.side.remove(ctx)}
	keys := []string{c.slotKey(0), c.slotKey(1)}
	if c.key == c.base {
		keys = append(keys, c.base+"-c") // the narrower chains use it too
	}
	for _, key := range keys {
		if err := c.store.Delete(ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
			errs = append(errs, fmt.Errorf("deleting an item: %w", err))
		}
	}
	return errors.Join(errs...)
}

// errDamaged means that a store holds something under a key that it did not
// write itself: torn, forged or moved.
var errDamaged = errors.New("the stored item is damaged or was not written by unitty")
