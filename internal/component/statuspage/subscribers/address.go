package subscribers

import (
	"net/mail"
	"regexp"
	"strings"
)

// domain is the part of an address after the @; internationalized names are in their ASCII form.
var domain = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$`)

// local is the part before the @, without quotes and escapes.
var local = regexp.MustCompile("^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}$")

const maxAddress = 254

// parseAddress returns an address in the form in which it is stored; false if it is not a plain one. Two that differ only in case
// are the same.
func parseAddress(text string) (address string, ok bool) {
	address = strings.ToLower(strings.TrimSpace(text))
	before, after, _ := strings.Cut(address, "@")
	if len(address) > maxAddress || len(after) > maxAddress-2 || !local.MatchString(before) || !domain.MatchString(after) {
		return "", false
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || parsed.Name != "" {
		return "", false
	}
	return address, true
}
