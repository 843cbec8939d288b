// Package keyfit calls key-protected HTTP APIs from back-end programs. It loads the key,
// puts it on each request in the form that the provider requires, keeps the provider's
// limits, turns refusals into Go types, and changes keys while the program runs.
//
// # Main types
//
// A [Provider] is data about one API: its address, its authentication scheme, its rate
// limit. The package contains five ([Imin], [MindKey], [IMKIT], [Optimove], [Iiniit]);
// another one is a composite literal. A [Keyring] holds the keys of one account and is the
// place where they are changed. A [Client] combines the two:
//
//	c, err := keyfit.New(keyfit.IMKIT("your-app")) // key: IMKIT_API_KEY, then .env
//	users, err := keyfit.Get[Users](ctx, c, "/admin/clients", keyfit.Param("limit", "50")) // Users is a type of yours
//
// Three interfaces of one method each are the extension points: [Source] supplies a key,
// [Scheme] puts it on a request, [Gate] decides when an attempt may be sent.
//
// # The path of a request
//
// All attempts of a call take the same path:
//
//	caller         Get, Send, Pages, Client.Do, Client.HTTPClient
//	 call          the URL within the origin, the options; the response or a typed error
//	  retry        decides whether there is another attempt, and after which wait
//	   redirects   follows within the provider's origin, refuses redirects to another origin;
//	               reads the whole body of a good response to a typed call
//	    auth       checks the origin; after a refusal: a replay with a newer or the previous key
//	     attempt   a permit of the gate: shared pause, window, slots
//	               the current credential, on a copy of the request
//	      caller's middleware
//	       pool
//	     attempt   reads the response: what it says about limit and key
//
// The key exists only between the attempt and the wire. Retries, redirects, hooks, logs and
// errors never see it. Because gate and key belong to the attempt, every retry, redirect
// and replay is paced and carries the newest key.
//
// # Changing a key
//
// [Keyring.Rotate] takes a new key from the program; [Keyring.Watch] follows a file, a .env
// or any other [Source]. Calls are not interrupted. A key that a source offers is not
// trusted until the provider has accepted it. An attempt in progress ends with the key that
// it was sent with. If the provider refuses a call's key, the call is replayed with the
// newer key or, if the provider does not know that yet, with the previous one. While no key
// works, it waits a moment, or longer with [HoldCalls]. [Keyring.Status] and [KeyEvent] show
// the state of each key, and when it ends.
//
// # Errors
//
// A refused call returns a [*MissingKeyError], [*InvalidKeyError], [*RateLimitError] or
// [*PermissionError], or the plain [*APIError] that is the base of each. A call without a
// response returns a [*RequestError]. The sentinels ([ErrUnauthorized], [ErrRateLimited] …)
// name classes for errors.Is. The error has what each attempt came to, and the wait that the
// provider asked for.
//
// # Testing
//
// Package mockserver in this module is a server that behaves as the five APIs do, keys and
// limits included, for tests without a network.
package keyfit
