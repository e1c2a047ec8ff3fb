package sandbox

// indexed lists what a search can find.
func (j *Jira) indexed(_ *scope, _ []int64) []*Issue { return j.live() }
