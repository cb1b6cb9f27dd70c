//! Stands between a client and a NameNode, and cuts the connection at a call that a test names: before it arrives, or after, so that only
//! the answer is lost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Which of the two is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    Call,
    Answer,
}

#[derive(Debug, Default)]
struct Plan {
    next: Mutex<Option<(&'static str, Lost)>>,
    cuts: AtomicUsize,
}

/// Listens as long as the process lives.
pub struct Cutter {
    port: u16,
    plan: Arc<Plan>,
}

impl Cutter {
    /// Before the NameNode at `hdfs://host:port`.
    pub fn before(url: &str) -> Cutter {
        let (there, plan) = (url.trim_start_matches("hdfs://").to_owned(), Arc::new(Plan::default()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let cutter = Cutter { port: listener.local_addr().unwrap().port(), plan: Arc::clone(&plan) };
        thread::spawn(move || {
            for client in listener.incoming() {
                // A NameNode that is away: the client's connection closes at once.
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(&there)) else { continue };
                connect(client, server, &plan);
            }
        });
        cutter
    }

    pub fn url(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.port)
    }

    /// Cuts at the next call of this method.
    pub fn cut(&self, method: &'static str, lost: Lost) {
        *self.plan.next.lock().unwrap() = Some((method, lost));
    }

    /// How often it has cut.
    pub fn cuts(&self) -> usize {
        self.plan.cuts.load(Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, server: TcpStream, plan: &Arc<Plan>) {
    let muted = Arc::new(AtomicBool::new(false));
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let is_muted = Arc::clone(&muted);
    thread::spawn(move || {
        let mut bytes = [0; 65536];
        while let Ok(len @ 1..) = from.read(&mut bytes) {
            if is_muted.load(Ordering::SeqCst) || to.write_all(&bytes[..len]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let plan = Arc::clone(plan);
    thread::spawn(move || {
        let (mut client, mut server) = (client, server);
        let mut bytes = [0; 65536];
        while let Ok(len @ 1..) = client.read(&mut bytes) {
            let lost = take(&plan, &bytes[..len]);
            muted.store(lost.is_some(), Ordering::SeqCst);
            if lost != Some(Lost::Call) && server.write_all(&bytes[..len]).is_err() {
                break;
            }
            if lost.is_some() {
                // Time for the NameNode to do it.
                thread::sleep(Duration::from_millis(500));
                break;
            }
        }
        let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    });
}

/// Whether this is the call to cut at: its header begins with the method's name, a text with its length before it.
fn take(plan: &Plan, bytes: &[u8]) -> Option<Lost> {
    let mut next = plan.next.lock().unwrap();
    let (method, lost) = (*next)?;
    let header = [&[0x0a, method.len() as u8], method.as_bytes()].concat();
    if !bytes.windows(header.len()).any(|window| window == header) {
        return None;
    }
    *next = None;
    plan.cuts.fetch_add(1, Ordering::SeqCst);
    Some(lost)
}
