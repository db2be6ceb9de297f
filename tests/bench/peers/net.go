package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

const connections, size = 64, 64

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func serve(listener net.Listener, group *sync.WaitGroup) {
	for i := 0; i < connections; i++ {
		conn, err := listener.Accept()
		must(err)
		group.Add(1)
		go func() {
			defer group.Done()
			defer conn.Close()
			message := make([]byte, size)
			for {
				_, err := io.ReadFull(conn, message)
				if err == io.EOF {
					return
				}
				must(err)
				_, err = conn.Write(message)
				must(err)
			}
		}()
	}
}

func ask(conn net.Conn, number, trips int) {
	sent, received := bytes.Repeat([]byte{byte(number)}, size), make([]byte, size)
	for i := 0; i < trips; i++ {
		binary.LittleEndian.PutUint64(sent, uint64(i))
		_, err := conn.Write(sent)
		must(err)
		_, err = io.ReadFull(conn, received)
		must(err)
		expect(bytes.Equal(sent, received), "that the echo is what was sent")
	}
}

func echo(s *stopwatch, count int) float64 {
	each := count / connections
	var accepting, serving, asking sync.WaitGroup
	var echoed int64

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	accepting.Add(1)
	go func() {
		defer accepting.Done()
		serve(listener, &serving)
	}()
	var conns [connections]net.Conn
	for i := range conns {
		conns[i], err = net.Dial("tcp", listener.Addr().String())
		must(err)
	}
	accepting.Wait()

	s.start()
	for i := range conns {
		asking.Add(1)
		go func(i int) {
			defer asking.Done()
			ask(conns[i], i, each)
			atomic.AddInt64(&echoed, int64(each))
		}(i)
	}
	asking.Wait()
	s.stop()
	expect(echoed == int64(connections*each), "the number of round trips")

	for _, conn := range conns {
		conn.Close()
	}
	serving.Wait()
	listener.Close()
	return float64(connections*each) / s.wall.Seconds()
}
