package mockserver_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyfit/keyfit/mockserver"
)

func ExampleOAuth() {
	srv := exampleServer()
	defer srv.Close()

	client, err := srv.OAuth().Register(mockserver.OAuthClient{RedirectURIs: []string{"https://app.example.com/cb"}})
	if err != nil {
		panic(err)
	}
	login, _ := http.NewRequest(http.MethodGet, "https://www.iiniit.com/auth/login?response_type=code&state=s&client_id="+client.ID, http.NoBody)
	answer := func() url.Values {
		res, err := srv.Transport().RoundTrip(login)
		if err != nil {
			panic(err)
		}
		_ = res.Body.Close()
		back, err := url.Parse(res.Header.Get("Location"))
		if err != nil {
			panic(err)
		}
		return back.Query()
	}

	srv.OAuth().DenyNext()
	fmt.Println(answer().Get("error"))
	srv.OAuth().ApproveNext("lorem")
	fmt.Println(len(answer().Get("code")) > 0)

	var kinds []string
	for _, k := range srv.OAuth().Tokens() {
		kinds = append(kinds, string(k.Kind)+" of "+k.User)
	}
	fmt.Println(strings.Join(kinds, ", "))
	// Output:
	// access_denied
	// true
	// code of lorem
}
