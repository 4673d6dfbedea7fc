package cli

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
)

// door answers the requests of scripts.
type door struct {
	app  *app
	sess *session
	// allow are the paths that pass, in lower case; hosts are the names by which scripts address the proxy.
	allow, hosts []string
	// bearer is what every request has to carry; empty where the socket keeps others out.
	bearer auth.Secret
	yes    bool
	note   string
}

// maxProxied bounds the body of a request: an endpoint's id is 37 bytes in a list, so this is a hundred thousand of them.
const maxProxied = 4 << 20

// doorRefusal is the proxy's own no.
type doorRefusal struct {
	status int
	text   string
}

func (e *doorRefusal) Error() string { return e.text }

func barred(format string, args ...any) error {
	return &doorRefusal{http.StatusForbidden, fmt.Sprintf(format, args...)}
}

// ServeHTTP passes one request on, or refuses it.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resp, err := d.pass(w, r)
	if r.Context().Err() != nil {
		return // nobody listens any more
	}
	if err != nil {
		answerError(w, err)
		return
	}
	answer(w, resp)
}

// pass checks a request and makes the call.
func (d *door) pass(w http.ResponseWriter, r *http.Request) (*unity.Response, error) {
	if err := d.checkCaller(r); err != nil {
		return nil, err
	}
	req, err := d.request(w, r)
	if err != nil {
		return nil, err
	}
	gate, err := unity.Inspect(req.Method, r.RequestURI, req.ContentType, req.Body)
	if err != nil {
		return nil, err
	}
	if err := d.checkPath(req.Path); err != nil {
		return nil, err
	}
	if gate.Reach == unity.ReachNone {
		return d.sess.client.Do(r.Context(), req)
	}
	return d.change(r.Context(), req, gate, r.Header.Values(expectHeader))
}

// checkCaller refuses who is no script of this user: other hosts' names (a page whose name was made to point here),
// browsers, and whoever lacks the bearer.
func (d *door) checkCaller(r *http.Request) error {
	known := false
	for _, h := range d.hosts {
		known = known || strings.EqualFold(r.Host, h)
	}
	if !known {
		return barred("the Host %s is not the proxy's", unity.Clean(r.Host))
	}
	for name := range r.Header {
		switch {
		case name == "Origin", name == "Access-Control-Request-Method", strings.HasPrefix(name, "Sec-Fetch-"):
			return barred("requests of browsers are refused (%s)", unity.Clean(name))
		case strings.HasPrefix(name, "X-Http-Method"), name == "X-Method-Override", name == "X-Original-Url", name == "X-Rewrite-Url":
			return barred("the header %s would make another request of this one", unity.Clean(name))
		}
	}
	if d.bearer.Empty() {
		return nil
	}
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return barred("the bearer of this proxy is missing; its file is in the line that the proxy printed")
	}
	kind, value, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(kind, "Bearer") || !d.bearer.Equal(auth.NewSecret(strings.TrimSpace(value))) {
		return barred("this is not the bearer of this run of the proxy")
	}
	return nil
}

// request makes the call out of what the script sent. Of its headers only those go on that choose the form of the
// answer: the others are identity or could turn the request into another one.
func (d *door) request(w http.ResponseWriter, r *http.Request) (unity.Request, error) {
	if !strings.HasPrefix(r.RequestURI, "/") {
		return unity.Request{}, barred("only paths are served, no addresses")
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return unity.Request{}, barred("the query is not readable")
	}
	for name := range values {
		if strings.EqualFold(name, "access_token") {
			return unity.Request{}, barred("access_token in the query: the proxy adds the token itself")
		}
	}
	req := unity.Request{Method: r.Method, Path: path, Query: values, ContentType: r.Header.Get("Content-Type"), Header: http.Header{}}
	for _, name := range []string{"Accept", "Accept-Language"} {
		if v := r.Header.Values(name); len(v) > 0 {
			req.Header[name] = v
		}
	}
	if len(r.Header.Values("Content-Type")) > 1 || r.Header.Get("Content-Encoding") != "" {
		return req, barred("the body has to have one Content-Type and no Content-Encoding")
	}
	// A deadline on the whole request would end the call as well, which may be waited for much longer.
	ctl := http.NewResponseController(w)
	_ = ctl.SetReadDeadline(time.Now().Add(readTime))
	req.Body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxProxied))
	_ = ctl.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return req, &doorRefusal{http.StatusRequestEntityTooLarge, "the body is too large"}
	case err != nil:
		return req, &doorRefusal{http.StatusBadRequest, "the body broke off"}
	}
	return req, nil
}

// checkPath lets the paths through that are allowed, by whole parts. The gate has already refused every path that could
// be read in two ways, and the server takes no notice of case.
func (d *door) checkPath(path string) error {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return barred("the path is not readable")
	}
	plain = strings.ToLower(plain)
	for _, p := range d.allow {
		if plain == p || strings.HasPrefix(plain, p+"/") {
			return nil
		}
	}
	return barred("the path is not below %s; --allow adds others below /service/api", strings.Join(d.allow, ", "))
}
