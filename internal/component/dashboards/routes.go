package dashboards

// routes is every URL that this part answers; all others are 404.
func (s *Server) routes() []route {
	return []route{
		{"GET /api/health", "", "", s.getHealth},
	}
}
