package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/httpserver"
)

// adminUser is the first user as files and environment have it.
type adminUser struct {
	login string
	// password is empty when none is set; source says where it is from.
	password, source string
}

// Grafana's variables, which people have in their compose files.
const (
	envAdminUser     = "GF_SECURITY_ADMIN_USER"
	envAdminPassword = "GF_SECURITY_ADMIN_PASSWORD"
	envAdminFile     = "GF_SECURITY_ADMIN_PASSWORD__FILE"
	envSignUp        = "GF_USERS_ALLOW_SIGN_UP"
)

// adminUser reads --auth.admin-password-file and Grafana's variables. More than one password is an error: which of
// them was meant cannot be known.
func (o Options) adminUser(env func(string) (string, bool)) (a adminUser, warnings []string, err error) {
	a.login = auth.DefaultAdminLogin
	if login, _ := env(envAdminUser); strings.TrimSpace(login) != "" {
		a.login = strings.TrimSpace(login)
	}
	if value, _ := env(envSignUp); strings.EqualFold(value, "true") || value == "1" {
		warnings = append(warnings, envSignUp+"="+value+" has no effect: nobody can sign up by himself; an admin adds users")
	}
	var sources []string
	if password, _ := env(envAdminPassword); password != "" {
		a.password, a.source = password, envAdminPassword
		sources = append(sources, a.source)
	}
	for _, f := range []struct{ name, path string }{
		{envAdminFile, valueOf(env, envAdminFile)}, {"--auth.admin-password-file", o.Auth.AdminPasswordFile},
	} {
		if f.path == "" {
			continue
		}
		content, err := os.ReadFile(f.path)
		if err != nil {
			return a, warnings, fmt.Errorf("%s: read the admin's password: %w", f.name, err)
		}
		a.password, a.source = strings.TrimRight(string(content), "\r\n"), f.path
		if a.password == "" {
			return a, warnings, fmt.Errorf("%s: %s is empty; it should hold the admin's password", f.name, f.path)
		}
		sources = append(sources, f.name)
	}
	if len(sources) > 1 {
		return a, warnings, fmt.Errorf("the admin's password is set by %s; leave one", strings.Join(sources, " and by "))
	}
	if a.password != "" && auth.WellKnownPassword(a.login, a.password) {
		warnings = append(warnings, "the password of "+a.source+" is the first that everybody tries; choose another")
	}
	return a, warnings, nil
}

// initialPasswordFile is where the generated password of the first admin is until it is changed.
func (o Options) initialPasswordFile() string {
	return filepath.Join(o.StoragePath, "initial-admin-password")
}

func valueOf(env func(string) (string, bool), name string) string {
	value, _ := env(name)
	return value
}

// ResetPassword gives a user, the admin when login is empty, a new password and returns both. It works on the data
// folder, whether or not an Ausguck runs on it.
func ResetPassword(ctx context.Context, o Options, login string) (name, password string, warnings []string, err error) {
	o = o.complete()
	admin, _, err := o.adminUser(os.LookupEnv)
	if err != nil {
		return "", "", nil, &ConfigError{Problems: []error{err}}
	}
	if login == "" {
		login = admin.login
	}
	path := filepath.Join(o.StoragePath, "ausguck.db")
	if !fileExists(path) {
		return "", "", nil, fmt.Errorf("there is no %s; name the folder of the data with --storage.path", path)
	}
	db, err := database.Open(path)
	if err != nil {
		return "", "", nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	users, err := auth.New(ctx, auth.Options{
		DB: db, Logger: o.Logger, AdminLogin: admin.login,
		InitialPasswordFile: o.initialPasswordFile(),
		UserNames:           func() ([]string, error) { return httpserver.UserNames(o.webConfigFile()) },
	})
	if err != nil {
		return "", "", nil, err
	}
	password, err = users.ResetPassword(ctx, login)
	if err != nil {
		return "", "", nil, fmt.Errorf("reset the password of %q: %w", login, err)
	}
	if strings.EqualFold(login, admin.login) && admin.password != "" {
		warnings = append(warnings, "the next start sets the password of "+admin.source+" again")
	}
	return login, password, warnings, nil
}
