package unitytest

import (
	"net/http"
	"strings"
)

// gate says which of the permission gates a method stands behind.
type gate int

const (
	gateNone          gate = iota
	gateConsole            // any admin of the console
	gateConsoleChange      // an admin of the console who may change it
	gateSite               // access to the site; level 1 may only read
	gateSiteKey            // the same, for a site named by its keycode
)

// route is one documented method; serve is nil for those that are answered
// with 501.
type route struct {
	method   string
	segments []string
	gate     gate
	serve    func(*call) reply
}

// served is the part of the catalogue that the simulator implements.
func served() []route {
	const k = "/console/gsm/{k}"
	const s = k + "/sites/{s}"
	const g = s + "/groups/{g}"
	r := func(method, path string, g gate, serve func(*call) reply) route {
		return route{method, strings.Split(path, "/"), g, serve}
	}
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	return []route{
		r(get, "/health/ping", gateNone, (*call).healthPing), r(get, "/health/version", gateNone, (*call).healthVersion),
		r(get, k, gateConsole, (*call).console), r(get, k+"/sites", gateConsole, (*call).listSites), r(get, s, gateConsole, (*call).oneSite),
		r(get, k+"/lookupsite/{siteKeycode}", gateConsole, (*call).lookupSite),
		r(get, k+"/webconsoleurl", gateConsole, (*call).consoleURL), r(get, s+"/webconsoleurl", gateSite, (*call).siteURL),
		r(post, k+"/sites", gateConsoleChange, (*call).createSite), r(put, s, gateConsoleChange, (*call).editSite),
		r(post, s+"/deactivate", gateConsoleChange, (*call).deactivateSite), r(post, s+"/suspend", gateConsoleChange, (*call).suspendSite),
		r(post, s+"/resume", gateConsoleChange, (*call).resumeSite), r(post, s+"/converttrial", gateConsoleChange, (*call).convertTrial),
		r(get, k+"/admins", gateConsole, (*call).listAdmins), r(post, k+"/admins", gateConsoleChange, (*call).createAdmin),
		r(get, k+"/admins/{userId}", gateConsole, (*call).oneAdmin), r(put, k+"/admins/{userId}", gateConsoleChange, (*call).editAdmin),
		r(del, k+"/admins/{userId}", gateConsoleChange, (*call).deleteAdmin),
		r(get, s+"/admins", gateConsole, (*call).listSiteAdmins), r(post, s+"/admins", gateConsoleChange, (*call).createSiteAdmin),
		r(put, s+"/admins", gateConsoleChange, (*call).setSiteAdmins), r(get, s+"/admins/{userId}", gateConsole, (*call).oneSiteAdmin),
		r(put, s+"/admins/{userId}", gateConsoleChange, (*call).editSiteAdmin), r(del, s+"/admins/{userId}", gateConsoleChange, (*call).deleteSiteAdmin),
		r(post, "/console/access/gsm/{k}/addadminrequest", gateConsole, (*call).addAdminRequest),
		r(get, "/console/access/gsm/{k}/addadminstatus", gateConsole, (*call).addAdminStatus),
		r(get, k+"/policies", gateConsole, (*call).listPolicies), r(get, k+"/policies/{policyId}", gateConsole, (*call).onePolicy),
		r(get, s+"/policies", gateSite, (*call).listPolicies), r(get, s+"/policies/{policyId}", gateSite, (*call).onePolicy),
		r(get, s+"/groups", gateSite, (*call).listGroups), r(post, s+"/groups", gateSite, (*call).createGroup),
		r(get, g, gateSite, (*call).oneGroup), r(put, g, gateSite, (*call).editGroup), r(del, g, gateSite, (*call).deleteGroup),
		r(get, s+"/endpoints", gateSite, (*call).listEndpoints), r(put, s+"/endpoints", gateSite, (*call).moveEndpoints),
		r(get, s+"/endpoints/{e}", gateSite, (*call).oneEndpoint), r(get, g+"/endpoints", gateSite, (*call).listEndpoints),
		r(put, s+"/endpoints/policy", gateSite, (*call).setPolicy), r(put, g+"/endpoints/policy", gateSite, (*call).setPolicy),
		r(post, s+"/endpoints/reactivate", gateSite, (*call).reactivate), r(post, s+"/endpoints/deactivate", gateSite, (*call).deactivate),
		r(post, g+"/endpoints/deactivate", gateSite, (*call).deactivate),
		r(get, s+"/commands", gateSite, (*call).listCommands), r(get, g+"/commands", gateSite, (*call).listCommands),
		r(get, s+"/endpoints/{e}/commands", gateSite, (*call).listCommands),
		r(post, s+"/endpoints/commands", gateSite, (*call).sendCommand), r(post, g+"/endpoints/commands", gateSite, (*call).sendCommand),
		r(get, s+"/threathistory", gateSite, (*call).threatHistory), r(get, g+"/threathistory", gateSite, (*call).threatHistory),
		r(get, s+"/endpoints/{e}/threathistory", gateSite, (*call).threatHistory),
		r(get, "/status/gsm/{keyCode}", gateConsole, (*call).statusGSM), r(get, "/status/site/{keyCode}", gateSiteKey, (*call).statusSite),
		r(get, "/status/reporting/gsm/{k}/sites", gateConsole, (*call).reportingSites),
	}
}

