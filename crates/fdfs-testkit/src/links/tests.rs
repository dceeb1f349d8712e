//! A server that sends back what it gets, behind a proxy.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::*;
use crate::loopback::{Loopback, free_port};
use crate::raw::connect_from;

const ONE: Node = Node::Storage(1);
const SOON: Duration = Duration::from_millis(30);

struct Echo {
    links: Links,
    told: SocketAddr,
    one: Ipv4Addr,
}

impl Echo {
    fn start() -> Self {
        let net = Loopback::claim();
        let port = free_port(&[net.ip(1), net.ip(2), net.ip(3), net.ip(4)]);
        let addr = |host| SocketAddr::from((net.ip(host), port));
        let place = |index, host| Place { node: Node::Storage(index), told: addr(host), real: addr(host + 1) };
        let listener = TcpListener::bind(addr(2)).unwrap();
        std::thread::spawn(move || {
            while let Ok((mut stream, from)) = listener.accept() {
                std::thread::spawn(move || {
                    // First of all it says whom it sees.
                    let _ = writeln!(stream, "{}", from.ip());
                    let _ = io::copy(&mut stream.try_clone().unwrap(), &mut stream);
                });
            }
        });
        let links = Links::start(vec![place(0, 1), place(1, 3)]);
        Self { links, told: addr(1), one: net.ip(4) }
    }

    /// Storage 1 connects to it, and has read its first line.
    fn connect(&self) -> io::Result<(TcpStream, String)> {
        let mut stream = connect_from(self.one, self.told)?;
        stream.set_read_timeout(Some(crate::PATIENCE))?;
        let mut line = String::new();
        while !line.ends_with('\n') {
            line.push(char::from(read(&mut stream, 1)?[0]));
        }
        Ok((stream, line))
    }
}

fn read(stream: &mut TcpStream, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn echoed(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(bytes)?;
    read(stream, bytes.len())
}

#[test]
fn a_server_sees_the_told_address_of_its_caller() {
    let echo = Echo::start();
    let (mut stream, seen) = echo.connect().unwrap();
    assert_eq!(seen.trim(), echo.links.wiring.places[1].told.ip().to_string());
    assert_eq!(echoed(&mut stream, b"hello").unwrap(), b"hello");
    assert_eq!(echo.links.passed_bytes(ONE, Node::Storage(0)), 5);
    assert_eq!(echo.links.passed_bytes(Node::Storage(0), ONE), 5 + seen.len() as u64);
    // And an end is an end.
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    // Somebody else comes as who they are.
    let mut stranger = TcpStream::connect(echo.told).unwrap();
    assert_eq!(read(&mut stranger, 9).unwrap(), b"127.0.0.1");
}

#[test]
fn a_cut_resets_what_the_sender_opened_and_refuses_new_ones() {
    let echo = Echo::start();
    let (mut stream, _) = echo.connect().unwrap();
    echo.links.set(ONE, Node::Storage(0), Link::Cut);
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(echo.connect().is_err());
    let mut stranger = TcpStream::connect(echo.told).unwrap();
    assert_eq!(read(&mut stranger, 9).unwrap(), b"127.0.0.1");
    echo.links.heal();
    assert_eq!(echoed(&mut echo.connect().unwrap().0, b"again").unwrap(), b"again");
    // Cut the other way, this connection lives.
    echo.links.set(Node::Storage(0), ONE, Link::Cut);
    assert_eq!(echoed(&mut echo.connect().unwrap().0, b"still").unwrap(), b"still");
}

/// A busy machine may not look at a connection for long: what is sent after the cut never arrives all the same.
#[test]
fn nothing_that_is_sent_after_a_cut_arrives() {
    let echo = Echo::start();
    for _ in 0..100 {
        let (mut stream, _) = echo.connect().unwrap();
        let passed = echo.links.passed_bytes(ONE, Node::Storage(0));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        echo.links.runtime.as_ref().unwrap().spawn(async move { wait.recv() });
        echo.links.set(ONE, Node::Storage(0), Link::Cut);
        stream.write_all(b"too late").unwrap();
        go.send(()).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(echo.links.passed_bytes(ONE, Node::Storage(0)), passed);
        echo.links.heal();
    }
}

#[test]
fn what_hangs_arrives_later_and_the_other_way_is_free() {
    let echo = Echo::start();
    let (mut stream, _) = echo.connect().unwrap();
    echo.links.set(Node::Storage(0), ONE, Link::Hang);
    stream.write_all(b"late").unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    crate::wait_for("the way there", || (echo.links.passed_bytes(ONE, Node::Storage(0)) == 4).then_some(()));
    echo.links.heal();
    stream.set_read_timeout(Some(crate::PATIENCE)).unwrap();
    assert_eq!(read(&mut stream, 4).unwrap(), b"late");
}

#[test]
fn slow_and_late_lines_take_their_time() {
    let echo = Echo::start();
    let (mut stream, _) = echo.connect().unwrap();
    for (link, at_least) in [(Link::Slow(10_000), 100), (Link::Delay(Duration::from_millis(50)), 50)] {
        echo.links.set(ONE, Node::Storage(0), link);
        let started = Instant::now();
        assert_eq!(echoed(&mut stream, &[7; 1000]).unwrap(), [7; 1000]);
        assert!(started.elapsed() >= Duration::from_millis(at_least), "{link:?} took {:?}", started.elapsed());
    }
}

#[test]
fn rubbish_begins_with_a_new_connection() {
    let echo = Echo::start();
    let (mut stream, line) = echo.connect().unwrap();
    echo.links.set(Node::Storage(0), ONE, Link::Garble);
    assert_eq!(stream.read(&mut [0; 1]).unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    let mut stream = connect_from(echo.one, echo.told).unwrap();
    assert_ne!(read(&mut stream, line.len()).unwrap(), line.as_bytes());
}

#[test]
fn one_bit_is_wrong_where_it_should_be() {
    let echo = Echo::start();
    let (mut stream, _) = echo.connect().unwrap();
    echo.links.set(ONE, Node::Storage(0), Link::Flip(4));
    assert_eq!(echoed(&mut stream, b"aaaaaaaaaa").unwrap(), b"aaaeaaaeaa");
}
