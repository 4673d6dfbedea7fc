package unitytest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// probes show for each variant one thing that differs when it is on: each is
// run on a console with the variant and on one without, and must report true
// and false.
func probes() map[string]func(*bench) bool {
	all := map[string]func(*bench) bool{}
	for _, part := range []map[string]func(*bench) bool{authProbes(), shapeProbes(), ruleProbes()} {
		for name, probe := range part {
			all[name] = probe
		}
	}
	return all
}

// grant asks for a grant and returns the error code, "" when it succeeded.
func (b *bench) code(form url.Values) (int, string) {
	status, body := b.tokenCall(form)
	return status, text(body, "error")
}

func authProbes() map[string]func(*bench) bool {
	return map[string]func(*bench) bool{
		"family-revoke": func(b *bench) bool {
			first := b.signIn("*")
			b.refresh(first)
			b.refresh(first)
			status, _ := b.call("GET", "/console/gsm/{k}", "")
			return status == 401
		},
		"nested-invalid-grant": func(b *bench) bool {
			_, body := b.refresh("dead")
			return text(body, "error") == "invalid_request" && text(body, "error_description") == `{"error":"invalid_grant"}`
		},
		"fewer-scopes": func(b *bench) bool {
			_, body := b.tokenCall(b.password("*"))
			return text(body, "scope") == `["Console.GSM"]`
		},
		"invalid-scope": func(b *bench) bool {
			_, code := b.code(b.password("Console.GSM ECom.Shop"))
			return code == "invalid_scope"
		},
		"single-chain": func(b *bench) bool {
			first := b.signIn("*")
			b.signIn("*")
			status, _ := b.refresh(first)
			return status == 400
		},
		"no-refresh-token": func(b *bench) bool {
			first := b.signIn("*")
			_, body := b.refresh(first)
			_, there := body["refresh_token"]
			status, _ := b.refresh(first)
			return !there && status == 200
		},
		"grant-401": func(b *bench) bool {
			status, code := b.code(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "scope": {"*"}})
			return status == 401 && code == "invalid_grant"
		},
		"user-agent-required": func(b *bench) bool {
			r := b.request("GET", "/console/gsm/{k}", "")
			r.Header.Set("User-Agent", "")
			status, _ := b.serve(r)
			return status == 400
		},
		"access-dies-on-refresh": func(b *bench) bool {
			b.refresh(b.signIn("*"))
			status, _ := b.call("GET", "/console/gsm/{k}", "")
			return status == 401
		},
		"absolute-14d": func(b *bench) bool {
			token := b.signIn("*")
			b.s.Advance(10 * 24 * time.Hour)
			_, body := b.refresh(token)
			b.s.Advance(5 * 24 * time.Hour)
			status, _ := b.refresh(text(body, "refresh_token"))
			return status == 400
		},
		"authorization-code": func(b *bench) bool {
			ask := func(clientID string) (int, url.Values) {
				q := url.Values{"client_id": {clientID}, "response_type": {"code"}, "state": {"s"}, "scope": {"Console.GSM"}, "redirect_uri": {"http://localhost/cb"}}
				w := httptest.NewRecorder()
				b.s.ServeHTTP(w, httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/auth/authorize?"+q.Encode(), nil))
				back, err := url.Parse(w.Header().Get("Location"))
				if err != nil {
					return 0, nil
				}
				return w.Code, back.Query()
			}
			unknown, _ := ask("c")
			status, back := ask(b.s.Credentials().ClientID)
			if unknown != http.StatusBadRequest || status != http.StatusFound || back.Get("state") != "s" {
				return false
			}
			form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "scope": {"Console.GSM"}, "redirect_uri": {"http://localhost/cb"}}
			first, _ := b.code(form)
			again, code := b.code(form)
			_, back = ask(b.s.Credentials().ClientID)
			form.Set("code", back.Get("code"))
			form.Set("redirect_uri", "http://localhost/other")
			foreign, _ := b.code(form)
			return first == 200 && again == 400 && code == "invalid_grant" && foreign == 400
		},
		"token-error-full": func(b *bench) bool {
			_, body := b.tokenCall(url.Values{})
			return number(body, "statusCode") == 400 && text(body, "error") == "invalid_request"
		},
	}
}

// anyRow is a row of a list of the biggest site.
func (b *bench) anyRow(path, key string) map[string]any {
	return rows(b.get("/console/gsm/{k}/sites/"+b.biggest().ID+path), key)[0]
}

func has(row map[string]any, key string) bool { _, there := row[key]; return there }

