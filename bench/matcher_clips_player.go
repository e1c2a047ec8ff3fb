package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clipsPlayer is a CLIPS process that waits between rounds, so that the time it
// spends can be read while it rests.
type clipsPlayer struct {
	command *exec.Cmd
	dir     string
	in      io.WriteCloser
	out     *bufio.Reader
}

// newClipsPlayer starts CLIPS on a program and returns when it has loaded it.
func newClipsPlayer(binary string, p clipsProgram) (player, error) {
	dir, err := os.MkdirTemp("", "trimtab-clips")
	if err != nil {
		return nil, err
	}
	c := &clipsPlayer{dir: dir}
	file := filepath.Join(dir, "program.clp")
	err = os.WriteFile(file, []byte(p.source()), 0o600)
	if err == nil && p.apart {
		err = os.WriteFile(filepath.Join(dir, "rules.clp"), []byte(p.ruleset()), 0o600)
	}
	if err == nil {
		err = c.start(binary, file)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// start runs CLIPS with its output unbuffered: it has no way to flush it.
func (c *clipsPlayer) start(binary, file string) (err error) {
	c.command = exec.Command("stdbuf", "-oL", binary, "-f2", file)
	c.command.Stderr, c.command.Dir = os.Stderr, c.dir
	if c.in, err = c.command.StdinPipe(); err != nil {
		return err
	}
	out, err := c.command.StdoutPipe()
	if err != nil {
		return err
	}
	c.out = bufio.NewReader(out)
	return c.command.Start()
}

// prepare implements [player].
func (c *clipsPlayer) prepare() error {
	_, err := c.tell("prepare")
	return err
}

// play implements [player]. The time is that of the round less that of the same
// loop without facts.
func (c *clipsPlayer) play(changes int) (score, error) {
	_, loop, err := c.timed(fmt.Sprintf("bare %d", changes))
	if err != nil {
		return score{}, err
	}
	counts, spent, err := c.timed(fmt.Sprintf("play %d", changes))
	return score{firings: counts, spent: spent - loop}, err
}

func (c *clipsPlayer) timed(command string) (counts []int, spent time.Duration, err error) {
	before, err := spentBy(c.command.Process.Pid)
	if err != nil {
		return nil, 0, err
	}
	if counts, err = c.tell(command); err != nil {
		return nil, 0, err
	}
	after, err := spentBy(c.command.Process.Pid)
	return counts, after - before, err
}

// tell gives a command and reads the counts that answer it. Anything else that
// CLIPS says is a mistake in the program.
func (c *clipsPlayer) tell(command string) (counts []int, err error) {
	if _, err := fmt.Fprintln(c.in, command); err != nil {
		return nil, err
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("CLIPS ended: %w", err)
	}
	words := strings.Fields(line)
	if len(words) == 0 || words[0] != "done" {
		return nil, fmt.Errorf("CLIPS says: %s", strings.TrimSpace(line))
	}
	for _, w := range words[1:] {
		n, err := strconv.Atoi(w)
		if err != nil {
			return nil, err
		}
		counts = append(counts, n)
	}
	return counts, nil
}

// close implements [player].
func (c *clipsPlayer) close() error {
	_ = c.in.Close()
	_ = c.command.Process.Kill()
	_ = c.command.Wait() // it was killed
	return os.RemoveAll(c.dir)
}

// spentBy is the processor time of another process of one thread, to the
// nanosecond.
func spentBy(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(stat), " ")
	n, err := strconv.ParseInt(first, 10, 64)
	return time.Duration(n), err
}

// findClips finds CLIPS and says what is missing to run and measure it.
func findClips() (path, missing string) {
	path, err := exec.LookPath("clips")
	if err != nil {
		return "", "no clips (apt-get install clips)"
	}
	if _, err := exec.LookPath("stdbuf"); err != nil {
		return "", "no stdbuf (coreutils)"
	}
	if _, err := spentBy(os.Getpid()); err != nil {
		return "", "no processor time of another process here"
	}
	return path, ""
}

// installClips installs Debian's CLIPS where it is missing and that can be done.
func installClips(ctx context.Context) {
	if _, err := exec.LookPath("clips"); err == nil || os.Geteuid() != 0 {
		return
	}
	if apt, err := exec.LookPath("apt-get"); err == nil {
		_ = exec.CommandContext(ctx, apt, "install", "-y", "-qq", "clips").Run() // findClips says what came of it
	}
}
