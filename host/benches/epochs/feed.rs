//! Sends orders at a pace until it is dropped, dated now, dealt to the partitions in turn.

use super::input::{customer, order_at};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What to send.
pub struct Orders {
    pub brokers: String,
    pub topic: &'static str,
    pub partitions: u64,
    pub groups: u64,
    /// A second.
    pub rate: u64,
}

/// A thread that sends.
pub struct Feed {
    sent: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    /// Sends from now on.
    pub fn start(orders: Orders) -> Self {
        let (sent, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (sent, stop) = (Arc::clone(&sent), Arc::clone(&stop));
            move || orders.send(&sent, &stop)
        });
        Self { sent, stop, thread: Some(thread) }
    }

    /// How many were handed to the client: the broker has no more.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Orders {
    fn send(&self, sent: &AtomicU64, stop: &AtomicBool) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("enable.idempotence", "true").set("linger.ms", "5");
        let producer: ThreadedProducer<DefaultProducerContext> = config.create().expect("a producer");
        let (began, mut number) = (Instant::now(), 0);
        while !stop.load(Ordering::Acquire) {
            let due = (began.elapsed().as_secs_f64() * self.rate as f64) as u64;
            let timestamp = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
            for number in number..due {
                let order = order_at(&customer(number / self.partitions % self.groups), &timestamp, number);
                let record: BaseRecord<'_, [u8], [u8]> =
                    BaseRecord::to(self.topic).partition((number % self.partitions) as i32).payload(order.as_bytes());
                producer.send(record).map_err(|(error, _)| error).expect("the client takes it");
            }
            number = due;
            sent.store(number, Ordering::Release);
            std::thread::sleep(Duration::from_millis(2));
        }
        producer.flush(Duration::from_secs(60)).expect("the broker takes all");
    }
}
