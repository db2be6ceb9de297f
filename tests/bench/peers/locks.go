package main

import (
	"sync"
	"sync/atomic"
)

func mutex(s *stopwatch, count, tasks int) float64 {
	each := count / tasks
	var group sync.WaitGroup
	var mu sync.Mutex
	counter := 0

	s.start()
	for i := 0; i < tasks; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < each; j++ {
				mu.Lock()
				counter++
				mu.Unlock()
			}
		}()
	}
	group.Wait()
	s.stop()
	expect(counter == tasks*each, "the counter")
	return s.perUnit(tasks * each)
}

func readLock(s *stopwatch, count, tasks int) float64 {
	each := count / tasks
	var group sync.WaitGroup
	var mu sync.RWMutex
	var sum int64
	one := 1

	s.start()
	for i := 0; i < tasks; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			part := 0
			for j := 0; j < each; j++ {
				mu.RLock()
				part += one
				mu.RUnlock()
			}
			atomic.AddInt64(&sum, int64(part))
		}()
	}
	group.Wait()
	s.stop()
	expect(sum == int64(tasks*each), "the sum of what was read")
	return s.perUnit(tasks * each)
}