func (b *bench) rawGet(path string) string {
	_, body := b.raw(b.request("GET", path, ""))
	return body
}

func (b *bench) dashes() int {
	n := 0
	for _, row := range rows(b.get("/console/gsm/{k}/sites"), "Sites") {
		count(&n, strings.Contains(text(row, "AccountKeyCode"), "-"))
	}
	return n
}

func (b *bench) single() map[string]any {
	e := b.polling(b.biggest().ID)
	return b.get("/console/gsm/{k}/sites/" + e.SiteID + "/endpoints/" + e.ID)
}

func (b *bench) statusRow() map[string]any { return rows(b.get("/status/gsm/{k}"), "QueryResults")[0] }

func shapeProbes() map[string]func(*bench) bool {
	return map[string]func(*bench) bool{
		"status-no-ids":     func(b *bench) bool { return !has(b.statusRow(), "MachineId") && !has(b.statusRow(), "KC") },
		"status-with-ids":   func(b *bench) bool { return has(b.statusRow(), "MachineId") && has(b.statusRow(), "KC") },
		"status-extra-keys": func(b *bench) bool { return has(b.statusRow(), "ProtectionStatus") },
		"endpoint-minimal":  func(b *bench) bool { return len(b.anyRow("/endpoints", "Endpoints")) == 5 },
		"endpoint-names": func(b *bench) bool {
			row := b.anyRow("/endpoints", "Endpoints")
			return text(row, "GroupName") != "" && text(row, "PolicyName") != ""
		},
		"single-bare":     func(b *bench) bool { return has(b.single(), "EndpointId") },
		"single-envelope": func(b *bench) bool { return len(rows(b.single(), "Endpoints")) == 1 },
		"groups-bare-count": func(b *bench) bool {
			list := b.get("/console/gsm/{k}/sites/" + b.biggest().ID + "/groups")
			return !has(list, "TotalCount") && len(rows(list, "Groups")[0]) == 1
		},
		"policies-alt": func(b *bench) bool {
			return text(rows(b.get("/console/gsm/{k}/policies"), "Policies")[0], "Name") == "Recommended Defaults"
		},
		"keycodes-mixed":    func(b *bench) bool { n := b.dashes(); return n > 0 && n < 40 },
		"keycodes-undashed": func(b *bench) bool { return b.dashes() == 0 },
		"keycodes-dashed":   func(b *bench) bool { return b.dashes() == 40 },
		"nulls-dropped":     func(b *bench) bool { return !strings.Contains(b.rawGet("/console/gsm/{k}/sites"), "null") },
		"error-array": func(b *bench) bool {
			return strings.Contains(b.rawGet("/console/gsm/{k}/x"), `"AdditionalInformation":[]`)
		},
		"error-keys-lower": func(b *bench) bool {
			return strings.Contains(b.rawGet("/console/gsm/{k}/x"), `"additionalInformation":`)
		},
		"error-xml": func(b *bench) bool {
			body := b.rawGet("/console/gsm/{k}/x")
			return strings.HasPrefix(body, "<z:anyType>") && strings.HasSuffix(body, "</z:AnyType>")
		},
		"dates-zoneless": func(b *bench) bool { return len(text(b.get("/console/gsm/{k}"), "EndDate")) == 19 },
		"numbers-as-strings": func(b *bench) bool {
			return text(b.get("/console/gsm/{k}"), "TotalSites") == "40"
		},
		"threats-null-info": func(b *bench) bool {
			e := b.polling(b.biggest().ID)
			_ = b.s.Infect(e.ID, "x", "y")
			b.s.Advance(30 * time.Minute)
			b.signIn("*")
			return has(b.anyRow("/threathistory", "ThreatRecords"), "ExtendedInfo")
		},
		"create-site-empty": func(b *bench) bool {
			status, _ := b.call("POST", "/console/gsm/{k}/sites", `{"SiteName":"n","Seats":1,"Comments":"","Emails":"a@b.example"}`)
			return status == 204
		},
	}
}

