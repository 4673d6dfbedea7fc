package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/unitty/unitty/unity"
)

// openCommand gives the address of the web console, for what the API cannot do.
func (a *app) openCommand() *cobra.Command {
	var show bool
	c := &cobra.Command{Use: "open [SITE]", Short: "Give a sign-in address of the web console, or of a site in it", Args: cobra.MaximumNArgs(1),
		Long: `Prints an address that opens the web console of the GSM key, or of the site named by id, keycode or name, as the API's user.
The address is good for five minutes. It is a secret: whoever has it is signed in. So it goes to a pipe or a file, and to a
terminal with --show only.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.tty && !show {
				return refusedf("refused: the address is a secret and this is a terminal; give --show to see it")
			}
			return a.verb(cmd.Context(), func(ctx context.Context, sess *session) error {
				var site unity.SiteID
				if len(args) > 0 {
					s, err := sess.site(ctx, args[0])
					if err != nil {
						return err
					}
					site = s.ID
				}
				address, err := sess.client.ConsoleURL(ctx, site)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(a.out, address.Reveal())
				return err
			})
		}}
	c.Flags().BoolVar(&show, "show", false, "print the address although this is a terminal")
	return c
}
