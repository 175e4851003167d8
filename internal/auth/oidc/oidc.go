// Package oidc signs people in at an OpenID Connect provider: where the browser is sent, what comes back, and what
// the provider says of the person. It wraps go-oidc and knows neither users nor sessions.
//
// Only internal/auth and internal/app may import it.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config says which provider it is and how its people are known. Paths are JMESPath, as in Grafana.
type Config struct {
	// Name is on the button.
	Name string
	// Issuer is where /.well-known/openid-configuration is. Without one, AuthURL, TokenURL and APIURL say where to ask,
	// and the provider's answer at APIURL, by its own TLS, is believed.
	Issuer, AuthURL, TokenURL, APIURL string
	ClientID, ClientSecret            string
	Scopes                            []string
	// RedirectURL is the address here that the provider sends the browser back to.
	RedirectURL string

	AllowedDomains, AllowedGroups              []string
	GroupsPath, RolePath                       string
	LoginPath, EmailPath, NamePath, SignoutURL string
	CAFile, CertFile, KeyFile                  string
}

const (
	// clockSkew is how far the provider's clock may be behind.
	clockSkew = time.Minute
	timeout   = 10 * time.Second
	// retryAfter is how long a provider that did not answer is not asked again for a page.
	retryAfter = 15 * time.Second
	maxAnswer  = 1 << 20
)

// Provider is the one that is configured. It is asked for the first time when somebody wants to sign in, and again
// while it does not answer.
type Provider struct {
	config Config
	client *http.Client
	paths  paths

	asking          sync.Mutex // one at a time
	mtx             sync.Mutex
	found           *found
	tried, answered time.Time
	err             error
}

// found is what discovery has told.
type found struct {
	provider *oidc.Provider // nil without an issuer
	oauth    oauth2.Config
	signout  string
}

// New checks the configuration. It asks nobody.
func New(c Config) (*Provider, error) {
	if c.ClientID == "" {
		return nil, errors.New("the client ID is missing")
	}
	if c.Issuer == "" && (c.AuthURL == "" || c.TokenURL == "" || c.APIURL == "") {
		return nil, errors.New("set the issuer, or the authorization, token and user info URLs")
	}
	for _, address := range []string{c.Issuer, c.AuthURL, c.TokenURL, c.APIURL, c.SignoutURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
			return nil, fmt.Errorf("%q is not an http or https URL", address)
		}
	}
	p := &Provider{config: c}
	var err error
	if p.paths, err = c.compile(); err != nil {
		return nil, err
	}
	p.client, err = newClient(c)
	return p, err
}

func newClient(c Config) (*http.Client, error) {
	conf := &tls.Config{}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, err
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s contains no certificate", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, err
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, TLSHandshakeTimeout: timeout, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}
	return &http.Client{Transport: bounded{transport}, Timeout: timeout}, nil
}

// bounded keeps a provider from filling the memory.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// Issuer is who vouches: the issuer, or where tokens come from when there is none.
func (p *Provider) Issuer() string {
	if p.config.Issuer == "" {
		return p.config.TokenURL
	}
	return p.config.Issuer
}

// Name is on the button.
func (p *Provider) Name() string { return p.config.Name }

// Down says why nobody can sign in now, nil while it is not known. It asks a provider that has not answered yet, not
// more often than every retryAfter and without waiting for the answer.
func (p *Provider) Down() error {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if p.found == nil && time.Since(p.tried) > retryAfter {
		p.tried = time.Now()
		go func() { _, _ = p.discover(context.Background()) }() // what comes of it is seen by the next
	}
	return p.err
}

// discover asks the provider where its parts are, once it has answered never again.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	began := time.Now()
	if f, err := p.known(began); f != nil || err != nil {
		return f, err
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	if f, err := p.known(began); f != nil || err != nil {
		return f, err // who waited takes the answer that has come meanwhile, also when it is none
	}
	f, err := p.ask(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err() // says nothing of the provider
	}
	p.mtx.Lock()
	defer p.mtx.Unlock()
	p.answered, p.found, p.err = time.Now(), f, err
	return f, err
}

// known returns what the provider has answered, and an error only when it came after since.
func (p *Provider) known(since time.Time) (*found, error) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if p.found == nil && p.err != nil && p.answered.After(since) {
		return nil, p.err
	}
	return p.found, nil
}

func (p *Provider) ask(ctx context.Context) (*found, error) {
	c := p.config
	f := &found{oauth: oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, RedirectURL: c.RedirectURL, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.AuthURL, TokenURL: c.TokenURL},
	}, signout: c.SignoutURL}
	if c.Issuer == "" {
		return f, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var err error
	if f.provider, err = oidc.NewProvider(oidc.ClientContext(ctx, p.client), c.Issuer); err != nil {
		return nil, fmt.Errorf("request the configuration of %s: %w", c.Issuer, err)
	}
	endpoint := f.provider.Endpoint()
	if f.oauth.Endpoint.AuthURL == "" {
		f.oauth.Endpoint = endpoint
	}
	if !slices.Contains(f.oauth.Scopes, oidc.ScopeOpenID) {
		f.oauth.Scopes = append([]string{oidc.ScopeOpenID}, f.oauth.Scopes...)
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := f.provider.Claims(&more); err == nil && f.signout == "" {
		f.signout = more.EndSession
	}
	return f, nil
}

// Pending is what the browser has to bring back beside what the provider gives it. It is a secret of the browser's.
type Pending struct {
	State, Nonce, Verifier string
	RedirectTo             string
	Expires                time.Time
}

// pendingFor is how long somebody has to log in at the provider.
const pendingFor = 15 * time.Minute

// Begin returns where to send the browser.
func (p *Provider) Begin(ctx context.Context, redirectTo string) (string, Pending, error) {
	f, err := p.discover(ctx)
	if err != nil {
		return "", Pending{}, err
	}
	pending := Pending{
		State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), RedirectTo: redirectTo, Expires: time.Now().Add(pendingFor),
	}
	return f.oauth.AuthCodeURL(pending.State, oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.Verifier)), pending, nil
}

