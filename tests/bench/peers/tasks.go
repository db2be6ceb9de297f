package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func yield(s *stopwatch, count int) float64 {
	each := count / 2
	var group sync.WaitGroup

	s.start()
	for i := 0; i < 2; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < each; j++ {
				runtime.Gosched()
			}
		}()
	}
	group.Wait()
	s.stop()
	return s.perUnit(2 * each)
}

func spawn(s *stopwatch, count int) float64 {
	const batch = 1000
	batches := (count + batch - 1) / batch
	var group sync.WaitGroup

	s.start()
	for i := 0; i < batches; i++ {
		group.Add(batch)
		for j := 0; j < batch; j++ {
			go group.Done()
		}
		group.Wait()
	}
	s.stop()
	return s.perUnit(batches * batch)
}

// skynetNode is a tree of goroutines, ten children each, whose leaves send their numbers upwards.
func skynetNode(parent chan<- int, first, leaves int) {
	if leaves == 1 {
		parent <- first
		return
	}
	children := make(chan int)
	for i := 0; i < 10; i++ {
		go skynetNode(children, first+i*(leaves/10), leaves/10)
	}
	sum := 0
	for i := 0; i < 10; i++ {
		sum += <-children
	}
	parent <- sum
}

func skynet(s *stopwatch, count int) float64 {
	result := make(chan int)
	s.start()
	go skynetNode(result, 0, count)
	sum := <-result
	s.stop()
	expect(sum == count*(count-1)/2, "skynet's sum")
	return s.perUnit(count)
}

func residentBytes() int {
	var size, resident int
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := fmt.Fscan(f, &size, &resident); err != nil {
		panic(err)
	}
	return resident * os.Getpagesize()
}

// awaitParked waits until count goroutines have said that parking comes next, and gives them the
// time for it.
func awaitParked(aboutToPark *int64, count int) {
	for atomic.LoadInt64(aboutToPark) < int64(count) {
		runtime.Gosched()
	}
	time.Sleep(20 * time.Millisecond)
}

func parked(s *stopwatch, count int) float64 {
	never := make(chan struct{})
	var group sync.WaitGroup
	var aboutToPark int64

	before := residentBytes()
	s.start()
	for i := 0; i < count; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			atomic.AddInt64(&aboutToPark, 1)
			<-never
		}()
	}
	awaitParked(&aboutToPark, count)
	s.stop()
	after := residentBytes()
	close(never)
	group.Wait()
	return float64(after-before) / float64(count)
}

// compute computes for a few milliseconds.
func compute(seed int) uint64 {
	x := 2*uint64(seed) + 1
	for i := 0; i < 2000000; i++ {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

func speedup(s *stopwatch, count int) float64 {
	var group sync.WaitGroup
	var expected, computed uint64

	s.start()
	for i := 0; i < count; i++ {
		expected += compute(i)
	}
	s.stop()
	alone := s.wall

	s.start()
	for i := 0; i < count; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			atomic.AddUint64(&computed, compute(i))
		}(i)
	}
	group.Wait()
	s.stop()
	expect(computed == expected, "what has been computed")
	return float64(alone) / float64(s.wall)
}
