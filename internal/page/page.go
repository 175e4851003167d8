// Package page serves what browsers load: the HTML document of the UI, its built files, and the templates of server-rendered
// pages.
//
// It knows web/ but not the content of the pages.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/web"
)

// Templates of server-rendered pages.
var (
	Login  = template.Must(template.ParseFS(web.Files, "login.html"))
	Status = template.Must(template.ParseFS(web.Files, "status.html"))
)

// policy only allows the page's own scripts. Grafana's libraries create styles at run time. Images of other sites are blocked
// unless the operator allows the site: otherwise anyone who can edit a dashboard could find out who views it.
func policy(imageHosts []string) string {
	images := strings.Join(append([]string{"'self'", "data:", "blob:"}, imageHosts...), " ")
	return "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src " + images + "; " +
		"font-src 'self' data:; connect-src 'self'; frame-src 'none'; worker-src 'self' blob:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
}

// CheckImageHosts rejects values that would end the directive or match more than a site.
func CheckImageHosts(hosts []string) error {
	for _, host := range hosts {
		u, err := url.Parse(host)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(host, ";'\"") {
			return fmt.Errorf("--web.image-hosts: %q is not an origin such as https://img.example.org", host)
		}
	}
	return nil
}

// Placeholders in the built page.
const (
	baseMark = `<base href="/" />`
	bootMark = `<script type="application/json" id="boot"></script>`
)

// Boot is the data that the page gets without a request.
type Boot struct {
	User     User           `json:"user"`
	Settings map[string]any `json:"settings"`
	SubURL   string         `json:"subUrl"`
	Version  string         `json:"version"`
	// OldestSample is the time of the oldest sample, in milliseconds since 1970; 0 for none.
	OldestSample int64 `json:"oldestSample,omitempty"`
	// Dashboard is the one that is shown at the address, nil for none.
	Dashboard any `json:"dashboard,omitempty"`
}

// User is the user who views the page.
type User struct {
	ID         int64  `json:"id"`
	UID        string `json:"uid"`
	Login      string `json:"login"`
	Name       string `json:"name"`
	Email      string `json:"email"`
	OrgRole    string `json:"orgRole"`
	Theme      string `json:"theme"`
	Timezone   string `json:"timezone"`
	WeekStart  string `json:"weekStart"`
	IsSignedIn bool   `json:"isSignedIn"`
}

// Page is the document that is served for every URL of the UI.
type Page struct {
	Logger *slog.Logger
	// Prefix is the path prefix of all routes, without a trailing slash.
	Prefix string
	// ImageHosts are the sites whose images may be shown in text panels.
	ImageHosts []string
	// Boot returns the boot data for the request.
	Boot func(*http.Request) Boot
}

// ServeHTTP serves the same document for every URL.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.serve(w, r, http.StatusOK) }

// Built reports whether the program was built with the UI.
func Built() bool {
	_, err := fs.Stat(web.Files, "dist/index.html")
	return err == nil
}

// ForBrowser reports whether the client is a browser, and not a program that reads text.
func ForBrowser(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// NotFound handles unknown URLs. Browsers get the frame of the UI, in which the page reports the error.
func (p *Page) NotFound(w http.ResponseWriter, r *http.Request) {
	if !ForBrowser(r) || strings.HasPrefix(r.URL.Path, "/api/") {
		http.NotFound(w, r)
		return
	}
	p.serve(w, r, http.StatusNotFound)
}

func (p *Page) serve(w http.ResponseWriter, r *http.Request, code int) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy(p.ImageHosts))
	index, err := fs.ReadFile(web.Files, "dist/index.html")
	if errors.Is(err, fs.ErrNotExist) {
		w.WriteHeader(http.StatusNotImplemented)
		io.WriteString(w, "<!doctype html><title>Ausguck</title><p>This Ausguck was built without the UI: run <code>make build</code>. "+
			"The APIs and the <a href=\""+html.EscapeString(p.Prefix)+"/status\">status page</a> are available.</p>\n")
		return
	}
	data, err := json.Marshal(p.Boot(r)) // escapes characters that could end the script element
	if err != nil {
		p.Logger.Error("Cannot render a page", "err", err)
		http.Error(w, "internal error; the log has the details", http.StatusInternalServerError)
		return
	}
	text := strings.Replace(string(index), baseMark, `<base href="`+html.EscapeString(p.Prefix)+`/" />`, 1)
	text = strings.Replace(text, bootMark, strings.TrimSuffix(bootMark, "</script>")+string(data)+"</script>", 1)
	if !forDashboards.MatchString(r.URL.Path) {
		text = dashboardFiles.ReplaceAllString(text, "")
	}
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text)
}

var (
	// dashboardFiles matches the build's preload hints that only dashboard pages need, see nameDashboardChunk in vite.config.ts.
	dashboardFiles = regexp.MustCompile(`\s*<link [^>]*data-for="dashboard"[^>]*>`)
	forDashboards  = regexp.MustCompile(`^/($|d/|dashboard/)`)
)

// contentTypes are the content types of the build's files. The system's table would differ between machines.
var contentTypes = map[string]string{
	".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".woff": "font/woff",
	".ttf": "font/ttf", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".map": "application/json",
}

// Public serves the compressed files of the build. Names below /public/build/ contain a hash of the content, so they are cached
// forever.
func Public(w http.ResponseWriter, r *http.Request) {
	name := "dist" + path.Clean(r.URL.Path)
	body, encoding, err := compressed(name, r.Header.Get("Accept-Encoding"))
	if err != nil || !strings.HasPrefix(name, "dist/public/") {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Vary", "Accept-Encoding")
	kind, ok := contentTypes[path.Ext(name)]
	if !ok {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	if encoding != "" {
		h.Set("Content-Encoding", encoding)
		h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent omits it for encoded content
	}
	if path.Ext(name) == ".svg" {
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	if strings.HasPrefix(name, "dist/public/build/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		sum := sha256.Sum256(body)
		h.Set("Cache-Control", "public, max-age=86400")
		h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	}
	// It handles HEAD and If-None-Match, and ranges of unencoded content.
	if encoding != "" {
		r.Header.Del("Range")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// compressed returns the file in the best accepted encoding. A complete build has no uncompressed files; a partial one, as
// developers create it, has nothing else.
func compressed(name, accepted string) (body []byte, encoding string, err error) {
	for _, e := range []struct{ coding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if accepts(accepted, e.coding) {
			if body, err = fs.ReadFile(web.Files, name+e.suffix); err == nil {
				return body, e.coding, nil
			}
		}
	}
	packed, err := fs.ReadFile(web.Files, name+".gz")
	if err != nil {
		body, err = fs.ReadFile(web.Files, name)
		return body, "", err
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, "", err
	}
	body, err = io.ReadAll(plain)
	return body, "", err
}

// accepts reports whether an Accept-Encoding header lists the coding and does not exclude it.
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			return !refused.MatchString(params)
		}
	}
	return false
}

var refused = regexp.MustCompile(`^\s*q\s*=\s*0(\.0*)?\s*$`)

// File serves one file under another name.
func File(name string) http.Handler {
	return cached(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, web.Files, name) }))
}

// Static serves the files below /static/.
func Static() http.Handler { return cached(http.FileServerFS(web.Files)) }

// cached is for files that only change with the version.
func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		h.ServeHTTP(w, r)
	})
}
