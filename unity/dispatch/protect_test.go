package dispatch

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// groupWith makes a group of a site with a policy, and gives its id.
func (l *lab) groupWith(t *testing.T, site unity.SiteID, policy unity.PolicyID) unity.GroupID {
	t.Helper()
	body, err := json.Marshal(map[string]string{"GroupName": "Lab", "GroupDescription": "of the lab", "PolicyId": string(policy)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.client.CreateGroupRequest(site, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := l.client.Do(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return unity.CreatedGroup(answer.Body)
}

// policyCalled gives a policy of a site by its folded name.
func (l *lab) policyCalled(t *testing.T, site unity.SiteID, name string) unity.PolicyID {
	t.Helper()
	policies, err := l.client.SitePolicies(t.Context(), site)
	if err != nil {
		t.Fatal(err)
	}
	for i := range policies {
		if unity.Fold(policies[i].Name.Raw()) == name {
			return policies[i].ID
		}
	}
	t.Fatalf("no policy is called %s", name)
	return ""
}

func TestAMoveIsAsGraveAsThePolicyOfItsGroup(t *testing.T) {
	for _, variant := range []string{"", "groups-bare-count"} {
		t.Run("lists "+variant, func(t *testing.T) {
			simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
				refs := l.pick(t, 0, 2)
				lab := l.groupWith(t, refs[0].Site, l.policyCalled(t, refs[0].Site, unmanaged))
				safe := l.groupWith(t, refs[0].Site, l.policyCalled(t, refs[0].Site, "recommended server defaults"))
				if variant != "" {
					if err := l.sim.SetVariant(variant, true); err != nil {
						t.Fatal(err)
					}
				}
				for _, x := range []struct {
					group unity.GroupID
					how   string
					risk  Risk
				}{{lab, "1", Destroy}, {lab, "0", Destroy}, {lab, "", Destroy}, {safe, "1", Change}, {safe, "", Change}} {
					p, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, string(x.group)}, {ArgInheritance, x.how}}, refs, PlanOptions{})
					if err != nil {
						t.Fatal(err)
					}
					if variant != "" { // not even a single group's record shows its policy
						if !says(p.Warnings, "the policy of the group is not known") {
							t.Errorf("%+v: %q", x, p.Warnings)
						}
						continue
					}
					if p.Risk() != x.risk || says(p.Warnings, "leaves the protection to the user") != (x.risk == Destroy) {
						t.Errorf("%+v: risk %s, %q", x, p.Risk(), p.Warnings)
					}
				}
			})
		})
	}
}

func TestAGroupWithoutAPolicyHasThatOfItsSite(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 1)
		site := refs[0].Site
		group := l.sim.World().Sites[0].Groups[0].ID
		l.intercept = func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/groups") {
				return nil, nil
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: readCloser(`{"TotalCount":1,"Groups":[{"GroupId":"` + group + `","GroupName":"Plain","PolicyId":null}]}`)}, nil
		}
		for _, name := range []string{"recommended defaults", unmanaged} {
			body, err := json.Marshal(map[string]string{"PolicyId": string(l.policyCalled(t, site, name))})
			if err != nil {
				t.Fatal(err)
			}
			r, err := l.client.EditSiteRequest(site, body)
			if err == nil {
				_, err = l.client.Do(t.Context(), r)
			}
			if err != nil {
				t.Fatal(err)
			}
			p, err := l.planOf(t, "endpoint.move", Args{{ArgGroup, group}, {ArgInheritance, "1"}}, refs, PlanOptions{})
			if err != nil || (p.Risk() == Destroy) != (name == unmanaged) || says(p.Warnings, "not known") {
				t.Errorf("%s: %v, risk %s, %q", name, err, p.Risk(), p.Warnings)
			}
		}
	})
}

func TestAStepIsWeighedBeforeItIsPlanned(t *testing.T) {
	simulated(t, unitytest.Options{}, func(t *testing.T, l *lab) {
		refs := l.pick(t, 0, 2)
		op, err := OperationByID("endpoint.set-policy", Args{{ArgPolicy, string(l.policyCalled(t, refs[0].Site, unmanaged))}})
		if err != nil {
			t.Fatal(err)
		}
		if risk, warnings, err := Aim(t.Context(), l.client, op, refs); err != nil || risk != Destroy || !says(warnings, "leaves the protection") {
			t.Errorf("%s, %q, %v", risk, warnings, err)
		}
	})
}
