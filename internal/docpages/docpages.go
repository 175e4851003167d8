// Package docpages serves folders of Markdown files as pages: per folder an index at /NAME/, a page per file at /NAME/FILE,
// and an anchor per heading, which is the heading in lower case with hyphens, as on code hosts.
//
// It wraps goldmark, a Markdown renderer, and knows nothing of what the files say. Only internal/app may import it.
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

// policy allows the page its own style and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html
var pageSource string

//go:embed page.css
var style []byte

// indexFile is what a folder's index shows, if the folder has it.
const indexFile = "README.md"

// Book is a folder of pages.
type Book struct {
	// Name is the first segment of the pages' addresses.
	Name string
	// Title is the name for people, and About what the index says if the folder has no README.md.
	Title, About string
	// Dir is the folder of Files that has the pages. Links between files of books become links between pages.
	Dir string
}

// page is a file, or the index of a book.
type page struct {
	Name, Title string // Name is empty for the index
	Sections    []section
	Body        template.HTML // rendered; HTML in the Markdown is left out
	links       []string      // names of pages of the same book, in the order of the text
}

// section is a heading of the second level.
type section struct{ Anchor, Title string }

// view is what the template shows.
type view struct {
	page
	Book    Book
	Books   []Book
	Pages   []*page
	Listing bool // sections of all pages are listed
}

// Pages are the pages of books. Make them with New.
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

// New serves every Markdown file of the books. They are rendered when the first page is asked for.
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
	if index := r.named[""]; index != nil { // its order is that of the tasks
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

// page is the name of a file's page.
func (b Book) page(file string) string {
	name := path.Base(file)
	if name == indexFile {
		return ""
	}
	return strings.TrimSuffix(name, ".md")
}

// ServeHTTP answers with a page, an index or the style.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bookName, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if name = strings.TrimSuffix(name, ".md"); name+".md" == indexFile { // some know the name of the file
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
