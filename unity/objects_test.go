package unity

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity/unitytest"
)

const (
	groupA  = GroupID("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb")
	groupB  = GroupID("cccccccc-cccc-4ccc-8ccc-cccccccccccc")
	policyA = PolicyID("dddddddd-dddd-4ddd-8ddd-dddddddddddd")
	userA   = UserID("eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee")
)

// builder is a client that is only used for building.
func builder(t *testing.T) *Client {
	t.Helper()
	c, err := New(Options{BaseURL: testBase, GSMKey: testKey, Tokens: &purse{}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestObjectRequests holds every built request against the reference, and against the gate: what touches a set is counted,
// and what names machines names them.
func TestObjectRequests(t *testing.T) {
	c := builder(t)
	targets, err := NewTargets(siteA, []EndpointID{idA, idB})
	if err != nil {
		t.Fatal(err)
	}
	list := string(idA) + "," + string(idB)
	some := json.RawMessage(`{"GroupName":"x"}`)
	for _, x := range []struct {
		name  string
		made  func() (Request, error)
		want  string
		reach Reach
	}{
		{"move", func() (Request, error) { return c.MoveRequest(targets, groupA, InheritTarget) },
			"PUT " + siteRoot + `/endpoints {"EndpointsList":"` + list + `","TargetGroupId":"` + string(groupA) + `","Inheritance":1}`, ReachListed},
		{"policy", func() (Request, error) { return c.PolicyRequest(targets, policyA) },
			"PUT " + siteRoot + `/endpoints/policy {"EndpointsList":"` + list + `","PolicyId":"` + string(policyA) + `"}`, ReachListed},
		{"deactivate", func() (Request, error) { return c.DeactivateRequest(targets) }, "POST " + siteRoot + `/endpoints/deactivate {"EndpointsList":"` + list + `"}`, ReachListed},
		{"reactivate", func() (Request, error) { return c.ReactivateRequest(targets) }, "POST " + siteRoot + `/endpoints/reactivate {"EndpointsList":"` + list + `"}`, ReachListed},
		{"group policy", func() (Request, error) { return c.GroupPolicyRequest(siteA, groupA, policyA, 7) },
			"PUT " + siteRoot + "/groups/" + string(groupA) + `/endpoints/policy {"PolicyId":"` + string(policyA) + `"}`, ReachSet},
		{"new site", func() (Request, error) { return c.CreateSiteRequest(some) }, "POST " + gsmRoot + `/sites {"GroupName":"x"}`, ReachOther},
		{"edit site", func() (Request, error) { return c.EditSiteRequest(siteA, some) }, "PUT " + siteRoot + ` {"GroupName":"x"}`, ReachOther},
		{"suspend", func() (Request, error) { return c.SiteActionRequest(siteA, SiteSuspend, 3) }, "POST " + siteRoot + "/suspend ", ReachSet},
		{"resume", func() (Request, error) { return c.SiteActionRequest(siteA, SiteResume, 3) }, "POST " + siteRoot + "/resume ", ReachSet},
		{"convert", func() (Request, error) { return c.SiteActionRequest(siteA, SiteConvertTrial, 3) }, "POST " + siteRoot + "/converttrial ", ReachSet},
		{"deactivate site", func() (Request, error) { return c.SiteActionRequest(siteA, SiteDeactivate, 3) }, "POST " + siteRoot + "/deactivate ", ReachSet},
		{"new group", func() (Request, error) { return c.CreateGroupRequest(siteA, some) }, "POST " + siteRoot + `/groups {"GroupName":"x"}`, ReachOther},
		{"edit group", func() (Request, error) { return c.EditGroupRequest(siteA, groupA, some) }, "PUT " + siteRoot + "/groups/" + string(groupA) + ` {"GroupName":"x"}`, ReachOther},
		{"delete group", func() (Request, error) { return c.DeleteGroupRequest(siteA, groupA, groupB, 9) },
			"DELETE " + siteRoot + "/groups/" + string(groupA) + "?newGroupId=" + string(groupB) + " ", ReachSet},
		{"new admin", func() (Request, error) { return c.CreateAdminRequest("", some) }, "POST " + gsmRoot + `/admins {"GroupName":"x"}`, ReachOther},
		{"new site admin", func() (Request, error) { return c.CreateAdminRequest(siteA, some) }, "POST " + siteRoot + `/admins {"GroupName":"x"}`, ReachOther},
		{"edit admin", func() (Request, error) { return c.EditAdminRequest("", userA, some) }, "PUT " + gsmRoot + "/admins/" + string(userA) + ` {"GroupName":"x"}`, ReachOther},
		{"delete admin", func() (Request, error) { return c.DeleteAdminRequest(siteA, userA) }, "DELETE " + siteRoot + "/admins/" + string(userA) + " ", ReachOther},
		{"grant", func() (Request, error) { return c.GrantRequest(siteA, Grant{userA, AccessView}) },
			"PUT " + siteRoot + `/admins {"Admins":[{"UserId":"` + string(userA) + `","AccessLevel":1}]}`, ReachOther},
		{"super admin", func() (Request, error) { return c.SuperAdminRequest("api@acme.example", "owner@customer.example") },
			"POST /service/api/console/access/gsm/AAAA-BBBB-CCCC-DDDD-EEEE/addadminrequest " + `{"UserEmail":"api@acme.example","ConfirmEmail":"owner@customer.example"}`, ReachOther},
	} {
		r, err := x.made()
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		path := r.Path
		if len(r.Query) > 0 {
			path += "?" + r.Query.Encode()
		}
		if got := r.Method + " " + path + " " + string(r.Body); got != x.want {
			t.Errorf("%s\n got  %s\n want %s", x.name, got, x.want)
		}
		g, err := Inspect(r.Method, path, "application/json", r.Body)
		if err != nil || g.Reach != x.reach {
			t.Errorf("%s: the gate says %v, %v", x.name, g.Reach, err)
		}
		if (g.Reach == ReachSet) != r.Counted {
			t.Errorf("%s: counted is %v", x.name, r.Counted)
		}
	}
}

func TestObjectRequestsRefuseWhatIsNoID(t *testing.T) {
	c := builder(t)
	targets, err := NewTargets(siteA, []EndpointID{idA})
	if err != nil {
		t.Fatal(err)
	}
	some := json.RawMessage(`{"a":1}`)
	for name, made := range map[string]func() (Request, error){
		"no targets":          func() (Request, error) { return c.DeactivateRequest(Targets{}) },
		"no group":            func() (Request, error) { return c.MoveRequest(targets, "", InheritKeep) },
		"retired inheritance": func() (Request, error) { return c.MoveRequest(targets, groupA, 3) },
		"no policy":           func() (Request, error) { return c.PolicyRequest(targets, "x") },
		"path in a site id":   func() (Request, error) { return c.EditSiteRequest("../x", some) },
		"unknown action":      func() (Request, error) { return c.SiteActionRequest(siteA, "explode", 1) },
		"receiver is itself":  func() (Request, error) { return c.DeleteGroupRequest(siteA, groupA, groupA, 1) },
		"no receiver":         func() (Request, error) { return c.DeleteGroupRequest(siteA, groupA, "", 1) },
		"no user":             func() (Request, error) { return c.DeleteAdminRequest("", "") },
		"edit without user":   func() (Request, error) { return c.EditAdminRequest(siteA, "", some) },
		"no level":            func() (Request, error) { return c.GrantRequest(siteA, Grant{userA, 5}) },
		"twice":               func() (Request, error) { return c.GrantRequest(siteA, Grant{userA, 1}, Grant{userA, 0}) },
		"nobody":              func() (Request, error) { return c.GrantRequest(siteA) },
		"no address":          func() (Request, error) { return c.SuperAdminRequest("x", "a@b.example") },
		"two addresses":       func() (Request, error) { return c.SuperAdminRequest("a@b.example,c@d.example", "a@b.example") },
		"empty body":          func() (Request, error) { return c.EditSiteRequest(siteA, json.RawMessage(`{}`)) },
		"no object":           func() (Request, error) { return c.EditSiteRequest(siteA, json.RawMessage(`[1]`)) },
		"a name twice":        func() (Request, error) { return c.EditSiteRequest(siteA, json.RawMessage(`{"Seats":1,"Seats":2}`)) },
		"cut":                 func() (Request, error) { return c.EditSiteRequest(siteA, json.RawMessage(`{"Seats":1`)) },
	} {
		if r, err := made(); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v %s", name, err, r.Path)
		}
	}
}

func TestCreatedObjectsAreReadInAnyShape(t *testing.T) {
	for body, want := range map[string]string{
		``: "/", `null`: "/", `[]`: "/", `{}`: "/", `{"SiteId":"x","AccountKeyCode":"y"}`: "/",
		`{"SiteId":"AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa","AccountKeyCode":"aaaabbbbccccddddeeee"}`: string(siteA) + "/" + string(testKey),
		"\ufeff" + `{"siteid":"` + string(siteA) + `","KeyCode":"AAAA-BBBB-CCCC-DDDD-EEEE"}`:        string(siteA) + "/" + string(testKey),
	} {
		if id, key := CreatedSite([]byte(body)); string(id)+"/"+string(key) != want {
			t.Errorf("%s: %s %s", body, string(id), string(key))
		}
	}
	if CreatedGroup([]byte(`{"GroupId":"`+strings.ToUpper(string(groupA))+`"}`)) != groupA || CreatedGroup([]byte(`{"GroupId":"x"}`)) != "" || CreatedGroup(nil) != "" {
		t.Error("the id of a new group")
	}
}

// TestTheSignInAddressIsASecret: no way of printing shows it, and what is no https address is not handed out.
func TestTheSignInAddressIsASecret(t *testing.T) {
	c, sim := simulated(t, unitytest.Options{Sites: 3, Endpoints: 9})
	site := SiteID(biggest(sim).ID)
	for _, id := range []SiteID{"", site} {
		u, err := c.ConsoleURL(t.Context(), id)
		if err != nil || !strings.HasPrefix(u.Reveal(), "https://") {
			t.Fatalf("%v", err)
		}
		j, err := json.Marshal(struct{ U SignInURL }{u})
		if err != nil {
			t.Fatal(err)
		}
		for _, shown := range []string{fmt.Sprint(u), fmt.Sprintf("%v %+v %#v %s %q %x", u, u, u, u, u, u), string(j), u.String(), u.GoString()} {
			if strings.Contains(shown, "kk=") || strings.Contains(shown, "webroot") {
				t.Errorf("shown: %s", shown)
			}
		}
	}
	if _, err := c.ConsoleURL(t.Context(), "nowhere"); !errors.Is(err, ErrRefused) {
		t.Errorf("a site that is none: %v", err)
	}
}

func TestAddress(t *testing.T) {
	for s, want := range map[string]bool{"a@b.example": true, " a@b.example ": true, "a": false, "": false, "A <a@b.example>": false, "a@b.example,c@d.example": false,
		"a b@c.example": false, "a@b.example\n": true, `"a b"@c.example`: false} {
		if _, ok := Address(s); ok != want {
			t.Errorf("%q: %v", s, ok)
		}
	}
}