// documented lists the methods of the reference that are answered with 501.
func documented() string {
	return `GET /console/gsm/{k}/sites/{s}/blockedurls/counts
GET /console/gsm/{k}/sites/{s}/blockedurls/data
GET /console/gsm/{k}/dnsp/categories
GET /console/gsm/{k}/dnsp/policies
GET /console/gsm/{k}/dnsp/policies/{policyId}
GET /console/gsm/{k}/dnsp/blockreasons
GET /console/gsm/{k}/sites/{s}/dnsp/mappings
POST /console/gsm/{k}/sites/{s}/dnsp/mappings
GET /console/gsm/{k}/sites/{s}/dnsp/mappings/{mappingId}
PUT /console/gsm/{k}/sites/{s}/dnsp/mappings/{mappingId}
DELETE /console/gsm/{k}/sites/{s}/dnsp/mappings/{mappingId}
GET /console/gsm/{k}/sites/{s}/dnsp/blockedtraffic
GET /console/gsm/{k}/sites/{s}/dnsp/trafficbycategory
GET /console/gsm/{k}/dnsp/trafficsummary
GET /console/gsm/{k}/sites/{s}/dnsp/trafficsummary
GET /console/gsm/{k}/dnsp/trafficsummary/categoryreport
GET /console/gsm/{k}/sites/{s}/dnsp/trafficsummary/categoryreport
GET /console/gsm/{k}/dnsp/trafficsummary/categoryuserreport
GET /console/gsm/{k}/sites/{s}/dnsp/trafficsummary/categoryuserreport
GET /console/gsm/{k}/sites/{s}/wsat/campaigns/phishing/activity
GET /console/gsm/{k}/sites/{s}/wsat/campaigns/training/activity
GET /status/gsm/dnsp/{keyCode}
GET /status/site/dnsp/{keyCode}
GET /status/reporting/gsm/{k}
GET /status/reporting/gsm/{k}/sites/{keyCode}
GET /status/reporting/gsm/{k}/endpoints
GET /status/reporting/gsm/{k}/sites/{keyCode}/endpoints
GET /status/reporting/gsm/{k}/dnsp
GET /status/reporting/gsm/{k}/sites/dnsp
GET /status/reporting/gsm/{k}/sites/{keyCode}/dnsp
GET /status/reporting/gsm/{k}/wsat
GET /status/reporting/gsm/{k}/sites/wsat
GET /status/reporting/gsm/{k}/sites/{keyCode}/wsat
GET /status/reporting/detectionandresponse/gsm/{k}/sites
GET /status/reporting/detectionandresponse/gsm/{k}/sites/{keyCode}/endpoints
GET /usage/site/{keyCode}
GET /usage/gsm/{keyCode}
POST /ecom/shop/carts
GET /ecom/shop/carts/{vendorOrderCode}
POST /ecom/shop/carts/{vendorOrderCode}/customers
GET /ecom/shop/carts/{vendorOrderCode}/customers
POST /ecom/shop/orders
GET /ecom/shop/products/{keycode}/orderstatus
DELETE /ecom/shop/products/{keycode}/licensecategory/{licenseCategoryName}
GET /ecom/shop/products/{keycode}
GET /ecom/shop/products/{keycode}/childlicenses
POST /ecom/shop/trials
POST /ecom/shop/trials/{keycode}/modules
GET /ecom/licenses/{keycode}
POST /ecom/licenses/createTrial
POST /ecom/licenses/{licenseId}/addTrialModule
GET /notifications/subscriptions/eventtypes
GET /notifications/subscriptions
POST /notifications/subscriptions
GET /notifications/subscriptions/{subscriptionId}
PUT /notifications/subscriptions/{subscriptionId}
DELETE /notifications/subscriptions/{subscriptionId}
GET /notifications/subscriptions/{subscriptionId}/fetch
POST /notifications/subscriptions/{subscriptionId}/position
POST /notifications/subscriptions/{subscriptionId}/suspendwebhook
POST /notifications/subscriptions/{subscriptionId}/resumewebhook
GET /status/reporting/detectionandresponse/gsm/{k}
GET /status/reporting/detectionandresponse/gsm/{k}/sites/{keyCode}
GET /status/reporting/pillr/{partnerkeycode}
GET /status/reporting/pillr/{partnerkeycode}/customers
GET /status/reporting/pillr/{partnerkeycode}/customers/{customerkeycode}
GET /status/reporting/pillr/{partnerkeycode}/customers/{customerkeycode}/endpoints
GET /ecom/licenses/{licenseId}
PUT /ecom/licenses/{keycode}
DELETE /ecom/licenses/{keycode}
DELETE /ecom/licenses/{licenseId}
GET /ecom/licenses/{keycode}/childLicenses
GET /ecom/orders/{vendorOrderCode}
GET /securecloud/customers
GET /securecloud/customers/{customerId}
GET /securecloud/customers/{customerId}/services
GET /securecloud/customers/{customerId}/users
POST /securecloud/customers/{customerId}/users
GET /securecloud/customers/{customerId}/users/{userId}
PATCH /securecloud/customers/{customerId}/users/{userId}
GET /securecloud/customers/{customerId}/subscriptions
GET /securecloud/customers/{customerId}/subscriptions/{subscriptionKey}
PATCH /securecloud/customers/{customerId}/subscriptions/{subscriptionKey}
POST /securecloud/usage/charges
POST /securecloud/usage/charges/events`
}

