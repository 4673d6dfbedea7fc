package unitytest

import (
	"fmt"
	"strings"
	"testing"
)

// TestRights walks the three gates: scope, console, site.
func TestRights(t *testing.T) {
	b := newBench(t, Options{Sites: 9, Endpoints: 200})
	w := b.s.World()
	at := func(level int) string {
		for _, s := range w.Sites {
			if s.AccessOf[UserLimited] == level {
				return s.ID
			}
		}
		t.Fatalf("no site of level %d", level)
		return ""
	}
	full, view, none := at(128), at(1), at(0)
	const site = "/console/gsm/{k}/sites/"
	for _, x := range []struct {
		user, method, path, body string
		status                   int
		code                     string
	}{
		{UserSuper, "GET", site + none + "/endpoints", "", 200, ""},
		{UserLimited, "GET", "/console/gsm/{k}/sites", "", 200, ""},
		{UserLimited, "GET", site + full + "/endpoints", "", 200, ""},
		{UserLimited, "POST", site + full + "/endpoints/commands", `{"Command":"scan"}`, 204, ""},
		{UserLimited, "GET", site + view + "/endpoints", "", 200, ""},
		{UserLimited, "POST", site + view + "/endpoints/commands", `{"Command":"scan"}`, 403, ""},
		{UserLimited, "GET", site + none + "/endpoints", "", 403, ""},
		{UserLimited, "GET", site + none, "", 200, ""},
		{UserLimited, "POST", "/console/gsm/{k}/sites", `{}`, 403, ""},
		{UserLimited, "PUT", site + full, `{}`, 403, ""},
		{UserLimited, "POST", site + full + "/suspend", "", 403, ""},
		{UserAPIOnly, "GET", "/console/gsm/{k}/admins", "", 200, ""},
		{UserAPIOnly, "GET", site + full + "/groups", "", 403, ""},
		{UserAPIOnly, "GET", site + full + "/threathistory", "", 403, ""},
		{UserDefault, "GET", site + none + "/endpoints", "", 200, ""},
		{UserDefault, "GET", "/status/gsm/{k}", "", 403, "insufficient_scope"},
		{UserSuper, "GET", "/ecom/shop/anything/at/all", "", 403, "insufficient_scope"},
		{UserDefault, "GET", "/status/gsm/no/such/route/here", "", 403, "insufficient_scope"},
		{UserSuper, "GET", "/no/such/prefix", "", 404, ""},
		{UserSuper, "GET", "/console/gsm/{k}/nothing", "", 404, ""},
		{UserSuper, "DELETE", "/console/gsm/{k}/sites", "", 405, ""},
		{UserSuper, "GET", "/console/gsm/{k}/dnsp/policies", "", 501, ""},
		{UserSuper, "GET", "/console/gsm/AAAA-AAAA-AAAA-AAAA-AAAA/sites", "", 403, ""},
		{UserSuper, "GET", site + "00000000-0000-4000-8000-000000000000/endpoints", "", 404, ""},
	} {
		t.Run(fmt.Sprint(x.user, " ", x.method, " ", x.path), func(t *testing.T) {
			body := b.as(x.user).want(x.status, x.method, x.path, x.body)
			if x.status < 400 {
				return
			}
			if x.code == "" && body["error"] != nil || x.code != "" && text(body, "error") != x.code {
				t.Errorf("error is %v, want %q", body["error"], x.code)
			}
			if text(body, "error_description") == "" || number(body, "statusCode") != x.status || !isGUID(text(body, "requestId")) {
				t.Errorf("body is %v", body)
			}
		})
	}
	for _, row := range rows(b.as(UserLimited).get("/console/gsm/{k}/sites"), "Sites") {
		for _, s := range w.Sites {
			if s.ID == text(row, "SiteId") && s.AccessOf[UserLimited] != number(row, "AccessLevel") {
				t.Errorf("AccessLevel of %s is %d", s.Name, number(row, "AccessLevel"))
			}
		}
	}
	if n := number(b.as(UserAPIOnly).get("/status/gsm/{k}"), "Count"); n != 0 {
		t.Errorf("a user without sites got %d status rows", n)
	}
}

// TestCatalogueIsComplete compares the routes with the size of the reference.
func TestCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range catalogue() {
		key := r.method + " " + strings.Join(r.segments, "/")
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if scope, ok := scopeOf(strings.Join(r.segments, "/")); !ok && r.segments[1] != "health" {
			t.Errorf("%s has no scope (%s)", key, scope)
		}
	}
	if len(seen) != 141 {
		t.Errorf("%d methods, the reference has 141", len(seen))
	}
}

func TestErrorBodyHasAllKeysInOrder(t *testing.T) {
	b := newBench(t, Options{Sites: 1, Endpoints: 1})
	_, body := b.raw(b.request("GET", "/console/gsm/{k}/nothing", ""))
	last := -1
	for _, key := range []string{`"statusCode":404`, `"requestId":"`, `"error":null`, `"error_description":"`, `"AdditionalInformation":{}`} {
		at := strings.Index(body, key)
		if at <= last {
			t.Errorf("%s is missing or out of order in %s", key, body)
		}
		last = at
	}
	r := b.request("GET", "/console/gsm/{k}/nothing", "")
	r.Header.Set("Accept", "application/xml")
	if _, body := b.raw(r); !strings.HasPrefix(body, `<z:anyType xmlns:z=`) || !strings.Contains(body, "<statusCode>404</statusCode>") {
		t.Errorf("XML is %s", body)
	}
	r = b.request("GET", "/console/gsm/{k}/sites", "")
	r.Header.Set("Accept", "text/xml")
	if status, body := b.raw(r); status != 200 || !strings.Contains(body, `<DeactivatedBy i:nil="true" />`) {
		t.Errorf("XML is %d %s", status, body)
	}
}
