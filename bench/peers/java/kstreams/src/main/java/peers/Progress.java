package peers;

import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.streams.KafkaStreams;

/** How far the job is. Kafka Streams has no end of input, so somebody has to see that everything was read and summed. */
final class Progress {
    static final AtomicLong READ = new AtomicLong();
    static final AtomicLong SUMMED = new AtomicLong();
    static final AtomicLong LATE = new AtomicLong();
    /** Invoices in final country rows, and those of them that have reached the global table (dsl). */
    static final AtomicLong CLOSED = new AtomicLong();
    static final AtomicLong GLOBAL = new AtomicLong();

    private static final long PAUSE_MS = 50;

    private Progress() {}

    /**
     * Waits until all records are read and summed and all final rows handed on. Where nothing has moved for long although all was
     * read, records were dropped without a word (see the README), and that is the end too.
     *
     * @param isExact whether the topology counts every record, so that the sum alone says that it is done
     */
    static void await(KafkaStreams streams, long total, long commitMs, boolean isExact) throws InterruptedException {
        long quiet = commitMs + 700, last = -1, since = System.nanoTime();
        while (streams.state() != KafkaStreams.State.ERROR) {
            Thread.sleep(PAUSE_MS);
            if (total == 0 && streams.state() == KafkaStreams.State.RUNNING) break;
            long summed = SUMMED.get() + LATE.get(), moved = summed + CLOSED.get() + GLOBAL.get();
            if (moved != last) {
                last = moved;
                since = System.nanoTime();
                continue;
            }
            if (READ.get() < total || total == 0) continue;
            long still = (System.nanoTime() - since) / 1_000_000;
            boolean whole = summed >= total && CLOSED.get() == GLOBAL.get();
            if (whole && (isExact || still > quiet)) break;
            if (still > 3 * quiet + 3_000) {
                Marks.say("STALLED", Long.toString(still));
                break;
            }
        }
    }

    static void tell(KafkaStreams streams) {
        double dropped = streams.metrics().values().stream()
            .filter(m -> m.metricName().name().equals("dropped-records-total")).mapToDouble(m -> (double) m.metricValue()).sum();
        Marks.say("READ", Long.toString(READ.get()));
        Marks.say("SUMMED", Long.toString(SUMMED.get()));
        Marks.say("DROPPED", Long.toString((long) dropped + LATE.get()));
    }
}
