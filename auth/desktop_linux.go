package auth

import (
	"context"
	"fmt"
	"time"
)

// onBus lists the keychains that are reached over the session bus.
func onBus(name string) bool { return name == "secret-service" || name == "kwallet" }

// busReady reports at once whether a keychain of the bus cannot exist.
func busReady() bool { return busThinkable() }

// openOnBus connects to the session bus and opens a keychain there.
func openOnBus(ctx context.Context, name string, patience time.Duration) (ring, error) {
	conn, err := openBus(ctx, patience)
	if err != nil {
		return nil, fmt.Errorf("%w, so %s cannot be reached", err, name)
	}
	var r ring
	if name == "kwallet" {
		r, err = openWallet(conn)
	} else {
		r, err = openSecretService(conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return r, nil
}
