package edit

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/unitty/unitty/unity"
)

// tidy gives one way of writing to values that can be written in several.
func (f Field) tidy(value string) string {
	if f.Kind == Lines {
		return strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n"))
	}
	value = strings.TrimSpace(value)
	switch f.Kind {
	case Number:
		if n, err := strconv.Atoi(value); err == nil {
			return strconv.Itoa(n)
		}
	case YesNo:
		if on, ok := truth(value); ok {
			return strconv.FormatBool(on)
		}
	case Choice, Level:
		return f.option(value)
	case Emails:
		return strings.Join(splitList(value), ",")
	case Policy:
		return strings.ToLower(value)
	case Modules:
		if all, problem := parseModules(value); problem == "" {
			return formatModules(all)
		}
	case Text, Lines:
		if f.Name == "BillingDate" {
			return tidyDate(value)
		}
	}
	return value
}

// option finds the word of the reference for what was typed: the word in any case, or the number it stands for.
func (f Field) option(value string) string {
	if strings.EqualFold(value, "Anually") {
		return Annually // as a sample of the reference spells it
	}
	for _, o := range f.Options {
		if strings.EqualFold(o, value) {
			return o
		}
		if n, ok := f.numbers[o]; ok && strconv.Itoa(n) == value {
			return o
		}
	}
	return value
}

func truth(s string) (on, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "y", "on", "1":
		return true, true
	case "false", "no", "n", "off", "0":
		return false, true
	}
	return false, false
}

// splitList takes a list apart at commas, semicolons, blanks and line ends, which is how addresses are pasted.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
}

// checkKind says what is wrong with a value that is not empty, as far as its kind tells.
func (f Field) checkKind(value string) string {
	if text := f.checkText(value); text != "" {
		return text
	}
	switch f.Kind {
	case Number:
		if _, err := strconv.ParseInt(value, 10, 32); err != nil {
			return "this has to be a whole number"
		}
	case YesNo:
		if _, ok := truth(value); !ok {
			return "this is yes or no"
		}
	case Choice, Level:
		for _, o := range f.Options {
			if o == value {
				return ""
			}
		}
		return "this is " + orList(f.Options)
	case Emails:
		return checkAddresses(value)
	case Policy:
		if !unity.IsGUID(value) {
			return "this has to be the id of a policy"
		}
	case Modules:
		_, problem := parseModules(value)
		return problem
	case Text, Lines:
	}
	return ""
}

// checkText holds text against its bounds, and refuses what cannot be seen: a name with a line end in it, or with marks that
// turn the direction of writing round, shows as another name than it is.
func (f Field) checkText(value string) string {
	if !utf8.ValidString(value) {
		return "this is not readable text"
	}
	if f.Kind == Lines && unity.CleanLines(value) != value && utf8.RuneCountInString(value) <= maxLines ||
		f.Kind == Text && unity.Clean(value) != value {
		return "this holds characters that cannot be seen"
	}
	switch n := utf8.RuneCountInString(value); {
	case f.Most > 0 && n > f.Most:
		return fmt.Sprintf("this has %d characters, at most %d are allowed", n, f.Most)
	case n < f.Least:
		return fmt.Sprintf("this needs %d to %d characters", f.Least, f.Most)
	}
	return ""
}

// maxLines is above the bound of any field of several lines; the cleaned view of longer text is cut and compares unequal.
const maxLines = 1000

func checkAddresses(value string) string {
	all := splitList(value)
	if len(all) > MaxAddresses {
		return fmt.Sprintf("these are %d addresses, at most %d are allowed", len(all), MaxAddresses)
	}
	seen := map[string]bool{}
	for _, a := range all {
		if _, ok := unity.Address(a); !ok {
			return fmt.Sprintf("%q is no e-mail address", unity.Clean(a))
		}
		if seen[strings.ToLower(a)] {
			return unity.Clean(a) + " is named twice"
		}
		seen[strings.ToLower(a)] = true
	}
	return ""
}

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
