package driver

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
)

// TestCodes: each way to end has its code, and what went wrong is said once.
func TestCodes(t *testing.T) {
	for name, tc := range map[string]struct {
		args   []string
		broken int
		err    error
		code   int
		says   string
	}{
		"kept":     {nil, 0, nil, Kept, ""},
		"broken":   {nil, 2, nil, Broken, ""},
		"rig":      {nil, 0, errors.New("no room"), Broken, "try: no room\n"},
		"help":     {[]string{"-h"}, 0, nil, Kept, "Usage of try:"},
		"flag":     {[]string{"-nobody"}, 0, nil, Usage, "try: flag provided but not defined: -nobody\n"},
		"argument": {[]string{"more"}, 0, nil, Usage, "try: unexpected argument \"more\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			ran := false
			c := Command[int]{Name: "try",
				Parse: func(args []string, errs io.Writer) (n int, err error) {
					f := flag.NewFlagSet("try", flag.ContinueOnError)
					f.IntVar(&n, "n", 7, "a number")
					return n, Parse(f, args, errs)
				},
				Run: func(_ context.Context, n int, out, _ io.Writer) (int, error) {
					ran = n == 7
					_, err := io.WriteString(out, "rows")
					return tc.broken, errors.Join(tc.err, err)
				}}
			var out, errs bytes.Buffer
			if code := c.Do(t.Context(), tc.args, &out, &errs); code != tc.code {
				t.Errorf("code %d, not %d", code, tc.code)
			}
			if ran != (tc.args == nil) || ran != (out.String() == "rows") || !strings.Contains(errs.String(), tc.says) || tc.says == "" && errs.Len() > 0 {
				t.Errorf("ran %v, printed %q, said %q", ran, out.String(), errs.String())
			}
		})
	}
}

func TestCounted(t *testing.T) {
	if got := Counted(map[string]int{"b": 2, "a": 1}); got != "a 1, b 2" {
		t.Error(got)
	}
	if got := Counted(nil); got != "none" {
		t.Error(got)
	}
}
