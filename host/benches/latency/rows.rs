//! When each row became visible: the kernel tells of every file that gets its name in a KPI's folder.

use rustix::fs::inotify;
use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// The KPIs of `bench/pipelines/latency.toml`.
pub const KPIS: [&str; 2] = ["sales", "sales-by-country"];
/// A name that no row's file has: it ends the watch.
const END: &str = ".end";

/// By KPI (its place in `KPIS`) and the window's start in seconds: when its file was first there, microseconds since the epoch.
pub type Seen = HashMap<(usize, i64), i64>;

/// A watch over the folders of rows.
pub struct Rows {
    folder: PathBuf,
    watch: JoinHandle<Seen>,
}

impl Rows {
    /// Watches from now on; the KPIs' folders must be there.
    pub fn watch(folder: &Path) -> Self {
        let told = inotify::init(inotify::CreateFlags::CLOEXEC).expect("inotify");
        let watches = KPIS.map(|kpi| {
            inotify::add_watch(&told, folder.join(kpi), inotify::WatchFlags::MOVED_TO).expect("a folder of rows")
        });
        let watch = std::thread::spawn(move || {
            let mut buffer = [MaybeUninit::uninit(); 16 << 10];
            let mut events = inotify::Reader::new(told, &mut buffer);
            let mut seen = Seen::new();
            loop {
                let event = events.next().expect("inotify");
                let now_us = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_micros() as i64;
                let kpi = watches.iter().position(|watch| *watch == event.wd()).expect("one of ours");
                let name = event.file_name().expect("a name").to_str().expect("a plain name");
                if name == END {
                    return seen;
                }
                seen.entry((kpi, second(name))).or_insert(now_us);
            }
        });
        Self { folder: folder.to_owned(), watch }
    }

    /// Ends the watch.
    pub fn end(self) -> Seen {
        let (made, end) = (self.folder.join(END), self.folder.join(KPIS[0]).join(END));
        std::fs::write(&made, "").and_then(|()| std::fs::rename(&made, end)).expect("the folder can be written");
        self.watch.join().expect("the watch ends in order")
    }
}

/// The start of the window whose file has this name: `2020-09-18T10-50-00Z.json`.
fn second(name: &str) -> i64 {
    let date = jiff::civil::DateTime::strptime("%Y-%m-%dT%H-%M-%SZ.json", name).expect("a file of rows");
    date.to_zoned(jiff::tz::TimeZone::UTC).expect("today").timestamp().as_second()
}
