# Everything a person does with this repository. CI calls these targets and nothing else.

GO      ?= go
NPM     ?= npm
BIN     := bin
ARGS    ?=
ARCHES  ?= amd64 arm64

VERSION  = $(shell git describe --tags --match 'v*' --dirty 2>/dev/null | sed 's/^v//' | grep . || echo 0.1.0-dev)
REVISION = $(shell git rev-parse HEAD 2>/dev/null)
STAMP    = github.com/prometheus/common/version
# Loki's package overwrites the stamp with its own when the program starts.
LOKI     = github.com/grafana/loki/v3/pkg/util/build
LDFLAGS  = -s -w -funcalign=16 -X $(STAMP).Version=$(VERSION) -X $(STAMP).Revision=$(REVISION) -X $(LOKI).Version=$(VERSION) -X $(LOKI).Revision=$(REVISION)

# The tests by level, see "Tests" in AGENTS.md. Black-box tests start real servers: one package at a time.
PACKAGES = $(eval PACKAGES := $(shell GOTOOLCHAIN=$(GOTOOLCHAIN) $(GO) list ./...))$(PACKAGES)
RACE     = $(if $(shell command -v gcc),$(filter %/lifecycle %/inproc %/database %/httpserver %/dockerhost,$(PACKAGES)))
UNIT     = $(filter-out github.com/ausguck/ausguck/test/% $(RACE),$(PACKAGES))
BLACKBOX = $(filter %/test/acceptance %/test/e2e %/test/script,$(PACKAGES))
DOCKER   = $(if $(AUSGUCK_TEST_DOCKER),-vet=off -count=1 -p 1 -timeout 20m ./test/e2e/docker/... ./test/e2e/release)

# What test-short leaves out: tests of seconds each, most of which start the whole program.
SLOW = ^Test(EnginesBehindEachPart|PartsFailAlone.*|PartsGoOn.*|TheLastGood.*|TheWholeFolderIsGone|Files(That|OfOneJob).*|OriginalFile.*|AutoReload|ReloadIsAllOrNone|RolesOfEveryRoute|BuiltInDashboardsAsk.*|RulesWithTheStockPromtool|StopEndsScrapesThatHang|GuardRefuses|NoSecretLeavesAReceiver|SessionsEndByThemselves|RuntimeThatHangs.*|MaliciousArchives|KeptAnswers)$$

# Modules of their own, so that what they need stays out of the program and the other way round.
NESTED   = instrument codeagent bench/instrument
NESTED_TEST = $(foreach m,$(NESTED),'in $(m) -vet=off $(if $(shell command -v gcc),-race) ./...')

# The UI is built again when one of these is newer than what was built.
UI       = web/dist/index.html
UI_FROM  = $(filter-out %.test.ts %.test.tsx,$(shell find web/src web/build -type f 2>/dev/null)) \
	web/index.html web/package.json web/vite.config.ts web/tsconfig.json
JS_FROM  = '../instrument/js/{src,bench,test}/*.{ts,js}'
MODULES  = web/node_modules/.package-lock.json
OTLPJS   = test/otlpjs/node_modules/.package-lock.json
NODEJS   = instrument/js/node_modules/.package-lock.json

export CGO_ENABLED := 0
# go.mod names the patch release of Go that the engines' security notes ask for; an older go command fetches it.
export GOTOOLCHAIN := $(patsubst local,auto,$(or $(GOTOOLCHAIN),auto))
# For all that is compiled, tests and linter too, so that the engines are compiled once. Functions of packages that no
# scrape, query or push waits for are not inlined: that makes the program 10 % smaller (ADR 0015).
export GOFLAGS := $(GOFLAGS) -trimpath $(patsubst %,-gcflags=%=-l,$(shell cat tools/cold.txt))

.DEFAULT_GOAL := help

.PHONY: help
help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(UI) ## build bin/ausguck with its UI
	@$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN)/ausguck ./cmd/ausguck

.PHONY: flags
flags: ## what `make` compiles with, for GOFLAGS
	@echo '$(GOFLAGS)'

.PHONY: ui
ui: $(UI) ## build only the UI, into web/dist

$(UI): $(MODULES) $(UI_FROM)
	@rm -rf web/dist/public $@
	@cd web && $(NPM) run --silent build
	@touch $@

# Versions are those of the lock file. `npm ci` would also want the optional packages of all other platforms, which
# mirrors need not have. Scripts of packages are not run, here as in web/.npmrc: none of them is needed.
$(MODULES) $(OTLPJS) $(NODEJS): %/node_modules/.package-lock.json: %/package-lock.json %/package.json
	@command -v $(NPM) >/dev/null || { echo 'The UI needs Node 20 or newer with npm: apt-get install nodejs npm. `go build ./cmd/ausguck` builds all but the UI.'; exit 1; }
	@cd $* && $(NPM) install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: run
run: build ## build and start it; ARGS="--flag=value" passes flags on
	@exec $(BIN)/ausguck $(ARGS)

.PHONY: codeagent
codeagent: ## build bin/codeagent, the sample system that is watched
	@GOWORK=off $(GO) build -C codeagent -ldflags '-s -w' -o ../$(BIN)/codeagent .

