//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/unitty/unitty/unity/unitytest"
)

// Faults that the simulator does not have by itself, or has as a variant.
const (
	// faultKeep is an answer without a refresh token; the old one stays good.
	faultKeep = "no-refresh-token"
	// faultRest is an answer whose refresh token can be read and whose rest cannot.
	faultRest = "malformed-rest"
)

// faultRate is the part of the refreshes with which something goes wrong.
const faultRate = 0.6

// failing are faults with which the server decides nothing.
func failing() []string { return []string{"auth-429", "auth-500", "auth-503", "auth-reset-before"} }

// swallowing are faults with which the server spends a refresh token and nobody gets the next one.
func swallowing() []string { return []string{"auth-reset-after", "auth-truncate", "auth-malformed"} }

// fails tells whether nothing was decided.
func fails(fault string) bool { return slices.Contains(failing(), fault) }

// swallows tells whether the successor of the refresh token is lost with the answer.
func swallows(fault string) bool { return slices.Contains(swallowing(), fault) }

// mischief is what the server does wrong. Its methods are called one at a time; nil does nothing wrong.
type mischief struct {
	server *unitytest.Server
	random *rand.Rand
	hits   map[string]int
	err    error // of the rig
}

// choose picks what goes wrong with a refresh. Sign-ins are left alone, since the run needs them.
func (m *mischief) choose(form url.Values) string {
	if m == nil || form.Get("grant_type") != "refresh_token" || m.random.Float64() > faultRate {
		return ""
	}
	all := append(failing(), faultKeep, faultKeep, faultRest, faultRest)
	if m.random.IntN(3) == 0 {
		all = swallowing() // rarer, since each one costs a sign-in
	}
	fault := all[m.random.IntN(len(all))]
	m.hits[fault]++
	return fault
}

// serve lets the server answer with the fault. It reports whether the answer is whole, and whether a token was issued
// although the answer does not show it.
func (m *mischief) serve(server http.Handler, answer *httptest.ResponseRecorder, r *http.Request, fault string) (whole, granted bool) {
	if m == nil || fault == "" || fault == faultRest {
		server.ServeHTTP(answer, r)
		return true, false
	}
	m.set(fault, true)
	defer m.set(fault, false)
	whole = true
	func() {
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				whole = false
			}
		}()
		server.ServeHTTP(answer, r)
	}()
	return whole, swallows(fault) && m.committed()
}

// committed tells whether the latest token request has issued tokens.
func (m *mischief) committed() bool {
	for _, e := range slices.Backward(m.server.Log()) {
		if e.Path == "/auth/token" {
			return e.Committed
		}
	}
	return false
}

// set switches a fault or the variant that stands for it.
func (m *mischief) set(fault string, on bool) {
	var err error
	if fault == faultKeep {
		err = m.server.SetVariant(fault, on)
	} else {
		rate := 0.0
		if on {
			rate = 1
		}
		err = m.server.SetFault(fault, rate)
	}
	m.err = errors.Join(m.err, err)
}

// spoil makes the rest of an answer unreadable and leaves its refresh token.
func (m *mischief) spoil(answer *httptest.ResponseRecorder, fault string) {
	var got map[string]json.RawMessage
	if m == nil || fault != faultRest || json.Unmarshal(answer.Body.Bytes(), &got) != nil || got["refresh_token"] == nil {
		return
	}
	spoiled := []string{`""`, `42`, `null`, `"two words"`}
	if m.random.IntN(2) == 0 {
		got["access_token"] = json.RawMessage(spoiled[m.random.IntN(len(spoiled))])
	} else {
		got["expires_in"] = json.RawMessage(`"soon"`)
	}
	raw, err := json.Marshal(got)
	m.err = errors.Join(m.err, err)
	answer.Body = bytes.NewBuffer(raw)
	answer.Header().Del("Content-Length")
}

// swallowed compares the explanation of a loss with the fault that has caused it.
func (t *torture) swallowed(spent refreshing, l *loss) {
	fault, is := t.judge.swallowedBy(spent.hash)
	switch {
	case !is:
		l.Why = "the server had answered whole"
	case strings.Contains(l.Text, "the connection broke at "), interrupted.MatchString(l.Text):
		l.Explained = true
	default:
		l.Why = "the text does not say what happened (" + fault + ")"
	}
}
