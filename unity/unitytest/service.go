package unitytest

import (
	"net/http"
	"strings"
)

// serviceFault rolls the faults that replace an answer before anything is
// done. The order is fixed, so that a seed gives the same run each time.
func (s *Server) serviceFault(c *call) (reply, bool) {
	hit := func(name string) bool {
		if s.faults.strikes(name) {
			c.mark(name)
			return true
		}
		return false
	}
	switch {
	case hit("reset-before"):
		return reply{drop: true}, true
	case hit("429"):
		return fail(http.StatusTooManyRequests, "", "Too many requests."), true
	case hit("429-retry-after"):
		r := fail(http.StatusTooManyRequests, "", "Too many requests.")
		r.header = map[string]string{"Retry-After": "1"}
		return r, true
	case hit("500"):
		return fail(http.StatusInternalServerError, "", "An unexpected condition was encountered."), true
	case hit("503"):
		return htmlPage(http.StatusServiceUnavailable), true
	case hit("504"):
		return htmlPage(http.StatusGatewayTimeout), true
	case hit("wrong-type"):
		return htmlPage(http.StatusOK), true
	case c.query.Get("continuation") != "" && hit("continuation-dies"):
		return badRequest("The continuation token is invalid."), true
	}
	if strings.HasPrefix(c.r.Header.Get("Authorization"), "Bearer ") && s.faults.deniesOnce(c.r.Method+" "+c.r.URL.RequestURI()) {
		c.mark("401-once")
		return fail(http.StatusUnauthorized, "invalid_token", "The access token is invalid or has expired."), true
	}
	return reply{}, false
}

// mark notes a fault in the log entry of the call.
func (c *call) mark(name string) {
	if c.entry.Fault != "" {
		c.entry.Fault += ","
	}
	c.entry.Fault += name
}

func (s *Server) serveService(c *call) reply {
	if strings.HasPrefix(c.r.URL.Path, "/service/api/health/") {
		return s.dispatch(c)
	}
	if answer, struck := s.serviceFault(c); struck {
		return answer
	}
	if c.r.Method == http.MethodPost && strings.HasSuffix(c.r.URL.Path, "/commands") && s.faults.strikes("command-lag") {
		c.mark("command-lag")
		c.lagged = true
	}
	answer := s.dispatch(c)
	hasBody := answer.status != http.StatusNoContent
	spoil := func(name string, at *bool) {
		if s.faults.strikes(name) {
			c.mark(name)
			*at = true
		}
	}
	if s.faults.strikes("504-after") {
		c.mark("504-after")
		return htmlPage(http.StatusGatewayTimeout)
	}
	spoil("reset-after", &answer.drop)
	if hasBody {
		spoil("truncate", &answer.truncate)
		spoil("slow-body", &answer.slow)
	}
	return answer
}

// dispatch finds the method and takes the call through the three gates of
// the vendor's permission model: scope, console, site.
func (s *Server) dispatch(c *call) reply {
	path, isAPI := strings.CutPrefix(c.r.URL.Path, "/service/api")
	if !isAPI {
		return notFound("The address")
	}
	if !strings.HasPrefix(path, "/health/") {
		if r, refused := s.authenticate(c); refused {
			return r
		}
		scope, known := scopeOf(path)
		if !known {
			return notFound("The address")
		}
		if !c.hasScope(scope) {
			return fail(http.StatusForbidden, "insufficient_scope", "The token scope does not cover this call.")
		}
	}
	rt, params, methodKnown := s.match(c.r.Method, path)
	if rt == nil {
		if methodKnown {
			return fail(http.StatusMethodNotAllowed, "", "The method is not allowed for this address.")
		}
		return notFound("The address")
	}
	c.params = params
	if rt.serve == nil {
		return fail(http.StatusNotImplemented, "", "The simulator does not implement this method.")
	}
	if r, refused := c.gate(rt.gate); refused {
		return r
	}
	return rt.serve(c)
}

// gate applies the second and third gate and looks up what the path names.
func (c *call) gate(g gate) (reply, bool) {
	if g == gateNone {
		return reply{}, false
	}
	w := c.s.world
	key := c.params["k"]
	if key == "" {
		key = c.params["keyCode"]
	}
	if g != gateSiteKey && bareKey(key) != w.gsmKey {
		return forbidden("The user has no access to this console."), true
	}
	a := w.adminOf(c.user)
	if a == nil || a.level == levelNone {
		return forbidden("The user is not an admin of this console."), true
	}
	if g == gateConsoleChange && a.level != levelAdmin {
		return forbidden("The user may only view this console."), true
	}
	if id, named := c.params["s"]; named {
		if c.site = w.byID[strings.ToLower(id)]; c.site == nil {
			return notFound("The site"), true
		}
	}
	if g == gateSiteKey {
		if c.site = w.byKey[bareKey(key)]; c.site == nil {
			return notFound("The site"), true
		}
	}
	if g == gateSite || g == gateSiteKey {
		return c.siteGate(a)
	}
	return reply{}, false
}

func (c *call) siteGate(a *admin) (reply, bool) {
	level := c.site.level(a, c.now)
	if level == levelNone {
		return forbidden("The user has no access to this site."), true
	}
	if level != levelAdmin && c.r.Method != http.MethodGet {
		return forbidden("The user may only view this site."), true
	}
	if id, named := c.params["g"]; named {
		if c.group = c.site.group(id); c.group == nil {
			return notFound("The group"), true
		}
	}
	if id, named := c.params["e"]; named {
		m := c.s.world.byMachID[strings.ToLower(id)]
		if m == nil || m.site != c.site || m.removed {
			return notFound("The endpoint"), true
		}
		c.machine = m
	}
	return reply{}, false
}
