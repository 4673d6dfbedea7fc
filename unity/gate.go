package unity

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Reach says how much a change touches.
type Reach int

// The three reaches.
const (
	// ReachNone: a read.
	ReachNone Reach = iota
	// ReachListed: exactly the endpoints in the request's list.
	ReachListed
	// ReachSet: everything in a group or a site, without a list.
	ReachSet
	// ReachOther: one object that is not a machine (a group's name, an admin), or an unknown method.
	ReachOther
)

// Gate is what the gate found out about a request.
type Gate struct {
	Reach Reach
	// Site and Group are those of the path.
	Site  SiteID
	Group GroupID
	// Endpoints are the ids of the list, in order and without repetition, with ReachListed.
	Endpoints []EndpointID
	// Command and Parameters are those of an agent command.
	Command, Parameters string
	// What names the method in words.
	What string
}

type route struct {
	method string
	path   *regexp.Regexp
	reach  Reach
	what   string
}

func compileRoute(method, path string, reach Reach, what string) route {
	pattern := regexp.QuoteMeta(path)
	for _, name := range []string{"k", "s", "g", "e", "u"} {
		pattern = strings.ReplaceAll(pattern, `\{`+name+`\}`, `(?P<`+name+`>[^/]+)`)
	}
	return route{method, regexp.MustCompile(`(?i)^` + pattern + `/?$`), reach, what}
}

// routes are the changing methods that touch machines (§3.1: 11–14, 33, 34, 36, 39–43, 47, 48). The server matches paths
// without regard to case, so the gate does too.
var routes = []route{
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/deactivate", ReachSet, "deactivate the site"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/suspend", ReachSet, "suspend the site"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/resume", ReachSet, "resume the site"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/converttrial", ReachSet, "convert the trial"),
	compileRoute("DELETE", "/service/api/console/gsm/{k}/sites/{s}/groups/{g}", ReachSet, "delete the group"),
	compileRoute("PUT", "/service/api/console/gsm/{k}/sites/{s}/groups/{g}", ReachOther, "edit the group"),
	compileRoute("PUT", "/service/api/console/gsm/{k}/sites/{s}/endpoints", ReachListed, "move endpoints"),
	compileRoute("PUT", "/service/api/console/gsm/{k}/sites/{s}/endpoints/policy", ReachListed, "set the policy of endpoints"),
	compileRoute("PUT", "/service/api/console/gsm/{k}/sites/{s}/groups/{g}/endpoints/policy", ReachSet, "set the policy of a group's endpoints"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/endpoints/reactivate", ReachListed, "reactivate endpoints"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/endpoints/deactivate", ReachListed, "deactivate endpoints"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/groups/{g}/endpoints/deactivate", ReachSet, "deactivate a group's endpoints"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/endpoints/commands", ReachListed, "send an agent command"),
	compileRoute("POST", "/service/api/console/gsm/{k}/sites/{s}/groups/{g}/endpoints/commands", ReachSet, "send an agent command to a group"),
}

// Inspect is the gate that stands before every change (the server takes a missing list as "every endpoint of the site",
// §1.7). It refuses what could touch more than it names, and says what a permitted request touches. body is what will
// be sent, byte for byte.
func Inspect(method, rawPath, contentType string, body []byte) (Gate, error) {
	switch strings.ToUpper(method) {
	case http.MethodGet, http.MethodHead:
		if method != strings.ToUpper(method) {
			return Gate{}, refuse("method %q is not in upper case", Clean(method))
		}
		if len(body) > 0 {
			return Gate{}, refuse("a %s request has no body", method)
		}
		if _, err := cleanPath(rawPath); err != nil {
			return Gate{}, err
		}
		return Gate{Reach: ReachNone}, nil
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		if method != strings.ToUpper(method) {
			return Gate{}, refuse("method %q is not in upper case", method)
		}
	default:
		return Gate{}, refuse("method %q is not one of the API's", Clean(clip(method, 20)))
	}
	path, err := cleanPath(rawPath)
	if err != nil {
		return Gate{}, err
	}
	for _, r := range routes {
		m := r.path.FindStringSubmatch(path)
		if m == nil || r.method != method {
			continue
		}
		g := Gate{Reach: r.reach, What: r.what}
		for i, name := range r.path.SubexpNames() {
			switch name {
			case "s":
				g.Site = SiteID(strings.ToLower(m[i]))
			case "g":
				g.Group = GroupID(strings.ToLower(m[i]))
			}
		}
		return inspectBody(g, contentType, body)
	}
	if !strings.HasPrefix(strings.ToLower(path), "/service/") {
		return Gate{}, refuse("%s on this path is no method of the API", method)
	}
	// A path about a whole site, or below its endpoints, that is not in the list is a method of which nobody knows what
	// it touches.
	if unknownReach(method, path) {
		return Gate{}, refuse("%s on this path is not a documented method, and it could touch a whole site", method)
	}
	return Gate{Reach: ReachOther, What: method + " " + path}, nil
}

