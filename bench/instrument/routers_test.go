package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/mux"
	"github.com/labstack/echo/v4"

	"github.com/ausguck/ausguck/instrument"
)

// routers returns each real router with a route /items/{id} below a group /api, and the line from the README.
func routers() map[string]http.Handler {
	gin.SetMode(gin.ReleaseMode)
	ok := func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) }

	chiRouter := chi.NewRouter()
	chiRouter.Use(instrument.Chi(chi.RouteContext))
	chiRouter.Route("/api", func(r chi.Router) { r.Get("/items/{id}", ok) })

	gorillaRouter := mux.NewRouter()
	gorillaRouter.Use(instrument.Gorilla(mux.CurrentRoute))
	gorillaRouter.PathPrefix("/api").Subrouter().HandleFunc("/items/{id}", ok).Methods("GET")

	echoRouter := echo.New()
	echoRouter.Use(instrument.Echo)
	echoRouter.Group("/api").GET("/items/:id", func(c echo.Context) error { return c.NoContent(http.StatusAccepted) })

	ginRouter := gin.New()
	ginRouter.Use(func(c *gin.Context) { instrument.SetRoute(c.Writer, c.FullPath()) })
	ginRouter.Group("/api").GET("/items/:id", func(c *gin.Context) { c.Status(http.StatusAccepted) })
	return map[string]http.Handler{"chi": chiRouter, "gorilla": gorillaRouter, "echo": echoRouter, "gin": ginRouter}
}

func TestRouters(t *testing.T) {
	for name, router := range routers() {
		t.Run(name, func(t *testing.T) {
			service := instrument.New(instrument.Options{})
			h := service.Handler(router)
			for _, path := range []string{"/api/items/1", "/api/items/2", "/api/nothing", "/wp-login.php"} {
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			route := "/api/items/{id}"
			if name == "echo" || name == "gin" {
				route = "/api/items/:id"
			}
			if want := `http_requests_total{method="GET",route="` + route + `",status="202"} 2`; !strings.Contains(w.Body.String(), want+"\n") {
				t.Errorf("no %s in\n%s", want, requests(w.Body.String()))
			}
			for _, path := range []string{"items/1", "nothing", "wp-login"} {
				if strings.Contains(w.Body.String(), path) {
					t.Errorf("%s became a label:\n%s", path, requests(w.Body.String()))
				}
			}
		})
	}
}

func requests(page string) (lines string) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "http_requests_total{") {
			lines += line
		}
	}
	return lines
}

// The README's lines for routers are those above.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../instrument/README.md")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.ReadFile("routers_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, block, found := strings.Cut(string(readme), "```go routers\n")
	if !found {
		t.Fatal("the README has no lines for routers")
	}
	code, _, _ := strings.Cut(block, "```")
	for line := range strings.Lines(code) {
		if !strings.Contains(string(here), line) {
			t.Errorf("not tested: %s", line)
		}
	}
}
