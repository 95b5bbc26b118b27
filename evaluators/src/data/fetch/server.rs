//! A small HTTP server for tests, with faults on demand.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How the server answers one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As it should, with ranges.
    Well,
    /// Announces all that was asked for and closes the connection after so many bytes.
    Cut(usize),
    /// Without ranges: all, whatever was asked for.
    Whole,
    /// A range that was not asked for.
    WrongRange,
    /// A byte at a time, so many milliseconds apart, 400 of them; then all that is left.
    Drip(u64),
    /// With this status and nothing else.
    Status(u16),
}

/// Serves one file at every path; the answers are given in turn, then it answers well.
#[derive(Debug)]
pub struct Server {
    pub address: String,
    /// The first byte that each request asked for.
    pub asked: Arc<Mutex<Vec<usize>>>,
}

impl Server {
    pub fn new(contents: Vec<u8>, answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}/file.bin", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let mut answers: VecDeque<Answer> = answers.iter().copied().collect();
        // It ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answers.pop_front().unwrap_or(Answer::Well);
                // A client that goes away is part of what is tested.
                let _ = serve(stream, &contents, answer, &log);
            }
        });
        Self { address, asked }
    }

    pub fn asked(&self) -> Vec<usize> {
        self.asked.lock().expect("no thread panics").clone()
    }
}

fn serve(mut stream: TcpStream, contents: &[u8], answer: Answer, log: &Mutex<Vec<usize>>) -> std::io::Result<()> {
    let mut first = 0;
    for line in BufReader::new(&stream).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            first = range.trim_end_matches('-').parse().expect("an open range");
        }
    }
    log.lock().expect("no thread panics").push(first);
    let total = contents.len();
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{more}\r\n")
    };
    let partial = |first: usize| format!("content-range: bytes {first}-{}/{total}\r\n", total.saturating_sub(1));
    if let Answer::Status(code) = answer {
        return stream.write_all(head(&format!("{code} No"), 0, "").as_bytes());
    }
    if first > total || (first == total && first > 0) {
        return stream.write_all(head("416 Range Not Satisfiable", 0, "").as_bytes());
    }
    let body = if answer == Answer::Whole { contents } else { &contents[first..] };
    let head = match (answer, first) {
        (Answer::Whole, _) | (_, 0) => head("200 OK", body.len(), ""),
        (Answer::WrongRange, _) => head("206 Partial Content", body.len(), &partial(first - 1)),
        _ => head("206 Partial Content", body.len(), &partial(first)),
    };
    stream.write_all(head.as_bytes())?;
    match answer {
        Answer::Cut(n) => stream.write_all(&body[..n.min(body.len())]),
        Answer::Drip(pause) => {
            let (drops, rest) = body.split_at(body.len().min(400));
            stream.set_nodelay(true)?;
            for drop in drops {
                stream.write_all(&[*drop])?;
                thread::sleep(Duration::from_millis(pause));
            }
            stream.write_all(rest)
        }
        _ => stream.write_all(body),
    }
}
