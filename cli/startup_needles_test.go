package cli

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// needle is one way in which a secret may be written.
type needle struct{ secret, form, text string }

// needles gives the forms in which a secret could turn up: as it is, escaped for addresses or JSON, in hexadecimal, and
// in base64 at each of the three places within a group, so that it is found inside a Basic pair too.
func needles(name, secret string) []needle {
	quoted, err := json.Marshal(secret)
	if err != nil {
		panic(err) // a string can always be written
	}
	all := []needle{
		{name, "raw", secret},
		{name, "query", url.QueryEscape(secret)},
		{name, "path", url.PathEscape(secret)},
		{name, "JSON", strings.Trim(string(quoted), `"`)},
		{name, "Go", strings.Trim(fmt.Sprintf("%q", secret), `"`)},
		{name, "hex", hex.EncodeToString([]byte(secret))},
	}
	for _, form := range []string{secret, url.QueryEscape(secret)} {
		for skip := range 3 {
			for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
				text := e.EncodeToString([]byte("::"[:skip] + form))
				// The first characters depend on what stands before, the last on what follows.
				all = append(all, needle{name, fmt.Sprintf("base64 at %d", skip), text[(skip*8+5)/6 : (skip+len(form))*8/6]})
			}
		}
	}
	return all
}

// findNeedles names the forms that a text holds.
func findNeedles(text string, all []needle) []string {
	var found []string
	for _, n := range all {
		if strings.Contains(text, n.text) {
			found = append(found, n.secret+" ("+n.form+")")
		}
	}
	return found
}

// TestNeedlesAreFound shows that the search would find a secret, or its absence would mean nothing.
func TestNeedlesAreFound(t *testing.T) {
	t.Parallel()
	const secret = `pw-canary+/="&%ü 7`
	quoted, err := json.Marshal(map[string]string{"password": secret})
	if err != nil {
		t.Fatal(err)
	}
	all := needles("password", secret)
	for name, text := range map[string]string{
		"raw":          "the password is " + secret + ".",
		"form":         url.Values{"password": {secret}, "scope": {"x"}}.Encode(),
		"path":         "/a/" + url.PathEscape(secret) + "/b",
		"JSON":         string(quoted),
		"logged":       fmt.Sprintf("%q", "password="+secret),
		"base64":       base64.StdEncoding.EncodeToString([]byte(secret)),
		"Basic":        "Basic " + base64.StdEncoding.EncodeToString([]byte("client@example:"+secret)),
		"Basic, 2":     "Basic " + base64.StdEncoding.EncodeToString([]byte("client@example.:"+secret)),
		"Basic, 3":     "Basic " + base64.StdEncoding.EncodeToString([]byte("client@example..:"+secret)),
		"URL base64":   base64.URLEncoding.EncodeToString([]byte("a:" + secret + ":b")),
		"Basic of RFC": "Basic " + base64.StdEncoding.EncodeToString([]byte("client:"+url.QueryEscape(secret))),
		"hex":          hex.EncodeToString([]byte("x" + secret)),
	} {
		if len(findNeedles(text, all)) == 0 {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
	if found := findNeedles("pw-canary and base64 "+base64.StdEncoding.EncodeToString([]byte("client@example:other")), all); len(found) != 0 {
		t.Errorf("found %v where there is nothing", found)
	}
}
