// gorilla/websocket: `gorilla fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]`.
//
// As its documentation recommends: one goroutine reads a connection, one writes it from a buffered channel. A message
// to all members is a PreparedMessage, framed once.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

type member struct {
	conn  *websocket.Conn
	queue chan *websocket.PreparedMessage
}

// room puts the messages of all members in one order.
type room struct {
	mutex   sync.Mutex
	members map[*member]struct{}
}

func (r *room) join(m *member) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.members[m] = struct{}{}
}

func (r *room) leave(m *member) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	delete(r.members, m)
	close(m.queue)
}

// broadcast waits for a member whose queue is full, because nothing may be lost.
func (r *room) broadcast(kind int, data []byte) error {
	message, err := websocket.NewPreparedMessage(kind, data)
	if err != nil {
		return err
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for m := range r.members {
		m.queue <- message
	}
	return nil
}

// write goes on reading the queue after an error, because broadcast must not wait for it.
func (m *member) write() {
	for message := range m.queue {
		if m.conn.WritePreparedMessage(message) != nil {
			m.conn.Close()
		}
	}
}

func (r *room) serve(conn *websocket.Conn) error {
	m := &member{conn, make(chan *websocket.PreparedMessage, 256)}
	r.join(m)
	defer r.leave(m)
	go m.write()
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		if err := r.broadcast(kind, data); err != nil {
			return err
		}
	}
}

func echo(conn *websocket.Conn) error {
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		if err := conn.WriteMessage(kind, data); err != nil {
			return err
		}
	}
}

type options struct {
	deflate          bool
	certificate, key string
}

func parse(words []string) (options, error) {
	var o options
	for len(words) > 0 {
		switch {
		case words[0] == "--deflate":
			o.deflate, words = true, words[1:]
		case words[0] == "--tls" && len(words) > 2:
			o.certificate, o.key, words = words[1], words[2], words[3:]
		default:
			return o, fmt.Errorf("unknown option %s", words[0])
		}
	}
	return o, nil
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: gorilla fanout|echo PORT [--deflate] [--tls CERTIFICATE KEY]")
	}
	o, err := parse(os.Args[3:])
	if err != nil {
		log.Fatal(err)
	}
	serve := (&room{members: map[*member]struct{}{}}).serve
	if os.Args[1] == "echo" {
		serve = echo
	}
	upgrader := websocket.Upgrader{EnableCompression: o.deflate, WriteBufferPool: &sync.Pool{}}
	handler := http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		conn, err := upgrader.Upgrade(w, request, nil)
		if err != nil {
			return // the client has got an error
		}
		defer conn.Close()
		_ = serve(conn) // an error only ends the connection
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", listener.Addr())
	if o.key != "" {
		log.Fatal(http.ServeTLS(listener, handler, o.certificate, o.key))
	}
	log.Fatal(http.Serve(listener, handler))
}
