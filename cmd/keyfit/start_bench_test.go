package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkFirst200 measures from exec to the first 200 of an authenticated
// request, as a client sees it that starts together with the mock and asks all
// the time. It is printed, not judged: the machine decides.
func BenchmarkFirst200(b *testing.B) {
	const key = "a-fixed-key-for-the-benchmark"
	config := filepath.Join(b.TempDir(), "mock.json")
	writeFile(b, config, `{"keys": [{"provider": "imkit", "raw": "`+key+`"}]}`)
	binary := filepath.Join(b.TempDir(), "keyfit") // the program itself: a test's own binary starts slower
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var sum time.Duration
	for range b.N {
		addr := freeAddr(b)
		cmd := exec.Command(binary, "mock", "--config", config, "--providers", "imkit", "--addr", addr, "--log", "off")
		cmd.Env = environment()
		began := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for status := 0; status != http.StatusOK; {
			r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/admin/connection-count", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("IM-API-KEY", key)
			if res, err := client.Do(r); err == nil {
				res.Body.Close()
				status = res.StatusCode
			}
		}
		sum += time.Since(began)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	b.ReportMetric(float64(sum.Microseconds())/1000/float64(b.N), "ms/first-200")
}
