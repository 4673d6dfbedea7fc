package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/auth"
	"github.com/unitty/unitty/unity"
	"github.com/unitty/unitty/unity/unitytest"
)

// simFlags describe a simulated console.
type simFlags struct {
	listen           string
	vault            bool
	sites, endpoints int
	seed             uint64
	latency          time.Duration
	accessTTL        time.Duration
	refreshTTL       time.Duration
	rate, faults     string
	variants, user   string
	speed            float64
}

func (f *simFlags) flags(c *cobra.Command) {
	fl := c.Flags()
	fl.IntVar(&f.sites, "sites", 40, "number of sites")
	fl.IntVar(&f.endpoints, "endpoints", 1000, "number of endpoints")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of the world")
	fl.DurationVar(&f.latency, "latency", 0, "time each call takes")
	fl.DurationVar(&f.accessTTL, "access-ttl", 5*time.Minute, "life of access tokens")
	fl.DurationVar(&f.refreshTTL, "refresh-ttl", 14*24*time.Hour, "life of refresh tokens")
	fl.StringVar(&f.rate, "rate", "", "calls allowed, for example 20/s")
	fl.Float64Var(&f.speed, "speed", 1, "how much faster the world and its agents live; tokens keep their time")
	fl.StringVar(&f.faults, "faults", "", "faults with their rates, for example 503:0.05,reset-after:0.01")
	fl.StringVar(&f.variants, "variants", "", "variants of undocumented shapes, comma-separated")
	fl.StringVar(&f.user, "user", "super", "super, limited, apionly or default")
}

func (f *simFlags) options() (unitytest.Options, error) {
	o := unitytest.Options{Sites: f.sites, Endpoints: f.endpoints, Seed: f.seed, Latency: f.latency, AccessTTL: f.accessTTL, RefreshTTL: f.refreshTTL,
		Speed: f.speed, User: f.user, Faults: map[string]float64{}}
	if f.endpoints == 0 {
		o.Endpoints = -1 // none; 0 is the simulator's own number
	}
	if f.sites < 1 || f.endpoints < 0 || f.speed <= 0 || f.latency < 0 || f.accessTTL <= 0 || f.refreshTTL <= 0 {
		return o, usagef("--sites, --speed, --access-ttl and --refresh-ttl have to be positive, --endpoints and --latency not negative")
	}
	if f.rate != "" {
		n, unit, _ := strings.Cut(f.rate, "/")
		r, err := strconv.ParseFloat(n, 64)
		if err != nil || r <= 0 || unit != "" && unit != "s" {
			return o, usagef("--rate: %q; write 20/s", unity.Clean(f.rate))
		}
		o.Rate = r
	}
	for _, part := range splitList(f.faults) {
		name, rate, ok := strings.Cut(part, ":")
		r, err := strconv.ParseFloat(rate, 64)
		if !ok || err != nil || r < 0 || r > 1 {
			return o, usagef("--faults: %q; write name:rate with a rate from 0 to 1", unity.Clean(part))
		}
		o.Faults[name] = r
	}
	o.Variants = splitList(f.variants)
	return o, nil
}

