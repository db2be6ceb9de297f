package main

import (
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func sleepers(s *stopwatch, count int) float64 {
	var group sync.WaitGroup
	var awake int64

	s.start()
	for i := 0; i < count; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			d := time.Duration(i*37%100+1) * time.Millisecond
			started := time.Now()
			time.Sleep(d)
			expect(time.Since(started) >= d, "that the sleep was long enough")
			atomic.AddInt64(&awake, 1)
		}(i)
	}
	group.Wait()
	s.stop()
	expect(awake == int64(count), "the number of sleepers")
	return float64(s.cpu.Nanoseconds()) / 1e6
}

func touch(s *stopwatch, count int) float64 {
	const apart = 128 * 1024
	stacks, err := syscall.Mmap(-1, 0, count*apart, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_NORESERVE)

	expect(err == nil, "the mapping")
	s.start()
	for at := 0; at < len(stacks); at += apart {
		stacks[at] = 1
	}
	s.stop()
	expect(syscall.Munmap(stacks) == nil, "the end of the mapping")
	return float64(s.cpu.Nanoseconds()) / 1e6
}

func timer(s *stopwatch, count int) float64 {
	stopped := 0

	s.start()
	for i := 0; i < count; i++ {
		if time.NewTimer(time.Hour).Stop() {
			stopped++
		}
	}
	s.stop()
	expect(stopped == count, "the number of timers stopped")
	return s.perUnit(count)
}
