// Package keyfit calls key-protected HTTP APIs from back-end programs: it loads the key,
// puts it on each request in the provider's way, keeps the provider's limits, turns its
// refusals into Go types, and changes keys while the program runs.
//
// # Two nouns
//
// A [Provider] is data about one API: where it is, how it takes a key, what it limits.
// Five come with the package ([Imin], [MindKey], [IMKIT], [Optimove], [Iiniit]); another
// is one composite literal. A [Keyring] holds the keys of one account and is the place
// where they are changed. A [Client] brings the two together:
//
//	c, err := keyfit.New(keyfit.IMKIT("your-app")) // key: IMKIT_API_KEY, then .env
//	users, err := keyfit.Get[Page[User]](ctx, c, "/admin/clients", keyfit.Param("limit", "50"))
//
// Three interfaces of one method each are the seams: [Source] says where a key comes
// from, [Scheme] how it is presented, [Gate] when an attempt may go out.
//
// # The way of a request
//
// There is one way, the same for the first attempt of a call and the last:
//
//	caller         Get, Send, Pages, Client.Do, Client.HTTPClient
//	 call          the URL within the origin, the options; the answer or a typed error
//	  retry        decides whether there is another attempt, and after what wait
//	   redirects   follows within the provider's origin, stops at its border
//	    auth       checks the origin; a refused key: a replay with a newer or the previous one
//	     attempt   a permit of the gate: shared pause, window, slots
//	               the current credential, on a copy of the request
//	      caller's middleware
//	       pool
//	     attempt   reads the answer: what it says about limit and key
//
// The key exists only between the attempt and the wire. What retries, redirects, hooks,
// logs and errors see never holds it. Since gate and key belong to the attempt, every
// retry, redirect and replay is paced and carries the newest key.
//
// # Changing a key
//
// [Keyring.Rotate] takes a new key from the program, [Keyring.Watch] follows a file, a
// .env or any other [Source]. What a source offers is a candidate: it becomes current when
// the provider has accepted it. Calls do not notice: an attempt under way ends with the
// key it began with, and a call whose key the provider refuses goes on with the newer or,
// if the provider is late, the previous one. With [HoldCalls] it waits where none works
// yet. [Keyring.Status] and the [KeyEvent]s tell where each key stands.
//
// # Failing
//
// A refused call is a [*MissingKeyError], [*InvalidKeyError], [*RateLimitError],
// [*PermissionError], or the plain [*APIError] that is under each of them. A call without
// an answer is a [*RequestError]. The sentinels ([ErrUnauthorized], [ErrRateLimited] …)
// name classes for errors.Is.
//
// # Testing
//
// Package mockserver beside this one is a server that behaves as the five APIs do, keys
// and limits included, for tests without a network.
package keyfit
