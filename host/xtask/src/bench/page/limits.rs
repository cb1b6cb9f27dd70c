//! What the page must say of itself.

/// The section.
pub(super) const TEXT: &str = "
## What this does not show

* **One machine.** Engine, broker and, for latency, the feeder share its cores and its memory. Nothing crosses a network, nothing is replicated, no
  TLS is spoken; the broker is a small one (384 MB of heap, the quick compiler only). The engines that are made for many machines pay here for what they could do there; a cluster was not measured.
* **CPU time and not speed by the clock** is what is compared, because a bill is. The broker's CPU time is left out; it serves each engine a little
  differently (sizes of fetches, topics of Kafka Streams' own), and on two cores it takes time from those who read fastest.
* **A warm page cache.** Each topic is read once before anything counts. From a cold one the reader pays for the first touch of each page as well: some
  700 ns of system time an event on a virtual machine, whoever reads.
* **Uncompressed records of 387 bytes, null keys, no headers.** Of compressed topics every client pays for unpacking, and the distance between engines
  shrinks. Larger records shift the cost to parsing, smaller ones to the client.
* **Synthetic invoices.** 40 countries, 20,000 invoices in a minute of event time, five seconds of disorder, nothing late, nothing broken. Tens of thousands of
  groups, late records and dead letters cost each engine differently.
* **A backlog.** The throughput runs read as fast as they can; at the pace of a live topic batches are smaller and every event costs more. The latency table
  is live, at one load and one shape of windows.
* **JVMs warm up.** A whole run of a few seconds is mostly the JVM's start and its compiler; that is why the warm slope stands beside it. Ahead-of-time caches
  (CDS, CRaC, native images) were not tried. Weir's plugins are compiled before the first run; the first run ever takes longer once.
* **No checkpoints in the throughput runs**, of no engine. Measured apart, a checkpoint every ten seconds cost Flink nothing that could be told from noise, its
  state being some hundred sums; and Kafka Streams always commits, once a second.
* **Not every guarantee is the same.** Flink and Spark add doubles, Weir adds decimals exactly; Weir judges lateness by a record's own partition and checks
  every record to be well-formed, fastjson2 skips what it does not need. Kafka Streams writes its rows to topics, the others to files.
* **Tuning by choice, not by search.** Fetch sizes, heaps and collectors are what each handbook says, and the same on every machine. Whoever finds a faster setting:
  it is one line in `bench/peers`, and we will take it.
* **Few runs on a machine that may not be alone.** Neighbours move CPU seconds by 15 to 40 per cent; hence turns, medians, and all runs in print. Differences
  of less than that are not differences.
";
