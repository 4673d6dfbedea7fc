package secretserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/unitty/unitty/auth"
)

// maxValue is the longest value of a field that is taken.
const maxValue = 16 << 10

// mask is what Secret Server shows in a secret instead of a value that has to be
// read by itself.
const mask = "*** Not Valid For Display ***"

// reader reads one secret with one access token.
type reader struct {
	client  *client
	token   auth.Secret
	ref     secretRef
	comment string
	op      string
}

// item is a field as the secret lists it.
type item struct {
	slug   string
	value  string
	listed bool // the value itself was in the list
}

// found is a secret without its values' meaning.
type found struct {
	id    int64
	items []item
}

// values returns the values of the slugs, in their order. Without a comment the
// secret is read as a whole and only what it hides is read by itself; with one,
// each field is read with the comment, which Secret Server writes into its audit.
func (r *reader) values(ctx context.Context, slugs []string) (int64, []string, error) {
	var sec found
	var err error
	if r.comment == "" {
		sec, err = r.secret(ctx)
	} else {
		sec, err = r.lookup(ctx)
	}
	if err != nil {
		return 0, nil, err
	}
	out := make([]string, len(slugs))
	for i, slug := range slugs {
		if value, ok := sec.value(slug); ok {
			out[i] = value
			continue
		}
		if out[i], err = r.field(ctx, sec, slug); err != nil {
			return 0, nil, err
		}
	}
	return sec.id, out, nil
}

// value returns the value that the secret itself showed.
func (f found) value(slug string) (string, bool) {
	for _, it := range f.items {
		if it.listed && strings.EqualFold(it.slug, slug) {
			return it.value, true
		}
	}
	return "", false
}

// secret is GET /api/v1/secrets/{id}, with the path in the query when the id is
// 0. It never checks the secret out.
func (r *reader) secret(ctx context.Context) (found, error) {
	q := r.query()
	q.Set("noAutoCheckout", "true")
	a, err := r.get(ctx, "/api/v1/secrets/"+strconv.FormatInt(r.ref.id, 10), q)
	if err != nil {
		return found{}, err
	}
	if a.status != http.StatusOK {
		return found{}, refusal(r.op, a, false)
	}
	sec, err := parseSecret(a.body)
	if err != nil {
		return found{}, r.unusable(a, err.Error())
	}
	return sec, r.same(sec.id)
}

// lookup is GET /api/v1/secrets/lookup/{id}, which finds a secret without
// opening it. Versions that do not have it are passed over when the id is known.
func (r *reader) lookup(ctx context.Context) (found, error) {
	a, err := r.get(ctx, "/api/v1/secrets/lookup/"+strconv.FormatInt(r.ref.id, 10), r.query())
	switch {
	case err != nil:
		return found{}, err
	case (a.status == 404 || a.status == 405) && r.ref.id > 0:
		return found{id: r.ref.id}, nil
	case a.status != http.StatusOK:
		return found{}, refusal(r.op, a, true)
	}
	sec, err := parseSecret(a.body)
	if err != nil {
		return found{}, r.unusable(a, err.Error())
	}
	return found{id: sec.id}, r.same(sec.id)
}

// same refuses another secret than the one that was asked for.
func (r *reader) same(id int64) error {
	if r.ref.id > 0 && id != r.ref.id {
		return failure(r.op, fmt.Sprintf("Secret Server answered with secret %d instead", id), ErrProtocol, auth.ErrProtocol)
	}
	return nil
}

// field reads one value by its slug.
func (r *reader) field(ctx context.Context, sec found, slug string) (string, error) {
	if err := checkSlug(slug); err != nil {
		return "", failure(r.op, err.Error(), ErrField)
	}
	base := "/api/v1/secrets/" + strconv.FormatInt(sec.id, 10)
	var a answer
	var err error
	if r.comment == "" {
		a, err = r.get(ctx, base+"/fields/"+url.PathEscape(slug), url.Values{"noAutoCheckout": {"true"}})
	} else {
		a, err = r.restricted(ctx, base+"/restricted/fields/"+url.PathEscape(slug))
	}
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		e := refusal(r.op, a, r.comment != "")
		if len(sec.items) > 0 && (errors.Is(e, ErrSecretNotFound) || errors.Is(e, ErrDenied)) {
			return "", r.missing(sec, slug, e)
		}
		return "", e
	}
	value, err := parseValue(a)
	if err != nil {
		return "", r.unusable(a, "field "+auth.Clean(slug, 60)+": "+err.Error())
	}
	return value, nil
}

