package auth

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/ausguck/ausguck/internal/atomicfile"
)

// The generated password of the first admin is in a file that only the user who runs the program can read. It is never printed:
// output is collected, and everyone with access to the logs would see it.

// writeInitial writes the file atomically.
func writeInitial(path, password string) error {
	if path == "" {
		return errors.New("no admin exists, and there is no file to write the password of the first one to")
	}
	if err := atomicfile.Write(path, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write the first admin's password: %w", err)
	}
	return nil
}

// InitialPasswordFile returns the file with the first admin's password, or "" once the password has been changed.
func (s *Service) InitialPasswordFile(ctx context.Context) (string, error) {
	if s.opts.InitialPasswordFile == "" {
		return "", nil
	}
	n, err := s.store.initialPasswords(ctx)
	if err != nil || n == 0 {
		return "", err
	}
	if _, err := os.Stat(s.opts.InitialPasswordFile); err != nil {
		return "", nil // somebody has removed it
	}
	return s.opts.InitialPasswordFile, nil
}

// forgetInitial removes the file once no user has its password any more.
func (s *Service) forgetInitial(ctx context.Context) error {
	if s.opts.InitialPasswordFile == "" {
		return nil
	}
	if n, err := s.store.initialPasswords(ctx); err != nil || n > 0 {
		return err
	}
	if err := os.Remove(s.opts.InitialPasswordFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("Cannot delete the file with the first admin's password, which is no longer valid", "path", s.opts.InitialPasswordFile, "err", err)
	}
	return nil
}

func (s store) initialPasswords(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM auth_users WHERE initial").Scan(&n)
	return n, err
}

func (s store) notInitial(ctx context.Context, id int64) error {
	_, err := s.db.ExecContext(ctx, "UPDATE auth_users SET initial = 0 WHERE id = ?", id)
	return err
}

// NewPasswordPath is the page after a login with the generated password.
const NewPasswordPath = "/login/password"

// newPasswordFor is how long after the login the password can be changed without entering the old one.
const newPasswordFor = 15 * time.Minute

// afterLogin returns where to redirect after a login: to the password page first if the password was generated.
func (s *Service) afterLogin(ctx context.Context, id Identity, redirectTo string) (string, error) {
	target := s.target(redirectTo)
	if id.vouched.origin != originLocal {
		return target, nil
	}
	initial, err := s.store.initial(ctx, id.UserID)
	if !initial {
		return target, err
	}
	return s.opts.Prefix + NewPasswordPath + "?redirectTo=" + url.QueryEscape(redirectTo), nil
}

func (s store) initial(ctx context.Context, id int64) (initial bool, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT initial FROM auth_users WHERE id = ?", id).Scan(&initial)
	return initial, err
}

// mayChoose returns the user who may set a password without entering the old one: one who has just logged in with the generated
// password.
func (s *Service) mayChoose(r *http.Request) (Identity, bool, error) {
	id, err := s.sessionIdentity(r)
	if errors.Is(err, errNotFound) {
		return id, false, nil
	}
	if err != nil || id.vouched.origin != originLocal {
		return id, false, err
	}
	initial, err := s.store.initial(r.Context(), id.UserID)
	if err != nil || !initial {
		return id, false, err
	}
	var created int64
	err = s.store.db.QueryRowContext(r.Context(), "SELECT created FROM auth_sessions WHERE key = ?", id.session).Scan(&created)
	return id, err == nil && time.Since(fromMillis(created)) < newPasswordFor, err
}

// NewPasswordPage handles GET /login/password.
func (s *Service) NewPasswordPage(w http.ResponseWriter, r *http.Request) {
	redirectTo := r.URL.Query().Get("redirectTo")
	id, may, err := s.mayChoose(r)
	switch {
	case err != nil:
		s.failed(w, r, err)
	case !may:
		http.Redirect(w, r, s.target(redirectTo), http.StatusFound)
	default:
		s.showLogin(w, http.StatusOK, s.choose(id, redirectTo, ""))
	}
}

func (s *Service) choose(id Identity, redirectTo, text string) LoginView {
	return LoginView{NewPassword: true, Login: id.Login, RedirectTo: redirectTo, Later: s.target(redirectTo), Error: text}
}

// NewPassword handles POST /login/password.
func (s *Service) NewPassword(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if err := s.origins.Check(r); err != nil {
		http.Error(w, "another site's page may not do this: "+err.Error(), http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read: "+err.Error(), bodyStatus(err))
		return
	}
	redirectTo, password := r.PostForm.Get("redirectTo"), r.PostForm.Get("newPassword")
	id, may, err := s.mayChoose(r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	if !may {
		http.Redirect(w, r, s.target(redirectTo), http.StatusSeeOther)
		return
	}
	if err := checkPassword(id.Login, password); err != nil {
		s.showLogin(w, http.StatusBadRequest, s.choose(id, redirectTo, err.Error()+"."))
		return
	}
	if password != r.PostForm.Get("confirmNew") {
		s.showLogin(w, http.StatusBadRequest, s.choose(id, redirectTo, "The two passwords are not the same."))
		return
	}
	if err := s.setPassword(r.Context(), id.UserID, password, id.session); err != nil {
		s.failed(w, r, err)
		return
	}
	http.Redirect(w, r, s.target(redirectTo), http.StatusSeeOther)
}
