package docpages

import (
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// links resolves links between files to pages.
type links struct {
	files fs.FS
	books []Book
	in    Book
}

// resolve returns the URL of a link's target, relative to a page of the book; name is the target page if it is in the same book.
// ok is false for files that are not in the program.
func (l links) resolve(target string) (address, name string, ok bool) {
	u, err := url.Parse(target)
	if err != nil {
		return "", "", false
	}
	if u.Scheme != "" || u.Host != "" {
		return target, "", true
	}
	fragment := ""
	if u.Fragment != "" {
		fragment = "#" + u.EscapedFragment()
	}
	if u.Path == "" {
		return fragment, "", fragment != ""
	}
	file := path.Join(l.in.Dir, u.Path)
	for _, b := range l.books {
		there := "../" + b.Name + "/"
		if b.Name == l.in.Name {
			there = ""
		}
		switch {
		case file == path.Clean(b.Dir):
			return orHere(there) + fragment, "", true
		case path.Dir(file) == path.Clean(b.Dir) && path.Ext(file) == ".md":
			if _, err := fs.Stat(l.files, file); err != nil {
				continue
			}
			if name = b.page(file); b.Name == l.in.Name {
				return orHere(name) + fragment, name, true
			}
			return there + name + fragment, "", true
		}
	}
	return "", "", false
}

func orHere(address string) string {
	if address == "" {
		return "./"
	}
	return address
}

// transformer rewrites links to pages, and collects titles and sections.
type transformer struct {
	links links
	page  *page
}

// Transform implements parser.ASTTransformer.
func (t *transformer) Transform(document *ast.Document, reader text.Reader, _ parser.Context) {
	source := reader.Source()
	var outside []ast.Node
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			t.heading(node, source)
		case *ast.Link:
			address, name, ok := t.links.resolve(string(node.Destination))
			if !ok {
				outside = append(outside, node)
				break
			}
			node.Destination = []byte(address)
			if name != "" {
				t.page.links = append(t.page.links, name)
			}
		case *ast.Image:
			outside = append(outside, node)
		case *ast.HTMLBlock:
			if node.HTMLBlockType == ast.HTMLBlockType2 { // a comment
				outside = append(outside, node)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, node := range outside { // keep their text
		parent := node.Parent()
		for child := node.FirstChild(); child != nil; child = node.FirstChild() {
			parent.InsertBefore(parent, node, child)
		}
		parent.RemoveChild(parent, node)
	}
}

func (t *transformer) heading(node *ast.Heading, source []byte) {
	title := strings.ReplaceAll(string(node.Lines().Value(source)), "`", "")
	if node.Level == 1 {
		t.page.Title = title
		return
	}
	if id, ok := node.AttributeString("id"); ok && node.Level == 2 {
		if anchor, ok := id.([]byte); ok {
			t.page.Sections = append(t.page.Sections, section{Anchor: string(anchor), Title: title})
		}
	}
}
