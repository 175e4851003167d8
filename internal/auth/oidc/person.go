package oidc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jmespath/go-jmespath"
)

// Person is a person authenticated by the provider.
type Person struct {
	Issuer, Subject    string
	Login, Email, Name string
	// EmailVerified is the provider's claim about the address; false also if there is no such claim.
	EmailVerified bool
	// Role is the unmodified result of RolePath; empty without a path or a result.
	Role string
	// IDToken is sent to the provider at logout; empty without an issuer.
	IDToken string
}

// RefusedError contains why a person known to the provider may not log in.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// paths are the locations of a person's data in the claims.
type paths struct{ role, groups, login, email, name *jmespath.JMESPath }

func (c Config) compile() (p paths, err error) {
	for _, path := range []struct {
		what, text string
		to         **jmespath.JMESPath
	}{
		{"role", c.RolePath, &p.role},
		{"groups", or(c.GroupsPath, "groups"), &p.groups},
		{"login", or(c.LoginPath, "login || username"), &p.login},
		{"email", or(c.EmailPath, `email || attributes."email:primary"[0] || upn`), &p.email},
		{"name", or(c.NamePath, "name || display_name"), &p.name},
	} {
		if path.text == "" {
			continue
		}
		if *path.to, err = jmespath.Compile(path.text); err != nil {
			return p, fmt.Errorf("the path of the %s, %q, is not a valid JMESPath expression: %w", path.what, path.text, err)
		}
	}
	return p, nil
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// person reads the provider's claims and refuses people who may not log in.
func (p *Provider) person(s said) (Person, error) {
	for i, c := range s.claims {
		s.claims[i] = plainNumbers(c)
	}
	who := Person{Issuer: s.issuer, Subject: s.subject, IDToken: s.idToken}
	who.Email = s.text(p.paths.email)
	who.Login = or(s.text(p.paths.login), who.Email)
	if who.Login == "" {
		who.Login = s.claim("preferred_username")
	}
	who.Login = or(who.Login, s.subject)
	who.Name = s.text(p.paths.name)
	who.Role = s.text(p.paths.role)
	verified := s.claim("email_verified")
	who.EmailVerified = who.Email != "" && verified == "true" && who.Email == s.claim("email")
	if domains := p.config.AllowedDomains; len(domains) > 0 {
		_, domain, _ := strings.Cut(who.Email, "@")
		if !slices.ContainsFunc(domains, func(d string) bool { return strings.EqualFold(strings.TrimPrefix(d, "@"), domain) }) || domain == "" {
			return who, &RefusedError{"your email address is of none of the domains that may sign in"}
		}
		if verified == "false" {
			return who, &RefusedError{"your email address is not verified, and by its domain it is decided who may sign in"}
		}
	}
	if allowed := p.config.AllowedGroups; len(allowed) > 0 {
		groups := s.list(p.paths.groups)
		if !slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(allowed, g) }) {
			return who, &RefusedError{"you are in none of the groups that may sign in"}
		}
	}
	return who, nil
}

// plainNumbers converts numbers into the type that JMESPath compares.
func plainNumbers(claims map[string]any) map[string]any {
	text, err := json.Marshal(claims)
	if err != nil {
		return claims
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		return claims
	}
	return plain
}

// text returns the first string that the path finds, first in the token and then in the API response.
func (s said) text(path *jmespath.JMESPath) string {
	if path == nil {
		return ""
	}
	for _, claims := range s.claims {
		if value, err := path.Search(claims); err == nil {
			if text, ok := value.(string); ok && strings.TrimSpace(text) != "" {
				return strings.TrimSpace(text)
			}
		}
	}
	return ""
}

func (s said) claim(name string) string {
	for _, claims := range s.claims {
		if value, ok := claims[name]; ok && value != nil {
			return fmt.Sprint(value)
		}
	}
	return ""
}

func (s said) list(path *jmespath.JMESPath) (all []string) {
	for _, claims := range s.claims {
		value, err := path.Search(claims)
		if err != nil {
			continue
		}
		switch v := value.(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, item := range v {
				if text, ok := item.(string); ok {
					all = append(all, text)
				}
			}
		}
	}
	return all
}
