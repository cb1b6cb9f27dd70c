//! A way to a server that can swallow its next answer.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Listens until the process ends.
pub struct Proxy {
    pub url: String,
    /// At 1 the next answer is swallowed and its connection broken; above, that many are let through before.
    swallow: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let swallow = Arc::new(AtomicUsize::new(0));
        let shared = Arc::clone(&swallow);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || forward(from, to, None));
                let shared = Arc::clone(&shared);
                thread::spawn(move || forward(server, client, Some(&shared)));
            }
        });
        Self { url, swallow }
    }

    pub fn swallow_answer(&self, which: usize) {
        self.swallow.store(which, Ordering::SeqCst);
    }

    pub fn has_swallowed(&self) -> bool {
        self.swallow.load(Ordering::SeqCst) == 0
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, swallow: Option<&AtomicUsize>) {
    let mut buffer = [0; 65_536];
    while let Ok(len @ 1..) = from.read(&mut buffer) {
        let countdown = |left: usize| left.checked_sub(1);
        let swallowed =
            swallow.is_some_and(|left| left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, countdown) == Ok(1));
        if swallowed || to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