func catalogue() []route {
	all := served()
	for line := range strings.Lines(documented()) {
		method, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		all = append(all, route{method: method, segments: strings.Split(path, "/")})
	}
	return all
}

// match finds the route of a path. Literal segments win over parameters. The
// last result tells whether the path exists under another method.
func (s *Server) match(method, path string) (*route, map[string]string, bool) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var best *route
	literals, known := -1, false
	for i := range s.routes {
		rt := &s.routes[i]
		n, fits := rt.fits(parts)
		if !fits {
			continue
		}
		known = true
		if rt.method == method && n > literals {
			best, literals = rt, n
		}
	}
	if best == nil {
		return nil, nil, known
	}
	params := map[string]string{}
	for i, seg := range best.segments {
		if strings.HasPrefix(seg, "{") {
			params[seg[1:len(seg)-1]] = parts[i]
		}
	}
	return best, params, true
}

func (rt *route) fits(parts []string) (literals int, fits bool) {
	if len(parts) != len(rt.segments) {
		return 0, false
	}
	for i, seg := range rt.segments {
		switch {
		case strings.HasPrefix(seg, "{"):
			if parts[i] == "" {
				return 0, false
			}
		case strings.EqualFold(seg, parts[i]):
			literals++
		default:
			return 0, false
		}
	}
	return literals, true
}
