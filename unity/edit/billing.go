package edit

import (
	"strconv"
	"strings"
	"time"
)

// Billing cycles (§3.3.3).
const (
	Annually  = "Annually"
	Quarterly = "Quarterly"
	Monthly   = "Monthly"
	Weekly    = "Weekly"
)

// defaultBillingDate is what the server takes when a new site names none (§3.3.3).
const defaultBillingDate = "Jan 01"

// billingRule is what a billing date has to look like, which depends on the cycle (§3.3.3).
func billingRule(date string, all Values) string {
	cycle := all["BillingCycle"]
	if cycle == "" {
		cycle = Annually
	}
	if date == "" {
		date = defaultBillingDate
	}
	if fitsCycle(cycle, date) {
		return ""
	}
	switch cycle {
	case Annually:
		return `billed every year: a month and a day, for example "Aug 14"`
	case Quarterly:
		return `billed every quarter: Jan, Feb or Mar for its first, second or third month, and a day from 1 to 28, for example "Feb 15"`
	case Monthly:
		return "billed every month: a day from 1 to 28"
	case Weekly:
		return "billed every week: a day from 1 (Monday) to 7 (Sunday)"
	}
	return "" // the cycle itself is at fault
}

func fitsCycle(cycle, date string) bool {
	switch cycle {
	case Annually:
		_, err := monthDay(date)
		return err == nil
	case Quarterly:
		at, err := monthDay(date)
		return err == nil && at.Month() <= time.March && at.Day() <= 28
	case Monthly:
		n, err := strconv.Atoi(date)
		return err == nil && n >= 1 && n <= 28
	case Weekly:
		n, err := strconv.Atoi(date)
		return err == nil && n >= 1 && n <= 7
	}
	return true
}

func monthDay(s string) (time.Time, error) {
	at, err := time.Parse("Jan 2", s)
	if err != nil {
		return time.Parse("Jan 02", s)
	}
	return at, nil
}

// tidyDate writes a billing date as the reference does: "aug  14" is "Aug 14", "07" is "7".
func tidyDate(s string) string {
	if n, err := strconv.Atoi(s); err == nil {
		return strconv.Itoa(n)
	}
	parts := strings.Fields(s)
	if len(parts) != 2 || len(parts[0]) < 3 || len(parts[0]) > 9 {
		return s
	}
	month := strings.ToUpper(parts[0][:1]) + strings.ToLower(parts[0][1:])
	if at, err := time.Parse("January", month); err == nil {
		month = at.Format("Jan")
	}
	if out := month + " " + parts[1]; fitsCycle(Annually, out) {
		return out
	}
	return s
}