// missing names the fields that there are.
func (r *reader) missing(sec found, slug string, cause error) error {
	var names []string
	for _, it := range sec.items[:min(len(sec.items), 20)] {
		if strings.EqualFold(it.slug, slug) {
			return cause
		}
		names = append(names, auth.Clean(it.slug, 40))
	}
	return failure(r.op, fmt.Sprintf("the secret has no field %s; it has %s", auth.Clean(slug, 60), strings.Join(names, ", ")), ErrField, cause)
}

// restricted is POST /api/v1/secrets/{id}/restricted/fields/{slug}.
func (r *reader) restricted(ctx context.Context, path string) (answer, error) {
	body, err := json.Marshal(struct {
		Comment        string `json:"comment"`
		NoAutoCheckout bool   `json:"noAutoCheckout"`
	}{r.comment, true})
	if err != nil {
		return answer{}, failure(r.op, "the comment cannot be sent", ErrProtocol)
	}
	return r.send(ctx, http.MethodPost, path, nil, body)
}

func (r *reader) get(ctx context.Context, path string, q url.Values) (answer, error) {
	return r.send(ctx, http.MethodGet, path, q, nil)
}

func (r *reader) send(ctx context.Context, method, path string, q url.Values, body []byte) (answer, error) {
	target := r.client.base + path
	if len(q) > 0 {
		// A path has blanks, and not every server takes a plus for one in an address.
		target += "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, failure(r.op, "the address of Secret Server cannot be used", ErrProtocol)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+r.token.Reveal())
	a, err := r.client.send(ctx, r.op, req, r.token)
	if err != nil {
		return a, err
	}
	if a.broken != nil {
		return a, failure(r.op, "the answer of Secret Server broke off or is too large", ErrProtocol, auth.ErrOutOfReach)
	}
	return a, nil
}

func (r *reader) query() url.Values {
	q := url.Values{}
	if r.ref.id == 0 {
		q.Set("secretPath", r.ref.path)
	}
	return q
}

// unusable is the error of a 200 that is not what was asked for. The body may
// hold secrets, so nothing of it is shown.
func (r *reader) unusable(a answer, why string) error {
	if a.html() {
		why = "Secret Server answered with a page instead of data; it may be in the middle of an upgrade, or the address may be wrong"
	}
	e := &Error{Op: r.op, Status: a.status, Hint: why, kinds: []error{ErrProtocol, auth.ErrProtocol}}
	return e
}

// parseSecret reads a secret, or the answer of a lookup.
func parseSecret(body []byte) (found, error) {
	var m struct {
		ID    json.RawMessage `json:"id"`
		Items []struct {
			Slug   json.RawMessage `json:"slug"`
			Value  json.RawMessage `json:"itemValue"`
			IsFile bool            `json:"isFile"`
		} `json:"items"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return found{}, errors.New("the answer is not a secret")
	}
	id, err := strconv.ParseInt(string(m.ID), 10, 32)
	if err != nil || id <= 0 {
		return found{}, errors.New("the answer has no id of a secret")
	}
	f := found{id: id}
	for _, it := range m.Items {
		slug, value := text(it.Slug), text(it.Value)
		if slug == "" {
			continue
		}
		isText := len(it.Value) > 0 && it.Value[0] == '"'
		f.items = append(f.items, item{slug: slug, value: value, listed: isText && !it.IsFile && value != mask})
	}
	return f, nil
}

// parseValue reads the answer of a single field: a JSON string, or the bytes of
// a file. A line break at the end of a file is not part of the value.
func parseValue(a answer) (string, error) {
	if a.html() {
		return "", errors.New("the answer is a page")
	}
	var s string
	if json.Unmarshal(a.body, &s) == nil {
		return s, nil
	}
	if strings.Contains(a.kind, "json") {
		return "", errors.New("the answer is not a text")
	}
	if !utf8.Valid(a.body) {
		return "", errors.New("the file is not a text")
	}
	return strings.TrimRight(string(a.body), "\r\n"), nil
}
