// Package runbook serves runbooks as pages: an index at /runbooks/, a page per Markdown file at /runbooks/NAME, and an
// anchor per heading, which is the heading in lower case.
//
// It wraps goldmark, a Markdown renderer, and knows nothing of alerts. Only internal/app may import it.
package runbook

import (
	"bytes"
	_ "embed" // the page's template and style
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// policy allows the page its own style and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// prefix is the path that the handler serves.
const prefix = "/runbooks/"

//go:embed page.html
var pageSource string

//go:embed page.css
var style []byte

// page is a runbook, or the index of all.
type page struct {
	Name, Title string
	Sections    []section
	Body        template.HTML // rendered; HTML in the Markdown is left out
	Others      []*page
}

// section is a heading of the second level.
type section struct{ Anchor, Title string }

// Pages are the runbooks of a folder. Make them with New.
type Pages struct{ load func() (*rendered, error) }

type rendered struct {
	view  *template.Template
	all   []*page
	named map[string]*page
}

// New serves every Markdown file of files. They are rendered when the first page is asked for.
func New(files fs.FS) *Pages {
	return &Pages{load: sync.OnceValues(func() (*rendered, error) { return renderAll(files) })}
}

func renderAll(files fs.FS) (*rendered, error) {
	view, err := template.New("runbook").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("parse the page of runbooks: %w", err)
	}
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, err
	}
	r := &rendered{view: view, named: make(map[string]*page)}
	for _, name := range names {
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read runbook %s: %w", name, err)
		}
		one, err := render(strings.TrimSuffix(name, ".md"), source)
		if err != nil {
			return nil, fmt.Errorf("render runbook %s: %w", name, err)
		}
		r.all = append(r.all, one)
		r.named[one.Name] = one
	}
	return r, nil
}

func render(name string, source []byte) (*page, error) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	document := markdown.Parser().Parse(text.NewReader(source))
	one := &page{Name: name, Title: name}
	for node := document.FirstChild(); node != nil; node = node.NextSibling() {
		heading, ok := node.(*ast.Heading)
		if !ok {
			continue
		}
		title := string(heading.Lines().Value(source))
		if heading.Level == 1 {
			one.Title = title
			continue
		}
		if id, ok := heading.AttributeString("id"); ok && heading.Level == 2 {
			if anchor, ok := id.([]byte); ok {
				one.Sections = append(one.Sections, section{Anchor: string(anchor), Title: title})
			}
		}
	}
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, source, document); err != nil {
		return nil, err
	}
	one.Body = template.HTML(body.String()) //nolint:gosec // goldmark leaves HTML of the source out
	return one, nil
}

// ServeHTTP answers with the page of a runbook, the index or the style.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, prefix), ".md") // links between the files have the suffix
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if name == "page.css" {
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style)
		return
	}
	pages, err := p.load()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	shown := page{Title: "Runbooks"}
	if name != "" {
		one, ok := pages.named[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		shown = *one
	}
	shown.Others = pages.all
	var body bytes.Buffer
	if err := pages.view.Execute(&body, shown); err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	_, _ = w.Write(body.Bytes())
}
