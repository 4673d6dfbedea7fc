package unity

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SignInURL is an address that signs the API user in to the web console; it is good for five minutes (§3.3.6). It is a
// secret: every way of printing the value hides it, and only Reveal gives it.
type SignInURL struct{ address string }

// Reveal gives the address, for a browser or for the terminal of the person who asked.
func (u SignInURL) Reveal() string { return u.address }

// String hides the address.
func (SignInURL) String() string { return "[address hidden]" }

// GoString hides the address.
func (SignInURL) GoString() string { return "[address hidden]" }

// Format hides the address whatever the verb.
func (SignInURL) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[address hidden]")) }

// MarshalJSON hides the address.
func (SignInURL) MarshalJSON() ([]byte, error) { return []byte(`"[address hidden]"`), nil }

// ConsoleURL asks for the address of the console, or of a site when one is given: GET …/webconsoleurl (§3.3.6). Only an
// https address is given back.
func (c *Client) ConsoleURL(ctx context.Context, site SiteID) (SignInURL, error) {
	parts := []string{"webconsoleurl"}
	if site != "" {
		if err := checkGUID("site", string(site)); err != nil {
			return SignInURL{}, err
		}
		parts = []string{"sites", string(site), "webconsoleurl"}
	}
	path := c.gsmPath(parts...)
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return SignInURL{}, err
	}
	fields, err := objectFields(trimBody(resp.Body))
	if err != nil {
		return SignInURL{}, protocolError(path, err)
	}
	raw, _ := member(fields, "WebConsoleURL")
	text, err := scalar(raw)
	if err != nil {
		return SignInURL{}, protocolError(path, err)
	}
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || Clean(text) != text {
		// The parser's error would repeat the address.
		return SignInURL{}, protocolError(path, fmt.Errorf("the answer holds no https address"))
	}
	return SignInURL{u.String()}, nil
}
