package bounds

// checkJSON checks the brackets of JSON, and returns approximately how much memory its decoded form uses. Invalid JSON is left to
// the decoder: no decoder nests brackets outside strings deeper than they are counted here.
func checkJSON(body []byte, most int64) (cost int64, err error) {
	cost = 2 * int64(len(body))
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			for i++; i < len(body) && body[i] != '"'; i++ {
				if body[i] == '\\' {
					i++
				}
			}
			cost += 16
		case '[', '{':
			if depth++; depth > MaxNesting {
				return cost, limit("values nest deeper than %d levels", MaxNesting)
			}
			cost += messageCost
		case ']', '}':
			depth = max(depth-1, 0)
		case ',':
			cost += 16
		}
		if cost > most {
			return cost, limit("the decoded request would take more than %d MiB", most>>20)
		}
	}
	return cost, nil
}