.PHONY: demo
demo: build codeagent ## Ausguck and the code agent together; in containers where a Docker engine answers
	@deploy/demo/run.sh

.PHONY: test
test: vet build codeagent $(OTLPJS) $(NODEJS) $(if $(DOCKER),image $(BIN)/docker-compose) stock $(BIN)/testsum ## check, then run all tests; with AUSGUCK_TEST_DOCKER=1 those with a Docker engine too
	@$(if $(DOCKER),,echo 'The tests with a Docker engine are not run; AUSGUCK_TEST_DOCKER=1 make test runs them, as root on a machine with dockerd.')
	@$(BIN)/testsum 'npm web' 'npm instrument/js' '-vet=off $(UNIT)' '$(if $(RACE),-vet=off -race $(RACE))' $(NESTED_TEST) 'in tools -vet=off ./testsum' \
		'twice -vet=off -count=1 -p 1 -timeout 40m $(if $(DOCKER),,-skip ^TestGrowInContainers$$) $(BLACKBOX)' 'twice in test/grafanaclient -vet=off -count=1 ./...' 'twice in test/oidcprovider -vet=off -count=1 ./...' 'twice npm web/e2e' '$(if $(DOCKER),twice $(DOCKER))'

.PHONY: test-short
test-short: $(BIN)/testsum $(MODULES) ## what most changes need before a commit, in minutes: the unit tests of the program and of the page
	@$(BIN)/testsum 'npm web' "-vet=off -skip $(SLOW) $(UNIT)"

.PHONY: test-docker
test-docker: image stock $(BIN)/docker-compose $(BIN)/testsum ## only the tests with a Docker engine, as root
	@AUSGUCK_TEST_DOCKER=1 $(BIN)/testsum '-vet=off -count=1 -p 1 -timeout 20m ./test/e2e/docker/...'

.PHONY: vet
vet: ## what takes seconds: go vet and gofmt
	@$(GO) vet ./...
	@for m in $(NESTED) test/grafanaclient test/oidcprovider tools/release; do GOWORK=off $(GO) vet -C $$m ./... || exit 1; done
	@unformatted=$$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "Not formatted, make fmt does it:"; echo "$$unformatted"; exit 1; fi

.PHONY: lint
lint: $(BIN)/golangci-lint $(MODULES) ## run golangci-lint, whose first build takes some minutes, and the page's linters
	@$(BIN)/golangci-lint run --timeout 15m ./...
	@for m in $(NESTED) test/grafanaclient test/oidcprovider; do (cd $$m && GOWORK=off $(CURDIR)/$(BIN)/golangci-lint run --timeout 15m ./...) || exit 1; done
	@cd web && $(NPM) run --silent lint && node_modules/.bin/prettier --check --log-level warn --config .prettierrc.json $(JS_FROM)

.PHONY: fmt
fmt: $(BIN)/golangci-lint $(MODULES) ## format the Go code and the page's
	@$(BIN)/golangci-lint fmt ./...
	@cd web && $(NPM) run --silent format && node_modules/.bin/prettier --write --log-level warn --config .prettierrc.json $(JS_FROM)

.PHONY: bench
bench: build stock ## measure side by side with the stock programs
	@$(GO) run ./bench $(ARGS)

.PHONY: stock
stock: ## build the stock programs to compare with into bin/stock
	@tools/stock/build.sh $(BIN)/stock

.PHONY: image
image: build codeagent ## images for `docker load`, of this machine's architecture, into bin/
	@GOWORK=off $(GO) build -C tools/release -o ../../$(BIN)/image ./image
	@for p in ausguck codeagent; do $(BIN)/image -program $(BIN)/$$p -name $$p -arch $$($(GO) env GOARCH) -version '$(VERSION)' \
		-revision '$(REVISION)' -epoch "$$(git log -1 --format=%ct 2>/dev/null || echo 0)" -out $(BIN)/$$p.image.tar || exit 1; done

.PHONY: release
release: $(UI) ## archives, deb, rpm, images and lists of what is inside, for ARCHES, into dist/
	@VERSION='$(VERSION)' REVISION='$(REVISION)' LDFLAGS="$(LDFLAGS)" tools/release/release.sh dist $(ARCHES)

.PHONY: clean
clean: ## remove what was built; data stays
	@rm -rf $(BIN) dist web/dist/public $(UI)

# The tools have a module of their own, so that their dependencies stay out of the program's.
$(BIN)/golangci-lint: tools/go.mod
	@GOWORK=off $(GO) build -C tools -ldflags '-s -w' -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

# `docker compose`, the plugin that people have and Debian does not, to run the commands of the docs with.
$(BIN)/docker-compose: tools/compose/go.mod
	@GOWORK=off $(GO) build -C tools/compose -ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$$(GOWORK=off $(GO) list -C tools/compose -m -f '{{.Version}}' github.com/docker/compose/v2)" \
		-o ../../$@ github.com/docker/compose/v2/cmd
	@touch $@

$(BIN)/testsum: $(wildcard tools/testsum/*.go)
	@GOWORK=off $(GO) build -C tools -o ../$@ ./testsum
	@touch $@