func splitList(s string) []string {
	var out []string
	for _, part := range strings.Split(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// simulator is a running simulated API.
type simulator struct {
	*unitytest.Server
	url  string
	http *http.Server
	done chan error
}

func startSimulator(ctx context.Context, o unitytest.Options, listen string) (*simulator, error) {
	server := unitytest.New(o)
	if err := server.Err(); err != nil {
		return nil, usagef("%v", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, usagef("--listen: %v", err)
	}
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		_ = l.Close()
		return nil, refusedf("refused: the simulator's credentials are printed, so it listens on loopback only")
	}
	s := &simulator{Server: server, url: "http://" + l.Addr().String(), done: make(chan error, 1),
		http: &http.Server{Handler: server, ReadHeaderTimeout: 10 * time.Second}}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

func (s *simulator) stop() {
	_ = s.http.Close()
	<-s.done //nolint:errcheck // it was closed on purpose
}

func (a *app) simulateCommand() *cobra.Command {
	var f simFlags
	c := &cobra.Command{Use: "simulate", Short: "Serve the simulated API until interrupted", Args: cobra.NoArgs,
		Long: simulateHelp(), RunE: func(cmd *cobra.Command, _ []string) error { return a.simulate(cmd.Context(), f) }}
	f.flags(c)
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback address to listen on")
	c.Flags().BoolVar(&f.vault, "secret-server", false, "also serve a simulated Secret Server that holds the credentials")
	return c
}

func simulateHelp() string {
	var b strings.Builder
	b.WriteString("Serves a simulated Unity API on loopback and prints one JSON line with its address and credentials.\nControl at POST /_sim/{faults,password,variant,clock}, the log of requests at GET /_sim/log.\n\nFaults:\n")
	for _, f := range unitytest.Faults() {
		fmt.Fprintf(&b, "  %-26s %s\n", f.Name, f.Doc)
	}
	b.WriteString("\nVariants:\n")
	for _, v := range unitytest.Variants() {
		fmt.Fprintf(&b, "  %-26s %s\n", v.Name, v.Doc)
	}
	return b.String()
}

func (a *app) simulate(ctx context.Context, f simFlags) error {
	o, err := f.options()
	if err != nil {
		return err
	}
	sim, err := startSimulator(ctx, o, f.listen)
	if err != nil {
		return err
	}
	defer sim.stop()
	c := sim.Credentials()
	var vault *vaultLine
	if f.vault {
		v, err := startVault(ctx, c)
		if err != nil {
			return err
		}
		defer v.stop()
		vault = &v.line
	}
	line, err := json.Marshal(struct {
		BaseURL      string `json:"base_url"`
		GSMKey       string `json:"gsm_key"`
		Username     string `json:"username"`
		Password     string `json:"password"`
		ClientID     string `json:"client_id"`
		ClientSecret string `json:"client_secret"`
		// SecretServer is there with --secret-server only.
		SecretServer *vaultLine `json:"secret_server,omitempty"`
	}{sim.url, c.GSMKey, c.Username, c.Password, c.ClientID, c.ClientSecret, vault})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.out, "%s\n", line)
	select {
	case <-ctx.Done():
		return nil
	case err := <-sim.done:
		sim.done <- err
		return fmt.Errorf("the simulator stopped: %w", err)
	}
}

func (a *app) demoCommand() *cobra.Command {
	var f simFlags
	c := &cobra.Command{Use: "demo", Short: "The full-screen console on a simulated GSM console", Args: cobra.NoArgs,
		Long: "Opens the full-screen console on a simulated GSM console inside the process. Nothing is read from or written to your\nconfiguration; machines you act on poll within 15 seconds. The names for --faults and --variants are in \"unitty simulate --help\".",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.demo(cmd.Context(), f) }}
	f.flags(c)
	return c
}

// demoPoll is how soon a machine polls that was given a command in the demo.
const demoPoll = 15 * time.Second

func (a *app) demo(ctx context.Context, f simFlags) error {
	if err := a.screenPossible(); err != nil {
		return err
	}
	o, err := f.options()
	if err != nil {
		return err
	}
	o.PollWithin = demoPoll
	sim, err := startSimulator(ctx, o, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer sim.stop()
	dir, err := os.MkdirTemp("", "unitty-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, creds, err := demoSettings(sim, dir)
	if err != nil {
		return err
	}
	sess := &session{settings: s, calls: newCallLog(), store: auth.NewMemoryStore()}
	defer sess.close()
	if err := a.openDebug(sess); err != nil {
		return err
	}
	if err := sess.connect(ctx, a.flags.timeout); err != nil {
		return err
	}
	if err := sess.engine.SignIn(ctx, creds); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return a.screen(ctx, &screenOf{session: sess, demo: true, credentials: creds})
}

func demoSettings(sim *simulator, dir string) (*settings, auth.Credentials, error) {
	c := sim.Credentials()
	key, err := unity.ParseKeycode(c.GSMKey)
	if err != nil {
		return nil, auth.Credentials{}, err
	}
	s := &settings{paths: paths{Config: dir, State: dir, Cache: dir}, Profile: "demo", BaseURL: sim.url, Key: key,
		Username: c.Username, ClientID: c.ClientID, Refresh: 15 * time.Second, IdleLock: 15 * time.Minute}
	return s, auth.Credentials{Username: c.Username, Password: auth.NewSecret(c.Password), ClientID: c.ClientID, ClientSecret: auth.NewSecret(c.ClientSecret)}, nil
}
