package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestSandbox: the lines that it prints lead to what it says.
func TestSandbox(t *testing.T) {
	for name, flags := range map[string]sandboxFlags{
		"cloud":       {listen: "127.0.0.1:0", projects: []string{"FIN", "OPS"}, users: []string{"ann@example.com"}, lag: "typical", limits: true},
		"data center": {listen: "127.0.0.1:0", projects: []string{"FIN", "OPS"}, dc: true, chaos: 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			read, write := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- flags.run(ctx, write)
				write.Close()
			}()
			var said strings.Builder
			lines := bufio.NewScanner(read)
			for lines.Scan() {
				said.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), "project: OPS") {
					break
				}
			}
			url := regexp.MustCompile(`url: '([^']+)'`).FindStringSubmatch(said.String())
			if url == nil {
				t.Fatalf("no address in %s", said.String())
			}
			for path, want := range map[string]int{"/rest/api/3/myself": http.StatusOK, "/": http.StatusOK, "/sandbox/state": http.StatusOK} {
				if flags.dc && strings.HasPrefix(path, "/rest") {
					want = http.StatusNotFound
				}
				if got := status(t, url[1]+path); got != want {
					t.Errorf("%s: HTTP %d", path, got)
				}
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(sandboxEmail, sandboxToken)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
