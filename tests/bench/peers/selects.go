package main

// producers starts count goroutines that send `each` numbers, each on a channel of its own.
func producers(chans []chan int, each int) {
	for _, c := range chans {
		go func(c chan<- int) {
			for i := 0; i < each; i++ {
				c <- i
			}
		}(c)
	}
}

func newChans(count int) []chan int {
	chans := make([]chan int, count)
	for i := range chans {
		chans[i] = make(chan int)
	}
	return chans
}

func expectEach(received []int, sum, each int) {
	for _, n := range received {
		expect(n == each, "the number of values of a channel")
	}
	expect(sum == len(received)*(each*(each-1)/2), "the sum of the values")
}

func select2(s *stopwatch, count int) float64 {
	each := count / 2
	chans := newChans(2)
	a, b := chans[0], chans[1]
	var received [2]int
	sum, v := 0, 0

	s.start()
	producers(chans, each)
	for i := 0; i < 2*each; i++ {
		select {
		case v = <-a:
			received[0]++
		case v = <-b:
			received[1]++
		}
		sum += v
	}
	s.stop()
	expectEach(received[:], sum, each)
	return s.perUnit(2 * each)
}

func select8(s *stopwatch, count int) float64 {
	each := count / 8
	chans := newChans(8)
	c0, c1, c2, c3 := chans[0], chans[1], chans[2], chans[3]
	c4, c5, c6, c7 := chans[4], chans[5], chans[6], chans[7]
	var received [8]int
	sum, v := 0, 0

	s.start()
	producers(chans, each)
	for i := 0; i < 8*each; i++ {
		select {
		case v = <-c0:
			received[0]++
		case v = <-c1:
			received[1]++
		case v = <-c2:
			received[2]++
		case v = <-c3:
			received[3]++
		case v = <-c4:
			received[4]++
		case v = <-c5:
			received[5]++
		case v = <-c6:
			received[6]++
		case v = <-c7:
			received[7]++
		}
		sum += v
	}
	s.stop()
	expectEach(received[:], sum, each)
	return s.perUnit(8 * each)
}

func selectNow(s *stopwatch, count int) float64 {
	a, b := make(chan int), make(chan int)
	misses := 0

	s.start()
	for i := 0; i < count; i++ {
		select {
		case <-a:
		case <-b:
		default:
			misses++
		}
	}
	s.stop()
	expect(misses == count, "the number of misses")
	return s.perUnit(count)
}
