package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity/fleet/live"
	"github.com/unitty/unitty/unity/fleet/snapshot"
)

// snapshot is where the picture of a profile's console is kept.
func (p paths) snapshot(profile string) string {
	return filepath.Join(p.Cache, "fleet-"+profile+".snapshot")
}

// snapshotItem names the item of the secret store that holds the key of a profile's snapshot.
func snapshotItem(s *settings) string {
	sum := sha256.Sum256([]byte(s.Profile + "\x00" + s.BaseURL + "\x00" + string(s.Key) + "\x00" + s.Username))
	return "v1-" + hex.EncodeToString(sum[:])[:32] + "-f"
}

// openFleet makes the long-lived picture of the session's console. Nothing is read yet: Load asks the store for the key of
// the snapshot and paints what is on disk, Run keeps it current. Without a store that outlives the process nothing is kept.
func (sess *session) openFleet() *live.Fleet {
	return live.New(live.Options{Client: sess.client, StaleAfter: sess.settings.StaleAfter, Open: sess.snapshotFile})
}

// storeWait bounds how long the store may take for the key: a picture from disk that comes late is of no use.
const storeWait = 5 * time.Second

// snapshotFile gives the place of the snapshot, with its key from the secret store; nil where nothing can be kept.
func (sess *session) snapshotFile(ctx context.Context) (*snapshot.File, error) {
	s := sess.settings
	if sess.store == nil || sess.store.Name() == auth.NewMemoryStore().Name() || s.Key == "" || s.Username == "" {
		return nil, nil //nolint:nilnil // no place is no error
	}
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	key, err := snapshotKey(ctx, sess.store, snapshotItem(s))
	if err != nil {
		return nil, err
	}
	return snapshot.New(s.paths.snapshot(s.Profile), key, snapshot.Binding{BaseURL: s.BaseURL, Console: s.Key, User: s.Username})
}

// snapshotKey reads the key, which is made at first use. What the store gives back is used, not what was made: another
// process may have been quicker.
func snapshotKey(ctx context.Context, store auth.Store, item string) ([]byte, error) {
	raw, err := store.Get(ctx, item)
	if errors.Is(err, auth.ErrNotFound) {
		made := make([]byte, snapshot.KeySize)
		if _, err := rand.Read(made); err != nil {
			return nil, fmt.Errorf("key of the snapshot: %w", err)
		}
		if err := store.Set(ctx, item, hex.AppendEncode(nil, made)); err != nil {
			return nil, fmt.Errorf("key of the snapshot: %w", err)
		}
		raw, err = store.Get(ctx, item)
	}
	if err != nil {
		return nil, fmt.Errorf("key of the snapshot: %w", err)
	}
	key, err := hex.AppendDecode(nil, bytes.TrimSpace(raw))
	if err != nil || len(key) != snapshot.KeySize {
		return nil, errors.New("key of the snapshot: the item in the secret store is not one")
	}
	return key, nil
}
