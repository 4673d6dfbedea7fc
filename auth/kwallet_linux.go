package auth

import (
	"encoding/json"
	"errors"
	"os"

	"github.com/99designs/keyring"
	"github.com/godbus/dbus"
)

// The names of KDE's wallet.
const (
	walletService = "org.kde.kwalletd5"
	walletPath    = dbus.ObjectPath("/modules/kwalletd5")
	walletIface   = "org.kde.KWallet"
	// walletName is the wallet, and walletFolder the folder in it; the user sees
	// them under unitty's name.
	walletName   = serviceName
	walletFolder = serviceName
)

// errNoWallet means that the user has switched the wallet off.
var errNoWallet = errors.New("DISABLE_KWALLET is set")

// wallet is KDE's wallet, in the form in which the keyring library keeps items
// there.
type wallet struct {
	bus
	handle int32
}

// openWallet refuses when the user has switched the wallet off.
func openWallet(conn *dbus.Conn) (*wallet, error) {
	if os.Getenv("DISABLE_KWALLET") == "1" {
		return nil, errNoWallet
	}
	w := &wallet{bus: bus{conn: conn, service: walletService}}
	return w, w.open()
}

// open makes sure that the wallet is open, which may ask the user.
func (w *wallet) open() error {
	var isOpen bool
	if err := w.do("isOpen", []any{w.handle}, &isOpen); err != nil || isOpen {
		return err
	}
	if err := w.do("open", []any{walletName, int64(0), serviceName}, &w.handle); err != nil {
		return err
	}
	if w.handle < 0 {
		return errLocked
	}
	return nil
}

func (w *wallet) do(method string, args []any, answer any) error {
	return w.call(walletPath, walletIface+"."+method, args, []any{answer})
}

// Get reads an entry.
func (w *wallet) Get(key string) (keyring.Item, error) {
	if err := w.open(); err != nil {
		return keyring.Item{}, err
	}
	var data []byte
	if err := w.do("readEntry", []any{w.handle, walletFolder, key, serviceName}, &data); err != nil {
		return keyring.Item{}, err
	}
	if len(data) == 0 {
		return keyring.Item{}, keyring.ErrKeyNotFound
	}
	var item keyring.Item
	if json.Unmarshal(data, &item) != nil {
		return keyring.Item{}, errDamaged
	}
	return item, nil
}

// Set writes an entry. The wallet reports a failure as a number.
func (w *wallet) Set(item keyring.Item) error {
	if err := w.open(); err != nil {
		return err
	}
	data, err := json.Marshal(item)
	if err != nil {
		return err
	}
	var result int32
	if err := w.do("writeEntry", []any{w.handle, walletFolder, item.Key, data, serviceName}, &result); err != nil {
		return err
	}
	if result != 0 {
		return errors.New("the wallet did not take the item")
	}
	return nil
}

// Remove deletes an entry; a missing one gives no error.
func (w *wallet) Remove(key string) error {
	if err := w.open(); err != nil {
		return err
	}
	var there bool
	if err := w.do("hasEntry", []any{w.handle, walletFolder, key, serviceName}, &there); err != nil || !there {
		return err
	}
	var result int32
	if err := w.do("removeEntry", []any{w.handle, walletFolder, key, serviceName}, &result); err != nil {
		return err
	}
	if result != 0 {
		return errors.New("the wallet did not remove the item")
	}
	return nil
}

// broken reports whether the connection has to be made anew.
func (w *wallet) broken(err error) bool { return busGone(err) }

// close ends the connection; the wallet stays open for other programs.
func (w *wallet) close() { _ = w.conn.Close() }
