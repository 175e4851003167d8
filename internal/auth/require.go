package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
)

// Require passes requests of users with the role on to h, with an Identity in their context. It responds to all others with a
// redirect (302) to the login page if a browser opens a page, and otherwise with 401 or 403, as Grafana's JSON below /api/ except
// for the APIs of Prometheus and Alertmanager there.
//
// It rejects requests that change something if a page of another site sends them with credentials that the browser adds
// automatically.
func (s *Service) Require(role Role, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, err := s.identify(r)
		if err != nil {
			s.challenge(w, r, err)
			return
		}
		if err := s.sameSite(r, id.By); err != nil {
			refuse(w, r, http.StatusForbidden, "another site's page may not do this: "+err.Error())
			return
		}
		if !id.Role.Includes(role) {
			refuse(w, r, http.StatusForbidden, "You'll need additional permissions to perform this action. Role needed: "+string(role))
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, id)))
	})
}

// sameSite rejects requests that a page of another site makes a browser send. Browsers do not add tokens automatically, but they
// may add passwords, which they remember; these are accepted from sites that the operator trusts.
func (s *Service) sameSite(r *http.Request, by Means) error {
	if by == ByToken {
		return nil
	}
	if by == ByPassword && s.opts.TrustedOrigin != nil && s.opts.TrustedOrigin(r.Header.Get("Origin")) {
		return nil
	}
	return s.origins.Check(r)
}

// challenge responds to a request that could not be authenticated.
func (s *Service) challenge(w http.ResponseWriter, r *http.Request, err error) {
	var throttled *throttledError
	switch {
	case errors.As(err, &throttled):
		retryAfter(w, throttled.wait)
		refuse(w, r, http.StatusTooManyRequests, throttled.Error())
		return
	case errors.Is(err, errBusy):
		retryAfter(w, time.Second)
		refuse(w, r, http.StatusServiceUnavailable, err.Error())
		return
	case !errors.Is(err, errNobody) && !errors.Is(err, errWrong) && !errors.Is(err, errToken):
		s.failed(w, r, err)
		return
	}
	if errors.Is(err, errNobody) && opensPage(r) {
		http.Redirect(w, r, s.opts.Prefix+"/login?redirectTo="+url.QueryEscape(r.URL.RequestURI()), http.StatusFound)
		return
	}
	// For this header, a browser would open its own dialog in the middle of a page.
	if r.Header.Get("Sec-Fetch-Mode") == "" && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Sec-Fetch-Dest") == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="Ausguck", charset="UTF-8"`)
	}
	switch {
	case errors.Is(err, errWrong):
		refuse(w, r, http.StatusUnauthorized, "Invalid username or password")
	case errors.Is(err, errToken):
		refuse(w, r, http.StatusUnauthorized, "Invalid API key")
	default:
		refuse(w, r, http.StatusUnauthorized, "Unauthorized")
	}
}

// failed responds if the database does not work.
func (s *Service) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has disconnected
	}
	s.log.Error("Request failed: users and sessions cannot be read or written", "path", r.URL.Path, "err", err)
	if database.NoRoom(err) {
		refuse(w, r, http.StatusInsufficientStorage, "the change could not be stored, because the disk of the data folder is full; free some room and try again")
		return
	}
	refuse(w, r, http.StatusInternalServerError, "internal error; the log has the details")
}

// opensPage distinguishes a browser that opens a page from a script that sends a request.
func opensPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "navigate" {
		return false
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// refuse responds in the format of the requested API.
func refuse(w http.ResponseWriter, r *http.Request, code int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	if !grafanaAPI(r.URL.Path) {
		http.Error(w, text, code)
		return
	}
	body := map[string]any{"message": text}
	switch code {
	case http.StatusForbidden:
		body["title"] = "Access denied"
		body["accessErrorId"] = "ACE" + newUID()[:10]
	case http.StatusUnauthorized:
		body["statusCode"] = code
		body["messageId"] = messageIDs[text]
	}
	_ = grafana.Reply(w, code, body)
}

var messageIDs = map[string]string{
	"Unauthorized":                 "auth.unauthorized",
	"Invalid username or password": "password-auth.failed",
	"Invalid API key":              "api-key.invalid",
}

func grafanaAPI(path string) bool {
	return strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/api/v1/") && !strings.HasPrefix(path, "/api/v2/")
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
