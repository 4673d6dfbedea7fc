package unitytest

import "fmt"

// VariantInfo describes one way in which the real API may differ from what
// its documentation settles.
type VariantInfo struct {
	// Name is what SetVariant and POST /_sim/variant take.
	Name string
	// Doc says what changes when the variant is on.
	Doc string
	// Group, when not empty, names a set of which exactly one is on.
	Group string
	// Default tells whether the variant is on at the start.
	Default bool
}

// Variants lists every variant there is.
func Variants() []VariantInfo {
	v := authVariants()
	v = append(v, shapeVariants()...)
	return append(v, ruleVariants()...)
}

func authVariants() []VariantInfo {
	return []VariantInfo{
		{Name: "family-revoke", Doc: "The use of a spent refresh token kills the whole chain with its access tokens."},
		{Name: "nested-invalid-grant", Doc: "A dead refresh token is answered with invalid_request and the code as JSON inside the description."},
		{Name: "fewer-scopes", Doc: "Tokens get only the first of the scopes asked for, Console.GSM before others."},
		{Name: "invalid-scope", Doc: "A scope that is unknown or beyond the user's rights fails the whole request with invalid_scope."},
		{Name: "single-chain", Doc: "A new sign-in of a user kills the chain of the earlier one."},
		{Name: "no-refresh-token", Doc: "The answer to a refresh has no refresh token; the old one stays valid."},
		{Name: "grant-401", Doc: "invalid_grant and invalid_client come with status 401."},
		{Name: "user-agent-required", Doc: "Calls without a User-Agent of the form name/version are refused with 400."},
		{Name: "access-dies-on-refresh", Doc: "A refresh invalidates the access tokens issued before it."},
		{Name: "absolute-14d", Doc: "The life of refresh tokens counts from the sign-in, not from their issue."},
		{Name: "authorization-code", Doc: "The authorization code grant and GET /auth/authorize are served."},
		{Name: "token-error-full", Doc: "Errors of the token endpoint have the body of resource errors instead of the OAuth pair."},
	}
}

func shapeVariants() []VariantInfo {
	return []VariantInfo{
		{Name: "status-no-ids", Group: "status", Default: true, Doc: "Agent status rows have only the keys known for certain: no MachineId, no KC."},
		{Name: "status-with-ids", Group: "status", Doc: "Agent status rows carry MachineId and KC."},
		{Name: "status-extra-keys", Doc: "Agent status rows carry keys and sections nobody documented."},
		{Name: "endpoint-minimal", Doc: "Endpoint records have only EndpointId, MachineId, HostName, LastSeen and Deactivated."},
		{Name: "endpoint-names", Doc: "Endpoint records add GroupName and PolicyName."},
		{Name: "single-bare", Group: "single", Default: true, Doc: "GET of one endpoint answers with the bare record."},
		{Name: "single-envelope", Group: "single", Doc: "GET of one endpoint answers with the envelope of the list."},
		{Name: "groups-bare-count", Doc: "The groups list has no count and only GroupId in its records, which is all that is certain."},
		{Name: "policies-alt", Doc: "The policies list has Count, and records of Id, Name and Description."},
		{Name: "keycodes-mixed", Group: "keycodes", Default: true, Doc: "Half of the sites show their keycode with dashes, half without."},
		{Name: "keycodes-undashed", Group: "keycodes", Doc: "Keycodes in bodies have no dashes."},
		{Name: "keycodes-dashed", Group: "keycodes", Doc: "Keycodes in bodies have dashes."},
		{Name: "nulls-dropped", Doc: "Keys without a value are left out instead of being null."},
		{Name: "error-array", Doc: "AdditionalInformation of errors is an empty array, as the guide types it."},
		{Name: "error-keys-lower", Doc: "The key additionalInformation of errors begins with a lower-case letter."},
		{Name: "error-xml", Doc: "Errors are the ill-formed XML of the guide's sample, whatever Accept asks for."},
		{Name: "dates-zoneless", Doc: "All dates come without fraction and zone."},
		{Name: "numbers-as-strings", Doc: "Integers of resource bodies are JSON strings."},
		{Name: "threats-null-info", Doc: "Threat records have ExtendedInfo null, instead of no such key, when it is not asked for."},
		{Name: "create-site-empty", Doc: "Creating a site or an admin answers 204 without a body."},
	}
}

func ruleVariants() []VariantInfo {
	return []VariantInfo{
		{Name: "page-size-clamp-50", Doc: "Console lists give at most 50 rows a page and say so in PageSize."},
		{Name: "page-size-zero-400", Doc: "A page size or number below 1 is refused with 400, instead of meaning the default."},
		{Name: "host-search-exact", Doc: "The hostName filter matches whole names, instead of parts."},
		{Name: "unknown-endpoints-ignored", Doc: "Ids in EndpointsList that the site does not have are passed over, instead of failing the call with 404."},
		{Name: "commands-deactivate", Doc: "deactivate and reactivate are valid agent commands."},
		{Name: "admin-lag", Doc: "Changes of site access show up after two minutes only."},
		{Name: "site-admin-silent", Default: true, Doc: "PUT site admins answers 204 but leaves site-only admins as they are."},
		{Name: "validation-422", Doc: "Validation errors of changes have status 422 instead of 400."},
		{Name: "parent-trial", Doc: "The console itself has a trial license, so trials cannot be converted."},
		{Name: "rate-retry-after", Doc: "429 of the rate limit carries Retry-After."},
	}
}

type variantSet map[string]bool

func newVariantSet() variantSet {
	set := variantSet{}
	for _, v := range Variants() {
		set[v.Name] = v.Default
	}
	return set
}

// set switches a variant; of a group exactly one stays on.
func (set variantSet) set(name string, on bool) error {
	all := Variants()
	var found *VariantInfo
	for i := range all {
		if all[i].Name == name {
			found = &all[i]
		}
	}
	if found == nil {
		return fmt.Errorf("unitytest: no variant is named %q", name)
	}
	if found.Group == "" {
		set[name] = on
		return nil
	}
	chosen := ""
	for _, v := range all {
		if v.Group != found.Group {
			continue
		}
		set[v.Name] = false
		// Switching one off falls back to the default of the group, or to
		// the first other one when it is the default itself.
		if !on && v.Name != name && (chosen == "" || v.Default) {
			chosen = v.Name
		}
	}
	if on {
		chosen = name
	}
	set[chosen] = true
	return nil
}
