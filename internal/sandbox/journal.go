package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// entry is one line of the journal: issues as they are after one request, all
// of them or none.
type entry struct {
	Issues    []*Issue            `json:"issues"`
	Workflows map[string]Workflow `json:"workflows,omitempty"` // of projects whose workflow was changed
}

// openJournal replays the journal and leaves it open for appending. Its last
// line may be torn, by a kill in the middle of a write: nobody was told of what
// it says, so it is cut off. A broken line before it is damage.
func (j *Jira) openJournal() (err error) {
	if j.cfg.Journal == "" {
		return nil
	}
	file, err := os.OpenFile(j.cfg.Journal, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	content, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	// In bytes: all that ends with a line end.
	whole := int64(bytes.LastIndexByte(content, '\n') + 1)
	for n, line := range bytes.Split(content[:whole], []byte("\n")) {
		if err := j.replay(line); err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	// Before anything is appended, or the next line would continue the torn one.
	if err := file.Truncate(whole); err != nil {
		return err
	}
	_, err = file.Seek(whole, io.SeekStart)
	j.journal = file
	return err
}

// replay takes one line. An issue that the configuration has no place for is
// damage too: nobody could show it.
func (j *Jira) replay(line []byte) error {
	if len(line) == 0 {
		return nil
	}
	var e entry
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	for key, w := range e.Workflows {
		if p := j.project(key); p != nil {
			p.Workflow = w
		}
	}
	for _, i := range e.Issues {
		if p := j.project(i.Project); p == nil || p.Workflow.status(i.Status) == nil {
			return fmt.Errorf("%s is of a project or in a status that is not configured: %s, %s", i.Key, i.Project, i.Status)
		}
		j.take(i)
	}
	return nil
}

// take makes an issue the current state and keeps the counters ahead of it.
func (j *Jira) take(i *Issue) {
	// Lines hold whole issues, not differences: the latest one counts. Deleted ones
	// are taken like others, because their ids and keys stay used.
	if j.issues[i.ID] == nil {
		j.order = append(j.order, i.ID)
	}
	j.issues[i.ID] = i
	j.lastID = max(j.lastID, i.ID)
	for _, c := range i.Changes {
		j.lastID = max(j.lastID, c.ID)
	}
	for _, c := range i.Comments {
		j.lastID = max(j.lastID, c.ID)
	}
	for _, l := range i.Links {
		j.lastID = max(j.lastID, l.ID)
	}
	for _, l := range i.Remote {
		j.lastID = max(j.lastID, l.ID)
	}
	for _, key := range append(i.OldKeys[:len(i.OldKeys):len(i.OldKeys)], i.Key) {
		j.keys[key] = i.ID
		project, digits, _ := strings.Cut(key, "-")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			j.numbers[project] = max(j.numbers[project], n)
		}
	}
}

// commit makes changed issues durable and then current; the caller holds the
// lock. When it fails, nothing has changed.
func (j *Jira) commit(issues ...*Issue) error { return j.commitWith(entry{Issues: issues}) }

func (j *Jira) commitWith(e entry) error {
	// The disk first: no answer may tell of what a kill could take back.
	if j.cfg.Journal != "" {
		if err := j.write(e); err != nil {
			return err
		}
	}
	for _, i := range e.Issues {
		old := j.issues[i.ID]
		if j.cfg.Lag != nil && old != nil && len(j.index.versions[i.ID]) == 0 {
			j.learn(old, 0) // searches go on to see it as it was
		}
		j.take(i)
		if j.cfg.Lag != nil {
			j.learn(i, j.lag(i.ID))
		}
		j.announce(old, i, len(e.Issues) > 1)
	}
	return nil
}

// write appends a line and waits until the disk has it.
func (j *Jira) write(e entry) error {
	// A request can outlast the context of Stop.
	if j.journal == nil {
		return errors.New("the sandbox is stopped")
	}
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	start, err := j.journal.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	_, err = j.journal.Write(append(line, '\n'))
	if err == nil {
		err = j.journal.Sync()
	}
	if err != nil { // a part of the line must not stand before the next one
		_, seek := j.journal.Seek(start, io.SeekStart)
		return errors.Join(err, j.journal.Truncate(start), seek)
	}
	return nil
}