var (
	touchesEndpoints = regexp.MustCompile(`(?i)^/service/api/console/gsm/[^/]+/sites/[^/]+/(?:groups/[^/]+/)?(?:endpoints|commands|deactivate|suspend|resume|converttrial)(?:/|$)`)
	wholeSite        = regexp.MustCompile(`(?i)^/service/api/console/gsm/[^/]+(?:/sites(/[^/]+)?)?/?$`)
)

// unknownReach finds undocumented methods on addresses that stand for many machines. Of the console, its list of sites
// and a site itself only POST of a site and PUT of a site are documented (§3.1: 9, 10).
func unknownReach(method, path string) bool {
	if touchesEndpoints.MatchString(path) {
		return true
	}
	m := wholeSite.FindStringSubmatch(path)
	switch {
	case m == nil:
		return false
	case m[1] != "":
		return method != http.MethodPut
	default:
		return method != http.MethodPost || !strings.HasSuffix(strings.ToLower(strings.TrimRight(path, "/")), "/sites")
	}
}

// cleanPath refuses every way to write a path that the server might read as another one.
func cleanPath(raw string) (string, error) {
	path, _, _ := strings.Cut(raw, "?")
	lower := strings.ToLower(path)
	for _, bad := range []string{"//", "\\", ";", "#", "%2f", "%5c", "%2e", "%3b", "%00", "%25"} {
		if strings.Contains(lower, bad) {
			return "", refuse("the path holds %q", bad)
		}
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return "", refuse("the path is not readable")
	}
	for _, part := range strings.Split(decoded, "/") {
		if part == "." || part == ".." || strings.TrimSpace(part) != part || strings.TrimRight(part, ".") != part {
			return "", refuse("the path holds the part %q", Clean(part))
		}
	}
	for _, r := range decoded {
		if r <= 0x20 || r == 0x7f || r > 0x7e {
			return "", refuse("the path holds characters outside printable ASCII")
		}
	}
	if !strings.HasPrefix(decoded, "/") {
		return "", refuse("the path does not start with a slash")
	}
	return decoded, checkQuery(raw[len(path):])
}

// checkQuery refuses a list of endpoints in the query, where the gate cannot vouch for what the server makes of it.
func checkQuery(query string) error {
	decoded, err := url.QueryUnescape(query)
	if err != nil {
		return refuse("the query is not readable")
	}
	if strings.Contains(strings.ToLower(decoded), "endpointslist") {
		return refuse("EndpointsList belongs in the body")
	}
	return nil
}

