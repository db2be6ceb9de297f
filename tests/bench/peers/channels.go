package main

import (
	"sync"
	"sync/atomic"
)

func pingpong(s *stopwatch, count int) float64 {
	there, back := make(chan int), make(chan int)
	value := 0

	s.start()
	go func() {
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	for i := 0; i < count; i++ {
		there <- value
		value = <-back
	}
	s.stop()
	expect(value == count, "the number of round trips")
	close(there)
	<-back
	return s.perUnit(count)
}

func transfer(s *stopwatch, count, capacity, pairs int) float64 {
	c := make(chan int, capacity)
	each := count / pairs
	var producers, consumers sync.WaitGroup
	var received, sum int64

	s.start()
	for i := 0; i < pairs; i++ {
		producers.Add(1)
		go func() {
			defer producers.Done()
			for j := 0; j < each; j++ {
				c <- j
			}
		}()
		consumers.Add(1)
		go func() {
			defer consumers.Done()
			n, part := 0, 0
			for v := range c {
				n++
				part += v
			}
			atomic.AddInt64(&received, int64(n))
			atomic.AddInt64(&sum, int64(part))
		}()
	}
	producers.Wait()
	close(c)
	consumers.Wait()
	s.stop()
	expect(received == int64(pairs*each), "the number of values")
	expect(sum == int64(pairs*(each*(each-1)/2)), "the sum of the values")
	return s.perUnit(pairs * each)
}

func uncontended(s *stopwatch, count int) float64 {
	c := make(chan int, 1)
	sum := 0

	s.start()
	for i := 0; i < count; i++ {
		c <- i
		sum += <-c
	}
	s.stop()
	expect(sum == count*(count-1)/2, "the sum of the values")
	return s.perUnit(count)
}

func ring(s *stopwatch, count int) float64 {
	const size = 503
	var chans [size]chan int
	end := make(chan int)
	var group sync.WaitGroup

	for i := range chans {
		chans[i] = make(chan int)
	}
	for i := range chans {
		group.Add(1)
		go func(number int, in <-chan int, out chan<- int) {
			defer group.Done()
			for left := range in {
				if left == 0 {
					end <- number
				} else {
					out <- left - 1
				}
			}
		}(i, chans[i], chans[(i+1)%size])
	}
	s.start()
	chans[0] <- count
	last := <-end
	s.stop()
	expect(last == count%size, "where the token has ended")
	for _, c := range chans {
		close(c)
	}
	group.Wait()
	return s.perUnit(count)
}

// sieveOutcome returns the count-th prime, and how many values pass a channel on the way to it.
func sieveOutcome(count int) (last, values int) {
	var primes []int
	for n := 2; len(primes) < count; n++ {
		i := 0
		for i < len(primes) && n%primes[i] != 0 {
			i++
		}
		values += i + 1
		if i == len(primes) {
			primes = append(primes, n)
		}
	}
	return primes[count-1], values
}

func sieve(s *stopwatch, count int) float64 {
	last, values := sieveOutcome(count)
	var group sync.WaitGroup
	var passed int64

	s.start()
	in := make(chan int)
	go func(out chan<- int) {
		for n := 2; n <= last; n++ {
			out <- n
		}
		close(out)
	}(in)
	prime := 0
	for i := 0; i < count; i++ {
		prime = <-in
		atomic.AddInt64(&passed, 1)
		out := make(chan int)
		group.Add(1)
		go func(in <-chan int, out chan<- int, prime int) {
			defer group.Done()
			received := 0
			for n := range in {
				received++
				if n%prime != 0 {
					out <- n
				}
			}
			atomic.AddInt64(&passed, int64(received))
			close(out)
		}(in, out, prime)
		in = out
	}
	group.Wait()
	s.stop()
	expect(prime == last, "the last prime")
	expect(passed == int64(values), "the number of values")
	return s.perUnit(values)
}

func closeWithWaiters(s *stopwatch, count int) float64 {
	gate := make(chan struct{})
	var group sync.WaitGroup
	var aboutToPark int64

	for i := 0; i < count; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			atomic.AddInt64(&aboutToPark, 1)
			<-gate
		}()
	}
	awaitParked(&aboutToPark, count)
	s.start()
	close(gate)
	group.Wait()
	s.stop()
	return s.perUnit(count)
}
