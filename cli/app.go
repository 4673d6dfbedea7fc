package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// version is set by the linker: -X github.com/unitty/unitty/cli.version=1.2.3.
var version = "0.1.0-dev"

// app is one run of the program: its streams, its environment, its flags.
type app struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	// terminal tells whether a person can be asked: standard input and standard error are terminals.
	terminal bool
	// tty tells whether standard output is a terminal.
	tty bool

	flags globalFlags
	// newProfile tells that the profile of the flags may be one that does not exist yet.
	newProfile bool
	// fullScreen tells that the screens have the terminal, so that nothing else may ask on it.
	fullScreen bool
	// ended is closed when a signal ends the run; a question must not outlive it.
	ended <-chan struct{}
	// changes tells that a change was about to be sent.
	changes bool
}

type globalFlags struct {
	profile, baseURL, gsmKey string
	readOnly                 bool
	output, columns, jq      string
	color                    string
	timeout                  time.Duration
	debug                    string
}

// Main runs the program and gives its exit code.
func Main(args []string) int {
	// These make the terminal library log every typed byte, passwords included.
	_ = os.Unsetenv("TEA_TRACE")
	_ = os.Unsetenv("TEA_DEBUG")
	hardenProcess()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv,
		terminal: term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
		tty:      term.IsTerminal(int(os.Stdout.Fd()))}
	ctx, stop := withSignals(context.Background())
	defer stop()
	return a.run(ctx, args)
}

func (a *app) run(ctx context.Context, args []string) int {
	a.ended = ctx.Done()
	root := a.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err != nil && unread(ctx, err):
		return a.unreadCode(err)
	case err != nil && ctx.Err() != nil:
		err = &codeError{exitInterrupted, "interrupted"}
	}
	if err != nil {
		a.printError(asUsage(err))
	}
	return exitCode(asUsage(err))
}

// asUsage recognises the mistakes that the command parser reports as plain errors.
func asUsage(err error) error {
	if err == nil || strings.HasSuffix(err.Error(), "(see --help)") {
		return err
	}
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "flag needs an argument", "invalid argument", "accepts ", "requires at least", "required flag"} {
		if strings.HasPrefix(err.Error(), start) {
			return usagef("%s (see --help)", err.Error())
		}
	}
	return err
}

// command builds the tree of verbs.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "unitty",
		Short: "The console of the Webroot Unity API for the terminal",
		Long: `unitty shows the sites, groups and endpoints of a Webroot GSM console and sends agent commands to them.

Without a verb it opens the full-screen console. "unitty demo" shows the same on a simulated console.

Exit codes: 0 done, 1 failed, 2 usage, 3 sign-in needed, 4 some machines failed or are unknown, 5 refused, 6 out of reach or
busy, 130 interrupted.`,
		Example: `  unitty login                             sign in once; the sign-in is kept and renewed
  unitty                                   the full-screen console
  unitty find frontdesk                    a machine by any of its names
  unitty scan FRONTDESK-02 --dry-run       what would be sent, to which machines
  unitty endpoint list --where 'seen:>30d' -o csv
  unitty doctor                            what is wrong here, when something is`,
		Version:       versionLine(),
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		RunE:              func(cmd *cobra.Command, _ []string) error { return a.console(cmd.Context()) },
	}
	root.Args = noVerb(root)
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	f := root.PersistentFlags()
	f.StringVar(&a.flags.profile, "profile", "", "profile to use")
	f.StringVar(&a.flags.baseURL, "base-url", "", "address of the API")
	f.StringVar(&a.flags.gsmKey, "gsm-key", "", "keycode of the GSM console")
	f.BoolVar(&a.flags.readOnly, "read-only", false, "refuse every change")
	f.StringVarP(&a.flags.output, "output", "o", "", "table, json, ndjson or csv")
	f.StringVar(&a.flags.columns, "columns", "", "columns to show, comma-separated")
	f.StringVar(&a.flags.jq, "jq", "", "filter the JSON with a jq expression")
	f.StringVar(&a.flags.color, "color", "auto", "auto, always or never")
	f.DurationVar(&a.flags.timeout, "timeout", 30*time.Second, "time limit of one API call")
	f.StringVar(&a.flags.debug, "debug", "", "append API calls to this file")
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		return errors.Join(a.checkFlags(), checkNames(cmd, args))
	}
	root.AddCommand(
		a.demoCommand(), a.simulateCommand(), a.loginCommand(), a.logoutCommand(), a.statusCommand(), a.profileCommand(),
		a.findCommand(), a.siteCommand(), a.groupCommand(), a.endpointCommand(), a.commandCommand(), a.jobCommand(), a.policyCommand(),
		a.threatCommand(), a.adminCommand(), a.usageCommand(), a.watchCommand(), a.openCommand(), a.apiCommand(), a.tokenCommand(), a.proxyCommand(), a.doctorCommand(), a.cacheCommand(), a.configCommand(), a.completionCommand(), a.manCommand(), a.versionCommand(),
	)
	root.AddCommand(a.shortCommands()...)
	a.withViews(root)
	a.withCompletion(root)
	for _, c := range root.Commands() {
		for _, sub := range c.Commands() {
			if sub.RunE == nil && sub.Run == nil {
				continue
			}
			c.Args = noVerb(c)
			c.RunE = func(cmd *cobra.Command, _ []string) error {
				return usagef("%s needs a verb (see --help)", cmd.CommandPath())
			}
			break
		}
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%v", err) })
	return root
}

// checkNames refuses names that are empty: left out, they would mean everything.
func checkNames(cmd *cobra.Command, args []string) error {
	if cmd.Name() == cobra.ShellCompRequestCmd {
		return nil // a shell that completes asks for words after an empty one
	}
	for _, name := range []string{"site", "group", "host", "endpoint", "from", "to", "policy"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed && strings.Trim(f.Value.String(), " []") == "" {
			return usagef("--%s is empty", name)
		}
	}
	for _, arg := range args {
		if strings.TrimSpace(arg) == "" {
			return usagef("an empty name selects nothing")
		}
	}
	return nil
}

// nearby is by how many letters a verb may differ from what was typed to be offered instead.
const nearby = 2

// noVerb names the verb that is not there, and those that may have been meant.
func noVerb(c *cobra.Command) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		c.SuggestionsMinimumDistance = nearby
		if meant := c.SuggestionsFor(args[0]); len(meant) > 0 {
			return usagef("%s has no verb %q; did you mean %s? (see --help)", c.CommandPath(), args[0], strings.Join(meant, " or "))
		}
		return usagef("%s has no verb %q (see --help)", c.CommandPath(), args[0])
	}
}

func (a *app) checkFlags() error {
	switch a.flags.output {
	case "", "table", "json", "ndjson", "csv":
	default:
		return usagef("--output is table, json, ndjson or csv, not %q", a.flags.output)
	}
	switch a.flags.color {
	case "auto", "always", "never":
	default:
		return usagef("--color is auto, always or never, not %q", a.flags.color)
	}
	if a.flags.timeout <= 0 {
		return usagef("--timeout has to be longer than nothing")
	}
	if a.flags.jq != "" {
		if a.flags.output == "table" || a.flags.output == "csv" {
			return usagef("--jq works on JSON, not on %s", a.flags.output)
		}
		if _, err := compileJQ(a.flags.jq); err != nil {
			return err
		}
	}
	return nil
}
