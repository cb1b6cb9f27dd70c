//! A proxy in front of a broker that cuts connections in the middle of what the broker sends: what a real network does too rarely.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A listener on a port of its own, which the broker has to know before it starts.
pub struct Proxy {
    listener: TcpListener,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn bind() -> Self {
        Self { listener: TcpListener::bind(("127.0.0.1", 0)).unwrap(), cuts: Arc::new(AtomicUsize::new(0)) }
    }

    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Forwards to the broker. The first `cuts_max` connections that get so far are cut after some number of bytes, a different one each
    /// time; counts them.
    pub fn serve(self, broker: String, cuts_max: usize, bytes: std::ops::Range<usize>) -> Arc<AtomicUsize> {
        let cuts = Arc::clone(&self.cuts);
        thread::spawn(move || {
            for (number, client) in self.listener.incoming().flatten().enumerate() {
                let Ok(server) = TcpStream::connect(&broker) else { continue };
                // A multiplicative hash: spread over the range, the same on every run.
                let after = bytes.start + number.wrapping_mul(2_654_435_761) % bytes.len();
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || copy(up, server, usize::MAX));
                let cuts = Arc::clone(&self.cuts);
                thread::spawn(move || {
                    let is_cut = cuts.load(Ordering::Relaxed) < cuts_max;
                    if copy(down, client, if is_cut { after } else { usize::MAX }) {
                        cuts.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        cuts
    }
}

/// Copies at most `bytes_max`; true if there would have been more. Then both sides are closed.
fn copy(mut from: TcpStream, mut to: TcpStream, bytes_max: usize) -> bool {
    let (mut buffer, mut copied) = ([0; 8192], 0);
    let is_cut = loop {
        let Ok(read @ 1..) = from.read(&mut buffer) else { break false };
        let some = read.min(bytes_max - copied);
        if to.write_all(&buffer[..some]).is_err() {
            break false;
        }
        copied += some;
        if copied == bytes_max {
            break true;
        }
    };
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    is_cut
}