// ErrState is returned when what came back does not belong to what was begun.
var ErrState = errors.New("the sign-in was not started in this browser, or has expired")

// Finish takes what the provider has sent the browser back with.
func (p *Provider) Finish(ctx context.Context, pending Pending, query url.Values) (Person, error) {
	state := sha256.Sum256([]byte(query.Get("state")))
	want := sha256.Sum256([]byte(pending.State))
	if pending.State == "" || subtle.ConstantTimeCompare(state[:], want[:]) != 1 || time.Now().After(pending.Expires) {
		return Person{}, ErrState
	}
	if code := query.Get("error"); code != "" {
		return Person{}, &RefusedError{short(code + ": " + query.Get("error_description"))}
	}
	f, err := p.discover(ctx)
	if err != nil {
		return Person{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), 2*timeout)
	defer cancel()
	token, err := f.oauth.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(pending.Verifier))
	if err != nil {
		return Person{}, fmt.Errorf("exchange the code for a token: %w", withoutBody(err))
	}
	said, err := p.verify(ctx, f, token, pending.Nonce)
	if err != nil {
		return Person{}, err
	}
	return p.person(said)
}

// said is what the provider says of a person: the token first, and what it answers when asked.
type said struct {
	issuer, subject, idToken string
	claims                   []map[string]any
}

func (p *Provider) verify(ctx context.Context, f *found, token *oauth2.Token, nonce string) (said, error) {
	if f.provider == nil {
		info, err := p.userInfo(ctx, p.config.APIURL, token)
		if err != nil {
			return said{}, err
		}
		s := said{issuer: p.Issuer(), claims: []map[string]any{info}}
		for _, name := range []string{"sub", "id"} {
			if s.subject == "" && info[name] != nil {
				s.subject = fmt.Sprint(info[name])
			}
		}
		if s.subject == "" {
			return said{}, errors.New("the provider's response contains neither sub nor id, so the user cannot be identified")
		}
		return s, nil
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return said{}, errors.New("the provider returned no id_token")
	}
	verifier := f.provider.VerifierContext(oidc.ClientContext(context.Background(), p.client), &oidc.Config{
		ClientID: p.config.ClientID, Now: func() time.Time { return time.Now().Add(-clockSkew) },
	})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return said{}, fmt.Errorf("verify the id_token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return said{}, errors.New("the id_token belongs to another sign-in: its nonce does not match")
	}
	if id.Subject == "" {
		return said{}, errors.New("the id_token has no subject")
	}
	s := said{issuer: p.Issuer(), subject: id.Subject, idToken: raw, claims: []map[string]any{{}}}
	if err := id.Claims(&s.claims[0]); err != nil {
		return said{}, err
	}
	at := p.config.APIURL
	if at == "" {
		at = f.provider.UserInfoEndpoint()
	}
	if at == "" {
		return s, nil
	}
	info, err := p.userInfo(ctx, at, token)
	if err != nil {
		return said{}, err
	}
	if sub, ok := info["sub"]; ok && sub != id.Subject {
		return said{}, errors.New("the provider returned the data of another user")
	}
	s.claims = append(s.claims, info)
	return s, nil
}

func (p *Provider) userInfo(ctx context.Context, at string, token *oauth2.Token) (map[string]any, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	token.SetAuthHeader(r)
	r.Header.Set("Accept", "application/json")
	res, err := p.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("request the user's data: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("request the user's data from %s: %s", at, res.Status)
	}
	var info map[string]any
	dec := json.NewDecoder(res.Body)
	dec.UseNumber() // an id may be greater than a float can tell from its neighbour
	if err := dec.Decode(&info); err != nil {
		return nil, fmt.Errorf("read the user's data from %s: %w", at, err)
	}
	return info, nil
}

// withoutBody leaves out what the provider has sent beside the reason: it may hold a token.
func withoutBody(err error) error {
	var e *oauth2.RetrieveError
	if errors.As(err, &e) {
		return errors.New(short(strings.TrimSpace(e.ErrorCode + " " + e.ErrorDescription + " (" + e.Response.Status + ")")))
	}
	return err
}

func short(text string) string {
	return strings.TrimRight(strings.ToValidUTF8(text[:min(len(text), 200)], ""), ": ")
}

// Logout returns where the browser ends its session at the provider, empty when that is nowhere.
func (p *Provider) Logout(idToken, backTo string) string {
	p.mtx.Lock()
	f := p.found
	p.mtx.Unlock()
	signout := p.config.SignoutURL
	if f != nil {
		signout = f.signout
	}
	u, err := url.Parse(signout)
	if err != nil || signout == "" {
		return ""
	}
	q := u.Query()
	if idToken != "" && !q.Has("id_token_hint") {
		q.Set("id_token_hint", idToken)
	}
	if !q.Has("post_logout_redirect_uri") {
		q.Set("client_id", p.config.ClientID)
		q.Set("post_logout_redirect_uri", backTo)
	}
	u.RawQuery = q.Encode()
	return u.String()
}
