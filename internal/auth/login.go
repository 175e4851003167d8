package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// LoginView is the data of the login page's template.
type LoginView struct {
	// Prefix is the path prefix of all URLs, without a trailing slash.
	Prefix string
	// Login and RedirectTo are as submitted.
	Login, RedirectTo string
	// Error is the error message, if any.
	Error string
	// NewPassword requests a new password to replace the generated one; Later is the URL for skipping this.
	NewPassword bool
	Later       string
	// SignIn is the button of the sign-in provider; nil if there is none.
	SignIn *SignInView
}

// SignInView is what the page shows about the sign-in provider.
type SignInView struct {
	URL, Name string
	// Down is why it is unavailable; empty if it is available.
	Down string
}

// loginPolicy allows only the page's own style, script and form.
const loginPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// LoginPage handles GET /login.
func (s *Service) LoginPage(w http.ResponseWriter, r *http.Request) {
	redirectTo := r.URL.Query().Get("redirectTo")
	if _, err := s.sessionIdentity(r); err == nil {
		http.Redirect(w, r, s.target(redirectTo), http.StatusFound)
		return
	}
	signIn := s.signInView(redirectTo)
	if signIn != nil && signIn.Down == "" && s.opts.SignIn.AutoLogin && !r.URL.Query().Has("disableAutoLogin") {
		http.Redirect(w, r, signIn.URL, http.StatusFound)
		return
	}
	s.showLogin(w, http.StatusOK, LoginView{RedirectTo: redirectTo, SignIn: signIn})
}

func (s *Service) showLogin(w http.ResponseWriter, code int, v LoginView) {
	v.Prefix = s.opts.Prefix
	var page bytes.Buffer
	if err := s.opts.LoginPage.Execute(&page, v); err != nil {
		s.log.Error("Cannot render the login page", "err", err)
		http.Error(w, "internal error; the log has the details", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", loginPolicy)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(page.Bytes())
}

// credentials are the body of POST /login, as JSON or as a form.
type credentials struct {
	User       string `json:"user"`
	Password   string `json:"password"`
	RedirectTo string `json:"redirectTo"`
}

// maxLoginBody limits the body of a request that is not authenticated yet.
const maxLoginBody = 64 << 10

// Login handles POST /login: it responds to a form with a page or a redirect, and to JSON with JSON. The session is always new,
// and ends the browser's previous one.
func (s *Service) Login(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	// Otherwise another site could log in its visitor as a user whose activity it can read.
	if err := s.origins.Check(r); err != nil {
		http.Error(w, "another site's page may not log you in: "+err.Error(), http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLoginBody)
	c, isJSON, err := readCredentials(r)
	if err != nil {
		s.refuseLogin(w, bodyStatus(err), isJSON, c, "The login could not be read: "+err.Error())
		return
	}
	id, err := s.passwordIdentity(r, c.User, c.Password)
	var throttled *throttledError
	switch {
	case errors.As(err, &throttled):
		retryAfter(w, throttled.wait)
		s.refuseLogin(w, http.StatusTooManyRequests, isJSON, c, "Too many wrong passwords. Try again in "+humanDuration(throttled.wait)+".")
		return
	case errors.Is(err, errWrong):
		s.refuseLogin(w, http.StatusUnauthorized, isJSON, c, "Invalid username or password")
		return
	case errors.Is(err, errBusy):
		retryAfter(w, 1)
		s.refuseLogin(w, http.StatusServiceUnavailable, isJSON, c, "Too many logins at once. Try again.")
		return
	}
	if err == nil {
		err = s.enter(w, r, id)
	}
	var target string
	if err == nil {
		target, err = s.afterLogin(r.Context(), id, c.RedirectTo)
	}
	if err != nil {
		s.failed(w, r, err)
		return
	}
	s.log.Info("Logged in", "login", id.Login, "remote", remoteOf(r))
	if isJSON {
		_ = grafana.OK(w, map[string]string{"message": "Logged in", "redirectUrl": target})
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// enter starts a new session for the browser and ends its previous one.
func (s *Service) enter(w http.ResponseWriter, r *http.Request, id Identity) error {
	if err := s.endSessions(r); err != nil {
		return err
	}
	secret, err := s.startSession(r.Context(), id, remoteOf(r), r.UserAgent())
	if err != nil {
		return err
	}
	s.setCookie(w, r, secret)
	return s.knowDevice(w, r, id.UserID)
}

func readCredentials(r *http.Request) (c credentials, isJSON bool, err error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "application/json" {
		return c, true, json.NewDecoder(r.Body).Decode(&c)
	}
	if err := r.ParseForm(); err != nil {
		return c, false, err
	}
	f := r.PostForm
	return credentials{User: f.Get("user"), Password: f.Get("password"), RedirectTo: f.Get("redirectTo")}, false, nil
}

func (s *Service) refuseLogin(w http.ResponseWriter, code int, isJSON bool, c credentials, text string) {
	if isJSON {
		body := map[string]any{"message": text, "statusCode": code}
		if id, ok := messageIDs[text]; ok {
			body["messageId"] = id
		}
		_ = grafana.Reply(w, code, body)
		return
	}
	s.showLogin(w, code, LoginView{Login: truncate(c.User, maxLogin), RedirectTo: c.RedirectTo, Error: text, SignIn: s.signInView(c.RedirectTo)})
}

// Logout handles /logout. An image or link on another site cannot log a user out.
func (s *Service) Logout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	login := s.opts.Prefix + "/login"
	if s.opts.SignIn != nil && s.opts.SignIn.AutoLogin {
		login += "?disableAutoLogin=true" // otherwise the user would be logged in again immediately
	}
	if s.origins.Check(r) == nil && r.Header.Get("Sec-Fetch-Site") != "cross-site" {
		provider := s.signOut(r)
		if err := s.endSessions(r); err != nil {
			s.failed(w, r, err)
			return
		}
		s.setCookie(w, r, "")
		if provider != "" {
			leaveTo(w, r, provider)
			return
		}
	}
	http.Redirect(w, r, login, http.StatusSeeOther)
}

// leaveTo redirects the browser to another site. After a form submission, the form-action of the page's policy would forbid a
// redirect.
func leaveTo(w http.ResponseWriter, r *http.Request, to string) {
	if r.Method == http.MethodGet {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	h := w.Header()
	h.Set("Refresh", "0; url="+to)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", loginPolicy)
	_, _ = w.Write([]byte("<!doctype html><title>Log out</title><p><a href=\"" + html.EscapeString(to) + "\">Go on to log out at the sign-in provider</a></p>\n"))
}

// target returns the path to open after the login: always on this site.
func (s *Service) target(redirectTo string) string {
	home := s.opts.Prefix + "/"
	// Browsers treat a backslash as a slash, and two slashes as the start of a host name.
	if !strings.HasPrefix(redirectTo, "/") || strings.ContainsAny(redirectTo, "\\\r\n\t") {
		return home
	}
	u, err := url.Parse(redirectTo)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.HasPrefix(u.Path, "//") || u.Path == "/login" || u.Path == "/logout" {
		return home
	}
	if s.opts.Prefix != "" && (u.Path == s.opts.Prefix || strings.HasPrefix(u.Path, home)) {
		return u.String()
	}
	return s.opts.Prefix + u.String()
}
