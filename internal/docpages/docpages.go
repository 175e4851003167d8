// Package docpages serves folders of Markdown files as pages: an index per folder at /NAME/, a page per file at /NAME/FILE, and
// an anchor per heading, which is the heading in lower case with hyphens, as on code hosts.
//
// It wraps goldmark, a Markdown renderer, and knows nothing about the content of the files. Only internal/app may import it.
package docpages

import (
	"bytes"
	_ "embed" // the page's template and style
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// policy only allows the page's own style.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html
var pageSource string

//go:embed page.css
var style []byte

// indexFile is the content of a folder's index, if the folder has it.
const indexFile = "README.md"

// Book is a folder of pages.
type Book struct {
	// Name is the first path segment of the pages' URLs.
	Name string
	// Title is the display name, and About the text of the index if the folder has no README.md.
	Title, About string
	// Dir is the folder of Files with the pages. Links between files of books become links between pages.
	Dir string
}

// page is a file, or the index of a book.
type page struct {
	Name, Title string // Name is empty for the index
	Sections    []section
	Body        template.HTML // rendered; raw HTML in the Markdown is omitted
	links       []string      // names of pages in the same book, in the order of the text
}

// section is a second-level heading.
type section struct{ Anchor, Title string }

// view is the data of the template.
type view struct {
	page
	Book    Book
	Books   []Book
	Pages   []*page
	Listing bool // the sections of all pages are listed
}

// Pages are the pages of books. Create them with New.
type Pages struct{ load func() (*rendered, error) }

type rendered struct {
	template *template.Template
	books    []Book
	of       map[string]*renderedBook // by name
}

type renderedBook struct {
	Book
	pages []*page
	named map[string]*page // the index, if there is one, has the name ""
}

// New serves all Markdown files of the books. They are rendered at the first request.
func New(files fs.FS, books ...Book) *Pages {
	return &Pages{load: sync.OnceValues(func() (*rendered, error) { return renderAll(files, books) })}
}

func renderAll(files fs.FS, books []Book) (*rendered, error) {
	t, err := template.New("page").Parse(pageSource)
	if err != nil {
		return nil, fmt.Errorf("parse the page of documents: %w", err)
	}
	r := &rendered{template: t, books: books, of: map[string]*renderedBook{}}
	for _, b := range books {
		one, err := renderBook(files, b, books)
		if err != nil {
			return nil, err
		}
		r.of[b.Name] = one
	}
	return r, nil
}

func renderBook(files fs.FS, b Book, books []Book) (*renderedBook, error) {
	names, err := fs.Glob(files, path.Join(b.Dir, "*.md"))
	if err != nil {
		return nil, err
	}
	r := &renderedBook{Book: b, named: map[string]*page{}}
	for _, file := range names {
		source, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		one, err := render(links{files: files, books: books, in: b}, file, source)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", file, err)
		}
		r.named[one.Name] = one
		if one.Name != "" {
			r.pages = append(r.pages, one)
		}
	}
	if index := r.named[""]; index != nil { // sorted by task
		place := func(p *page) int {
			if i := slices.Index(index.links, p.Name); i >= 0 {
				return i
			}
			return len(index.links)
		}
		slices.SortStableFunc(r.pages, func(a, b *page) int { return place(a) - place(b) })
	}
	return r, nil
}

func render(l links, file string, source []byte) (*page, error) {
	one := &page{Name: l.in.page(file)}
	one.Title = one.Name
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(
		parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(&transformer{links: l, page: one}, 100)),
	))
	document := markdown.Parser().Parse(text.NewReader(source))
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, source, document); err != nil {
		return nil, err
	}
	one.Body = template.HTML(body.String()) //nolint:gosec // goldmark leaves HTML of the source out
	return one, nil
}

// page returns the name of a file's page.
func (b Book) page(file string) string {
	name := path.Base(file)
	if name == indexFile {
		return ""
	}
	return strings.TrimSuffix(name, ".md")
}

// ServeHTTP serves a page, an index or the style.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bookName, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if name = strings.TrimSuffix(name, ".md"); name+".md" == indexFile { // for users who know the name of the file
		name = ""
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if name == "page.css" {
		h.Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(style)
		return
	}
	all, err := p.load()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	book := all.of[bookName]
	if book == nil {
		http.NotFound(w, r)
		return
	}
	one := book.named[name]
	if one == nil && name == "" {
		one = &page{Title: book.Title}
	}
	if one == nil {
		http.NotFound(w, r)
		return
	}
	shown := view{page: *one, Book: book.Book, Books: all.books, Pages: book.pages, Listing: one.Name == "" && one.Body == ""}
	var body bytes.Buffer
	if err := all.template.Execute(&body, shown); err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	_, _ = w.Write(body.Bytes())
}
