package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// chain is the stored side of an account: two slots, the client secret, the
// sidecar and the lock.
type chain struct {
	store    Store
	key      string
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
// what the store covers.
func newChain(s Store, acct Account, lockDir string, timeout time.Duration) (*chain, error) {
	c := &chain{store: s, key: acct.key(), timeout: timeout, lockDir: lockDir}
	if l, ok := s.(lockDirer); ok && c.lockDir == "" {
		c.lockDir = l.LockDir()
	}
	perUser := c.lockDir == ""
	if perUser {
		dir, err := userLockDir()
		if _, private := s.(selfLocker); err != nil && !private {
			return nil, err
		}
		c.lockDir = dir
	}
	if _, private := s.(selfLocker); private {
		c.side = itemBlob{store: s, key: c.key + "-s"}
		return c, nil
	}
	name := c.key
	if perUser {
		sum := sha256.Sum256([]byte(hostTag() + "\x00" + s.Name()))
		name += "-" + hex.EncodeToString(sum[:4])
	}
	c.lockPath = filepath.Join(c.lockDir, name+".lock")
	c.side = fileBlob{path: filepath.Join(c.lockDir, name+".json")}
	return c, nil
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
	if isInteractive(ctx) {
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
	data, err := c.store.Get(ctx, c.key+"-c")
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
	return c.store.Set(ctx, c.key+"-c", []byte(s.Reveal()))
}

// wipe removes everything, the sidecar first: slots without a sidecar are an
// unfinished logout, a sidecar without slots is a store that lost them.
func (c *chain) wipe(ctx context.Context) error {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	errs := []error{c.side.remove(ctx)}
	for _, key := range []string{c.slotKey(0), c.slotKey(1), c.key + "-c"} {
		if err := c.store.Delete(ctx, key); err != nil && !errors.Is(err, ErrNotFound) {
			errs = append(errs, fmt.Errorf("deleting an item: %w", err))
		}
	}
	return errors.Join(errs...)
}

// errDamaged means that a store holds something under a key that it did not
// write itself: torn, forged or moved.
var errDamaged = errors.New("the stored item is damaged or was not written by unitty")
