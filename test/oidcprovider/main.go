// Command oidcprovider is an OpenID Connect provider for tests, built on ory/fosite, like Ory Hydra: users log in with
// a form, PKCE is required, and a logout ends the session here. It keeps everything in memory.
//
// It is a separate module, so that its dependencies are not part of Ausguck.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"html/template"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"
)

const (
	clientID, clientSecret = "ausguck", "the client's secret"
	cookieName             = "provider_session"
)

type user struct {
	name, password string
	groups         []string
}

type provider struct {
	issuer, backTo string
	oauth          fosite.OAuth2Provider
	key            *rsa.PrivateKey
	users          []user

	mtx      sync.Mutex
	sessions map[string]string // to a user's name
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "Address.")
	redirect := flag.String("redirect", "", "Where the client takes codes.")
	backTo := flag.String("back-to", "", "Where the browser may go after a logout.")
	lifespan := flag.Duration("lifespan", time.Minute, "How long an id_token is valid.")
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	p, err := newProvider("http://"+l.Addr().String(), *redirect, *backTo, *lifespan)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.issuer)
	server := &http.Server{Handler: p.handler(), ReadHeaderTimeout: time.Minute}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
		os.Exit(1)
	}
}

func newProvider(issuer, redirect, backTo string, lifespan time.Duration) (*provider, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(clientSecret), bcrypt.MinCost)
	if err != nil {
		return nil, err
	}
	store := storage.NewMemoryStore()
	store.Clients[clientID] = &fosite.DefaultClient{
		ID: clientID, Secret: hash, RedirectURIs: []string{redirect}, ResponseTypes: []string{"code"}, GrantTypes: []string{"authorization_code"},
		Scopes: []string{"openid", "profile", "email", "groups"},
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // it never fails
	config := &fosite.Config{
		GlobalSecret: secret, IDTokenIssuer: issuer, IDTokenLifespan: lifespan, EnforcePKCE: true,
		RedirectSecureChecker: func(context.Context, *url.URL) bool { return true }, // networks of tests have no TLS
	}
	getKey := func(context.Context) (any, error) { return key, nil }
	p := &provider{
		issuer: issuer, backTo: backTo, key: key, sessions: map[string]string{},
		users: []user{{"eve", "secret of eve", []string{"team", "admins"}}, {"bob", "secret of bob", []string{"team"}}, {"mallory", "secret of mallory", []string{"others"}}},
	}
	p.oauth = compose.Compose(config, store, &compose.CommonStrategy{
		CoreStrategy:               compose.NewOAuth2HMACStrategy(config),
		OpenIDConnectTokenStrategy: compose.NewOpenIDConnectStrategy(getKey, config),
		Signer:                     &jwt.DefaultSigner{GetPrivateKey: getKey},
	}, compose.OAuth2AuthorizeExplicitFactory, compose.OpenIDConnectExplicitFactory, compose.OAuth2PKCEFactory, compose.OAuth2TokenIntrospectionFactory)
	return p, nil
}

func (p *provider) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": p.issuer, "authorization_endpoint": p.issuer + "/auth", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/keys",
			"userinfo_endpoint": p.issuer + "/userinfo", "end_session_endpoint": p.issuer + "/logout", "response_types_supported": []string{"code"},
			"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "one", Use: "sig", Algorithm: "RS256"}}})
	})
	mux.HandleFunc("/auth", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	mux.HandleFunc("GET /logout", p.logout)
	return mux
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

var page = template.Must(template.New("").Parse(`<!doctype html><title>Provider</title><h1>Log in at the provider</h1>
<form method="post"><p>{{.}}</p><input name="username" autofocus><input name="password" type="password"><button>Log in</button></form>`))

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := p.oauth.NewAuthorizeRequest(ctx, r)
	if err != nil {
		p.oauth.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	who, text := p.sessionOf(r), ""
	if r.Method == http.MethodPost && who == "" {
		if who = p.check(r.PostFormValue("username"), r.PostFormValue("password")); who != "" {
			p.begin(w, who)
		} else {
			text = "Wrong"
		}
	}
	if who == "" {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, text)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	now := time.Now().UTC()
	response, err := p.oauth.NewAuthorizeResponse(ctx, request, &openid.DefaultSession{
		Subject: "id of " + who,
		Claims:  &jwt.IDTokenClaims{Subject: "id of " + who, RequestedAt: now, AuthTime: now, Extra: p.claimsOf(who)},
		Headers: &jwt.Headers{Extra: map[string]any{"kid": "one"}},
	})
	if err != nil {
		p.oauth.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	p.oauth.WriteAuthorizeResponse(ctx, w, request, response)
}

func (p *provider) claimsOf(name string) map[string]any {
	i := slices.IndexFunc(p.users, func(u user) bool { return u.name == name })
	return map[string]any{"preferred_username": name, "name": strings.ToUpper(name), "email": name + "@example.org", "email_verified": true, "groups": p.users[i].groups}
}

func (p *provider) check(name, password string) string {
	for _, u := range p.users {
		if u.name == name && u.password == password {
			return name
		}
	}
	return ""
}

func (p *provider) begin(w http.ResponseWriter, who string) {
	key := rand.Text()
	p.mtx.Lock()
	p.sessions[key] = who
	p.mtx.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: key, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func (p *provider) sessionOf(r *http.Request) string {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	if c, err := r.Cookie(cookieName); err == nil {
		return p.sessions[c.Value]
	}
	return ""
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := p.oauth.NewAccessRequest(ctx, r, openid.NewDefaultSession())
	if err != nil {
		p.oauth.WriteAccessError(ctx, w, request, err)
		return
	}
	response, err := p.oauth.NewAccessResponse(ctx, request)
	if err != nil {
		p.oauth.WriteAccessError(ctx, w, request, err)
		return
	}
	p.oauth.WriteAccessResponse(ctx, w, request, response)
}

func (p *provider) userInfo(w http.ResponseWriter, r *http.Request) {
	session := openid.NewDefaultSession()
	_, request, err := p.oauth.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, session)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	subject := request.GetSession().GetSubject()
	claims := p.claimsOf(strings.TrimPrefix(subject, "id of "))
	claims["sub"] = subject
	answer(w, claims)
}

// logout ends the session of a user who presents a token of this provider, and redirects the browser back.
func (p *provider) logout(w http.ResponseWriter, r *http.Request) {
	token, err := jose.ParseSigned(r.URL.Query().Get("id_token_hint"))
	if err == nil {
		_, err = token.Verify(&p.key.PublicKey)
	}
	if back := r.URL.Query().Get("post_logout_redirect_uri"); err != nil || back != p.backTo || r.URL.Query().Get("client_id") != clientID {
		http.Error(w, fmt.Sprintf("no logout: %v, back to %q", err, back), http.StatusBadRequest)
		return
	}
	if c, err := r.Cookie(cookieName); err == nil {
		p.mtx.Lock()
		delete(p.sessions, c.Value)
		p.mtx.Unlock()
	}
	http.Redirect(w, r, p.backTo, http.StatusFound)
}
