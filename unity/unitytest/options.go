package unitytest

import "time"

// Options describe the simulated console. The zero value is a console of 40
// sites and 1000 endpoints without faults, limits or latency.
type Options struct {
	// Sites and Endpoints are the exact numbers to build; zero means 40 and
	// 1000. A negative number means none.
	Sites, Endpoints int
	// Seed decides every name, id and random choice.
	Seed uint64
	// Latency is added to each call, with a seeded jitter of ±30 %.
	Latency time.Duration
	// AccessTTL and RefreshTTL are the lifetimes of tokens; zero means the
	// documented 5 minutes and 14 days.
	AccessTTL, RefreshTTL time.Duration
	// Rate is the number of calls per second that are allowed; calls above it
	// are answered with 429. Zero means no limit.
	Rate float64
	// Parallel is the number of calls served at once; calls above it are
	// answered with 429. Zero means no limit.
	Parallel int
	// Speed shortens what agents and infections take (poll gaps, command
	// windows, churn) by this factor. Tokens are not affected. Zero means 1.
	Speed float64
	// PollWithin, when positive, makes a reachable machine that gets a command
	// poll within this time.
	PollWithin time.Duration
	// Faults maps names of faults to their probability per call.
	Faults map[string]float64
	// Variants are the names of the variants that are switched on.
	Variants []string
	// Now is the clock; nil means time.Now. Advance and POST /_sim/clock add
	// to it.
	Now func() time.Time
	// User chooses the built-in user that Credentials returns: "super" (the
	// default), "limited", "apionly" or "default".
	User string
}

// Names of the built-in users.
const (
	// UserSuper is a super admin with access to every site and every scope of
	// a console user.
	UserSuper = "super"
	// UserLimited is an admin who may only view the console; a third of the
	// sites are open to changes, a third to reading, a third not at all.
	UserLimited = "limited"
	// UserAPIOnly is a super admin without access to any site.
	UserAPIOnly = "apionly"
	// UserDefault is an admin with the access of UserSuper whose tokens can
	// have the scope Console.GSM only, as every console user has by default.
	UserDefault = "default"
)

// Credentials are what one user signs in with, and the console it opens.
type Credentials struct {
	GSMKey       string `json:"gsm_key"`
	Username     string `json:"username"`
	Password     string `json:"password"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

func (o Options) withDefaults() Options {
	if o.Sites == 0 {
		o.Sites = 40
	}
	if o.Endpoints == 0 {
		o.Endpoints = 1000
	}
	o.Sites, o.Endpoints = max(o.Sites, 0), max(o.Endpoints, 0)
	if o.Sites == 0 {
		o.Endpoints = 0
	}
	if o.AccessTTL <= 0 {
		o.AccessTTL = 5 * time.Minute
	}
	if o.RefreshTTL <= 0 {
		o.RefreshTTL = 14 * 24 * time.Hour
	}
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.User == "" {
		o.User = UserSuper
	}
	return o
}