func ruleProbes() map[string]func(*bench) bool {
	endpoints := func(b *bench, query string) (int, map[string]any) {
		return b.call("GET", "/console/gsm/{k}/sites/"+b.biggest().ID+"/endpoints?"+query, "")
	}
	return map[string]func(*bench) bool{
		"page-size-clamp-50": func(b *bench) bool {
			_, body := endpoints(b, "pageSize=60")
			return number(body, "PageSize") == 50 && len(rows(body, "Endpoints")) == 50
		},
		"page-size-zero-400": func(b *bench) bool { status, _ := endpoints(b, "pageSize=0"); return status == 400 },
		"host-search-exact": func(b *bench) bool {
			e := b.polling(b.biggest().ID)
			_, part := endpoints(b, "hostName="+url.QueryEscape(e.HostName[:3]))
			return number(part, "TotalAvailable") == 0
		},
		"unknown-endpoints-ignored": func(b *bench) bool {
			status, _ := b.call("POST", "/console/gsm/{k}/sites/"+b.biggest().ID+"/endpoints/deactivate",
				`{"EndpointsList":"00000000-0000-4000-8000-000000000000"}`)
			return status == 204
		},
		"commands-deactivate": func(b *bench) bool {
			status, _ := b.call("POST", "/console/gsm/{k}/sites/"+b.biggest().ID+"/endpoints/commands", `{"Command":"deactivate"}`)
			return status == 204
		},
		"admin-lag": func(b *bench) bool {
			site := "/console/gsm/{k}/sites/" + b.biggest().ID
			admins := rows(b.get(site+"/admins"), "Admins")
			id := text(admins[2], "UserId")
			b.want(204, "PUT", site+"/admins", `{"Admins":[{"UserId":"`+id+`","AccessLevel":1}]}`)
			at := number(rows(b.get(site+"/admins/"+id), "Admins")[0], "AccessLevel")
			b.s.Advance(2 * time.Minute)
			later := number(rows(b.get(site+"/admins/"+id), "Admins")[0], "AccessLevel")
			return at == 0 && later == 1
		},
		"site-admin-silent": func(b *bench) bool {
			site := "/console/gsm/{k}/sites/" + b.biggest().ID
			b.want(200, "POST", site+"/admins", `{"EmailAddress":"o@b.example","FirstName":"Of","LastName":"Ice","AccessLevel":1}`)
			admins := rows(b.get(site+"/admins"), "Admins")
			id := text(admins[len(admins)-1], "UserId")
			b.want(204, "PUT", site+"/admins", `{"Admins":[{"UserId":"`+id+`","AccessLevel":128}]}`)
			return number(rows(b.get(site+"/admins/"+id), "Admins")[0], "AccessLevel") == 1
		},
		"validation-422": func(b *bench) bool {
			status, _ := b.call("POST", "/console/gsm/{k}/sites", `{}`)
			return status == 422
		},
		"parent-trial": func(b *bench) bool { return text(b.get("/console/gsm/{k}"), "LicenseType") == "Trial" },
		"rate-retry-after": func(b *bench) bool {
			for range 100 {
				w := httptest.NewRecorder()
				b.s.ServeHTTP(w, b.request("GET", "/console/gsm/{k}", ""))
				if w.Code == http.StatusTooManyRequests {
					return w.Header().Get("Retry-After") == "1"
				}
			}
			return false
		},
	}
}

func TestVariantsDoWhatTheySay(t *testing.T) {
	known := probes()
	for _, v := range Variants() {
		probe := known[v.Name]
		if probe == nil || v.Doc == "" {
			t.Errorf("variant %s has no probe or no description", v.Name)
			continue
		}
		delete(known, v.Name)
		for _, on := range []bool{true, false} {
			o := Options{Endpoints: 2500, Rate: 0}
			if v.Name == "rate-retry-after" {
				o.Rate = 50
			}
			b := newBench(t, o)
			if err := b.s.SetVariant(v.Name, on); err != nil {
				t.Fatal(err)
			}
			if got := probe(b); got != on {
				t.Errorf("variant %s is %v, its probe says %v", v.Name, on, got)
			}
		}
	}
	for name := range known {
		t.Errorf("%s is tested but not listed", name)
	}
}

func TestGroupsOfVariantsHaveOneOn(t *testing.T) {
	set := newVariantSet()
	for _, name := range []string{"status-with-ids", "keycodes-dashed", "keycodes-undashed", "single-envelope"} {
		for _, on := range []bool{true, false} {
			if err := set.set(name, on); err != nil {
				t.Fatal(err)
			}
			chosen := map[string]int{}
			for _, v := range Variants() {
				if v.Group != "" && set[v.Name] {
					chosen[v.Group]++
				}
			}
			if set[name] != on || len(chosen) != 3 || chosen["status"] != 1 || chosen["keycodes"] != 1 || chosen["single"] != 1 {
				t.Errorf("%s %v: %v", name, on, chosen)
			}
		}
	}
	if !set["keycodes-mixed"] || !set["single-bare"] || !set["status-no-ids"] {
		t.Error("the defaults are not back")
	}
}
