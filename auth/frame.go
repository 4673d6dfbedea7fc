package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"regexp"
)

// frameHeader starts every item that unitty puts into a shared store.
const frameHeader = "unitty-item-1\n"

// frame binds data to its key, so that an item that was moved to another key,
// cut short or written by another program is noticed. With a MAC key an item
// cannot be forged by somebody who can only write the store.
func frame(macKey []byte, key string, data []byte) []byte {
	body := append([]byte(frameHeader+key+"\n"), data...)
	return append(frameSum(macKey, body), body...)
}

// unframe returns the data of an item, or errDamaged.
func unframe(macKey []byte, key string, item []byte) ([]byte, error) {
	if len(item) < sha256.Size {
		return nil, errDamaged
	}
	sum, body := item[:sha256.Size], item[sha256.Size:]
	if !hmac.Equal(sum, frameSum(macKey, body)) {
		return nil, errDamaged
	}
	data, ok := bytes.CutPrefix(body, []byte(frameHeader+key+"\n"))
	if !ok {
		return nil, errDamaged
	}
	return bytes.Clone(data), nil
}

func frameSum(macKey, body []byte) []byte {
	h := hmac.New(sha256.New, macKey)
	_, _ = h.Write(body) // a hash never fails
	return h.Sum(nil)
}

// keyShape is what a key may look like: safe as a file name everywhere, and as a
// name in every keychain.
var keyShape = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)
