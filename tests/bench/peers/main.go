// Command peer has the rows of tests/bench in Go: the same workloads with the means of Go.
//
// Usage: peer ROW COUNT    prints the value in the row's unit, and the wall and CPU seconds
//
//	peer --version    prints the version of Go
//
// The number of processors is that of GOMAXPROCS. Exit status: 0, 1 wrong results, 2 usage.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// stopwatch measures what lies between start and stop.
type stopwatch struct {
	wall, cpu   time.Duration
	wallStarted time.Time
	cpuStarted  time.Duration
}

func cpuNow() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (s *stopwatch) start() {
	s.cpuStarted = cpuNow()
	s.wallStarted = time.Now()
}

func (s *stopwatch) stop() {
	s.wall = time.Since(s.wallStarted)
	s.cpu = cpuNow() - s.cpuStarted
}

// perUnit is the measure of most rows: nanoseconds.
func (s *stopwatch) perUnit(units int) float64 {
	return float64(s.wall.Nanoseconds()) / float64(units)
}

func expect(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "peer: not true:", what)
		os.Exit(1)
	}
}

// A row does count units of its workload and returns its value.
var rows = map[string]func(s *stopwatch, count int) float64{
	"yield":       yield,
	"spawn":       spawn,
	"skynet":      skynet,
	"parked":      parked,
	"speedup":     speedup,
	"pingpong":    pingpong,
	"unbuffered":  func(s *stopwatch, count int) float64 { return transfer(s, count, 0, 1) },
	"buffered":    func(s *stopwatch, count int) float64 { return transfer(s, count, 128, 1) },
	"mpmc":        func(s *stopwatch, count int) float64 { return transfer(s, count, 128, 4) },
	"uncontended": uncontended,
	"ring":        ring,
	"sieve":       sieve,
	"close":       closeWithWaiters,
	"select_2":    select2,
	"select_8":    select8,
	"select_now":  selectNow,
	"mutex":       func(s *stopwatch, count int) float64 { return mutex(s, count, 1) },
	"mutex_8":     func(s *stopwatch, count int) float64 { return mutex(s, count, 8) },
	"rdlock":      func(s *stopwatch, count int) float64 { return readLock(s, count, 1) },
	"rdlock_8":    func(s *stopwatch, count int) float64 { return readLock(s, count, 8) },
	"sleepers":    sleepers,
	"touch":       touch,
	"timer":       timer,
	"echo":        echo,
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(runtime.Version())
		return
	}
	if len(os.Args) == 3 {
		run := rows[os.Args[1]]
		count, err := strconv.Atoi(os.Args[2])
		if run != nil && err == nil && count > 0 {
			var s stopwatch
			value := run(&s, count)
			fmt.Printf("%.3f %.6f %.6f\n", value, s.wall.Seconds(), s.cpu.Seconds())
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: peer ROW COUNT, or --version")
	os.Exit(2)
}
