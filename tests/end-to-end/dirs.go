// SPDX-License-Identifier: LGPL-2.1-or-later

// Makes directories from 64 goroutines, by the bare system call and by os.Mkdir, while signals stop its threads:
// those by which the runtime preempts what computes, and more of them.  Any error is fatal, EINTR too.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func must(name string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// As the runtime does it, but each thread, whether it makes a directory now or not.
func interrupt() {
	tasks, err := os.ReadDir("/proc/self/task")
	must("/proc/self/task", err)
	for _, task := range tasks {
		tid, _ := strconv.Atoi(task.Name())
		must("tgkill", syscall.Tgkill(os.Getpid(), tid, syscall.SIGURG))
	}
}

func main() {
	runtime.GOMAXPROCS(8)
	go func() {
		for n := 1; n != 0; n += 2 {
		}
	}()
	go func() {
		for {
			runtime.GC()
			interrupt()
			time.Sleep(time.Millisecond)
		}
	}()

	var group sync.WaitGroup
	for i := 0; i < 64; i++ {
		group.Add(1)
		go func(top string) {
			defer group.Done()
			must(top, os.Mkdir(top, 0o777))
			for n := 0; n < 4; n++ {
				name := fmt.Sprintf("%s/bare-%d", top, n)
				must(name, syscall.Mkdir(name, 0o755))
				name = fmt.Sprintf("%s/all-%d/a/b", top, n)
				must(name, os.MkdirAll(name, 0o750))
			}
		}(fmt.Sprintf("of-%d", i))
	}
	group.Wait()
}
