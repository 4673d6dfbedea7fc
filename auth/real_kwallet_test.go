//go:build linux

package auth

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus"
)

// simulatedWallet answers like KDE's wallet, which cannot be run in a test. It
// says no where a user would close the wallet's question.
type simulatedWallet struct {
	entries map[string][]byte
	opened  bool
	refuse  bool
}

func (w *simulatedWallet) serve(t *testing.T) {
	t.Helper()
	conn, err := openBus(t.Context(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	methods := map[string]any{
		"isOpen": func(handle int32) (bool, *dbus.Error) { return w.opened && handle == 7, nil },
		"open": func(name string, _ int64, app string) (int32, *dbus.Error) {
			if w.refuse || name != "unitty" || app != "unitty" {
				return -1, nil
			}
			w.opened = true
			return 7, nil
		},
		"hasEntry": func(_ int32, folder, key, _ string) (bool, *dbus.Error) {
			_, ok := w.entries[folder+"/"+key]
			return ok, nil
		},
		"readEntry": func(_ int32, folder, key, _ string) ([]byte, *dbus.Error) { return w.entries[folder+"/"+key], nil },
		"writeEntry": func(_ int32, folder, key string, value []byte, _ string) (int32, *dbus.Error) {
			w.entries[folder+"/"+key] = value
			return 0, nil
		},
		"removeEntry": func(_ int32, folder, key, _ string) (int32, *dbus.Error) {
			delete(w.entries, folder+"/"+key)
			return 0, nil
		},
	}
	if err := conn.ExportMethodTable(methods, walletPath, walletIface); err != nil {
		t.Fatal(err)
	}
	if got, err := conn.RequestName(walletService, dbus.NameFlagDoNotQueue); err != nil || got != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(got, err)
	}
}

// TestRealWalletChild runs inside dbus-run-session.
func TestRealWalletChild(t *testing.T) {
	isChild(t, "kwallet")
	none, err := OpenKeyringStore("kwallet")
	if err != nil {
		t.Fatal(err)
	}
	if err := Canary(t.Context(), none); err == nil || errors.Is(err, errNoBus) {
		t.Errorf("a bus without a wallet: %v", err)
	}
	_ = none.Close()
	w := &simulatedWallet{entries: map[string][]byte{}, refuse: true}
	w.serve(t)
	closed, err := OpenKeyringStore("kwallet")
	if err != nil {
		t.Fatal(err)
	}
	if err := Canary(t.Context(), closed); !errors.Is(err, errLocked) {
		t.Errorf("a wallet that the user does not open: %v", err)
	}
	_ = closed.Close()
	w.refuse = false
	exerciseStore(t, "kwallet")
	childDone()
}

// TestSimulatedWallet lives a whole life of a chain on a wallet behind a real bus.
func TestSimulatedWallet(t *testing.T) {
	t.Parallel()
	need(t, "dbus-run-session")
	out := runReal(t, "kwallet", t.TempDir(), "dbus-run-session", "--", os.Args[0], "-test.v", "-test.run=^TestRealWalletChild$")
	if !strings.Contains(out, "PASS: TestRealWalletChild") {
		t.Error(out)
	}
}

// TestWalletIsNotAskedForWhenItIsSwitchedOff looks at the variable that users of
// other desktops set.
func TestWalletIsNotAskedForWhenItIsSwitchedOff(t *testing.T) {
	t.Setenv("DISABLE_KWALLET", "1")
	if _, err := openWallet(nil); !errors.Is(err, errNoWallet) {
		t.Fatal(err)
	}
}
