package httpserver

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"
	"golang.org/x/time/rate"
)

// webFile is a web.yml that is read again after a change.
type webFile struct {
	path string

	mtx      sync.Mutex
	size     int64
	modified time.Time
	config   web.Config
	err      error
}

// read returns the current content of the file; without a file, an empty configuration.
func (f *webFile) read() (web.Config, error) {
	if f.path == "" {
		return web.Config{}, nil
	}
	f.mtx.Lock()
	defer f.mtx.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return web.Config{}, err
	}
	if info.Size() == f.size && info.ModTime().Equal(f.modified) {
		return f.config, f.err
	}
	f.size, f.modified, f.config = info.Size(), info.ModTime(), web.Config{}
	var content []byte
	if content, f.err = os.ReadFile(f.path); f.err == nil {
		f.err = yaml.Unmarshal(content, &f.config)
	}
	return f.config, f.err
}

// UserHash returns the bcrypt hash of a user in web.yml. For an unknown name it returns another user's hash, so that comparing
// takes the same time, and false.
func (s *Server) UserHash(login string) (hash string, known bool) {
	c, err := s.web.read()
	if err != nil || len(c.Users) == 0 {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.logger.Warn("Users of web.yml cannot log in while it cannot be read", "file", s.web.path, "err", err)
		}
		return "", false
	}
	if secret, ok := c.Users[login]; ok {
		return string(secret), true
	}
	return string(c.Users[slices.Min(slices.Collect(maps.Keys(c.Users)))]), false
}

// UserNames returns the names of the users in web.yml, none if there is no file.
func (s *Server) UserNames() ([]string, error) { return s.web.names() }

// UserNames returns the names of the users in a web.yml, for callers without a Server.
func UserNames(path string) ([]string, error) { return (&webFile{path: path}).names() }

func (f *webFile) names() ([]string, error) {
	c, err := f.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.Collect(maps.Keys(c.Users)), err
}

// asConfigured applies everything from the toolkit's handler except the users: rate limit and headers.
func (s *Server) asConfigured(h http.Handler) (http.Handler, error) {
	c, err := s.web.read()
	if err != nil {
		return nil, err
	}
	limiter := rate.NewLimiter(rate.Inf, 0)
	if c.RateLimiterConfig.Interval != 0 {
		limiter = rate.NewLimiter(rate.Every(c.RateLimiterConfig.Interval), c.RateLimiterConfig.Burst)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.web.read()
		if err != nil {
			s.logger.Error("Request failed: web.yml cannot be read", "file", s.web.path, "err", err)
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		if !limiter.Allow() {
			http.Error(w, http.StatusText(http.StatusTooManyRequests), http.StatusTooManyRequests)
			return
		}
		for name, value := range c.HTTPConfig.Header {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	}), nil
}
