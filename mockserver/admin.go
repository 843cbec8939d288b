package mockserver

// AdminConfig configures the admin API.
type AdminConfig struct{}

type admin struct{ srv *Server }

func newAdmin(s *Server) *admin { return &admin{srv: s} }
