package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ausguck/ausguck/internal/app"
	"github.com/ausguck/ausguck/internal/auth"
	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/datadir"
	"github.com/ausguck/ausguck/internal/httpserver"
)

// ResetPassword sets a new password for a user, or for the admin if login is empty, and returns the login and the password. It
// works on the data folder, whether or not an Ausguck is running on it.
func ResetPassword(ctx context.Context, o app.Options, login string) (name, password string, warnings []string, err error) {
	if err := o.Complete(); err != nil {
		return "", "", nil, err
	}
	admin, _, err := o.Admin(os.LookupEnv)
	if err != nil {
		return "", "", nil, &app.ConfigError{Problems: []error{err}}
	}
	if login == "" {
		login = admin.Login
	}
	path := datadir.In(o.StoragePath, datadir.Database)
	if !fileExists(path) {
		return "", "", nil, fmt.Errorf("%s does not exist; set --storage.path to the data folder", path)
	}
	db, err := database.Open(path)
	if err != nil {
		return "", "", nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	users := auth.New(auth.Options{
		DB: db, Logger: o.Logger, AdminLogin: admin.Login,
		InitialPasswordFile: o.InitialPasswordFile(),
		UserNames:           func() ([]string, error) { return httpserver.UserNames(o.WebConfigFile()) },
	})
	if err := users.Prepare(ctx); err != nil {
		return "", "", nil, err
	}
	password, err = users.ResetPassword(ctx, login)
	if err != nil {
		return "", "", nil, fmt.Errorf("reset the password of %q: %w", login, err)
	}
	if strings.EqualFold(login, admin.Login) && admin.Password != "" {
		warnings = append(warnings, "the next start sets the password of "+admin.Source+" again")
	}
	return login, password, warnings, nil
}
