package unity

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// SiteID identifies a site (a customer) of a console: a GUID in lower case.
type SiteID string

// GroupID identifies a group of endpoints of one site.
type GroupID string

// EndpointID identifies one installation of the agent. A re-install makes a new one.
type EndpointID string

// PolicyID identifies a policy.
type PolicyID string

// UserID identifies an admin.
type UserID string

// MachineID is the agent's own identity: hash-like parts joined by ":::". It survives neither case nor URL unescaped.
type MachineID string

var guidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// IsGUID tells whether s has the form of a dashed GUID, in any case.
func IsGUID(s string) bool { return guidPattern.MatchString(s) }

// Keycode is the key of a console or of a site: twenty letters and digits. The server writes it with and without dashes
// and in either case; a Keycode holds it undashed and in upper case, so two of them compare with ==.
type Keycode string

// ParseKeycode reads a keycode with or without dashes and blanks, in any case.
func ParseKeycode(s string) (Keycode, error) {
	k := Keycode(normaliseKeycode(s))
	if n := utf8.RuneCountInString(string(k)); n != keycodeLen {
		return "", fmt.Errorf("a keycode has %d letters and digits, this has %d", keycodeLen, n)
	}
	if !k.valid() {
		return "", errors.New("a keycode has only letters and digits")
	}
	return k, nil
}

const keycodeLen = 20

// valid tells a keycode from other text that the server put in its place.
func (k Keycode) valid() bool {
	for _, r := range k {
		if (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return len(k) == keycodeLen
}

func normaliseKeycode(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', ' ', '\u2010', '\u2011', '\u2013':
			return -1
		}
		return r
	}, s)
}

// String gives the dashed form, five groups of four, which is the one that addresses and people use.
func (k Keycode) String() string {
	s := string(k)
	if !k.valid() {
		return Clean(s)
	}
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20]
}

// UnmarshalJSON accepts every form the server uses and keeps what is not a keycode as it is.
func (k *Keycode) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	if err != nil {
		return err
	}
	if *k, err = ParseKeycode(s); err != nil {
		*k = Keycode(s) // what is shown is cleaned by String
	}
	return nil
}
