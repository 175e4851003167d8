// Package oidc signs users in with an OpenID Connect provider: it builds the redirect to the provider, handles the callback, and
// reads the provider's claims about the person. It wraps go-oidc and has no notion of users or sessions.
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

// Config describes the provider and how to read its claims. Paths are JMESPath expressions, as in Grafana.
type Config struct {
	// Name is shown on the button.
	Name string
	// Issuer is the base URL of /.well-known/openid-configuration. Without an issuer, AuthURL, TokenURL and APIURL are the
	// endpoints, and the response from APIURL is trusted because of its TLS.
	Issuer, AuthURL, TokenURL, APIURL string
	ClientID, ClientSecret            string
	Scopes                            []string
	// RedirectURL is the URL here to which the provider redirects the browser.
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
	// retryAfter is the minimum interval between requests, for the login page, to a provider that did not respond.
	retryAfter = 15 * time.Second
	maxAnswer  = 1 << 20
)

// Provider is the configured provider. It is contacted at the first sign-in, and again as long as it does not respond.
type Provider struct {
	config Config
	client *http.Client
	paths  paths

	asking          sync.Mutex // one request at a time
	mtx             sync.Mutex
	found           *found
	tried, answered time.Time
	err             error
}

// found is the result of discovery.
type found struct {
	provider *oidc.Provider // nil without an issuer
	oauth    oauth2.Config
	signout  string
}

// New checks the configuration. It sends no requests.
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

// bounded limits the size of the provider's responses, to protect memory.
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

// Issuer returns the issuer, or the token URL if there is none.
func (p *Provider) Issuer() string {
	if p.config.Issuer == "" {
		return p.config.TokenURL
	}
	return p.config.Issuer
}

// Name is on the button.
func (p *Provider) Name() string { return p.config.Name }

// Down returns why sign-in is unavailable, or nil if no reason is known. It contacts a provider that has not responded yet, at
// most once per retryAfter and without waiting for the response.
func (p *Provider) Down() error {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if p.found == nil && time.Since(p.tried) > retryAfter {
		p.tried = time.Now()
		go func() { _, _ = p.discover(context.Background()) }() // the next call sees the result
	}
	return p.err
}

// discover requests the provider's endpoints; it does not repeat a successful request.
func (p *Provider) discover(ctx context.Context) (*found, error) {
	began := time.Now()
	if f, err := p.known(began); f != nil || err != nil {
		return f, err
	}
	p.asking.Lock()
	defer p.asking.Unlock()
	if f, err := p.known(began); f != nil || err != nil {
		return f, err // a waiting caller takes the result that has arrived meanwhile, even if it is an error
	}
	f, err := p.ask(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err() // not an error of the provider
	}
	p.mtx.Lock()
	defer p.mtx.Unlock()
	p.answered, p.found, p.err = time.Now(), f, err
	return f, err
}

// known returns the result of discovery, and an error only if it occurred after since.
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

// Pending is what the browser must present in addition to the provider's parameters. It is a secret of the browser.
type Pending struct {
	State, Nonce, Verifier string
	RedirectTo             string
	Expires                time.Time
}

// pendingFor is how much time users have to log in at the provider.
const pendingFor = 15 * time.Minute

// Begin returns the URL to redirect the browser to.
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

// ErrState is returned if a callback does not match a sign-in that was started.
var ErrState = errors.New("the sign-in was not started in this browser, or has expired")

// Finish handles the parameters of the provider's redirect back.
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

// said has the provider's claims: those of the ID token, then those of the API response.
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
	dec.UseNumber() // an ID may be too large for a float64 to represent exactly
	if err := dec.Decode(&info); err != nil {
		return nil, fmt.Errorf("read the user's data from %s: %w", at, err)
	}
	return info, nil
}

// withoutBody removes the provider's response from the error, because it may contain a token.
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

// Logout returns the URL at which the browser ends its session at the provider, or "" if there is none.
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
