package rotate

// revocation is what a vendor documents about revoking an old key.
type revocation struct {
	when string // completes "Revoke it when …"
	how  string
}

// Revocation says how a vendor revokes a key.
func Revocation(vendor string) string { return revocationOf(vendor).how }

// revocationOf returns it for a vendor. Where nothing is documented it says that.
func revocationOf(vendor string) revocation {
	const restarted = "every program that reads this file has been restarted, or has reported key.safe_to_revoke"
	switch vendor {
	case "imin": // docs.imin.co, Authentication: both keys work for a time; notice is given
		return revocation{restarted, "imin stops the old key itself at the end of the overlap that it gave notice of; a key that leaked is replaced by your account manager"}
	case "mindkey": // developer.mindkey.com, API key authentication
		return revocation{
			restarted + "; the panel shows when it was last used, about 5 minutes late",
			"in MindKey, Administration > Integration > Connector Access Control, by the button beside the old key; it is answered with 401 from then on",
		}
	case "imkit": // docs.imkit.io, Authentication, API Key: rotate is revoke and generate
		return revocation{
			restarted,
			"IMKIT documents a rotation as revoke and generate, on the dashboard's API Settings page: check there whether the old key is still listed. No overlap is documented, so it may be invalid already",
		}
	case "imkit-user": // docs.imkit.io, User Token, Revoke token; Client Key
		return revocation{
			restarted,
			"the old token by DELETE /admin/clients/{id}/token with the token in the body, as the administrator; an application has one client key, and making a new one is documented to begin with revoking the old one",
		}
	case "optimove": // developer.optimove.com, Authentication Guide
		return revocation{restarted, "in Optimove, Settings > General > API Key Management: disable the old key first, and delete it once nobody misses it"}
	case "iiniit", "iiniit-token": // www.iiniit.com advises to rotate and revoke, and does not say where
		return revocation{restarted, "how iiniit revokes a key or a token is not documented: ask its support"}
	}
	return revocation{restarted, "how " + vendor + " revokes a key is not documented: ask its support"}
}
