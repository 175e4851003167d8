package app

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kingpin/v2"

	"github.com/ausguck/ausguck/internal/lifecycle"
	"github.com/ausguck/ausguck/internal/updates"
	"github.com/ausguck/ausguck/internal/versions"
)

// UpdatesPart asks once a day whether there is a newer version, if a URL is configured.
type UpdatesPart struct {
	noPart
	URL string

	checker *updates.Checker
}

func (p *UpdatesPart) name() string                   { return "updates" }
func (p *UpdatesPart) on() bool                       { return p.URL != "" }
func (p *UpdatesPart) component() lifecycle.Component { return p.checker }

func (p *UpdatesPart) flags(a *kingpin.Application) {
	a.Flag("update.url", "URL that responds with the newest version of Ausguck: the \"latest release\" of a forge's API, or a text. It is requested once a day and by `version --check`. Default: none, and nothing is requested.").
		PlaceHolder("<URL>").Envar("AUSGUCK_UPDATE_URL").StringVar(&p.URL)
}

// Source returns the source at the URL. It returns an error if the URL is missing or invalid.
func (p *UpdatesPart) Source() (*updates.Source, error) {
	if p.URL == "" {
		return nil, errors.New("set --update.url or AUSGUCK_UPDATE_URL; without it, nothing is requested")
	}
	source, err := updates.NewSource(p.URL, versions.Own())
	if err != nil {
		return nil, fmt.Errorf("--update.url: %w", err)
	}
	return source, nil
}

func (p *UpdatesPart) load(l *loading) {
	_, err := p.Source()
	l.problem(err)
}

func (p *UpdatesPart) wire(a *App) error {
	source, err := p.Source()
	if err != nil {
		return err
	}
	p.checker = updates.NewChecker(source, a.options.Logger.With("part", "updates"), a.registry)
	return nil
}

// says returns nothing wrong: an old version works as before.
func (p *UpdatesPart) says() (string, bool) {
	switch state := p.checker.State(); {
	case state.Error != "":
		return state.Error, false
	case state.Newest == nil:
		return "not checked yet", false
	case state.Newer:
		return "version " + state.Newest.Version + " is available", false
	default:
		return "the newest version is " + state.Newest.Version, false
	}
}

// state returns the result of the checks, or nil if there are none.
func (p *UpdatesPart) state() *updates.State {
	if !p.on() {
		return nil
	}
	state := p.checker.State()
	return &state
}
