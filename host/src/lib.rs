//! Weir: KPIs as plugins, whose numbers you can prove. This page is the architecture.
//!
//! # The way of a record
//!
//! ```text
//! partition ── blocks ──▶ source        one shared buffer and a range a record; order is kept within a partition only
//!   ▶ decode        bytes → columns, only those that somebody asked for; the rest of a record is checked to be well-formed
//!   ▶ judge         future-dated, or it has its say in its partition's front; each row learns the watermark before it
//!   ▶ preprocess    plugins in file order, one call a batch: columns added, rows filtered, rows rejected with a reason
//!   ▶ fold          event time → pane; (pane, group key) → slot; each KPI: one `update` a batch
//!   ▶ flush         what the closed windows still lack travels to the keeper as state
//!   ▶ close         states merge; windows at or below the watermark are evaluated → rows
//!   ▶ deliver       sinks prepare ─▶ checkpoint (offsets, state, what was prepared) ─▶ sinks commit
//! ```
//!
//! Backwards go three things only: fullness (the channels to the keeper and to delivery are bounded), the watermark, and
//! confirmation (the checkpoint decides from which offset a restart reads).
//!
//! # Rooms and arrows
//!
//! ```text
//! main ─▶ cli ─▶ pipeline ─▶ { config, decode, plugin, source, sink, checkpoint, storage } ─▶ weir_core
//!          ╰───▶ { config, plugin }       { sink, checkpoint } ─▶ storage       anybody ─▶ telemetry ─▶ nobody
//! ```
//!
//! `checkpoint` keeps records and knows no meanings; `sink` has a file or folder for each outside system; `storage` is file systems (this
//! machine's, HDFS), on which checkpoints and sinks of files stand (`decisions/014`). Other siblings never import each other: where two
//! rooms have to agree, a type of `weir_core` stands between them, and `pipeline`, the only room that has met everyone, carries it over.
//! The command line loads files and builds and inspects plugins without a pipeline, hence its two further arrows (`decisions/002`).
//! `tests/rooms.rs` fails on an arrow that is not above, and on a word in a room that it does not belong to: `wasmtime` is said in
//! `plugin`, `rdkafka` in `source` and `sink`, `hdfs_native` in `storage`, TOML in `config`, `println!` in `cli`, the time of day in
//! `pipeline/clock.rs`. A line that needs two rooms is two lines with a type between them.
//!
//! # Threads
//!
//! * **Workers**, at most one a partition. Each owns some partitions and does everything from reading to the fold on its own
//!   plugin instances. Workers share the board of watermarks (under short locks), some counters, and no state of a KPI.
//! * **The keeper**, one: it is the thread that called [`pipeline::run`]. It holds the merged state, closes windows, and makes the cuts. It
//!   touches nothing outside.
//! * **Delivery**, one: it has the sinks, the letter files and the checkpoint, and gets closed windows, letters and cuts over a bounded
//!   channel, in order. Whatever syncs or waits is here (`decisions/014`).
//! * **Couriers**, one a sink behind an outbox: each hands epochs to its system, oldest first, as often as it takes. One that waits holds
//!   up nobody else, until its backlog is full; then delivery takes no more, and so the keeper and the workers.
//! * **The view**, one: it looks at counters and a picture that the others renew. Nothing waits for it.
//! * Beside them the clock of plugin deadlines, some to write and sync files, small runtimes of asynchronous clients (PostgreSQL, HDFS),
//!   and the Kafka client's: one that follows the topic's leaders, one that tells a group what is counted, and short ones that open
//!   connections; or librdkafka's own.
//!
//! # The protocol of watermark, flush and epoch
//!
//! A worker goes round: *stop? all ended? barrier? read a block, work on it, post the partition's watermark; flush what is due*.
//!
//! * **Watermark.** A partition's watermark is posted on the board after its records are folded. The pipeline's is the least of the
//!   live partitions', and never goes back. A worker reads it (`W`), flushes every cell that counts in a window that ends at or before
//!   `W`, and acknowledges `W`, in one message. The keeper closes windows up to the least that the workers have acknowledged. So a
//!   window is whole when it closes, and a record that is not late finds its window's state: the proof stands on [`weir_core::fold::Folder`].
//! * **Flush.** A worker keeps only what it has folded since its last flush; the closer has the rest (`decisions/005`). Messages of one
//!   worker arrive in the order of its work. Nothing is assumed about the order between workers.
//! * **Cut.** With a checkpoint, the keeper asks for an epoch every `interval`, but not before delivery is done with the last. Each worker,
//!   between two batches, flushes everything and sends its cut: offsets, clocks, ledger. What a worker sends after its cut waits until all
//!   cuts are in; then the state is one consistent cut through the run. The keeper exports what changed in it since the last one, or all of it
//!   every so often (`decisions/012`), hands it to delivery behind the windows and letters that belong before it, and goes on.
//! * **Prepare, record, commit.** Delivery lets every sink make durable, aside or within the record, what it was given; writes one record that
//!   holds everything; lets every sink make it visible; and tells the source. Before the record nothing of the epoch is visible; after it
//!   everything will be, by this run or the next (`decisions/011`).
//! * **Start.** The newest whole chain of records is compared with the pipeline (`decisions/015`) and restored. Claiming the checkpoint and
//!   recovering the sinks shuts older runs out (`decisions/013`), and hands over what the record had prepared. New epochs have numbers above
//!   the checkpoint's and every sink's.
//! * **End.** A worker's last message is a cut. When all have ended, the last checkpoint is written, and only then bounded input ends time (`decisions/006`):
//!   what that closes is published without a record, and comes again with a later run.
//!
//! # Where to add what
//!
//! * **A source:** a file or folder in `source` with a [`source::Source`] and its [`source::Reader`]; a variant of [`config::plan::SourcePlan`] and its keys in
//!   `config/file/source.rs`; a line in `pipeline/build.rs`.
//! * **A sink:** a file or folder in `sink`, a variant of [`config::plan::SinkKind`] and its keys in `config/file/sink/`, a line in
//!   `pipeline/sinks.rs`, its section in `docs/sinks.md`. A system that takes rows and a number in one transaction is a
//!   [`sink::outbox::Destination`] with a [`sink::outbox::Render`], behind the [`sink::outbox::Outbox`]: epochs, outages and restarts are then
//!   solved. Whatever else prepares and commits is a [`sink::Sink`]. Rows as JSON text come from [`sink::row`].
//! * **A file system** for checkpoints and sinks of files: a [`storage::Storage`] in `storage`, a variant of [`config::plan::FolderPlan`], a line
//!   in `pipeline/storage.rs`.
//! * **What shapes a KPI's numbers:** into `pipeline/identity.rs`, so that a checkpoint of before is refused and not misread.
//! * **A format of records:** a folder beside `decode/json`, which turns bytes into the same columns; a value of `format` in `config/file/schema.rs`.
//! * **A version of the plugin contract:** `wit/vX.Y` and a folder beside `plugin/v0_1`.
//! * **A window, a rule of time:** `weir_core`, with the oracle of its tests first.
//! * **An arrow between rooms:** a decision page, then `tests/rooms.rs`.

pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod decode;
pub mod pipeline;
pub mod plugin;
pub mod sink;
pub mod source;
pub mod storage;
pub mod telemetry;
