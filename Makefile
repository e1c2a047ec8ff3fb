# What a developer types. `make test` needs Go and a C compiler and installs the rest.
.DEFAULT_GOAL := help
.PHONY: help build demo test lint fmt golden fuzz figures clean

export CGO_ENABLED = 1
FUZZTIME ?= 20s

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

build: ## the binary, in bin/trimtab
	go build -trimpath -o bin/trimtab ./cmd/trimtab

demo: ## the whole story on generated data
	go run ./cmd/trimtab demo

test: lint bin/gotestsum ## lint and every test, with the race detector
	bin/gotestsum --format pkgname --hide-summary=output --jsonfile bin/test.json -- -race -timeout 30m ./...
	@go -C tools run ./skipped ../bin/test.json

lint: bin/staticcheck bin/gofumpt ## format, vet, staticcheck
	@test -z "$$(bin/gofumpt -l .)" || { echo "not formatted (make fmt):"; bin/gofumpt -l .; exit 1; }
	go vet ./...
	bin/staticcheck ./...

fmt: bin/gofumpt ## format the code
	bin/gofumpt -w .

golden: ## renew the golden files; read them before you commit
	@grep -rlE 'flag\.Bool\("update"' --include='*_test.go' . | xargs -n1 dirname | sort -u | xargs -I{} go test {} -update

fuzz: ## every fuzz test for FUZZTIME
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do \
	  grep -hoE '^func Fuzz[A-Za-z]*' $$dir/*_test.go | cut -c6- | while read -r f; do \
	    echo "$$dir $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$dir || exit 1; done; done

clean: ## remove what was built
	rm -rf bin trimtab-demo

bin/staticcheck bin/gofumpt bin/gotestsum &: tools/go.mod
	go -C tools build -o ../bin/ honnef.co/go/tools/cmd/staticcheck mvdan.cc/gofumpt gotest.tools/gotestsum
