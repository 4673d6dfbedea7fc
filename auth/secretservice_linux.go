package auth

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/99designs/keyring"
	"github.com/godbus/dbus"
)

// The names of the freedesktop Secret Service.
const (
	secretsService = "org.freedesktop.secrets"
	secretsPath    = dbus.ObjectPath("/org/freedesktop/secrets")
	// loginCollection is unlocked with the desktop. Any other one would ask for a
	// password of its own.
	loginCollection = secretsPath + "/collection/login"

	ifaceService    = "org.freedesktop.Secret.Service"
	ifaceCollection = "org.freedesktop.Secret.Collection"
	ifaceItem       = "org.freedesktop.Secret.Item"
	ifacePrompt     = "org.freedesktop.Secret.Prompt"
)

// promptLimit bounds how long a question of the keychain may stay open. It is
// taken back then, since nobody waits for the answer any more.
const promptLimit = time.Minute

// wireSecret is a secret as the service sends and takes it.
type wireSecret struct {
	Session     dbus.ObjectPath
	Parameters  []byte
	Value       []byte
	ContentType string
}

// secretService is the login collection. The keyring library has one too, but it
// has to see the bus before main starts, which costs every start the wait for a
// bus that says nothing. Items have the form that it gives them.
type secretService struct {
	bus
	session dbus.ObjectPath
}

func openSecretService(conn *dbus.Conn) (*secretService, error) {
	s := &secretService{bus: bus{conn: conn, service: secretsService}}
	var output dbus.Variant
	err := s.call(secretsPath, ifaceService+".OpenSession", []any{"plain", dbus.MakeVariant("")}, []any{&output, &s.session})
	return s, err
}

// collection reports whether there is a login collection.
func (s *secretService) collection() (bool, error) {
	var all []dbus.ObjectPath
	if err := s.property(secretsPath, ifaceService, "Collections", &all); err != nil {
		return false, err
	}
	return slices.Contains(all, loginCollection), nil
}

// find gives the item of a key, or the empty path.
func (s *secretService) find(key string) (dbus.ObjectPath, error) {
	found, err := s.collection()
	if err != nil || !found {
		return "", err
	}
	var items []dbus.ObjectPath
	err = s.call(loginCollection, ifaceCollection+".SearchItems", []any{map[string]string{"profile": key}}, []any{&items})
	if err != nil || len(items) == 0 {
		return "", err
	}
	return items[0], nil
}

// Get reads an item.
func (s *secretService) Get(key string) (keyring.Item, error) {
	path, err := s.find(key)
	if err != nil {
		return keyring.Item{}, err
	}
	if path == "" {
		return keyring.Item{}, keyring.ErrKeyNotFound
	}
	if err := s.unlock(path, ifaceItem); err != nil {
		return keyring.Item{}, err
	}
	var secret wireSecret
	if err := s.call(path, ifaceItem+".GetSecret", []any{s.session}, []any{&secret}); err != nil {
		return keyring.Item{}, err
	}
	var item keyring.Item
	if json.Unmarshal(secret.Value, &item) != nil {
		return keyring.Item{}, errDamaged
	}
	return item, nil
}

// Set writes an item in the place of an older one with the same key.
func (s *secretService) Set(item keyring.Item) error {
	found, err := s.collection()
	if err != nil {
		return err
	}
	if !found {
		if err := s.createCollection(); err != nil {
			return err
		}
	}
	if err := s.unlock(loginCollection, ifaceCollection); err != nil {
		return err
	}
	data, err := json.Marshal(item)
	if err != nil {
		return err
	}
	properties := map[string]dbus.Variant{
		ifaceItem + ".Label":      dbus.MakeVariant(item.Key),
		ifaceItem + ".Attributes": dbus.MakeVariant(map[string]string{"profile": item.Key}),
	}
	secret := wireSecret{Session: s.session, Parameters: []byte{}, Value: data, ContentType: "application/json"}
	var path, question dbus.ObjectPath
	if err := s.call(loginCollection, ifaceCollection+".CreateItem", []any{properties, secret, true}, []any{&path, &question}); err != nil {
		return err
	}
	return s.answered(question)
}

// Remove deletes an item.
func (s *secretService) Remove(key string) error {
	path, err := s.find(key)
	if err != nil {
		return err
	}
	if path == "" {
		return keyring.ErrKeyNotFound
	}
	if err := s.unlock(path, ifaceItem); err != nil {
		return err
	}
	var question dbus.ObjectPath
	if err := s.call(path, ifaceItem+".Delete", nil, []any{&question}); err != nil {
		return err
	}
	return s.answered(question)
}

// createCollection makes the login collection of a user who has none, which asks
// for its password.
func (s *secretService) createCollection() error {
	properties := map[string]dbus.Variant{ifaceCollection + ".Label": dbus.MakeVariant("login")}
	var path, question dbus.ObjectPath
	if err := s.call(secretsPath, ifaceService+".CreateCollection", []any{properties, ""}, []any{&path, &question}); err != nil {
		return err
	}
	if err := s.answered(question); err != nil {
		return err
	}
	found, err := s.collection()
	if err == nil && !found {
		err = errors.New("the keychain did not make a login collection")
	}
	return err
}

// unlock opens a collection or an item, which may ask the user.
func (s *secretService) unlock(path dbus.ObjectPath, iface string) error {
	var locked bool
	if err := s.property(path, iface, "Locked", &locked); err != nil || !locked {
		return err
	}
	var unlocked []dbus.ObjectPath
	var question dbus.ObjectPath
	if err := s.call(secretsPath, ifaceService+".Unlock", []any{[]dbus.ObjectPath{path}}, []any{&unlocked, &question}); err != nil {
		return err
	}
	return s.answered(question)
}

// answered shows a question of the keychain and waits until it is answered. The
// path "/" means that there is none.
func (s *secretService) answered(question dbus.ObjectPath) error {
	if question == "" || question == "/" {
		return nil
	}
	signals := make(chan *dbus.Signal, 16)
	s.conn.Signal(signals)
	defer s.conn.RemoveSignal(signals)
	rule := "type='signal',interface='" + ifacePrompt + "',path='" + string(question) + "'"
	if err := s.conn.BusObject().Call("org.freedesktop.DBus.AddMatch", 0, rule).Err; err != nil {
		return err
	}
	defer s.conn.BusObject().Call("org.freedesktop.DBus.RemoveMatch", dbus.FlagNoReplyExpected, rule)
	if err := s.call(question, ifacePrompt+".Prompt", []any{""}, nil); err != nil {
		return err
	}
	limit := time.NewTimer(promptLimit)
	defer limit.Stop()
	for {
		select {
		case sig, open := <-signals:
			if !open {
				return dbus.ErrClosed
			}
			if sig.Path != question || sig.Name != ifacePrompt+".Completed" {
				continue
			}
			if dismissed, ok := sig.Body[0].(bool); !ok || dismissed {
				return errLocked
			}
			return nil
		case <-limit.C:
			_ = s.call(question, ifacePrompt+".Dismiss", nil, nil)
			return errLocked
		}
	}
}

// broken reports whether the connection has to be made anew.
func (s *secretService) broken(err error) bool { return busGone(err) }

// close ends the connection, and with it the session.
func (s *secretService) close() { _ = s.conn.Close() }