func inspectBody(g Gate, contentType string, body []byte) (Gate, error) {
	if len(body) == 0 && g.Reach == ReachSet {
		return g, nil
	}
	// In another character set the server would read other text than was looked at here, and take what it cannot read
	// for a missing list.
	media, params, err := mime.ParseMediaType(contentType)
	if charset, ok := params["charset"]; err != nil || media != "application/json" || ok && !strings.EqualFold(charset, "utf-8") ||
		!utf8.Valid(body) {
		return Gate{}, refuse("to %s the body has to be JSON in UTF-8", g.What)
	}
	fields, err := objectFields(body)
	if err != nil {
		return Gate{}, refuse("to %s the body has to be one JSON object", g.What)
	}
	if !json.Valid(body) {
		return Gate{}, refuse("the body is not valid JSON")
	}
	if g.Command, err = single(fields, "Command"); err != nil {
		return Gate{}, err
	}
	if g.Parameters, err = single(fields, "Parameters"); err != nil {
		return Gate{}, err
	}
	list, err := single(fields, "EndpointsList")
	if err != nil {
		return Gate{}, err
	}
	if g.Reach == ReachOther {
		return inspectGroup(g, fields)
	}
	if g.Reach == ReachSet {
		if list != "" {
			return Gate{}, refuse("to %s the server ignores EndpointsList", g.What)
		}
		return g, nil
	}
	if err := plainValues(fields); err != nil {
		return Gate{}, err
	}
	if g.Endpoints, err = parseEndpointsList(list); err != nil {
		return Gate{}, err
	}
	return g, nil
}

// inspectGroup finds out whether a change of a group reaches its machines: a policy does, for those that inherit it or for all
// (§3.6.3).
func inspectGroup(g Gate, fields []field) (Gate, error) {
	if err := plainValues(fields); err != nil {
		return Gate{}, err
	}
	for _, f := range fields {
		name, value := strings.TrimSpace(f.name), strings.TrimSpace(string(f.value))
		if strings.EqualFold(name, "PolicyId") && value != "null" || strings.EqualFold(name, "Inheritance") && value != "null" && value != "0" {
			g.Reach, g.What = ReachSet, "set the policy of a group"
		}
	}
	return g, nil
}

// plainValues refuses members at which the server's reader may stop before it comes to the list: nested values and
// metadata such as $ref. No documented body of these methods has them.
func plainValues(fields []field) error {
	for _, f := range fields {
		value := strings.TrimSpace(string(f.value))
		switch {
		case strings.HasPrefix(strings.TrimSpace(f.name), "$"), strings.HasPrefix(value, "{"), strings.HasPrefix(value, "["):
			return refuse("the body holds %q, which no documented body of this method has", Clean(clip(f.name, 60)))
		case strings.EqualFold(f.name, "Inheritance") && value != "null" && strings.Trim(value, "0123456789") != "":
			return refuse("Inheritance has to be a whole number")
		}
	}
	return nil
}

// single finds a member that must stand there at most once and exactly in this case: the server reads names in any
// case, so a second spelling could win over the one that was checked.
func single(fields []field, name string) (string, error) {
	value, n := "", 0
	for _, f := range fields {
		if !strings.EqualFold(strings.TrimSpace(f.name), name) {
			continue
		}
		if f.name != name {
			return "", refuse("the body says %q where the name is %s", Clean(f.name), name)
		}
		if n++; n > 1 {
			return "", refuse("the body holds %s twice", name)
		}
		if trimmed := strings.TrimSpace(string(f.value)); trimmed == "null" {
			continue
		} else if !strings.HasPrefix(trimmed, `"`) {
			return "", refuse("%s has to be a string", name)
		}
		if err := json.Unmarshal(f.value, &value); err != nil {
			return "", refuse("%s is not readable", name)
		}
	}
	return value, nil
}

func parseEndpointsList(list string) ([]EndpointID, error) {
	if strings.TrimSpace(list) == "" {
		return nil, refuse("EndpointsList is missing or empty: the server would take that as every endpoint of the site")
	}
	var ids []EndpointID
	seen := map[EndpointID]bool{}
	for _, part := range strings.Split(list, ",") {
		part = strings.Trim(part, " ")
		if !IsGUID(part) || strings.Trim(part, "0-") == "" {
			return nil, refuse("EndpointsList holds %q, which is no endpoint id", Clean(clip(part, 60)))
		}
		id := EndpointID(strings.ToLower(part))
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func refuse(format string, args ...any) error {
	return &RefusedError{Reason: fmt.Sprintf(format, args...)}
}

// RefusedError is unitty's own no: the request was not sent.
type RefusedError struct{ Reason string }

// Error names the reason.
func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// Is makes it an ErrRefused.
func (e *RefusedError) Is(target error) bool { return errors.Is(ErrRefused, target) }
